/** The options of a definition as controls: numbers as sliders, flags, and texts of which there are some. What a value must be the definition says itself, where it refuses one. */
import type { Values } from "../../../src/curves.js";

/** A control of an option. */
export type Parameter =
  | {
      readonly name: string;
      readonly kind: "number";
      readonly initial: number;
      readonly low: number;
      readonly high: number;
      readonly step: number;
    }
  | {
      readonly name: string;
      readonly kind: "choice";
      readonly initial: string | boolean;
      readonly choices: readonly (string | boolean)[];
    };

export type { Values };

/** Options that say where, not what: a curve has one axis. */
const places = new Set(["axis", "ignoreIndex", "blank", "training"]);

/**
 * Controls for the options of plain values. A number's slider reaches as far again as its default and the value that proves that it has effect.
 *
 * @param examples for each option a value that changes the result
 */
export function parametersOf(defaults: object, examples: object): Parameter[] {
  const given = examples as Readonly<Record<string, unknown>>;
  return Object.entries(defaults).flatMap(([name, initial]): Parameter[] => {
    const example = given[name];
    if (places.has(name)) return [];
    const value: unknown = initial ?? example;
    if (typeof value === "boolean") return [{ name, kind: "choice", initial: value, choices: [false, true] }];
    if (typeof value === "string") {
      const choices = [...new Set([value, example])].filter((each): each is string => typeof each === "string");
      return [{ name, kind: "choice", initial: value, choices }];
    }
    if (typeof value !== "number" || !Number.isFinite(value)) return [];
    const size = Math.max(Math.abs(value), typeof example === "number" && Number.isFinite(example) ? Math.abs(example) : 0, 0.05);
    const step = size > 4 ? 0.5 : size > 0.4 ? 0.05 : size > 0.04 ? 0.005 : 0.0005;
    const high = Math.ceil((2 * size) / step) * step;
    const isSigned = value < 0 || (typeof example === "number" && example < 0);
    return [{ name, kind: "number", initial: value, low: isSigned ? -high : 0, high, step }];
  });
}

/** What differs from the defaults. */
export const changedValues = (parameters: readonly Parameter[], values: Values): Values =>
  Object.fromEntries(
    parameters.flatMap(({ name, initial }) =>
      values[name] === undefined || values[name] === initial ? [] : [[name, values[name]]],
    ),
  );

/** The values that a link's texts stand for; texts that stand for none are left out. */
export function readValues(parameters: readonly Parameter[], given: ReadonlyMap<string, string>): Values {
  return Object.fromEntries(
    parameters.flatMap((parameter): [string, number | string | boolean][] => {
      const text = given.get(parameter.name);
      if (text === undefined) return [];
      if (parameter.kind === "choice") {
        const value = parameter.choices.find((choice) => String(choice) === text);
        return value === undefined ? [] : [[parameter.name, value]];
      }
      const value = Number(text);
      return text.trim() !== "" && Number.isFinite(value) ? [[parameter.name, value]] : [];
    }),
  );
}
