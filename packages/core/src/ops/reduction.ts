/** Sums, products, extremes over axes. `axis` is a number, a list, or left out for all; `keepDims` leaves the axes as 1. */
import type { TensorType } from "../types/storage.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { formatShape, isScalarAxis, normalizeAxes, normalizeAxis, sameShape, sameSize, type Shape } from "../types/dim.js";
import type { DType } from "../types/dtype.js";
import { builtinOp, type Op } from "../ir/op.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { sub } from "./arithmetic.js";
import { cast } from "./cast.js";
import { equal, greater } from "./comparison.js";
import { apply1 } from "./apply.js";
import { reshape } from "./shape.js";
import { neg } from "./unary.js";

/** The options of reductions. */
export interface ReduceOptions {
  /** Default: all axes. Negative ones count from the end. */
  readonly axis?: number | readonly number[];
  /** Leave the axes as size 1. Default false. */
  readonly keepDims?: boolean;
}

/** The options of functions over one axis. */
export interface AxisOptions {
  /** Default: over the flattened tensor. */
  readonly axis?: number;
  /** Default false. */
  readonly keepDims?: boolean;
}

/** Attributes of reductions. */
export type ReduceAttributes = {
  /** The axes that are reduced. */
  readonly axes: readonly number[];
  /** Do they stay, with size 1? */
  readonly keepDims: boolean;
};
/** Attributes of `argMaxOp`. */
export type ArgAttributes = {
  /** The axis that is searched. */
  readonly axis: number;
  /** Does that axis stay, with size 1? */
  readonly keepDims: boolean;
};

/* @__NO_SIDE_EFFECTS__ */
function reduceOp(name: string, needsElements: boolean): Op<ReduceAttributes> {
  return builtinOp<ReduceAttributes>({
    name,
    inputs: [{ name: "x", dtype: "numeric" }],
    infer([x], { axes, keepDims }) {
      if (needsElements && axes.some((axis) => x!.shape[axis] === 0)) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `${name} of no elements: ${formatShape(x!.shape)} over the axes ${axes.join(", ")}.`,
        );
      }
      return [{ shape: reducedShape(x!.shape, axes, keepDims), dtype: x!.dtype, domain: "real" }];
    },
  });
}

/** @internal */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return keepDims ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) : shape.filter((_, axis) => !axes.includes(axis));
}

/** The op of `sum`. */
export const sumOp = reduceOp("sum", false);
/** The op of `prod`. The gradient is exact where elements are 0 (first derivatives). */
export const prodOp = reduceOp("prod", false);
/** The op of `amax`. */
export const maxOp = reduceOp("max", true);
/** The op of `amin`. */
export const minOp = reduceOp("min", true);

/** The op of `argMax`. */
export const argMaxOp = builtinOp<ArgAttributes>({
  name: "argMax",
  inputs: [{ name: "x", dtype: "numeric", differentiable: false }],
  infer([x], { axis, keepDims }): readonly TensorType[] {
    if (x!.shape[axis] === 0)
      throw new ErmineError("ERMINE_SHAPE", `argMax of no elements: axis ${axis} of ${formatShape(x!.shape)}.`);
    return [{ shape: reducedShape(x!.shape, [axis], keepDims), dtype: "int32", domain: "real" }];
  },
});

const axisOptions = { axis: "integer", keepDims: "boolean" } as const;
const reduceOptions = { axis: "integers", keepDims: "boolean" } as const;

function reduce(op: Op<ReduceAttributes>, x: Tensor, options: ReduceOptions): Tensor<"real"> {
  checkTensor(op.name, x);
  checkOptions(op.name, options, reduceOptions, "x");
  const axes = normalizeAxes(op.name, options.axis, x.rank);
  return apply1(op, [cast(x, counting(x) as "float32")], { axes, keepDims: options.keepDims ?? false });
}

const counting = (x: Tensor): DType => (x.dtype === "bool" ? "int32" : x.dtype);

