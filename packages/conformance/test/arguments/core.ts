/** A call of every function of core. */
import * as core from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { draw } from "../../src/laws/draw.js";
import type { CallSpec } from "../../src/laws/arguments.js";
import {
  anything,
  aTensor,
  call,
  fn,
  image,
  indices,
  integer,
  integers,
  list,
  mapped,
  number,
  only,
  operand,
  optional,
  options,
  text,
  variadic,
  x,
} from "./slots.js";

type Rows = Record<string, CallSpec>;
const of = (name: string): unknown => (core as Readonly<Record<string, unknown>>)[name];
const each = (names: string, make: (f: unknown) => CallSpec): Rows =>
  Object.fromEntries(names.split(" ").map((name) => [name, make(of(name))]));
const columns = () => core.ones([1, 1, 4, 4]);
const column = (): core.Tensor => core.tensor([[0]], { dtype: "int32" });

export const elementwise: Rows = {
  ...each(
    "abs neg sign exp log log1p expm1 sqrt sin cos tanh asinh erf erfc floor ceil round square reciprocal rsqrt isFinite isNaN isInfinite logicalNot",
    (f) => mapped(f, aTensor(x)),
  ),
  ...each(
    "add sub mul div pow maximum minimum remainder squaredDifference floorDivide equal notEqual less lessEqual greater greaterEqual logicalAnd logicalOr logicalXor",
    (f) => mapped(f, operand(x), operand(x)),
  ),
  where: call(
    core.where,
    aTensor(() => core.tensor([true])),
    operand(x),
    operand(x),
  ),
  clamp: call(core.clamp, aTensor(x), optional(number(0)), optional(number(1))),
  cast: call(core.cast, aTensor(x), text("int32")),
};
export const reductions: Rows = {
  ...each("sum prod max min amax amin any all argMax argMin mean variance std norm logSumExp sort argSort", (f) =>
    call(f, aTensor(x), options()),
  ),
  topK: call(core.topK, aTensor(x), integer(1), options()),
  cumsum: call(core.cumsum, aTensor(x), integer(0)),
  allClose: call(core.allClose, aTensor(x), aTensor(x), options()),
  arrayEqual: call(core.arrayEqual, aTensor(x), aTensor(x)),
};
export const shapes: Rows = {
  reshape: call(core.reshape, aTensor(x), list([2])),
  flatten: call(core.flatten, aTensor(x), optional(integer(0)), optional(integer(1))),
  squeeze: call(core.squeeze, aTensor(x), optional(integers(0))),
  ...each("expandDims unsqueeze", (f) => call(f, aTensor(x), integer(0))),
  permute: call(core.permute, aTensor(x), list([1, 0])),
  transpose: call(core.transpose, aTensor(x), optional(integer(0)), optional(integer(1))),
  broadcastTo: call(core.broadcastTo, aTensor(x), list([2, 2])),
  slice: call(core.slice, aTensor(x), list([0, 0]), list([1, 1]), optional(list([1, 1]))),
  flip: call(core.flip, aTensor(x), optional(integers(0))),
  concat: call(
    core.concat,
    only(() => [x(), x()]),
    optional(integer(0)),
  ),
  stack: call(
    core.stack,
    only(() => [x(), x()]),
    optional(integer(0)),
  ),
  split: call(core.split, aTensor(x), integers(1), optional(integer(0))),
  tile: call(core.tile, aTensor(x), list([1, 2])),
  pad: call(
    core.pad,
    aTensor(x),
    only([
      [0, 0],
      [0, 0],
    ]),
    { ...options(), takes: ["undefined", "a whole number", "a negative number", "a fraction", "NaN"] },
  ),
  at: variadic(
    core.at,
    aTensor(x),
    only(
      0,
      "null",
      "a whole number",
      "a negative number",
      "an array of numbers",
      "a typed array",
      "an int32 tensor",
      "a bool tensor",
    ),
  ),
  gather: call(core.gather, aTensor(x), integer(1), aTensor(column)),
  takeAlong: call(core.takeAlong, aTensor(x), integer(1), aTensor(column)),
  indexSelect: call(core.indexSelect, aTensor(x), integer(1), aTensor(indices)),
  indexAdd: call(
    core.indexAdd,
    aTensor(x),
    integer(1),
    aTensor(indices),
    aTensor(() => core.ones([1, 1])),
  ),
  scatterAdd: call(
    core.scatterAdd,
    aTensor(x),
    integer(1),
    aTensor(column),
    aTensor(() => core.ones([1, 1])),
  ),
  oneHot: call(core.oneHot, aTensor(indices), integer(2)),
  diagonal: mapped(core.diagonal, aTensor(x)),
  trace: mapped(core.trace, aTensor(x)),
  sumRows: call(core.sumRows, aTensor(indices), aTensor(x), integer(2)),
  setRows: call(core.setRows, aTensor(x), aTensor(indices), aTensor(x)),
  elementCount: call(core.elementCount, aTensor(x), optional(integers(0))),
  measuredCount: call(core.measuredCount, text("Own"), aTensor(x), optional(integers(1))),
};
export const products: Rows = {
  matmul: call(
    core.matmul,
    aTensor(x),
    aTensor(() => core.ones([2, 2])),
    options(),
  ),
  dot: mapped(
    core.dot,
    aTensor(() => core.ones([2])),
    aTensor(() => core.ones([2])),
  ),
  outer: mapped(
    core.outer,
    aTensor(() => core.ones([2])),
    aTensor(() => core.ones([2])),
  ),
  einsum: variadic(core.einsum, text("ij->i"), aTensor(x)),
  linear: call(
    core.linear,
    aTensor(x),
    aTensor(() => core.ones([3, 2])),
    optional(aTensor(() => core.ones([3]))),
  ),
  unfold: call(core.unfold, aTensor(image), integers(2), options()),
  fold: call(core.fold, aTensor(columns), list([3, 3]), integers(2), options()),
  convolution: call(
    core.convolution,
    aTensor(image),
    aTensor(() => core.ones([1, 2, 2, 2])),
    optional(aTensor(() => core.ones([1]))),
    options(),
  ),
  convolutionTranspose: call(
    core.convolutionTranspose,
    aTensor(image),
    aTensor(() => core.ones([2, 1, 2, 2])),
    optional(aTensor(() => core.ones([1]))),
    options(),
  ),
  ...each("maxPool maxPoolIndices avgPool", (f) => call(f, aTensor(image), integers(2), options())),
  ...each("cosineSimilarity pairwiseDistance", (f) => call(f, aTensor(x), aTensor(x), options())),
  normalize: call(core.normalize, aTensor(x), options()),
  gumbelSoftmax: call(core.gumbelSoftmax, aTensor(x), options()),
  maxUnpool: call(
    core.maxUnpool,
    aTensor(() => core.ones([1, 1, 2])),
    aTensor(() => core.tensor([[[0, 3]]], { dtype: "int32" })),
    integers(2),
    options(undefined, "outputSize"),
  ),
  fractionalMaxPool: call(
    core.fractionalMaxPool,
    aTensor(image),
    integers(2),
    options({ outputSize: 2 }, "randomSamples", "outputSize", "outputRatio"),
  ),
  lpPool: call(core.lpPool, aTensor(image), number(2), integers(2), options()),
  ...each("adaptiveAvgPool adaptiveMaxPool adaptiveMaxPoolIndices", (f) => call(f, aTensor(image), list([2, 2]))),
  resize: call(core.resize, aTensor(image), options({ size: 2 }), optional(integer(2))),
  scaledDotProductAttention: call(core.scaledDotProductAttention, aTensor(x), aTensor(x), aTensor(x), options()),
  sinusoidalPositions: call(core.sinusoidalPositions, integer(3), integer(2), options()),
  rotary: call(core.rotary, aTensor(x), options()),
  sequenceMask: call(core.sequenceMask, aTensor(indices), integer(2)),
  ...each("sequenceMean sequenceMax sequenceLast", (f) => call(f, aTensor(x), aTensor(indices))),
  layerNorm: call(core.layerNorm, aTensor(x), integers(2), options()),
  rmsNorm: call(core.rmsNorm, aTensor(x), integers(2), options()),
  groupNorm: call(core.groupNorm, aTensor(x), integer(1), options()),
};
export const creation: Rows = {
  tensor: call(
    core.tensor,
    only([1, 2], "a boolean", "a whole number", "a negative number", "a fraction", "NaN", "an array of numbers", "a typed array"),
    options(),
  ),
  scalar: call(core.scalar, number(1, "a boolean"), options()),
  full: call(core.full, list([2]), number(1, "a boolean"), options()),
  ...each("zeros ones", (f) => call(f, list([2]), options())),
  ...each("zerosLike onesLike", (f) => mapped(f, aTensor(x))),
  fullLike: call(core.fullLike, aTensor(x), number(1, "a boolean")),
  arange: call(core.arange, number(0), optional(number(4)), optional(number(1)), options()),
  linspace: call(core.linspace, number(0), number(1), integer(3)),
  eye: call(core.eye, integer(2), optional(integer(2))),
  uniform: call(core.uniform, list([2]), optional(number(0)), optional(number(1))),
  normal: call(core.normal, list([2]), optional(number(0)), optional(number(1))),
  randint: call(core.randint, list([2]), integer(0), integer(3)),
  permutation: call(core.permutation, integer(3)),
  bernoulli: mapped(core.bernoulli, aTensor(x)),
  manualSeed: call(core.manualSeed, integer(0)),
  ...each("currentSeed currentBackend", (f) => call(f)),
};
export const initializers: Rows = {
  constantInit: call(core.constantInit, number(1)),
  ...each("uniformInit normalInit", (f) => call(f, optional(number(0)), optional(number(1)))),
  truncNormal: call(core.truncNormal, optional(number(0)), optional(number(1)), optional(number(-2)), optional(number(2))),
  ...each("xavierUniform xavierNormal orthogonal", (f) => call(f, optional(number(1)))),
  ...each("kaimingUniform kaimingNormal", (f) => call(f, options())),
  defaultBias: call(core.defaultBias, integer(3)),
};
export const gradients: Rows = {
  valueAndGrad: call(
    core.valueAndGrad,
    fn(() => core.scalar(1)),
    aTensor(x),
  ),
  grad: call(
    core.grad,
    fn((t: core.Tensor) => core.sum(t)),
  ),
  jacobian: call(
    core.jacobian,
    fn((t: core.Tensor) => t),
    aTensor(x),
  ),
  noGrad: call(
    core.noGrad,
    fn(() => 1),
  ),
  stopGradient: mapped(core.stopGradient, aTensor(x)),
  compile: call(
    core.compile,
    fn(() => 1),
    options(undefined, "name"),
  ),
  scope: call(
    core.scope,
    fn(() => 1),
  ),
  keep: call(core.keep, aTensor(x)),
};

