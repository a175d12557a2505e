/**
 * Operations as methods: after `import "@ermine/core/fluent"`, `x.add(y).relu().sum({ axis: 1 })` is `sum(relu(add(x, y)), { axis: 1 })`.
 *
 * The import changes the tensors of the whole program, and a bundle carries every operation here. It is for applications: a library that imports
 * it decides for all programs that use the library.
 */
import { elu, type EluOptions } from "../activations/elu.js";
import { gelu, type GeluOptions } from "../activations/gelu.js";
import { leakyRelu, type LeakyReluOptions } from "../activations/leakyRelu.js";
import { logSigmoid } from "../activations/logSigmoid.js";
import { logSoftmax, type LogSoftmaxOptions } from "../activations/logSoftmax.js";
import { mish } from "../activations/mish.js";
import { relu } from "../activations/relu.js";
import { sigmoid } from "../activations/sigmoid.js";
import { silu } from "../activations/silu.js";
import { softmax, type SoftmaxOptions } from "../activations/softmax.js";
import { softplus, type SoftplusOptions } from "../activations/softplus.js";
import { add, div, maximum, minimum, mul, pow, remainder, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { equal, greater, greaterEqual, less, lessEqual, logicalAnd, logicalNot, logicalOr, notEqual } from "../ops/comparison.js";
import type { Operand } from "../ops/elementwise.js";
import { floorDivide } from "../ops/floorDivide.js";
import { gather, indexSelect } from "../ops/gather.js";
import { at, type Index } from "../ops/indexing.js";
import { dot, matmul, outer, type MatmulOptions } from "../ops/matmul.js";
import { all, any, argMax, argMin, max, min, prod, sum, type AxisOptions, type ReduceOptions } from "../ops/reduction.js";
import { broadcastTo, expandDims, flatten, permute, reshape, squeeze, tile, transpose, unsqueeze } from "../ops/shape.js";
import { concat, split } from "../ops/concat.js";
import { flip, slice } from "../ops/slice.js";
import { argSort, cumsum, sort, topK, type SortOptions, type TopKOptions } from "../ops/sort.js";
import { logSumExp, mean, norm, std, variance, type NormOptions, type VarianceOptions } from "../ops/statistics.js";
import {
  abs,
  ceil,
  cos,
  erf,
  exp,
  expm1,
  floor,
  isFinite,
  isNaN,
  log,
  log1p,
  neg,
  reciprocal,
  round,
  rsqrt,
  sign,
  sin,
  sqrt,
  square,
  tanh,
  type ExpDomain,
  type LogDomain,
} from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import type { Shape, Size } from "../types/dim.js";
import type { Domain, DType } from "../types/dtype.js";
import { Tensor } from "../types/tensor.js";

/** The methods, each the function of its name with the tensor as the first argument; `concat` and `where` say which place it has. */
export interface FluentMethods<D extends Domain> {
  /** |x|: see `abs`. */
  abs(): Tensor<"real">;
  /** x + b: see `add`. */
  add(b: Operand): Tensor<"real">;
  /** See `all`. */
  all(options?: ReduceOptions): Tensor<"real">;
  /** See `any`. */
  any(options?: ReduceOptions): Tensor<"real">;
  /** See `argMax`. */
  argMax(options?: AxisOptions): Tensor<"real">;
  /** See `argMin`. */
  argMin(options?: AxisOptions): Tensor<"real">;
  /** See `argSort`. */
  argSort(options?: SortOptions): Tensor<"real">;
  /** NumPy's indexing: see `at`. */
  at(...indices: readonly Index[]): Tensor<D>;
  /** See `broadcastTo`. */
  broadcastTo(shape: Shape): Tensor<D>;
  /** The same values in another dtype: see `cast`. */
  cast(dtype: DType): Tensor;
  /** See `ceil`. */
  ceil(): Tensor<"real">;
  /** Within bounds: see `clamp`. */
  clamp(min: number | undefined, max?: number): Tensor<D extends "logProbabilities" ? "real" : D>;
  /** This one and then the others along an axis: see `concat`. */
  concat(others: readonly Tensor<D>[], axis?: number): Tensor<D>;
  /** See `cos`. */
  cos(): Tensor<"real">;
  /** See `cumsum`. */
  cumsum(axis: number): Tensor<"real">;
  /** x / b: see `div`. */
  div(b: Operand): Tensor<"real">;
  /** See `dot`. */
  dot(b: Tensor): Tensor<"real">;
  /** See `elu`. */
  elu(options?: EluOptions): Tensor<"real">;
  /** x = b: see `equal`. */
  equal(b: Operand): Tensor<"real">;
  /** See `erf`. */
  erf(): Tensor<"real">;
  /** eˣ: see `exp`. */
  exp(): Tensor<ExpDomain<D>>;
  /** See `expandDims`. */
  expandDims(axis: number): Tensor<D>;
  /** See `expm1`. */
  expm1(): Tensor<"real">;
  /** See `flatten`. */
  flatten(startAxis?: number, endAxis?: number): Tensor<D>;
  /** See `flip`. */
  flip(axis?: number | readonly number[]): Tensor<D>;
  /** See `floor`. */
  floor(): Tensor<"real">;
  /** See `floorDivide`. */
  floorDivide(b: Operand): Tensor<"real">;
  /** See `gather`. */
  gather(axis: number, indices: Tensor): Tensor<D>;
  /** See `gelu`. */
  gelu(options?: GeluOptions): Tensor<"real">;
  /** x > b: see `greater`. */
  greater(b: Operand): Tensor<"real">;
  /** x ≥ b: see `greaterEqual`. */
  greaterEqual(b: Operand): Tensor<"real">;
  /** See `indexSelect`. */
  indexSelect(axis: number, indices: Tensor): Tensor<D>;
  /** See `isFinite`. */
  isFinite(): Tensor<"real">;
  /** See `isNaN`. */
  isNaN(): Tensor<"real">;
  /** See `leakyRelu`. */
  leakyRelu(options?: LeakyReluOptions): Tensor<"real">;
  /** x < b: see `less`. */
  less(b: Operand): Tensor<"real">;
  /** x ≤ b: see `lessEqual`. */
  lessEqual(b: Operand): Tensor<"real">;
  /** ln x: see `log`. */
  log(): Tensor<LogDomain<D>>;
  /** See `log1p`. */
  log1p(): Tensor<"real">;
  /** See `logSigmoid`. */
  logSigmoid(): Tensor<"real">;
  /** See `logSoftmax`. */
  logSoftmax(options?: LogSoftmaxOptions): Tensor<"logProbabilities">;
  /** See `logSumExp`. */
  logSumExp(options?: ReduceOptions): Tensor<"real">;
  /** See `logicalAnd`. */
  logicalAnd(b: Operand): Tensor<"real">;
  /** See `logicalNot`. */
  logicalNot(): Tensor<"real">;
  /** See `logicalOr`. */
  logicalOr(b: Operand): Tensor<"real">;
  /** The matrix product: see `matmul`. */
  matmul(b: Tensor, options?: MatmulOptions): Tensor<"real">;
  /** See `max`. */
  max(options?: ReduceOptions): Tensor<"real">;
  /** The larger of each two: see `maximum`. */
  maximum(b: Operand): Tensor<"real">;
  /** See `mean`. */
  mean(options?: ReduceOptions): Tensor<"real">;
  /** See `min`. */
  min(options?: ReduceOptions): Tensor<"real">;
  /** The smaller of each two: see `minimum`. */
  minimum(b: Operand): Tensor<"real">;
  /** See `mish`. */
  mish(): Tensor<"real">;
  /** x · b, element by element: see `mul`. */
  mul(b: Operand): Tensor<"real">;
  /** −x: see `neg`. */
  neg(): Tensor<"real">;
  /** See `norm`. */
  norm(options?: NormOptions): Tensor<"real">;
  /** x ≠ b: see `notEqual`. */
  notEqual(b: Operand): Tensor<"real">;
  /** See `outer`. */
  outer(b: Tensor): Tensor<"real">;
  /** The axes in another order: see `permute`. */
  permute(axes: readonly number[]): Tensor<D>;
  /** xᵇ: see `pow`. */
  pow(b: Operand): Tensor<"real">;
  /** See `prod`. */
  prod(options?: ReduceOptions): Tensor<"real">;
  /** 1 / x: see `reciprocal`. */
  reciprocal(): Tensor<"real">;
  /** See `relu`. */
  relu(): Tensor<"real">;
  /** See `remainder`. */
  remainder(b: Operand): Tensor<"real">;
  /** See `reshape`. */
  reshape(shape: Shape): Tensor<D>;
  /** See `round`. */
  round(): Tensor<"real">;
  /** 1 / √x: see `rsqrt`. */
  rsqrt(): Tensor<"real">;
  /** See `sigmoid`. */
  sigmoid(): Tensor<"probabilities">;
  /** See `sign`. */
  sign(): Tensor<"real">;
  /** See `silu`. */
  silu(): Tensor<"real">;
  /** See `sin`. */
  sin(): Tensor<"real">;
  /** A block: see `slice`. */
  slice(starts: readonly Size[], sizes: readonly Size[], steps?: readonly number[]): Tensor<D>;
  /** See `softmax`. */
  softmax(options?: SoftmaxOptions): Tensor<"probabilities">;
  /** See `softplus`. */
  softplus(options?: SoftplusOptions): Tensor<"real">;
  /** See `sort`. */
  sort(options?: SortOptions): { values: Tensor<D>; indices: Tensor<"real"> };
  /** See `split`. */
  split(sizes: number | readonly number[], axis?: number): Tensor<D>[];
  /** √x: see `sqrt`. */
  sqrt(): Tensor<"real">;
  /** x²: see `square`. */
  square(): Tensor<"real">;
  /** See `squeeze`. */
  squeeze(axis?: number | readonly number[]): Tensor<D>;
  /** See `std`. */
  std(options?: VarianceOptions): Tensor<"real">;
  /** x − b: see `sub`. */
  sub(b: Operand): Tensor<"real">;
  /** See `sum`. */
  sum(options?: ReduceOptions): Tensor<"real">;
  /** See `tanh`. */
  tanh(): Tensor<"real">;
  /** See `tile`. */
  tile(counts: readonly number[]): Tensor<D>;
  /** See `topK`. */
  topK(k: number, options?: TopKOptions): { values: Tensor<D>; indices: Tensor<"real"> };
  /** Two axes exchanged: see `transpose`. */
  transpose(axis0?: number, axis1?: number): Tensor<D>;
  /** See `unsqueeze`. */
  unsqueeze(axis: number): Tensor<D>;
  /** See `variance`. */
  variance(options?: VarianceOptions): Tensor<"real">;
  /** This one where the condition holds, `other` elsewhere: `where(condition, x, other)`. */
  where(condition: Tensor, other: Operand): Tensor<"real">;
}

declare module "../types/tensor.js" {
  // The parameter is that of the class, as merging asks for.
  interface Tensor<D extends Domain = any> extends FluentMethods<D> {}
}

type Functions = { readonly [K in keyof FluentMethods<Domain>]: (x: Tensor, ...rest: never[]) => unknown };

/** Each a function of the tensor and what the method is given. */
const functions: Functions = {
  abs,
  add,
  all,
  any,
  argMax,
  argMin,
  argSort,
  at,
  broadcastTo,
  cast,
  ceil,
  clamp,
  concat: (x: Tensor, others: readonly Tensor[], ...axis: number[]) =>
    concat(Array.isArray(others) ? [x, ...others] : others, ...axis),
  cos,
  cumsum,
  div,
  dot,
  elu,
  equal,
  erf,
  exp,
  expandDims,
  expm1,
  flatten,
  flip,
  floor,
  floorDivide,
  gather,
  gelu,
  greater,
  greaterEqual,
  indexSelect,
  isFinite,
  isNaN,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  logSigmoid,
  logSoftmax,
  logSumExp,
  logicalAnd,
  logicalNot,
  logicalOr,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mish,
  mul,
  neg,
  norm,
  notEqual,
  outer,
  permute,
  pow,
  prod,
  reciprocal,
  relu,
  remainder,
  reshape,
  round,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  sort,
  split,
  sqrt,
  square,
  squeeze,
  std,
  sub,
  sum,
  tanh,
  tile,
  topK,
  transpose,
  unsqueeze,
  variance,
  where: (x: Tensor, condition: Tensor, ...other: [Operand]) => where(condition, x, ...other),
};

for (const [name, fn] of Object.entries(functions)) {
  const call = fn as (x: Tensor, ...rest: readonly unknown[]) => unknown;
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: readonly unknown[]): unknown {
      return call(this, ...rest);
    },
    configurable: true,
    writable: true,
  });
}