/**
 * Σ x over `axis`. 0 where there is nothing to add. bool counts.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * sum(x).item(); // => 10
 * sum(x, { axis: 0 }); // => [4, 6]
 * sum(x, { axis: 1, keepDims: true }); // => [[3], [7]]
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("sum", arguments, 2);
  return reduce(sumOp, x, options);
}

/**
 * Π x over `axis`. 1 where there is nothing to multiply.
 *
 * @example
 * prod(tensor([2, 3, 4])).item(); // => 24
 */
export function prod(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("prod", arguments, 2);
  return reduce(prodOp, x, options);
}

/**
 * The largest over `axis`; NaN where one is. Ties share the gradient. @throws ErmineError ERMINE_SHAPE on an empty axis
 *
 * @example
 * amax(tensor([[1, 5], [3, 2]]), { axis: 1 }); // => [5, 3]
 */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("max", arguments, 2);
  return reduce(maxOp, x, options);
}

/**
 * The smallest over `axis`; NaN where one is. Ties share the gradient. @throws ErmineError ERMINE_SHAPE on an empty axis
 *
 * @example
 * amin(tensor([[1, 5], [3, 2]]), { axis: 0 }); // => [1, 2]
 */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("min", arguments, 2);
  return reduce(minOp, x, options);
}

/** PyTorch's names for `max` and `min` over axes. */
export { max as amax, min as amin };

/**
 * Is any element true (≠ 0)?
 *
 * @example
 * any(tensor([true, false])).item(); // => 1
 */
export function any(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("any", arguments, 2);
  checkTensor("any", x);
  checkOptions("any", options, reduceOptions, "x");
  return greater(sum(truth(x), options), 0);
}

/**
 * Are all elements true (≠ 0)? True of nothing.
 *
 * @example
 * all(tensor([true, false])).item(); // => 0
 */
export function all(x: Tensor, options: ReduceOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("all", arguments, 2);
  checkTensor("all", x);
  checkOptions("all", options, reduceOptions, "x");
  return equal(sum(equal(truth(x), 0), options), 0);
}

const truth = (x: Tensor): Tensor => cast(cast(x, "bool"), "int32");

/**
 * The position (int32) of the largest along `axis`, the first of equals; a NaN counts as the largest.
 *
 * @example
 * argMax(tensor([[1, 5], [3, 2]])); // => 1
 */
export function argMax(x: Tensor, options: AxisOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("argMax", arguments, 2);
  checkTensor("argMax", x);
  checkOptions("argMax", options, axisOptions, "x");
  const { keepDims = false } = options;
  const numeric = x.dtype === "bool" ? cast(x, "int32") : x;
  if (options.axis !== undefined && !isScalarAxis(options.axis, x.rank)) {
    return apply1(argMaxOp, [numeric], { axis: normalizeAxis("argMax", options.axis, x.rank), keepDims });
  }
  const position = apply1(argMaxOp, [reshape(numeric, [-1])], { axis: 0, keepDims: false });
  return keepDims
    ? reshape(
        position,
        x.shape.map(() => 1),
      )
    : position;
}

/**
 * The position (int32) of the smallest along `axis`, the first of equals; a NaN counts as the smallest.
 *
 * @example
 * argMin(tensor([[1, 5], [3, 2]])); // => 0
 */
export function argMin(x: Tensor, options: AxisOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("argMin", arguments, 2);
  checkTensor("argMin", x);
  checkOptions("argMin", options, axisOptions, "x");
  // −(−2³¹) is no int32; −1 − x turns the order round for every one.
  return argMax(x.dtype === "int32" ? sub(-1, x) : neg(x), options);
}

/** @internal Sums what broadcasting repeated: `t` back to `shape`. */
export function sumTo(t: Tensor, shape: Shape): Tensor<"real"> {
  if (sameShape(t.shape, shape)) return t;
  const lead = t.rank - shape.length;
  const inner = shape.flatMap((size, i) => (sameSize(size, t.shape[lead + i]!) ? [] : [lead + i]));
  const axes = [...Array.from({ length: lead }, (_, i) => i), ...inner];
  const summed = sum(t, { axis: axes, keepDims: inner.length > 0 });
  return lead > 0 && inner.length > 0 ? reshape(summed, shape) : summed;
}
