/** Runs a program on a backend, eagerly or compiled, and reads all that it gives. */
import {
  compile,
  ErmineError,
  keep,
  mul,
  scope,
  square,
  sum,
  tensor,
  valueAndGrad,
  Variable,
  where,
  withBackend,
  type Backend,
  type DType,
  type Tensor,
  type TypedArray,
} from "@ermine/core";
import { type OpObserver, currentTrace, observeOps } from "@ermine/core/backend";
import * as core from "@ermine/core";
import { exportOfCore } from "./exportsOfCore.js";
import type { Mode } from "../golden/kind.js";
import { functionOf, resultAt } from "./calls.js";
import { joinEntries, type Given, type Joint, type JointResult } from "./joint.js";
import { isList, isName, isRef, type Arg, type Entry, type Leaf, type Program, type Step } from "./program.js";

/** One result of one call, or a variable at the end. */
export interface Computed {
  /** "call 0, t3", "variable v0 at the end". */
  readonly what: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** The outcome of a program: results, or a refusal. */
export type Outcome = readonly Computed[] | ErmineError;

/** The elements that a leaf starts from. */
export type Elements = (name: string, leaf: Leaf) => TypedArray;

export const exactly: Elements = (_, { dtype, data }) =>
  dtype === "float32" ? Float32Array.from(data) : dtype === "int32" ? Int32Array.from(data) : Uint8Array.from(data);

type Values = Map<string, Tensor>;

function resolve(arg: Arg, value: (name: string) => Tensor): unknown {
  if (isRef(arg)) return value(arg.ref);
  if (isName(arg)) return exportOfCore(arg.name);
  if (typeof arg !== "object" || arg === null) return arg;
  if (isList(arg)) return arg.map((item) => resolve(item, value));
  return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, resolve(item, value)]));
}

/** The result of one step. */
export const runStep = (step: Step, value: (name: string) => Tensor): Tensor =>
  resultAt(functionOf(step.call)(...step.args.map((arg) => resolve(arg, value))), step.take);

/** Half the sum of squares of all: what is differentiated where a program differentiates twice. */
const energy = (tensors: readonly Tensor[]): Tensor => tensors.map((t) => mul(sum(square(t)), 0.5)).reduce(core.add);

/** The entry as a function of its inputs; variables are read when a step reads them, and written at the end. */
export function functionOfEntry(
  entry: Entry,
  names: readonly string[],
  variables: ReadonlyMap<string, Variable>,
): (...inputs: Tensor[]) => Tensor[] {
  const { steps, gradient, after, writes, commit, outputs } = entry;
  return (...inputs) => {
    const values: Values = new Map(names.map((name, i) => [name, inputs[i]!]));
    const value = (name: string): Tensor => values.get(name) ?? variables.get(name)!.value;
    const forward = (): void => {
      for (const step of steps) values.set(step.result, runStep(step, value));
    };
    if (gradient === undefined) forward();
    else {
      const sources = gradient.sources.map((name) => variables.get(name) ?? values.get(name)!);
      const once = () =>
        valueAndGrad(() => {
          forward();
          // Returned tensors outlive the scope.
          return [value(gradient.of), steps.map(({ result }) => values.get(result)!)] as const;
        }, sources);
      const twice = () =>
        valueAndGrad(() => {
          const first = once();
          return [energy(first.grads as readonly Tensor[]), first.value[1]] as const;
        }, sources);
      const { grads } = gradient.twice === true ? twice() : once();
      (grads as readonly Tensor[]).forEach((grad, i) => values.set(`g${i}`, grad));
    }
    for (const step of after) values.set(step.result, runStep(step, value));
    const results = outputs.map(value);
    const next = writes.map((write) => [variables.get(write.variable)!, value(write.value)] as const);
    const ok = commit === undefined ? undefined : value(commit);
    const trace = currentTrace();
    if (ok !== undefined) trace?.commitIf(ok);
    for (const [variable, t] of next) {
      const before = variable.value;
      variable.value = t;
      if (ok !== undefined && trace === undefined) variable.value = where(ok, variable.value, before);
    }
    return results;
  };
}

const read = (backend: Backend, t: Tensor): TypedArray | Promise<TypedArray> =>
  backend.readSync === undefined ? t.data() : t.dataSync();

export interface RunOptions {
  /** Default: those of the program. */
  readonly elements?: Elements;
  /** Told of each op of an eager run. */
  readonly observe?: OpObserver;
}

/** @throws what is no ErmineError */
export async function runProgram(
  program: Program,
  backend: Backend,
  mode: Mode,
  { elements = exactly, observe }: RunOptions = {},
): Promise<Outcome> {
  const make = (name: string, leaf: Leaf): Tensor => tensor(elements(name, leaf), { shape: leaf.shape, dtype: leaf.dtype });
  // A variable takes over the tensor that is written to it, but for one that is kept.
  const inputs = Object.entries(program.inputs).map(([name, leaf]) => [name, keep(make(name, leaf))] as const);
  const variables = new Map(
    Object.entries(program.variables).map(([name, leaf]) => [name, new Variable(make(name, leaf), { name })]),
  );
  const names = inputs.map(([name]) => name);
  const given = inputs.map(([, t]) => t);
  const entries = program.entries.map((entry) => functionOfEntry(entry, names, variables));
  const compiled =
    mode === "compiled" ? compile((entry: number, ...args: Tensor[]) => entries[entry]!(...args), { backend }) : undefined;
  const together = new Set(mode === "compiled" ? program.together : []);
  let joint: Joint | undefined;
  const runJointly = async (entry: number): Promise<readonly JointResult[]> => {
    const fed = inputs.map(([name, t]): Given => ({ name, tensor: t, data: elements(name, program.inputs[name]!) }));
    joint ??= withBackend(backend, () => joinEntries(backend, new Map([...together].map((i) => [i, entries[i]!])), fed));
    return joint.run(entry);
  };
  const eager = (entry: number): Tensor[] => scope(() => entries[entry]!(...given));
  const run = (entry: number): Tensor[] =>
    withBackend(backend, () => {
      if (compiled !== undefined) return compiled(entry, ...given);
      return observe === undefined ? eager(entry) : observeOps(observe, () => eager(entry));
    });
  const computed: Computed[] = [];
  const tensors: Tensor[] = [];
  try {
    for (const [call, entry] of program.calls.entries()) {
      const { outputs } = program.entries[entry]!;
      if (together.has(entry)) {
        const results = await runJointly(entry);
        computed.push(...results.map((result, i) => ({ what: `call ${call}, ${outputs[i]!}`, ...result })));
        continue;
      }
      const results = run(entry);
      for (const [i, t] of results.entries()) {
        const { shape, dtype } = t;
        computed.push({
          what: `call ${call}, ${outputs[i]!}`,
          shape: shape as readonly number[],
          dtype,
          data: await read(backend, t),
        });
      }
      // Some may be an input under another name: all are freed at the end.
      tensors.push(...results);
    }
    for (const [name, variable] of variables) {
      const { shape } = variable;
      const data = backend.readSync === undefined || compiled !== undefined ? await variable.data() : variable.value.dataSync();
      computed.push({ what: `variable ${name} at the end`, shape, dtype: variable.type.dtype, data });
    }
    return computed;
  } catch (error) {
    if (error instanceof ErmineError) return error;
    throw error;
  } finally {
    compiled?.dispose();
    joint?.dispose();
    for (const t of [...tensors, ...[...variables.values()].map((variable) => variable.value), ...given]) t.dispose();
  }
}
