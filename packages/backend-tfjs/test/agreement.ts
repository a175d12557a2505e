/** One computation on the float64 reference, on TensorFlow eagerly and on TensorFlow as one graph: the same numbers. */
import { compile, leaves, scope, tensor, Tensor, withBackend, type Backend, type DType } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { expect } from "vitest";
import { tfjs } from "../src/index.js";

export interface Input {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  readonly data: readonly number[];
}

export const backend = async (): Promise<Backend> => (shared ??= await tfjs());
let shared: Backend | undefined;
const oracle = reference();

/** Numbers that look random and are the same every time, exact in float32. */
export function numbers(shape: readonly number[], seed = 1, from = -2, to = 2): Input {
  let state = seed * 2654435761;
  const next = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  return {
    shape,
    data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(from + (to - from) * next())),
  };
}

export const whole = (shape: readonly number[], data: readonly number[]): Input => ({ shape, data, dtype: "int32" });

type Computation = (...tensors: Tensor[]) => Tensor | readonly (Tensor | undefined)[];

const make = (inputs: readonly Input[]): Tensor[] =>
  inputs.map(({ shape, dtype = "float32", data }) => tensor(data, { shape, dtype }));

const evaluate = (on: Backend, fn: () => unknown): { shape: readonly unknown[]; dtype: DType; data: readonly number[] }[] =>
  withBackend(on, () =>
    scope(() =>
      leaves(fn())
        .filter((leaf) => leaf instanceof Tensor)
        .map((t) => ({ shape: t.shape, dtype: t.dtype, data: [...t.dataSync()] })),
    ),
  );

export interface AgreementOptions {
  /** Absolute below 1, relative above. Default 2e-6. */
  readonly tolerance?: number;
  /** Arguments after the inputs, independent of the batch: constants of the graph. */
  readonly fixed?: readonly Input[];
  /** Leave the inputs' first axis open in the graph. Default true. */
  readonly symbolic?: boolean;
}

export async function agrees(fn: Computation, inputs: readonly Input[], options: AgreementOptions = {}): Promise<void> {
  const { tolerance = 2e-6, fixed = [], symbolic = true } = options;
  const tf = await backend();
  const expected = evaluate(oracle, () => fn(...make(inputs), ...make(fixed)));
  // Once to warm up: core keeps the plain numbers of a computation on the backend.
  evaluate(tf, () => fn(...make(inputs), ...make(fixed)));
  const before = tf.memory();
  const eager = evaluate(tf, () => fn(...make(inputs), ...make(fixed)));
  const program = compile((...tensors: Tensor[]) => fn(...tensors, ...make(fixed)), { backend: tf, symbolicBatch: symbolic });
  const compiled = evaluate(tf, () => program(...make(inputs)));
  program.dispose();
  compare(eager, expected, tolerance, "eager");
  compare(compiled, expected, tolerance, "compiled");
  expect(tf.memory(), "storages after all scopes").toEqual(before);
}

type Results = ReturnType<typeof evaluate>;

function compare(results: Results, expected: Results, tolerance: number, how: string): void {
  expect(
    results.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`),
    how,
  ).toEqual(expected.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`));
  expected.forEach(({ data }, k) =>
    data.forEach((value, i) => {
      const got = results[k]!.data[i]!;
      const near = Object.is(got, value) || got === value || Math.abs(got - value) <= tolerance * Math.max(1, Math.abs(value));
      if (!near)
        expect.fail(`${how}: output ${k}, element ${i} of [${expected[k]!.shape.join()}] is ${got}, the reference says ${value}`);
    }),
  );
}
