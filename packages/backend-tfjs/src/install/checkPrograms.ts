/** Programs of `ermine-tfjs check`: one of each kind of kernel, with its gradient. Results are compared with the float64 reference. */
import {
  avgPool,
  concat,
  convolution,
  convolutionTranspose,
  crossEntropy,
  cumsum,
  div,
  exp,
  gelu,
  indexAdd,
  indexSelect,
  layerNorm,
  log1p,
  matmul,
  maxPool,
  mean,
  mul,
  permute,
  relu,
  sigmoid,
  slice,
  softmax,
  sort,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  tensor,
  topK,
  variance,
  where,
  greater,
  add,
  type Tensor,
} from "@ermine/core";

/** A program and what it is given. */
export interface CheckProgram {
  readonly name: string;
  inputs(): readonly Tensor[];
  run(...inputs: Tensor[]): readonly Tensor[];
}

/** Values between −1 and 1 that no two programs share. */
export function values(shape: readonly number[], seed = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  let state = seed * 0x9e3779b1;
  const data = Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return tensor(data, { shape });
}

/** Whole numbers from 0 to `classes` − 1. */
export function classesOf(count: number, classes: number): Tensor {
  return tensor(Int32Array.from({ length: count }, (_, i) => (i * 7 + (i >> 2)) % classes));
}

const program = (
  name: string,
  shapes: readonly (readonly number[])[],
  run: (...inputs: Tensor[]) => readonly Tensor[],
): CheckProgram => ({ name, inputs: () => shapes.map((shape, i) => values(shape, i + 1)), run });

export const checkPrograms: readonly CheckProgram[] = [
  program("arithmetic and broadcasting", [[64, 33], [33]], (a, b) => [
    add(mul(a!, b!), div(a!, add(square(b!), 1))),
    where(greater(a!, b!), a!, sub(b!, a!)),
  ]),
  program("exponentials and activations", [[128, 65]], (x) => [
    exp(x!),
    log1p(square(x!)),
    sqrt(add(square(x!), 1)),
    tanh(x!),
    sigmoid(x!),
    gelu(x!),
    relu(x!),
  ]),
  program(
    "products",
    [
      [65, 130],
      [130, 67],
      [3, 17, 40],
      [3, 40, 9],
    ],
    (a, b, c, d) => [matmul(a!, b!), matmul(c!, d!)],
  ),
  program("convolution", [[4, 6, 17, 15], [8, 6, 3, 3], [8]], (x, w, b) => [convolution(x!, w!, b!, { stride: 2, padding: 1 })]),
  program(
    "convolution in groups",
    [
      [4, 6, 16, 16],
      [6, 1, 3, 3],
    ],
    (x, w) => [convolution(x!, w!, undefined, { groups: 6, padding: 1 })],
  ),
  program(
    "convolution, transposed",
    [
      [4, 6, 8, 8],
      [6, 5, 4, 4],
    ],
    (x, w) => [convolutionTranspose(x!, w!, undefined, { stride: 2, padding: 1 })],
  ),
  program("pooling", [[4, 5, 16, 16]], (x) => [maxPool(x!, 2), avgPool(x!, 3, { stride: 2 })]),
  program("reductions", [[7, 33, 12]], (x) => [
    sum(x!, { axis: 1 }),
    mean(x!, { axis: [0, 2] }),
    variance(x!, { axis: -1 }),
    cumsum(x!, 1),
  ]),
  program("normalization and softmax", [[24, 50], [50], [50]], (x, weight, bias) => [
    layerNorm(x!, [50], { weight: weight!, bias: bias! }),
    softmax(x!),
  ]),
  program("shapes", [[6, 10, 4]], (x) => [
    permute(x!, [2, 0, 1]),
    concat([slice(x!, [1, 2, 0], [3, 5, 4]), slice(x!, [2, 0, 0], [3, 3, 4])], 1),
  ]),
  program("sorting", [[9, 40]], (x) => [sort(x!).values, topK(x!, 5).values]),
  program(
    "lookups and updates",
    [
      [50, 8],
      [30, 8],
    ],
    (table, updates) => [indexSelect(table!, 0, classesOf(30, 50)), indexAdd(table!, 0, classesOf(30, 50), updates!)],
  ),
  program("cross entropy", [[32, 10]], (z) => [crossEntropy(z!, classesOf(32, 10))]),
];
