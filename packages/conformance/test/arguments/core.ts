/** A call of every function of core. */
import * as core from "@ermine/core";
import * as define from "@ermine/core/define";
import { reference } from "@ermine/core/reference";
import type { CallSpec } from "../../src/laws/arguments.js";
import {
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
  lpPool: call(core.lpPool, aTensor(image), number(2), integers(2), options()),
  ...each("adaptiveAvgPool adaptiveMaxPool adaptiveMaxPoolIndices", (f) => call(f, aTensor(image), list([2, 2]))),
  resize: call(core.resize, aTensor(image), options({ size: 2 }), optional(integer(2))),
  scaledDotProductAttention: call(core.scaledDotProductAttention, aTensor(x), aTensor(x), aTensor(x), options()),
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
export const definitions: Rows = {
  defineOp: call(
    define.defineOp,
    options({ name: "own", inputs: [{ name: "x" }], infer: ([t]: readonly unknown[]) => [t] }, "name"),
  ),
  defineActivation: call(
    define.defineActivation,
    options({ name: "own", decompose: core.neg }, "name", "op", "options", "optionExamples"),
  ),
  defineLoss: call(
    define.defineLoss,
    options(
      { name: "own", link: "identity", inputs: [{ name: "prediction" }], elements: () => ({ value: x() }) },
      "name",
      "link",
    ),
  ),
  useBackend: call(core.useBackend, only(reference)),
  withBackend: call(
    core.withBackend,
    only(reference),
    fn(() => 1),
  ),
};
export const rows: Rows = {
  ...definitions,
  ...elementwise,
  ...reductions,
  ...shapes,
  ...products,
  ...creation,
  ...initializers,
  ...gradients,
};