const plugin = {
  name: "own",
  contract: 2,
  priority: -1,
  probe: async () => ({ available: false, reason: "no", remedy: "no" }),
  create: reference,
};
export const backends: Rows = {
  useBackend: call(
    core.useBackend,
    only(() => core.currentBackend()),
  ),
  withBackend: call(
    core.withBackend,
    only(() => core.currentBackend()),
    fn(() => 1),
  ),
  registerBackend: call(core.registerBackend, only(plugin)),
  createBackend: call(
    async (...args: [string]) => (
      core.registerBackend({ ...plugin, name: "made", probe: async () => ({ available: true, engine: "" }) } as never),
      core.createBackend(...args)
    ),
    optional(text("made")),
    anything(undefined),
  ),
  ...each("probeBackends registeredBackends", (f) => call(f)),
};

const key = (): core.Key => core.hashKey(1, "own");
export const random: Rows = {
  hashKey: variadic(core.hashKey, integer(1)),
  initialize: call(core.initialize, fn(core.constantInit(1)), list([2]), text("weight")),
  initializerOf: call(core.initializerOf, text("zeros")),
  eyeInit: call(core.eyeInit),
  dirac: call(core.dirac, optional(integer(1))),
  fans: call(core.fans, list([2, 2])),
  gainOf: call(core.gainOf, text("relu"), optional(number(0.1))),
  shuffledIndices: call(core.shuffledIndices, integer(3), only(key)),
  withRandom: call(
    core.withRandom,
    options(() => ({ seed: 1, counters: core.zeros([3], { dtype: "int32" }) })),
    fn(() => 1),
  ),
};

