/** Calls of ops, as people call them. An op that none of them reaches, nor any activation or loss, breaks the law that all are. */
import * as e from "@ermine/core";
import { embeddingBagOp, embeddingOp, sizeOp } from "@ermine/core/backend";
import { apply, apply1, drawUniform } from "@ermine/core/define";
import type { Tensor } from "@ermine/core";
import type { Call } from "./call.js";
import { layerPrograms } from "./layerPrograms.js";
import { loopPrograms } from "./loopPrograms.js";
import { program, type Inputs, type Run } from "./program.js";

const line: Inputs = (n, d) => [d.real([n])];
const above: Inputs = (n, d) => [d.positive([n])];
const integers: Inputs = (n, d) => [d.integers([n], -40, 40), d.integers([n], 1, 7)];
const all = 65_537;

/** One number in, one out. */
const unary = (
  [
    [
      line,
      [e.neg, e.abs, e.sign, e.exp, e.expm1, e.sin, e.cos, e.tanh, e.erf, e.erfc, e.asinh, e.floor, e.ceil, e.round, e.square],
    ],
    [above, [e.log, e.log1p, e.sqrt, e.reciprocal, e.rsqrt]],
  ] as const
).flatMap(([inputs, functions]) => functions.map((fn: Run) => ({ ...program(fn.name, inputs, fn, all), pointwise: true })));

const pairs: readonly (readonly [string, (n: number) => readonly (readonly number[])[]])[] = [
  ["", (n) => [[n], [n]]],
  [", a scalar", (n) => [[n], []]],
  [", a row", (n) => [[3, n], [n]]],
  [
    ", rows and columns",
    (n) => [
      [3, 1],
      [1, n],
    ],
  ],
];
const arithmetic: readonly Run[] = [
  e.add,
  e.sub,
  e.mul,
  e.div,
  e.pow,
  e.maximum,
  e.minimum,
  e.remainder,
  e.floorDivide,
  e.squaredDifference,
];
const comparisons: readonly Run[] = [e.equal, e.notEqual, e.less, e.lessEqual, e.greater, e.greaterEqual];

const binary = [...arithmetic, ...comparisons].flatMap((fn) =>
  pairs.map(([how, shapes]) =>
    program(`${fn.name}${how}`, (n, d) => shapes(n).map((shape) => d.positive(shape)), fn, how === "" ? all : 1000),
  ),
);

const ofIntegers = (
  [
    ["add", e.add],
    ["sub", e.sub],
    ["mul", e.mul],
    ["maximum", e.maximum],
    ["remainder", e.remainder],
    ["floorDivide", e.floorDivide],
    ["equal", e.equal],
    ["less", e.less],
    ["cumsum", (a: Tensor) => e.cumsum(a, 0)],
    ["sort", (a: Tensor) => e.sort(a).values],
    ["sum", (a: Tensor) => e.sum(a)],
    ["slice", (a: Tensor) => e.at(a, { step: 2 })],
    ["concat", (a: Tensor, b: Tensor) => e.concat([a, b])],
    ["where", (a: Tensor, b: Tensor) => e.where(e.greater(a, 0), a, b)],
    ["cast to float32 and bool", (a: Tensor) => [e.cast(a, "float32"), e.cast(a, "bool")]],
  ] as readonly (readonly [string, Run])[]
).map(([name, fn]) => program(`${name} of int32`, integers, fn));

const logic = program(
  "logicalAnd, logicalOr, logicalXor, logicalNot",
  (n, d) => [d.integers([n], 0, 1), d.integers([n], 0, 1)],
  (a, b) => [e.logicalAnd(a!, b!), e.logicalOr(a!, b!), e.logicalXor(a!, b!), e.logicalNot(a!)],
);

/** Over a line, over rows and over columns: the axis that grows is the last, or the first. */
const reductions = (
  [
    ["sum", (x, o) => e.sum(x, o)],
    ["mean", (x, o) => e.mean(x, o)],
    ["variance", (x, o) => e.variance(x, o)],
    ["norm", (x, o) => e.norm(x, o)],
    ["logSumExp", (x, o) => e.logSumExp(x, o)],
    ["max", (x, o) => e.max(x, o)],
    ["min", (x, o) => e.min(x, o)],
  ] as readonly (readonly [string, (x: Tensor, options: e.ReduceOptions) => Tensor])[]
).flatMap(([name, fn]) => [
  program(
    `${name} of a line`,
    (n, d) => [d.real([n])],
    (x) => fn(x!, {}),
    all,
  ),
  program(
    `${name} of rows`,
    (n, d) => [d.real([3, n])],
    (x) => fn(x!, { axis: 1, keepDims: true }),
  ),
  program(
    `${name} of columns`,
    (n, d) => [d.real([n, 3])],
    (x) => fn(x!, { axis: 0 }),
  ),
  program(
    `${name} around an axis`,
    (n, d) => [d.real([2, n, 3])],
    (x) => fn(x!, { axis: [0, 2] }),
  ),
]);

