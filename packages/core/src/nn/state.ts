/** Loading a state into a module's variables: matching names, checking shapes, reporting the rest. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { formatShape, sameShape, type Shape } from "../types/dim.js";
import type { DType, TypedArray } from "../types/dtype.js";
import type { Variable } from "../dispatch/variable.js";
import { checkState, loadedElements, shapeOf, type LoadableState } from "./stateElements.js";

/** A variable's elements on the host, as saved. */
export interface HostTensor {
  /** The size of each axis. */
  readonly shape: Shape;
  /** The dtype. */
  readonly dtype: DType;
  /** The elements, row by row. */
  readonly data: TypedArray;
}
/** Parameters and buffers by their path in the model. */
export type StateDict = Record<string, HostTensor>;

/** The options of `loadStateDict`. */
export interface LoadOptions {
  /** false: names that only one side has are left alone. Default true: they are an error. */
  readonly strict?: boolean;
  /**
   * Where the state's names are others: beginnings and what stands in their place, `{ "backbone.": "encoder.", "fc.": null }` (null: not
   * loaded; the longest that fits counts); or a function of the name.
   * Default: names stay.
   */
  readonly rename?: Readonly<Record<string, string | null>> | ((name: string) => string | null);
  /** Tensors of another shape: an error (default), or skipped, as a head for other classes is. */
  readonly otherShapes?: "refuse" | "skip";
}

/** The outcome of loading a state: the module's names, but `unexpected` and `dropped`, which are the state's. */
export interface LoadReport {
  /** The names in the model that were loaded. */
  readonly loaded: readonly string[];
  /** The module has it, the state does not: it is as it was. */
  readonly missing: readonly string[];
  /** The state has it, the module does not. */
  readonly unexpected: readonly string[];
  /** Of another shape, and skipped. */
  readonly otherShapes: readonly string[];
  /** Renamed to null. */
  readonly dropped: readonly string[];
}

function renamer(rename: LoadOptions["rename"]): (name: string) => string | null {
  if (rename === undefined) return (name) => name;
  if (typeof rename === "function") return rename;
  const wrong = Object.entries(rename).find(([, other]) => other !== null && typeof other !== "string");
  if (wrong !== undefined)
    throw new ErmineError(
      "ERMINE_OPTION",
      `loadStateDict: rename says for each beginning what stands in its place, or null, got ${show(wrong[1])}. Write rename: { "backbone.": "encoder." }.`,
    );
  const prefixes = Object.keys(rename).sort((a, b) => b.length - a.length);
  return (name) => {
    const prefix = prefixes.find((start) => name.startsWith(start));
    if (prefix === undefined) return name;
    const other = rename[prefix]!;
    return other === null ? null : other + name.slice(prefix.length);
  };
}

/**
 * @internal Writes a state into variables. Nothing is changed where something does not fit.
 * @throws ErmineError ERMINE_SHAPE that lists what is missing, unexpected, of another shape, or named twice, ERMINE_USAGE where it is no state,
 * ERMINE_DTYPE where an element does not fit its variable
 */
export function loadState(
  where: string,
  variables: ReadonlyMap<string, Variable>,
  state: LoadableState,
  { strict = true, rename, otherShapes = "refuse" }: LoadOptions,
): LoadReport {
  checkState(state);
  if (otherShapes !== "refuse" && otherShapes !== "skip")
    throw new ErmineError("ERMINE_OPTION", `loadStateDict: otherShapes is "refuse" or "skip", got ${show(otherShapes)}.`);
  const nameOf = renamer(rename);
  const matched = new Map<string, { readonly from: string; readonly value: LoadableState[string] }>();
  const [unexpected, dropped, twice]: [string[], string[], string[]] = [[], [], []];
  for (const [from, value] of Object.entries(state)) {
    const name = nameOf(from);
    if (name === null) dropped.push(from);
    else if (!variables.has(name)) unexpected.push(from);
    else if (matched.has(name)) twice.push(`${matched.get(name)!.from} and ${from} are both ${name}`);
    else matched.set(name, { from, value });
  }
  const missing = [...variables.keys()].filter((name) => !matched.has(name));
  for (const { from, value } of matched.values()) shapeOf(from, value);
  const misshapen = [...variables].filter(
    ([name, { shape }]) => matched.has(name) && !sameShape(matched.get(name)!.value.shape, shape),
  );
  const shapes = misshapen.map(
    ([name, { shape }]) => `${name} is ${formatShape(shape)}, given ${formatShape(matched.get(name)!.value.shape)}`,
  );
  const problems = [
    ...(strict && missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(", ")}`] : []),
    ...(otherShapes === "refuse" && shapes.length > 0 ? [`other shapes: ${shapes.join("; ")}`] : []),
    ...(twice.length > 0 ? [`named twice: ${twice.join("; ")}`] : []),
  ];
  if (problems.length > 0) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `The state does not fit ${where}. ${problems.join(". ")}. Nothing was loaded; { strict: false } ignores missing and unexpected names, ` +
        `{ rename } says what they are here, { otherShapes: "skip" } leaves those out.`,
    );
  }
  const skipped = misshapen.map(([name]) => name);
  const loaded = [...matched.keys()].filter((name) => !skipped.includes(name));
  const elements = loaded.map((name) =>
    loadedElements(matched.get(name)!.from, matched.get(name)!.value, variables.get(name)!.type.dtype),
  );
  loaded.forEach((name, i) => variables.get(name)!.write(elements[i]!));
  return { loaded, missing, unexpected, otherShapes: skipped, dropped };
}