const rowGradient = (): core.RowGradient => ({ indices: indices(), rows: core.ones([1, 2]), size: 3 });
export const differentiation: Rows = {
  valueAndRowGrads: call(
    core.valueAndRowGrads,
    fn(() => [core.scalar(1)]),
    only(() => [new core.Variable(core.ones([2]))]),
    fn(() => false),
  ),
  denseGradient: call(core.denseGradient, only(rowGradient)),
  isRowGradient: mapped(core.isRowGradient, anything(rowGradient)),
  cond: call(
    core.cond,
    aTensor(() => core.equal(core.scalar(0), 0)),
    fn(() => core.scalar(1)),
    fn(() => core.scalar(2)),
  ),
  scan: call(
    core.scan,
    fn((sum: core.Tensor) => [sum, undefined]),
    aTensor(() => core.scalar(0), "undefined", "null"),
    aTensor(() => core.ones([2])),
    options(),
  ),
  withoutRankPromotion: call(
    core.withoutRankPromotion,
    text("own"),
    only(() => [x()]),
    fn(() => 1),
  ),
};

export const others: Rows = {
  Variable: call(
    (...args: [never]) => new core.Variable(...args),
    aTensor(() => core.ones([2])),
    options(undefined, "name"),
  ),
  ...each("asProbabilities asLogProbabilities", (f) =>
    call(
      f,
      aTensor(() => core.zeros([2])),
    ),
  ),
  leaves: mapped(core.leaves, anything([1])),
  mapTree: call(
    core.mapTree,
    anything([1]),
    fn((leaf: unknown) => leaf),
    optional(text("path")),
  ),
  prelu: call(
    core.prelu,
    aTensor(x),
    aTensor(() => core.ones([1])),
    options(),
  ),
};