const along = [
  program(
    "prod",
    (n, d) => [d.positive([n, 3])],
    (x) => e.prod(x!, { axis: 1 }),
  ),
  program(
    "argMax, argMin",
    (n, d) => [d.real([3, n])],
    (x) => [e.argMax(x!, { axis: 1 }), e.argMin(x!, { axis: 0 })],
  ),
  program(
    "any, all",
    (n, d) => [d.integers([n, 3], 0, 1)],
    (x) => [e.any(x!, { axis: 1 }), e.all(x!, { axis: 0 })],
  ),
  program(
    "cumsum",
    (n, d) => [d.real([2, n])],
    (x) => [e.cumsum(x!, 1), e.cumsum(x!, 0)],
  ),
  program(
    "sort",
    (n, d) => [d.real([2, n])],
    (x) => {
      const { values, indices } = e.sort(x!, { axis: 1, descending: true });
      return [values, indices];
    },
  ),
  program(
    "topK",
    (n, d) => [d.real([n + 2, 2])],
    (x) => e.topK(x!, 2, { axis: 0 }).values,
  ),
];

const shapes = [
  program(
    "reshape",
    (n, d) => [d.real([2, n, 3])],
    (x) => e.reshape(x!, [-1, 2]),
  ),
  program(
    "transpose",
    (n, d) => [d.real([n, 3])],
    (x) => e.transpose(x!),
  ),
  program(
    "permute",
    (n, d) => [d.real([2, n, 3])],
    (x) => e.permute(x!, [1, 2, 0]),
  ),
  program(
    "broadcastTo",
    (n, d) => [d.real([n, 1])],
    (x) => e.broadcastTo(x!, [2, x!.shape[0]!, 3]),
  ),
  program(
    "flip",
    (n, d) => [d.real([n, 3])],
    (x) => e.flip(x!, [0, 1]),
  ),
  program(
    "tile",
    (n, d) => [d.real([n, 2])],
    (x) => e.tile(x!, [2, 3]),
  ),
  program(
    "pad",
    (n, d) => [d.real([n, 3])],
    (x) =>
      e.pad(x!, [
        [1, 0],
        [0, 2],
      ]),
  ),
  program(
    "concat, split",
    (n, d) => [d.real([n, 3]), d.real([n, 2])],
    (a, b) => e.split(e.concat([a!, b!], 1), [1, 4], 1),
  ),
  program(
    "stack",
    (n, d) => [d.real([n]), d.real([n])],
    (a, b) => e.stack([a!, b!], 1),
  ),
  program(
    "at, steps",
    (n, d) => [d.real([n, 5])],
    (x) => [e.at(x!, { step: -2 }, { start: 1, step: 3 }), e.at(x!, "...", null, -1)],
  ),
  program(
    "at, arrays and masks",
    (n, d) => [d.real([n, 3])],
    (x) => [e.at(x!, {}, [2, 0, -1]), e.at(x!, {}, [true, false, true])],
  ),
  program(
    "where",
    (n, d) => [d.real([n, 3]), d.real([3])],
    (a, b) => e.where(e.greater(a!, b!), a!, b!),
  ),
  program("clamp", line, (x) => e.clamp(x!, -1, 2), all),
  program("cast", line, (x) => [e.cast(x!, "int32"), e.cast(e.cast(x!, "bool"), "float32")]),
  program("isFinite", line, (x) => [e.isFinite(x!), e.isFinite(e.div(x!, 0))]),
];

