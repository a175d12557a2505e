/** Means, variances, norms: reductions made of simpler ones. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { oneValue } from "../ir/requirements.js";
import { currentTrace } from "../dispatch/trace.js";
import { formatShape, normalizeAxes, sizeOf } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { stopGradient } from "../dispatch/tapes.js";
import { add, div, maximum, mul, pow, sub } from "./arithmetic.js";
import { cast } from "./cast.js";
import { equal } from "./comparison.js";
import { apply1 } from "./apply.js";
import { builtinOp } from "../ir/op.js";
import { max, reducedShape, sum, type ReduceOptions } from "./reduction.js";
import { reshape } from "./shape.js";
import { abs, exp, isFinite, log, sqrt } from "./unary.js";
import { where } from "./where.js";

/** Attributes of `elementCountOp`. */
export type SizeAttributes = {
  /** The axes whose sizes are multiplied. */
  readonly axes: readonly number[];
};

/** How many elements there are along axes, as a float32 scalar: a symbolic batch's size inside a graph. */
export const sizeOp = builtinOp<SizeAttributes>({
  name: "size",
  inputs: [{ name: "x", differentiable: false }],
  infer: () => [{ shape: [], dtype: "float32", domain: "real" }],
});

/**
 * Π of the sizes of `axis` (default all): a number where it is known, else a scalar of the graph.
 *
 * @example
 * elementCount(zeros([2, 3])); // => 6
 */
export function elementCount(x: Tensor, axis?: number | readonly number[]): number | Tensor<"real"> {
  if (arguments.length > 2) checkArguments("elementCount", arguments, 2);
  checkTensor("elementCount", x);
  const axes = normalizeAxes("elementCount(x, axis)", axis, x.rank);
  const count = sizeOf(axes.map((i) => x.shape[i]!));
  return typeof count === "number" ? count : apply1(sizeOp, [x], { axes });
}

/**
 * As `elementCount`, for what measures a spread, which takes more than one element: a layer says by it what it needs of its batch. A size that is
 * open in a trace is noted on the graph: running it over one element is refused, by a trainer before its first step.
 *
 * @param label "BatchNorm1d 4", for messages
 * @throws ErmineError ERMINE_SHAPE where there is one element
 * @example
 * measuredCount("MyNorm", zeros([2, 3]), 0); // => 2
 */
export function measuredCount(label: string, x: Tensor, axis?: number | readonly number[]): number | Tensor<"real"> {
  const signature = "measuredCount(what, x, axis)";
  checkArgument(signature, "what", label, "string");
  if (arguments.length > 3) checkArguments("measuredCount", arguments, 3);
  checkTensor("measuredCount", x);
  const size = sizeOf(normalizeAxes(signature, axis, x.rank).map((i) => x.shape[i]!));
  if (size === 1) throw oneValue(formatShape(x.shape));
  if (typeof size !== "number") currentTrace()?.require(label, size);
  return elementCount(x, axis);
}

const reduceOptions = { axis: "integers", keepDims: "boolean" } as const;
const varianceOptions = { ...reduceOptions, correction: "number" } as const;
const normOptions = { ...reduceOptions, p: "number" } as const;

/**
 * Σ x / n over `axis`. NaN of nothing.
 *
 * @example
 * mean(tensor([[1, 2], [3, 4]]), { axis: 0 }); // => [2, 3]
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("mean", arguments, 2);
  checkTensor("mean", x);
  checkOptions("mean", options, reduceOptions, "x");
  return div(sum(cast(x, "float32"), options), elementCount(x, options.axis));
}

/** The options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** The divisor is n − correction: 1 (default, Bessel's) for a sample's estimate, 0 for the population's. */
  readonly correction?: number;
}

/**
 * Σ (x − mean)² / (n − correction) over `axis`, as PyTorch's var: the default correction is 1. NaN or ∞ where n ≤ correction.
 *
 * @example
 * variance(tensor([1, 2, 3])).item(); // => 1
 */
export function variance(x: Tensor, options: VarianceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("variance", arguments, 2);
  checkTensor("variance", x);
  checkOptions("variance", options, varianceOptions, "x");
  const { axis, keepDims = false, correction = 1 } = options;
  const floats = cast(x, "float32");
  const over = axis === undefined ? {} : { axis };
  const centered = sub(floats, mean(floats, { ...over, keepDims: true }));
  const count = elementCount(x, axis);
  const divisor = typeof count === "number" ? Math.max(count - correction, 0) : maximum(sub(count, correction), 0);
  return div(sum(mul(centered, centered), { ...over, keepDims }), divisor);
}

/**
 * √variance, with the same options. The gradient is 0 where it is 0, as PyTorch's.
 *
 * @example
 * std(tensor([1, 2, 3])).item(); // => 1
 */
export function std(x: Tensor, options: VarianceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("std", arguments, 2);
  checkTensor("std", x);
  checkOptions("std", options, varianceOptions, "x");
  return flatSqrt(variance(x, options));
}

/** √x whose gradient at 0 is 0. */
function flatSqrt(x: Tensor): Tensor<"real"> {
  const zero = equal(x, 0);
  return where(zero, 0, sqrt(where(zero, 1, x)));
}

/** The options of `norm`. */
export interface NormOptions extends ReduceOptions {
  /** The order: 2 (default), 1, any positive number, or Infinity. */
  readonly p?: number;
}

/**
 * (Σ |x|ᵖ)^(1/p) over `axis`; max |x| for p = Infinity. The gradient is 0 where the norm is 0, as PyTorch's.
 *
 * @throws ErmineError ERMINE_OPTION unless p > 0
 * @example
 * norm(tensor([3, 4])).item(); // => 5
 */
export function norm(x: Tensor, options: NormOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("norm", arguments, 2);
  checkTensor("norm", x);
  checkOptions("norm", options, normOptions, "x");
  const { p = 2, ...over } = options;
  if (!(p > 0)) throw new ErmineError("ERMINE_OPTION", `norm needs p > 0, got ${p}.`);
  const floats = cast(x, "float32");
  if (p === Infinity) return max(abs(floats), over);
  if (p === 1) return sum(abs(floats), over);
  if (p === 2) return flatSqrt(sum(mul(floats, floats), over));
  const size = abs(floats);
  const zero = equal(size, 0);
  const powers = sum(where(zero, 0, pow(where(zero, 1, size), p)), over);
  const nothing = equal(powers, 0);
  return where(nothing, 0, pow(where(nothing, 1, powers), 1 / p));
}

/**
 * ln Σ eˣ over `axis`, without overflow: the maximum is subtracted first. Its gradient is the softmax.
 *
 * @example
 * logSumExp(tensor([1000, 1000])).item(); // => 1000.6932
 */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("logSumExp", arguments, 2);
  checkTensor("logSumExp", x);
  checkOptions("logSumExp", options, reduceOptions, "x");
  const axes = normalizeAxes("logSumExp", options.axis, x.rank);
  const floats = cast(x, "float32");
  const top = stopGradient(max(floats, { axis: axes, keepDims: true }));
  // Subtracting an infinite maximum from itself would be NaN.
  const shift = where(isFinite(top), top, 0);
  const total = add(log(sum(exp(sub(floats, shift)), { axis: axes, keepDims: true })), shift);
  return options.keepDims === true ? total : reshape(total, reducedShape(x.shape, axes, false));
}
