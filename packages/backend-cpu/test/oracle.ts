/** The same function on the reference backend and on cpu: eager, compiled, fast, portable. */
import {
  compile,
  mul,
  sum,
  tensor,
  valueAndGrad,
  withBackend,
  type Backend,
  type DType,
  type Tensor,
  type TypedArray,
} from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { expect } from "vitest";
import { cpu } from "../src/index.js";

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
  readonly dtype?: DType;
}

/** A tensor of them: inside of a traced function a constant. */
export const tensorOf = ({ shape, data, dtype }: Numbers): Tensor =>
  tensor(data as Float32Array, { shape, ...(dtype === undefined ? {} : { dtype }) });

export type Computation = (...inputs: Tensor[]) => readonly Tensor[];

/** Pseudo-random numbers in [−1, 1) that are exact in float32. */
export function numbers(shape: readonly number[], seed: number): Numbers {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let state = (seed + 1) * 2654435761;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (state >>> 12) / 2 ** 19 - 1;
  }
  return { shape, data };
}

/** The result, and the gradients of its weighted sum with respect to all float inputs: every gradient rule of the op is met. */
export const withGradients =
  (fn: (...inputs: Tensor[]) => Tensor, weights: (shape: readonly number[]) => Numbers): Computation =>
  (...inputs) => {
    const sources = inputs.filter((t) => t.dtype === "float32");
    const { value, grads } = valueAndGrad((): [Tensor, Tensor] => {
      const y = fn(...inputs);
      return [sum(mul(y, tensorOf(weights(y.shape as readonly number[])))), y];
    }, sources);
    return [value[1], ...(grads as Tensor[])];
  };

function run(backend: Backend, mode: "eager" | "compiled", fn: Computation, inputs: readonly Numbers[]): TypedArray[] {
  return withBackend(backend, () => {
    const tensors = inputs.map(tensorOf);
    const compiled = mode === "compiled" ? compile(fn, { backend }) : undefined;
    const results = (compiled ?? fn)(...tensors);
    const arrays = results.map((t) => t.dataSync());
    for (const t of [...results, ...tensors]) t.dispose();
    compiled?.dispose();
    return arrays;
  });
}

const backends = Promise.all([
  cpu({ numerics: "fast", threads: 1 }),
  cpu({ numerics: "fast", threads: 2 }),
  cpu({ numerics: "portable", threads: 1 }),
  cpu({ numerics: "portable", threads: 2 }),
]);
const oracle = reference();

/**
 * @throws where cpu's numbers are farther from the reference's than `absolute` + `relative` · |them|, or bits differ between eager and compiled, or
 * between one thread and two
 */
export async function expectSame(
  fn: Computation,
  inputs: readonly Numbers[],
  { absolute = 2e-5, relative = 1e-4 }: { absolute?: number; relative?: number } = {},
): Promise<void> {
  const wanted = run(oracle, "eager", fn, inputs);
  const bits = new Map<string, TypedArray[]>();
  for (const backend of await backends) {
    for (const mode of ["eager", "compiled"] as const) {
      const got = run(backend, mode, fn, inputs);
      const name = `${backend.engine}, ${mode}`;
      const first = bits.get(backend.numerics);
      if (first === undefined) bits.set(backend.numerics, got);
      got.forEach((numbersOf, k) => {
        const want = wanted[k]!;
        expect(numbersOf.length).toBe(want.length);
        for (let i = 0; i < want.length; i++) {
          const [a, b] = [numbersOf[i]!, want[i]!];
          const same = first?.[k]?.[i];
          if (same !== undefined && !Object.is(a, same))
            throw new Error(`${name}: result ${k}, number ${i} is ${a}, before it was ${same}`);
          if (Object.is(a, b) || Math.abs(a - b) <= absolute + relative * Math.abs(b)) continue;
          throw new Error(`${name}: result ${k}, number ${i} is ${a}, the reference has ${b}`);
        }
      });
    }
  }
}
