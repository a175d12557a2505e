/** A program as plain data: what is drawn, run on every backend, made smaller and printed. */
import type { DType } from "@ermine/core";

/** Stands for a value of the program: an input (x0), a variable (v0), a step's result (t0), or a gradient (g0). */
export interface Ref {
  readonly ref: string;
}

/** Stands for something that core exports by that name. */
export interface Name {
  readonly name: string;
}

/** An argument of a call: a value, an export of core, a literal, or a list or an options object of these. */
export type Arg = Ref | Name | number | boolean | string | null | undefined | readonly Arg[] | { readonly [option: string]: Arg };

/** One call: `const t0 = sort(x0, { axis: 1 }).values`. */
export interface Step {
  /** The name of the result. */
  readonly result: string;
  /** A function that core exports, or one of `ownCalls`. */
  readonly call: string;
  readonly args: readonly Arg[];
  /** Which part of what the call gives: ".values", "[1]". */
  readonly take?: string;
}

/** Elements of an input or a variable. */
export interface Leaf {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: readonly number[];
}

/** A step's function over the inputs and the shared variables. */
export interface Entry {
  readonly steps: readonly Step[];
  /** The steps run under `valueAndGrad`: of a scalar result, for inputs and variables; the gradient of sources[i] is `g<i>`. */
  readonly gradient?: Gradient;
  /** Steps after the gradients are known. */
  readonly after: readonly Step[];
  /** New values of variables, taken at the end. */
  readonly writes: readonly { readonly variable: string; readonly value: string }[];
  /** A bool scalar: the writes are taken only where it is true. */
  readonly commit?: string;
  readonly outputs: readonly string[];
}

export interface Gradient {
  readonly of: string;
  readonly sources: readonly string[];
  /** Differentiate once more: the gradients are those of half the sum of the first ones' squares. */
  readonly twice?: boolean;
}

/** A program that was drawn. */
export interface Program {
  /** The feeds, by name. */
  readonly inputs: Readonly<Record<string, Leaf>>;
  /** Its variables, by name. */
  readonly variables: Readonly<Record<string, Leaf>>;
  /** The entries. */
  readonly entries: readonly Entry[];
  /** Which entries are run, in this order. */
  readonly calls: readonly number[];
  /** Entries that are compiled as one program. Each of the others is a program of its own. */
  readonly together?: readonly number[];
}

export const isRef = (arg: Arg): arg is Ref => typeof arg === "object" && arg !== null && "ref" in arg;
export const isName = (arg: Arg): arg is Name => typeof arg === "object" && arg !== null && "name" in arg;
export const isList = (arg: Arg): arg is readonly Arg[] => Array.isArray(arg);

/** An argument with something else in the place of each reference. */
export function mapRefs(arg: Arg, change: (ref: Ref) => Arg): Arg {
  if (isRef(arg)) return change(arg);
  if (isName(arg) || typeof arg !== "object" || arg === null) return arg;
  if (isList(arg)) return arg.map((item) => mapRefs(item, change));
  return Object.fromEntries(Object.entries(arg).map(([key, value]) => [key, mapRefs(value, change)]));
}

/** The names that a step reads. */
export function refsOf(step: Step): readonly string[] {
  const names: string[] = [];
  for (const arg of step.args) {
    mapRefs(arg, (ref) => {
      names.push(ref.ref);
      return ref;
    });
  }
  return names;
}

/** The steps of an entry in the order in which they run. */
export const stepsOf = (entry: Entry): readonly Step[] => [...entry.steps, ...entry.after];

/** The names that an entry needs at its end. */
const rootsOf = (entry: Entry): readonly string[] => [
  ...entry.outputs,
  ...entry.writes.map(({ value }) => value),
  ...(entry.commit === undefined ? [] : [entry.commit]),
];

const isGradient = (name: string): boolean => name.startsWith("g");

/** Every name that `roots` depend on within the entry, they themselves included; a gradient depends on what it is of. */
export function reached(entry: Entry, roots: readonly string[]): ReadonlySet<string> {
  const stepOf = new Map(stepsOf(entry).map((step) => [step.result, step]));
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    const step = stepOf.get(name);
    if (step !== undefined) refsOf(step).forEach(visit);
    if (isGradient(name) && entry.gradient !== undefined) [entry.gradient.of, ...entry.gradient.sources].forEach(visit);
  };
  roots.forEach(visit);
  return reached;
}

/** The program without what nothing depends on: entries, steps, gradients, inputs, variables. */
export function withoutUnused(program: Program): Program {
  const used = [...new Set(program.calls)].sort((a, b) => a - b);
  const names = new Set<string>();
  const entries = used.map((i): Entry => {
    const { gradient, ...entry } = program.entries[i]!;
    const full = gradient === undefined ? entry : { ...entry, gradient };
    const needed = reached(full, rootsOf(full));
    const differentiated = gradient !== undefined && [...needed].some(isGradient);
    for (const name of needed) names.add(name);
    for (const { variable } of entry.writes) names.add(variable);
    return {
      ...entry,
      steps: entry.steps.filter(({ result }) => needed.has(result)),
      after: entry.after.filter(({ result }) => needed.has(result)),
      ...(differentiated ? { gradient } : {}),
    };
  });
  const together = (program.together ?? []).flatMap((i) => (used.includes(i) ? [used.indexOf(i)] : []));
  const only = (leaves: Readonly<Record<string, Leaf>>): Record<string, Leaf> =>
    Object.fromEntries(Object.entries(leaves).filter(([name]) => names.has(name)));
  return {
    inputs: only(program.inputs),
    variables: only(program.variables),
    entries,
    calls: program.calls.map((i) => used.indexOf(i)),
    ...(together.length > 1 ? { together } : {}),
  };
}

/** How much there is of it: what shrinking makes less. */
export const sizeOf = (program: Program): number =>
  program.calls.length +
  program.entries.reduce((sum, entry) => sum + stepsOf(entry).length + entry.outputs.length + entry.writes.length, 0) +
  [...Object.values(program.inputs), ...Object.values(program.variables)].reduce((sum, leaf) => sum + 1 + leaf.data.length, 0);