const draws = draw(1);
export const activationRows: Rows = Object.fromEntries(
  Object.entries(core).flatMap(([name, value]) =>
    typeof value === "function" && "activationName" in value ? [[name, call(value, aTensor(x), options())]] : [],
  ),
);
export const lossRows: Rows = Object.fromEntries(
  Object.entries(core).flatMap(([name, value]) => {
    if (typeof value !== "function" || !("lossName" in value)) return [];
    const [sample] = Object.values(value.samples as core.Loss["samples"]);
    const given = sample!(2, draws);
    return [[name, call(value, ...given.inputs.map((t) => aTensor(() => t)), optional(options(() => given.options ?? {})))]];
  }),
);

/** A loss with other defaults. */
export const methods: Rows = Object.fromEntries(
  Object.entries(core).flatMap(([name, value]) =>
    typeof value === "function" && "lossName" in value
      ? [
          [
            `${name}.with`,
            call(
              (...args: readonly unknown[]) => (value as unknown as Record<string, CallSpec["run"]>)["with"]!(...args),
              options(),
            ),
          ],
        ]
      : [],
  ),
);

export const rows: Rows = {
  ...elementwise,
  ...reductions,
  ...shapes,
  ...products,
  ...creation,
  ...initializers,
  ...gradients,
  ...backends,
  ...random,
  ...differentiation,
  ...others,
  ...activationRows,
  ...lossRows,
};

/** Functions that are called with anything, or with computed arguments. */
export const without: Readonly<Record<string, string>> = {
  ...Object.fromEntries(["tidy", "dispose", "backward"].map((name) => [name, "always says what there is in its place"])),
  ...Object.fromEntries(["philox", "randomBits", "randomUniform24"].map((name) => [name, "an inner loop over counters"])),
  Tensor: "made by tensor and its kind",
  Dim: "made by the arithmetic of sizes",
  ErmineError: "a class of errors, whose message may be anything",
  Parameter: "among the layers",
  defaultWeight: "an initializer, which initialize calls",
};
