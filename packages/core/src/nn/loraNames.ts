/** Names around LoRA: which parameters its targets mean, and what PEFT calls an adapter's tensors. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { nearestName } from "../types/spelling.js";
import { formatShape } from "../types/dim.js";
import type { Parameter } from "../dispatch/variable.js";
import type { Module } from "./module.js";

/** What says which weights are adapted. */
export type AdapterTargets = string | RegExp | readonly (string | RegExp)[] | ((name: string, parameter: Parameter) => boolean);

/** @internal A float matrix, or a stack of them. */
export const isAdaptable = ({ shape, type }: Parameter): boolean => shape.length >= 2 && type.dtype === "float32";

/** "a.b" of "a.b.weight"; "" of "weight". */
const moduleOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));

/** Is it that name, or its end after a dot? */
const endsAs = (name: string, end: string): boolean => name === end || name.endsWith(`.${end}`);

/**
 * @internal The parameters that the targets mean, by name.
 * @throws ErmineError ERMINE_USAGE where a target means none, with the nearest name, or one of a single axis; ERMINE_OPTION for targets of another kind
 */
export function selectTargets(model: Module, targets: AdapterTargets): ReadonlyMap<string, Parameter> {
  const parameters = model.namedParameters();
  const asked = (which: (name: string, parameter: Parameter) => boolean): [string, Parameter][] =>
    parameters.filter(([name, parameter]) => isAdaptable(parameter) && which(name, parameter));
  const selected = (target: unknown): [string, Parameter][] => {
    if (typeof target === "string") return byName(model, parameters, target);
    if (target instanceof RegExp) return asked((name) => name.search(target) >= 0);
    throw new ErmineError(
      "ERMINE_OPTION",
      `lora: targets are names (texts) and patterns (RegExp), or a function, got ${show(target)}.`,
    );
  };
  if (typeof targets === "function") {
    const chosen = asked((name, parameter) => {
      const isTarget: unknown = targets(name, parameter);
      if (typeof isTarget === "boolean") return isTarget;
      throw new ErmineError(
        "ERMINE_OPTION",
        `lora: targets says true or false of a name, got ${show(isTarget)} of ${show(name)}.`,
      );
    });
    if (chosen.length > 0) return new Map(chosen);
    throw nothing(model, "targets says true of no parameter of at least two axes", parameters);
  }
  const list: readonly unknown[] = Array.isArray(targets) ? (targets as readonly unknown[]) : [targets];
  if (list.length === 0)
    throw new ErmineError("ERMINE_OPTION", 'lora: targets is an empty list. Name a weight: { targets: ["fc"] }.');
  const chosen = new Set<Parameter>();
  for (const target of list) {
    const found = selected(target);
    if (found.length === 0) throw nothing(model, `${String(target)} means no parameter of at least two axes`, parameters);
    for (const [, parameter] of found) chosen.add(parameter);
  }
  // In the model's order, whatever that of the targets.
  return new Map(parameters.filter(([, parameter]) => chosen.has(parameter)));
}

function byName(model: Module, parameters: readonly [string, Parameter][], target: string): [string, Parameter][] {
  const named = parameters.filter(([name]) => endsAs(name, target));
  const vector = named.find(([, parameter]) => !isAdaptable(parameter));
  if (vector !== undefined)
    throw new ErmineError(
      "ERMINE_USAGE",
      `lora: ${vector[0]} is ${formatShape(vector[1].shape)}, and an adapter is for weights of at least two axes. Leave it out of targets.`,
    );
  const inside = parameters.filter(([name, parameter]) => isAdaptable(parameter) && endsAs(moduleOf(name), target));
  const found = [...named, ...inside];
  if (found.length > 0) return found;
  const known = [...new Set(parameters.flatMap(([name, parameter]) => (isAdaptable(parameter) ? [name, moduleOf(name)] : [])))];
  const ends = known.map((name) => name.slice(name.lastIndexOf(".") + 1));
  const near = nearestName(target, [...known, ...ends]);
  const hint = near === undefined ? `There are ${listOf(parameters)}.` : `Did you mean ${show(near)}?`;
  throw new ErmineError("ERMINE_USAGE", `lora: no weight or module of ${model.describe()} is called ${show(target)}. ${hint}`);
}

const listOf = (parameters: readonly [string, Parameter][]): string => {
  const names = parameters.flatMap(([name, parameter]) => (isAdaptable(parameter) ? [name] : []));
  return names.length === 0 ? "none" : `${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
};

const nothing = (model: Module, what: string, parameters: readonly [string, Parameter][]): ErmineError =>
  new ErmineError("ERMINE_USAGE", `lora: ${what} of ${model.describe()}. There are ${listOf(parameters)}.`);

/** @internal What PEFT calls one of an adapter's two tensors. */
export const adapterName = (module: string, side: "A" | "B", isTable: boolean): string =>
  `base_model.model.${module}.${isTable ? `lora_embedding_${side}` : `lora_${side}.weight`}`;
