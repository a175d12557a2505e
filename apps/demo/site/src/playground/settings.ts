/** All that decides a run, and its text in a link. What a link does not say has its default, so that links stay short; what it says wrongly is said to the user. */
import { dataSets, taskOf, type DrawnDataSet, type OwnPoint } from "../../../src/experiments/dataSets.js";
import { hiddenActivations, lossChoices, optimizerNames, scheduleNames } from "./options.js";
import { decodePoints, encodePoints } from "./ownPoints.js";

/** What a run is made of. */
export interface Settings {
  readonly data: DrawnDataSet | "custom";
  readonly samples: number;
  readonly noise: number;
  readonly outliers: number;
  readonly points: readonly OwnPoint[];
  readonly seed: number;
  /** The width of each hidden layer. */
  readonly hidden: readonly number[];
  readonly activation: string;
  /** What follows the last layer: nothing, or a softmax, which most losses have inside already. */
  readonly output: "logits" | "softmax";
  readonly loss: string;
  readonly optimizer: string;
  readonly learningRate: number;
  readonly schedule: string;
  /** Over how many updates the schedule goes. */
  readonly updates: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly batchSize: number;
}

interface Field<T> {
  readonly initial: T;
  /** What a value must be, for messages. */
  readonly expects: string;
  /** undefined: the text is no value of it. */
  parse(text: string): T | undefined;
  format(value: T): string;
}

const oneOf = <T extends string>(values: readonly T[], initial: T): Field<T> => ({
  initial,
  expects: `one of ${values.join(", ")}`,
  parse: (text) => values.find((value) => value === text),
  format: (value) => value,
});

const number = (initial: number, low: number, high: number, whole = false): Field<number> => ({
  initial,
  expects: `a ${whole ? "whole " : ""}number from ${low} to ${high}`,
  parse(text) {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : undefined;
  },
  format: String,
});

/** At most this many hidden layers, and units in each. */
export const mostLayers = 5;
export const mostUnits = 10;

const layers: Field<readonly number[]> = {
  initial: [8, 8],
  expects: `at most ${mostLayers} whole numbers from 1 to ${mostUnits}, such as 8-8, or "none"`,
  parse(text) {
    if (text === "none") return [];
    const widths = text.split("-").map(Number);
    const fits =
      widths.length <= mostLayers && widths.every((width) => Number.isInteger(width) && width >= 1 && width <= mostUnits);
    return fits ? widths : undefined;
  },
  format: (widths) => (widths.length === 0 ? "none" : widths.join("-")),
};

const points: Field<readonly OwnPoint[]> = {
  initial: [],
  expects: "points as this page writes them",
  parse: decodePoints,
  format: encodePoints,
};

type Fields = { readonly [K in keyof Settings]: Field<Settings[K]> };

/** Every setting, in the order of a link. */
export const fields: Fields = {
  data: oneOf(
    dataSets.map(({ name }) => name),
    "moons",
  ),
  samples: number(300, 20, 1000, true),
  noise: number(0.15, 0, 0.5),
  outliers: number(0, 0, 0.3),
  points,
  seed: number(1, 0, 99_999, true),
  hidden: layers,
  activation: oneOf(hiddenActivations, "tanh"),
  output: oneOf(["logits", "softmax"], "logits"),
  loss: oneOf(
    lossChoices.map(({ name }) => name),
    "crossEntropy",
  ),
  optimizer: oneOf(optimizerNames, "adamw"),
  learningRate: number(0.01, 0, 100),
  schedule: oneOf(scheduleNames, "constant"),
  updates: number(2000, 10, 100_000, true),
  weightDecay: number(0, 0, 10),
  dropout: number(0, 0, 0.9),
  batchSize: number(20, 1, 1000, true),
};

const keys = Object.keys(fields) as (keyof Settings)[];

export const initialSettings = Object.fromEntries(keys.map((key) => [key, fields[key].initial])) as unknown as Settings;

/** Settings that fit together: a loss of the data's task. */
export function fitting(settings: Settings): Settings {
  const task = taskOf(settings.data);
  if (lossChoices.some(({ name, task: of }) => name === settings.loss && of === task)) return settings;
  return { ...settings, loss: lossChoices.find(({ task: of }) => of === task)!.name };
}

/** One run, or two next to each other. */
export interface PageState {
  readonly a: Settings;
  readonly b: Settings | undefined;
}

const same = (key: keyof Settings, one: Settings, other: Settings): boolean =>
  (fields[key] as Field<unknown>).format(one[key]) === (fields[key] as Field<unknown>).format(other[key]);

/** The text after # in a link. */
export function formatLink({ a, b }: PageState): string {
  const parameters = new URLSearchParams();
  const write = (prefix: string, settings: Settings, base: Settings): void => {
    for (const key of keys)
      if (!same(key, settings, base)) parameters.set(prefix + key, (fields[key] as Field<unknown>).format(settings[key]));
  };
  write("", a, initialSettings);
  if (b !== undefined) {
    parameters.set("compare", "1");
    write("b.", b, a);
  }
  return parameters.toString();
}

/** The state of a link, and what in it could not be used. */
export function parseLink(text: string): { readonly state: PageState; readonly problems: readonly string[] } {
  const parameters = new URLSearchParams(text);
  const problems: string[] = [];
  const read = (prefix: string, base: Settings): Settings => {
    const settings: Record<string, unknown> = { ...base };
    for (const key of keys) {
      const given = parameters.get(prefix + key);
      if (given === null) continue;
      const value = (fields[key] as Field<unknown>).parse(given);
      if (value === undefined) problems.push(`${prefix}${key} is ${fields[key].expects}; the link says "${given.slice(0, 40)}".`);
      else settings[key] = value;
    }
    return fitting(settings as unknown as Settings);
  };
  const names = new Set(["compare", ...keys, ...keys.map((key) => `b.${key}`)]);
  for (const name of new Set(parameters.keys()))
    if (!names.has(name)) problems.push(`There is no setting "${name.slice(0, 40)}".`);
  const a = read("", initialSettings);
  if (a.data === "custom" && a.points.length < 2)
    return {
      state: { a: { ...a, data: initialSettings.data }, b: undefined },
      problems: [...problems, "The link has no points of its own."],
    };
  const b = parameters.has("compare") ? withShared(read("b.", a), a) : undefined;
  return { state: { a, b }, problems };
}

/** The settings with the data of another. */
export const withShared = (settings: Settings, { data, samples, noise, outliers, points, seed }: Settings): Settings =>
  fitting({ ...settings, data, samples, noise, outliers, points, seed });