const indexed = [
  program(
    "gather",
    (n, d) => [d.real([n, 4]), d.integers([n, 3], 0, 3)],
    (x, i) => e.gather(x!, 1, i!),
  ),
  program(
    "gather of int32",
    (n, d) => [d.integers([4, n], -9, 9), d.integers([2, n], 0, 3)],
    (x, i) => e.gather(x!, 0, i!),
  ),
  program(
    "indexSelect",
    (n, d) => [d.real([4, 3]), d.integers([n], 0, 3)],
    (x, i) => e.indexSelect(x!, 0, i!),
  ),
  program(
    "indexSelect of bool, the last axis",
    (n, d) => [d.real([3, 4]), d.integers([n], 0, 3)],
    (x, i) => e.indexSelect(e.greater(x!, 0), 1, i!),
  ),
  program(
    "scatterAdd",
    (n, d) => [d.real([n, 4]), d.integers([n, 3], 0, 3), d.real([n, 3])],
    (x, i, u) => e.scatterAdd(x!, 1, i!, u!),
  ),
  program(
    "scatterAdd, the first axis",
    (n, d) => [d.real([4, n]), d.integers([3, n], 0, 3), d.real([3, n])],
    (x, i, u) => e.scatterAdd(x!, 0, i!, u!),
  ),
  program(
    "indexAdd",
    (n, d) => [d.real([4, 3]), d.integers([n], 0, 3), d.real([n, 3])],
    (x, i, u) => e.indexAdd(x!, 0, i!, u!),
  ),
  program(
    "sumRows",
    (n, d) => [d.real([n, 3]), d.integers([n], 0, 3)],
    (rows, i) => Object.values(e.sumRows(i!, rows!, 4)),
  ),
  program(
    "setRows",
    (n, d) => [d.real([4, 3]), d.integers([n], 0, 3), d.real([n, 3])],
    // Rows of one index must be the same.
    (table, i, rows) => e.setRows(table!, i!, e.sumRows(i!, rows!, 4).sums),
  ),
  {
    ...program(
      "embedding",
      (n, d) => [d.real([4, 3]), d.integers([n], 0, 3)],
      (table, i) => apply1(embeddingOp, [table!, i!], { paddingIdx: 1, scaleGradByFreq: true }),
    ),
    // The padding's row gets no gradient, and the others' are scaled: not the slope of the value.
    differentiable: [],
  },
  {
    ...program(
      "maxUnpool, indices that are given",
      (n, d) => [d.real([n, 2]), d.integers([n, 2], 0, 3)],
      (x, i) => e.maxUnpool(x!, i!, [2]),
    ),
    // Elements of one index are averaged, and each has the whole gradient: not the slope of the value.
    differentiable: [],
  },
  ...(["sum", "mean", "max"] as const).flatMap((mode) => [
    program(
      `embeddingBag, ${mode}, by length`,
      (n, d) => [d.real([4, 3]), d.integers([n, 2], 0, 3)],
      (table, i) =>
        apply(embeddingBagOp, [table!, e.reshape(i!, [-1]), undefined, undefined], {
          mode,
          paddingIdx: null,
          scaleGradByFreq: false,
          bags: i!.shape[0]!,
          length: 2,
        })[0]!,
    ),
    program(
      `embeddingBag, ${mode}, by offsets`,
      (n, d) => [d.real([4, 3]), d.integers([n], 0, 3)],
      (table, i) =>
        apply(embeddingBagOp, [table!, i!, e.tensor(Int32Array.of(0, 0)), undefined], {
          mode,
          paddingIdx: null,
          scaleGradByFreq: false,
          bags: 2,
          length: null,
        })[0]!,
    ),
  ]),
  program(
    "embeddingBag, weighed",
    (n, d) => [d.real([4, 3]), d.integers([n, 2], 0, 3), d.real([2 * n])],
    (table, i, weights) =>
      apply(embeddingBagOp, [table!, e.reshape(i!, [-1]), undefined, weights!], {
        mode: "sum",
        paddingIdx: null,
        scaleGradByFreq: false,
        bags: i!.shape[0]!,
        length: 2,
      })[0]!,
  ),
  program(
    "oneHot",
    (n, d) => [d.real([4]), d.integers([n], 0, 3)],
    (weights, i) => e.mul(e.oneHot(i!, 4), weights!),
  ),
  program(
    "at, a tensor",
    (n, d) => [d.real([3, 4]), d.integers([n], -4, 3)],
    (x, i) => e.at(x!, {}, i!),
  ),
  program(
    "at, tensors for several axes",
    (n, d) => [d.real([4, 4, 2]), d.integers([n], -4, 3), d.integers([n], -4, 3)],
    (x, i, j) => e.at(x!, i!, j!),
  ),
].map((call): Call => {
  const negative = call.name.startsWith("at");
  const inputs = call.name.includes("several") ? [1, 2] : [1];
  return { ...call, indices: inputs.map((input) => ({ input, size: 4, ...(negative ? { least: -4 } : {}) })) };
});

const calls = [
  program(
    "ones, iota",
    (n, d) => [d.real([n, 2])],
    (x) => e.add(e.mul(e.ones([2]), x!), e.arange(2)),
  ),
  program(
    "the size of axes",
    (n, d) => [d.real([n, 3])],
    (x) => apply1(sizeOp, [x], { axes: [0] }),
  ),
  program(
    "random",
    (_, d) => [d.integers([3], 0, 9)],
    (counters) => e.withRandom({ seed: 7, counters: counters! }, () => drawUniform([31], "law")),
  ),
];

