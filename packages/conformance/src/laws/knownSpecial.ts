/** Known values at NaN, ±∞, −0 and the ends of int32, and of derivatives of derivatives where a formula as it is written has none left. */
import {
  argMax,
  argMin,
  cast,
  concat,
  crossEntropy,
  ctc,
  floorDivide,
  focal,
  grad,
  max,
  maxPool,
  maximum,
  min,
  minimum,
  logSoftmax,
  nll,
  pow,
  remainder,
  reshape,
  softmax,
  softmin,
  sort,
  square,
  stack,
  sum,
  tensor,
  topK,
  type Tensor,
} from "@ermine/core";
import type { KnownCall } from "./knownCall.js";

const far = Infinity;
const row = (...values: readonly number[]): Tensor => tensor([...values]);
const ints = (...values: readonly number[]): Tensor => tensor(Int32Array.from(values));
const image = (...values: readonly number[]): Tensor => tensor([[[...values]]]);

interface SpecialCall {
  readonly inputs: () => readonly Tensor[];
  readonly run: (...inputs: readonly Tensor[]) => Tensor;
  readonly value: readonly number[];
  /** Are there int32 beyond what float32 holds? */
  readonly requiresInt32?: boolean;
}

const quotients = {
  a: [1, 1, -1, 0, far, far, 2, -2, 2, 6, 7, -7, 5],
  b: [0.1, 0, 0, 0, 2, far, far, far, NaN, -0.3, -2, 2, -far],
};

const twoRows = (): Tensor =>
  tensor([
    [1, 0],
    [2, 3],
  ]);
const slopeOf = (f: (x: Tensor) => Tensor, x: Tensor): Tensor => grad((at: Tensor) => sum(f(at)))(x) as Tensor;
/** The gradient of the squared norm of a gradient. */
const twice = (loss: (z: Tensor) => Tensor, z: Tensor): Tensor => slopeOf((at) => square(grad(loss)(at) as Tensor), z);

/**
 * Focal loss of right answers that are 20 apart: with the probability m = 1 / (1 + e²⁰) of being wrong, its derivatives are −(1 + γ) m^(1 + γ) and
 * (1 + γ)² m^(1 + γ).
 */
function confident(gamma: number): readonly (readonly [string, SpecialCall])[] {
  const wrong = 1 / (1 + Math.exp(20));
  const first = (1 + gamma) * wrong ** (1 + gamma);
  const second = (1 + gamma) * first;
  const labels = (z: Tensor): Tensor => focal(z, row(1, 0), { gamma, alpha: -1, reduction: "sum" });
  const classes = (z: Tensor): Tensor => focal(z, ints(0), { gamma, reduction: "sum" });
  return [
    [
      `focal's gradient of confident labels, γ = ${gamma}`,
      { inputs: () => [row(20, -20)], run: (z) => slopeOf(labels, z!), value: [-first, first] },
    ],
    [
      `focal's second derivative of confident labels, γ = ${gamma}`,
      { inputs: () => [row(20, -20)], run: (z) => slopeOf((at) => slopeOf(labels, at), z!), value: [second, second] },
    ],
    [
      `focal's gradient of a confident class, γ = ${gamma}`,
      { inputs: () => [tensor([[20, 0]])], run: (z) => slopeOf(classes, z!), value: [-first, first] },
    ],
  ];
}

const calls: Readonly<Record<string, SpecialCall>> = {
  "cast to int32": {
    inputs: () => [row(3e9, 1e20, NaN, far, -far, -3e9, 2 ** 31, -(2 ** 31), -1.9, 1.9)],
    run: (x) => cast(x!, "int32"),
    value: [2147483647, 2147483647, 0, 2147483647, -2147483648, -2147483648, 2147483647, -2147483648, -1, 1],
    requiresInt32: true,
  },
  "argMin and argMax of int32": {
    inputs: () => [tensor(Int32Array.from([-(2 ** 31), 0, 5, 5, 2 ** 31 - 1, -(2 ** 31)]), { shape: [3, 2] })],
    run: (x) => concat([argMin(x!, { axis: 1 }), argMax(x!, { axis: 1 })]),
    value: [0, 0, 1, 1, 0, 0],
    requiresInt32: true,
  },
  "sort and topK of int32": {
    inputs: () => [ints(-(2 ** 31), 2 ** 31 - 1, 0)],
    run: (x) => concat([sort(x!, { descending: true }).indices, topK(x!, 2, { largest: false }).indices]),
    value: [1, 2, 0, 0, 2],
    requiresInt32: true,
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
    requiresInt32: true,
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
  // Along the axes 0 and −1 a scalar is a vector of one element.
  "softmax, logSoftmax and softmin of a scalar": {
    inputs: () => [tensor(3)],
    run: (x) => stack([0, -1].flatMap((axis) => [softmax(x!, { axis }), logSoftmax(x!, { axis }), softmin(x!, { axis })])),
    value: [1, 0, 1, 1, 0, 1],
  },
  // Of no labels there is one alignment: blanks alone. Of no steps and no labels as well, and it costs nothing.
  "ctc of no labels, and of no steps": {
    inputs: () => [tensor(new Float32Array(12), { shape: [3, 2, 2] }), ints(1, 1, 1, 1), ints(3, 0), ints(0, 0)],
    run: (x, labels, steps, lengths) => ctc(logSoftmax(x!), reshape(labels!, [2, 2]), steps!, lengths!, { reduction: "none" }),
    value: [3 * Math.log(2), 0],
  },
  // An ignored target, −100, has no part in the loss: neither in its derivatives.
  "crossEntropy's second derivative at an ignored target": {
    inputs: () => [twoRows()],
    run: (z) => twice((logits) => crossEntropy(logits, ints(1, -100)), z!),
    value: [0.5749393618288605, -0.5749393618288605, 0, 0],
  },
  "nll's second derivative at an ignored target": {
    inputs: () => [twoRows()],
    run: (z) => twice((logits) => nll(logSoftmax(logits), ints(1, -100)), z!),
    value: [0.5749393618288605, -0.5749393618288605, 0, 0],
  },
  ...Object.fromEntries([0.5, 1, 2, 3].flatMap((gamma) => confident(gamma))),
};

export const knownSpecialValues: readonly KnownCall[] = Object.entries(calls).map(([name, { value, ...call }]) => ({
  name,
  ...call,
  expected: [value],
  absolute: 0,
}));
