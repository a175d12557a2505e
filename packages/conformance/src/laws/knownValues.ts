/** The law of known values: what arithmetic and PyTorch give at special values, eagerly and compiled. The reference is held to it as any backend. */
import {
  argMax,
  argMin,
  cast,
  compile,
  concat,
  floorDivide,
  grad,
  max,
  maxPool,
  maximum,
  min,
  minimum,
  pow,
  remainder,
  scope,
  softmax,
  sort,
  sum,
  tensor,
  topK,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { release } from "../golden/kind.js";
import type { Law } from "./law.js";

const far = Infinity;
const row = (...values: readonly number[]): Tensor => tensor([...values]);
const ints = (...values: readonly number[]): Tensor => tensor(Int32Array.from(values));
const image = (...values: readonly number[]): Tensor => tensor([[[...values]]]);

interface Known {
  readonly inputs: () => readonly Tensor[];
  readonly run: (...inputs: readonly Tensor[]) => Tensor;
  readonly value: readonly number[];
  /** Of int32 beyond what float32 holds. */
  readonly wide?: boolean;
}

const quotients = {
  a: [1, 1, -1, 0, far, far, 2, -2, 2, 6, 7, -7, 5],
  b: [0.1, 0, 0, 0, 2, far, far, far, NaN, -0.3, -2, 2, -far],
};

const known: Readonly<Record<string, Known>> = {
  "cast to int32": {
    inputs: () => [row(3e9, 1e20, NaN, far, -far, -3e9, 2 ** 31, -(2 ** 31), -1.9, 1.9)],
    run: (x) => cast(x!, "int32"),
    value: [2147483647, 2147483647, 0, 2147483647, -2147483648, -2147483648, 2147483647, -2147483648, -1, 1],
    wide: true,
  },
  "argMin and argMax of int32": {
    inputs: () => [tensor(Int32Array.from([-(2 ** 31), 0, 5, 5, 2 ** 31 - 1, -(2 ** 31)]), { shape: [3, 2] })],
    run: (x) => concat([argMin(x!, { axis: 1 }), argMax(x!, { axis: 1 })]),
    value: [0, 0, 1, 1, 0, 0],
    wide: true,
  },
  "sort and topK of int32": {
    inputs: () => [ints(-(2 ** 31), 2 ** 31 - 1, 0)],
    run: (x) => concat([sort(x!, { descending: true }).indices, topK(x!, 2, { largest: false }).indices]),
    value: [1, 2, 0, 0, 2],
    wide: true,
  },
  "cast to bool": { inputs: () => [row(NaN, -0, 1e-30, -far)], run: (x) => cast(x!, "bool"), value: [1, 0, 1, 1] },
  pow: {
    inputs: () => [row(1, -1, -1, 0, -0, 1, NaN), row(NaN, far, -far, -1, -1, far, 0)],
    run: (a, b) => pow(a!, b!),
    value: [1, 1, 1, far, -far, 1, 1],
  },
  floorDivide: {
    inputs: () => [row(...quotients.a), row(...quotients.b)],
    run: (a, b) => floorDivide(a!, b!),
    value: [9, far, -far, NaN, NaN, NaN, 0, -1, NaN, -20, -4, -4, -1],
  },
  "floorDivide of int32": {
    inputs: () => [
      ints(7, -7, 2 ** 24 + 1, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31), 2 ** 31 - 1, 5, -(2 ** 31)),
      ints(2, 2, 1, -1, 2, 3, -(2 ** 31), 0, 2 ** 31 - 1),
    ],
    run: (a, b) => floorDivide(a!, b!),
    value: [3, -4, 16777217, -2147483647, -1073741824, -715827883, -1, 0, -2],
    wide: true,
  },
  remainder: {
    inputs: () => [row(...quotients.a, -1e-20), row(...quotients.b, 3)],
    run: (a, b) => remainder(a!, b!),
    value: [0.09999999, NaN, NaN, NaN, NaN, NaN, 2, far, NaN, -2.3841858e-7, -1, 1, -far, 3],
  },
  "remainder's gradient for the divisor": {
    inputs: () => [row(1, 2, -2, 7, -7), row(0.1, far, far, -2, 2)],
    run: (a, b) => grad((by: Tensor) => sum(remainder(a!, by)))(b!) as Tensor,
    value: [-9, 0, 1, 4, 4],
  },
  sort: { inputs: () => [row(NaN, 1, -far, far, 0)], run: (x) => sort(x!).values, value: [-far, 0, 1, far, NaN] },
  "sort, descending": {
    inputs: () => [row(NaN, 1, -far, far, 0)],
    run: (x) => sort(x!, { descending: true }).indices,
    value: [0, 3, 1, 4, 2],
  },
  topK: { inputs: () => [row(1, NaN, 2)], run: (x) => topK(x!, 2).values, value: [NaN, 2] },
  "topK, the smallest": { inputs: () => [row(1, NaN, 2)], run: (x) => topK(x!, 2, { largest: false }).values, value: [1, 2] },
  argMax: { inputs: () => [row(1, NaN, 2, NaN)], run: (x) => argMax(x!, { axis: 0 }), value: [1] },
  argMin: { inputs: () => [row(1, NaN, 2, NaN)], run: (x) => argMin(x!, { axis: 0 }), value: [1] },
  max: { inputs: () => [row(1, NaN, far)], run: (x) => max(x!), value: [NaN] },
  min: { inputs: () => [row(1, NaN, -far)], run: (x) => min(x!), value: [NaN] },
  maximum: { inputs: () => [row(NaN, 1), row(1, NaN)], run: (a, b) => maximum(a!, b!), value: [NaN, NaN] },
  minimum: { inputs: () => [row(NaN, 1), row(1, NaN)], run: (a, b) => minimum(a!, b!), value: [NaN, NaN] },
  maxPool: { inputs: () => [image(1, NaN, 2, 3)], run: (x) => maxPool(x!, 2), value: [NaN, 3] },
  "maxPool's gradient": {
    inputs: () => [image(1, NaN, 2, 3)],
    run: (x) => grad((of: Tensor) => sum(maxPool(of, 2)))(x!) as Tensor,
    value: [0, 1, 0, 1],
  },
  "maxPool over two axes": {
    inputs: () => [
      tensor([
        [
          [
            [1, NaN, 2, 3],
            [1, 2, -far, -far],
            [0, 1, -far, -far],
            [-far, NaN, 5, 1],
          ],
        ],
      ]),
    ],
    run: (x) => maxPool(x!, 2, { stride: 1 }),
    value: [NaN, NaN, 3, 2, 2, -far, NaN, NaN, 5],
  },
  "maxPool over three axes": {
    inputs: () => [
      tensor([
        [
          [
            [
              [1, NaN],
              [2, 3],
            ],
            [
              [1, 2],
              [1, 1],
            ],
          ],
        ],
      ]),
    ],
    run: (x) => maxPool(x!, 2),
    value: [NaN],
  },
  "softmax of rows": {
    inputs: () => [
      tensor([
        [NaN, 1, 2],
        [0, 0, -far],
        [1, far, 2],
      ]),
    ],
    run: (x) => softmax(x!),
    value: [NaN, NaN, NaN, 0.5, 0.5, 0, NaN, NaN, NaN],
  },
};

async function check({ inputs, run, value }: Known, backend: Backend): Promise<void> {
  for (const mode of ["eager", "compiled"] as const) {
    const given = inputs();
    const compiled = mode === "compiled" ? compile(run, { backend }) : undefined;
    const result = withBackend(backend, () => (compiled === undefined ? scope(() => run(...given)) : compiled(...given)));
    const data = Array.from(await result.data());
    compiled?.dispose();
    release(result, given);
    const wrong = value.findIndex((should, i) => {
      const is = data[i]!;
      return !(Object.is(is, should) || is === should || Math.abs(is - should) <= 1e-6 * Math.abs(should));
    });
    if (wrong >= 0 || data.length !== value.length) {
      throw new Error(`${mode}: number ${wrong} of ${data.length} is ${data[wrong]} and should be ${value[wrong]}`);
    }
  }
}

export const knownValuesHold: Law = {
  name: "known values at special numbers",
  // About ops of ermine's own: tried where they are.
  trials: ({ calls }) =>
    Object.entries(calls.some(({ name }) => name === "pow") ? known : {}).map(([name, one]) => ({
      name,
      async check(backend) {
        if (one.wide !== true || backend.capabilities.dtypes.includes("int32")) await check(one, backend);
      },
    })),
};