const products = [
  ...[false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) =>
      program(
        `matmul${transposeA ? ", Aᵀ" : ""}${transposeB ? ", Bᵀ" : ""}`,
        (n, d) => [d.real(transposeA ? [n, 5] : [5, n]), d.real(transposeB ? [6, n] : [n, 6])],
        (a, b) => e.matmul(a!, b!, { transposeA, transposeB }),
      ),
    ),
  ),
  program(
    "matmul, long rows",
    (n, d) => [d.real([n, 3]), d.real([3, n])],
    (a, b) => e.matmul(a!, b!),
    64,
  ),
  program(
    "matmul, batched",
    (n, d) => [d.real([2, 1, n, 3]), d.real([3, 3, 4])],
    (a, b) => e.matmul(a!, b!),
    64,
  ),
  program(
    "matmul of a vector",
    (n, d) => [d.real([n]), d.real([n, 3])],
    (a, b) => e.matmul(a!, b!),
  ),
  program(
    "einsum",
    (n, d) => [d.real([2, n, 3]), d.real([3, 4])],
    (a, b) => e.einsum("bij,jk->bki", a!, b!),
    64,
  ),
  {
    ...program(
      "linear",
      (n, d) => [d.real([n, 5]), d.real([7, 5]), d.real([7])],
      (x, w, b) => e.linear(x!, w!, b!),
    ),
    composed: true,
  },
  {
    ...program(
      "linear, no bias",
      (n, d) => [d.real([2, 3, n]), d.real([4, n])],
      (x, w) => e.linear(x!, w!),
    ),
    composed: true,
  },
  {
    ...program(
      "prelu",
      (n, d) => [d.real([n, 3]), d.real([3])],
      (x, w) => e.prelu(x!, w!),
    ),
    composed: true,
  },
];

/** Losses of classes over as many axes as there are: TensorFlow's own kernels end at five. */
const manyAxes: Inputs = (n, d) => [d.real([2, 3, 1, 2, n, 2]), d.integers([2, 1, 2, n, 2], 0, 2), d.real([2, 3, 1, 2, n, 2])];
const overManyAxes = (
  [
    ["class weights", (z, y) => e.crossEntropy(z, y, { weight: e.tensor([1, 2, 3]) })],
    ["label smoothing", (z, y) => e.crossEntropy(z, y, { labelSmoothing: 0.1 })],
    ["probabilities", (z, _, p) => e.crossEntropy(z, e.softmax(p, { axis: 1 }))],
  ] as readonly (readonly [string, (z: Tensor, y: Tensor, p: Tensor) => Tensor])[]
).map(([name, loss]) => ({
  ...program(`crossEntropy of rank 6, ${name}`, manyAxes, (z, y, p) => loss(z!, y!, p!), 8),
  // Targets have no part in the gradient.
  differentiable: [0],
}));

const linearLosses: readonly Call[] = [
  ["in one go", 8, {}],
  ["three classes at a time, smoothed", 3, { labelSmoothing: 0.1, ignoreIndex: 2 }],
].map(([name, chunkSize, options]) => ({
  ...program(
    `linearCrossEntropy ${name as string}`,
    (n, d) => [d.real([n, 3]), d.real([8, 3]), d.integers([n], 0, 7), d.real([8]), d.positive([8])],
    (x, w, target, linearBias, weight) =>
      e.linearCrossEntropy(x!, w!, target!, {
        linearBias: linearBias!,
        weight: weight!,
        chunkSize: chunkSize as number,
        ...(options as object),
      }),
    64,
  ),
  composed: true,
  // Weights of classes have no part in the gradient.
  differentiable: [0, 1, 3],
}));
const ofShares: Call = {
  ...program(
    "linearCrossEntropy of class probabilities, several losses a sample",
    (n, d) => [d.real([n, 3]), d.real([5, 2, 3]), d.real([n, 5, 2])],
    (x, w, target) => e.linearCrossEntropy(x!, w!, e.softmax(target!, { axis: 1 }), { chunkSize: 2 }),
    64,
  ),
  composed: true,
  differentiable: [0, 1],
};

export const programs: readonly Call[] = [
  ...linearLosses,
  ofShares,
  ...unary,
  ...binary,
  ...ofIntegers,
  logic,
  ...reductions,
  ...along,
  ...shapes,
  ...indexed,
  ...calls,
  ...products,
  ...overManyAxes,
  ...layerPrograms,
  ...loopPrograms,
];
