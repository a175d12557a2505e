/** Programs a little simpler than one: what shrinking tries, the boldest first. */
import type { Computed } from "./evaluate.js";
import {
  isList,
  isName,
  isRef,
  mapRefs,
  refsOf,
  stepsOf,
  withoutUnused,
  type Arg,
  type Entry,
  type Leaf,
  type Program,
  type Step,
} from "./program.js";

const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

const withEntry = (program: Program, at: number, entry: Entry): Program => ({
  ...program,
  entries: program.entries.map((other, i) => (i === at ? entry : other)),
});

/** The elements of each step's result in the first call of its entry, as the reference has them. */
export type ComputedValues = ReadonlyMap<string, Computed>;

/** Every candidate, without what it leaves unused; those that are no programs are for the judge to throw out. */
export function* simplerThan(program: Program, valuesOf: (entry: number) => ComputedValues): Generator<Program> {
  for (const candidate of candidates(program, valuesOf)) {
    const cleaned = withoutUnused(candidate);
    const makes = cleaned.entries.some((entry) => entry.outputs.length > 0) || Object.keys(cleaned.variables).length > 0;
    if (cleaned.calls.length > 0 && makes) yield cleaned;
  }
}

function* candidates(program: Program, valuesOf: (entry: number) => ComputedValues): Generator<Program> {
  const { calls, entries } = program;
  if (program.together !== undefined) yield { ...program, together: [] };
  if (calls.length > 1) {
    for (const call of new Set(calls)) yield { ...program, calls: [call] };
    for (let i = calls.length - 1; i >= 0; i--) yield { ...program, calls: without(calls, i) };
  }
  for (const [i, entry] of entries.entries()) {
    const changed = (change: Partial<Entry>): Program => withEntry(program, i, { ...entry, ...change });
    if (entry.outputs.length > 1) for (const output of entry.outputs) yield changed({ outputs: [output] });
    if (entry.outputs.length > 0 && (entry.writes.length > 0 || entries.length > 1)) yield changed({ outputs: [] });
    for (const { value } of entry.writes) yield changed({ outputs: [value], writes: [] });
    for (let k = 0; k < entry.writes.length; k++) yield changed({ writes: without(entry.writes, k) });
    if (entry.commit !== undefined) {
      const { commit: _, ...rest } = entry;
      yield withEntry(program, i, rest);
    }
    if (entry.gradient !== undefined) yield* withLessGradient(program, i, entry);
    yield* withLessSteps(program, i, entry, valuesOf(i));
    yield* withLessOptions(program, i, entry);
  }
  yield* withConstants(program);
  yield* withLessShape(program);
  yield* withSimplerElements(program);
}

function* withLessGradient(program: Program, at: number, entry: Entry): Generator<Program> {
  const { gradient, ...rest } = entry;
  const computedNames = new Set(entry.steps.map(({ result }) => result));
  const outputs = entry.outputs.filter((name) => computedNames.has(name));
  if (outputs.length > 0) yield withEntry(program, at, { ...rest, outputs, after: [], writes: [] });
  if (gradient!.twice === true)
    yield withEntry(program, at, { ...rest, gradient: { of: gradient!.of, sources: gradient!.sources } });
  // The values that are kept have the names of gradients by their place.
  const { sources } = gradient!;
  for (let k = sources.length - 1; k >= 0 && sources.length > 1; k--) {
    const renamed = (name: string): string => {
      const place = name.startsWith("g") ? Number(name.slice(1)) : -1;
      return place > k ? `g${place - 1}` : place === k ? sources[k]! : name;
    };
    yield withEntry(program, at, {
      ...entry,
      gradient: { ...gradient!, sources: without(sources, k) },
      after: entry.after.map((step) => renamedStep(step, renamed)),
      writes: entry.writes.map(({ variable, value }) => ({ variable, value: renamed(value) })),
      outputs: entry.outputs.filter((name) => name !== `g${k}`).map(renamed),
      ...(entry.commit === undefined ? {} : { commit: renamed(entry.commit) }),
    });
  }
}

const renamedStep = (step: Step, renamed: (name: string) => string): Step => ({
  ...step,
  args: step.args.map((arg) => mapRefs(arg, ({ ref }) => ({ ref: renamed(ref) }))),
});

/** The entry with another value in the place of one. */
function replaced(entry: Entry, name: string, by: string): Entry {
  const renamed = (ref: string): string => (ref === name ? by : ref);
  const steps = (list: readonly Step[]): Step[] =>
    list.filter(({ result }) => result !== name).map((step) => renamedStep(step, renamed));
  return {
    ...entry,
    steps: steps(entry.steps),
    after: steps(entry.after),
    writes: entry.writes.map(({ variable, value }) => ({ variable, value: renamed(value) })),
    outputs: [...new Set(entry.outputs.map(renamed))],
    ...(entry.commit === undefined ? {} : { commit: renamed(entry.commit) }),
    ...(entry.gradient === undefined ? {} : { gradient: { ...entry.gradient, of: renamed(entry.gradient.of) } }),
  };
}

/** A step's result is what it was computed from, or an input of its own. */
function* withLessSteps(program: Program, at: number, entry: Entry, values: ComputedValues): Generator<Program> {
  for (const step of [...stepsOf(entry)].reverse()) {
    for (const ref of new Set(refsOf(step))) yield withEntry(program, at, replaced(entry, step.result, ref));
    const value = values.get(step.result);
    if (value === undefined) continue;
    const name = `x${freshIndex(program)}`;
    const leaf: Leaf = {
      shape: value.shape,
      dtype: value.dtype,
      data: Array.from(value.data, value.dtype === "float32" ? Math.fround : Number),
    };
    const cut = withEntry(program, at, replaced(entry, step.result, name));
    yield { ...cut, inputs: { ...program.inputs, [name]: leaf } };
  }
}

const freshIndex = ({ inputs }: Program): number => 1 + Math.max(-1, ...Object.keys(inputs).map((name) => Number(name.slice(1))));

function* withLessOptions(program: Program, at: number, entry: Entry): Generator<Program> {
  for (const list of ["steps", "after"] as const) {
    for (const [k, step] of entry[list].entries()) {
      const last = step.args.at(-1);
      if (typeof last !== "object" || last === null || isRef(last) || isName(last) || isList(last)) continue;
      const with_ = (args: readonly Arg[]): Program =>
        withEntry(program, at, {
          ...entry,
          [list]: entry[list].map((original, i) => (i === k ? { ...original, args } : original)),
        });
      if (Object.keys(last).length === 0) yield with_(step.args.slice(0, -1));
      for (const option of Object.keys(last)) {
        yield with_([...step.args.slice(0, -1), Object.fromEntries(Object.entries(last).filter(([key]) => key !== option))]);
      }
    }
  }
}

/** A variable that nothing writes is an input. */
function* withConstants(program: Program): Generator<Program> {
  const writtenVariables = new Set(program.entries.flatMap((entry) => entry.writes.map(({ variable }) => variable)));
  for (const [name, leaf] of Object.entries(program.variables)) {
    if (writtenVariables.has(name)) continue;
    const input = `x${freshIndex(program)}`;
    const { [name]: _, ...variables } = program.variables;
    const entries = program.entries.map((entry) => {
      const changed = replaced(entry, name, input);
      const { gradient } = changed;
      return gradient === undefined
        ? changed
        : {
            ...changed,
            gradient: { ...gradient, sources: gradient.sources.map((source) => (source === name ? input : source)) },
          };
    });
    yield { ...program, inputs: { ...program.inputs, [input]: leaf }, variables, entries };
  }
}

/** The corner of a leaf: as many elements along each axis as there shall be. */
function corner(leaf: Leaf, shape: readonly number[]): Leaf {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: count }, (_, flat) => {
    let [rest, position, stride] = [flat, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += (rest % shape[axis]!) * stride;
      rest = Math.floor(rest / shape[axis]!);
      stride *= leaf.shape[axis]!;
    }
    return leaf.data[position]!;
  });
  return { ...leaf, shape, data };
}

/** A size is smaller wherever it occurs, in literals too; then in one leaf alone. */
function* withLessShape(program: Program): Generator<Program> {
  const leaves = [...Object.values(program.inputs), ...Object.values(program.variables)];
  const sizes = [...new Set(leaves.flatMap(({ shape }) => shape))].filter((size) => size > 1).sort((a, b) => b - a);
  const change = (size: number, to: number, literals: boolean): Program => {
    const swap = (value: number): number => (value === size ? to : value);
    const leaf = (original: Leaf): Leaf => corner(original, original.shape.map(swap));
    const arg = (original: Arg): Arg =>
      typeof original === "number" ? swap(original) : isList(original) ? original.map(arg) : original;
    const step = (original: Step): Step => (literals ? { ...original, args: original.args.map(arg) } : original);
    return {
      ...program,
      inputs: mapped(program.inputs, leaf),
      variables: mapped(program.variables, leaf),
      entries: program.entries.map((entry) => ({ ...entry, steps: entry.steps.map(step), after: entry.after.map(step) })),
    };
  };
  for (const size of sizes) {
    for (const to of new Set([1, Math.ceil(size / 2), size - 1])) {
      yield change(size, to, true);
      yield change(size, to, false);
    }
  }
  for (const table of ["inputs", "variables"] as const) {
    for (const [name, leaf] of Object.entries(program[table])) {
      for (const [axis, size] of leaf.shape.entries()) {
        for (const to of new Set([1, size - 1])) {
          if (to >= size || to < 0) continue;
          const shape = leaf.shape.map((extent, i) => (i === axis ? to : extent));
          yield { ...program, [table]: { ...program[table], [name]: corner(leaf, shape) } };
        }
      }
    }
  }
}

const mapped = (leaves: Readonly<Record<string, Leaf>>, change: (leaf: Leaf) => Leaf): Record<string, Leaf> =>
  Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [name, change(leaf)]));

/** Fewer digits, ones, zeros. */
function* withSimplerElements(program: Program): Generator<Program> {
  const rounded = (digits: number) => (value: number) =>
    Number.isFinite(value) ? Math.fround(Math.round(value * digits) / digits) : value;
  for (const table of ["inputs", "variables"] as const) {
    for (const [name, leaf] of Object.entries(program[table])) {
      const with_ = (change: (value: number, i: number) => number): Program | undefined => {
        const data = leaf.data.map(change);
        return data.every((value, i) => Object.is(value, leaf.data[i]))
          ? undefined
          : { ...program, [table]: { ...program[table], [name]: { ...leaf, data } } };
      };
      const whole = leaf.dtype !== "float32";
      const changes: ((value: number, i: number) => number)[] = [
        () => 0,
        () => 1,
        ...(whole ? [] : [rounded(1), rounded(2), rounded(10), rounded(1000)]),
      ];
      if (leaf.data.length <= 12) {
        for (let k = 0; k < leaf.data.length; k++) {
          for (const to of [0, 1]) {
            const old = leaf.data[k]!;
            if (old !== 0 && old !== to) changes.push((value, i) => (i === k ? to : value));
          }
        }
      }
      // Only towards fewer digits, so that it ends.
      for (const change of changes) {
        const simpler = with_(change);
        if (simpler !== undefined && weightOf(simpler[table][name]!) < weightOf(leaf)) yield simpler;
      }
    }
  }
}

const weightOf = ({ data }: Leaf): number =>
  data.reduce((sum, value) => sum + (Object.is(value, 0) ? 0 : value === 1 ? 1 : 1 + String(value).length), 0);
