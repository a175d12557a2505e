/** Blocks of a tensor, and blocks with elements around them. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { addSizes, checkShape, Dim, formatShape, normalizeAxes, sameShape, subSizes, type Size } from "../types/dim.js";
import { elementOf, type Domain } from "../types/dtype.js";
import { builtinOp, type Op } from "../ir/op.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";

/** Attributes of `sliceOp`. */
export type SliceAttributes = {
  /** The first position of each axis. */
  readonly starts: readonly Size[];
  /** The distance of two positions on each axis; may be negative. */
  readonly steps: readonly number[];
  /** How many positions of each axis. */
  readonly sizes: readonly Size[];
};

/** Attributes of `padOp`. */
export type PadAttributes = {
  /** Elements in front, for each axis; below 0 takes away. */
  readonly before: readonly Size[];
  /** Elements at the end, for each axis; below 0 takes away. */
  readonly after: readonly Size[];
  /** The value of the padding. */
  readonly value: number;
};

/** Element i along an axis is the input's start + i · step. */
export const sliceOp: Op<SliceAttributes> = builtinOp<SliceAttributes>({
  name: "slice",
  inputs: [{ name: "x" }],
  infer([x], { starts, steps, sizes }) {
    sizes.forEach((size, axis) => {
      const [length, start, step] = [x!.shape[axis]!, starts[axis]!, steps[axis]!];
      if (typeof size !== "number" || typeof length !== "number" || typeof start !== "number") return;
      const last = start + (size - 1) * step;
      if (size < 0 || (size > 0 && (Math.min(start, last) < 0 || Math.max(start, last) >= length))) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `slice: ${size} elements from ${start} in steps of ${step} are not all on axis ${axis} of ${formatShape(x!.shape)}.`,
        );
      }
    });
    return [{ ...x!, shape: sizes }];
  },
});

/** The op of `pad` with a constant. */
export const padOp = builtinOp<PadAttributes>({
  name: "pad",
  inputs: [{ name: "x" }],
  infer: ([x], { before, after }) => [
    { shape: x!.shape.map((size, i) => addSizes(addSizes(size, before[i]!), after[i]!)), dtype: x!.dtype, domain: "real" },
  ],
});

/**
 * A block: `sizes` elements from `starts` on, `steps` apart (default 1, negative runs backwards).
 *
 * @example
 * slice(tensor([1, 2, 3, 4]), [1], [2]); // => [2, 3]
 */
export function slice<D extends Domain>(
  x: Tensor<D>,
  starts: readonly Size[],
  sizes: readonly Size[],
  steps?: readonly number[],
): Tensor<D> {
  if (arguments.length > 4) checkArguments("slice", arguments, 4);
  checkTensor("slice", x);
  const signature = "slice(x, starts, sizes, steps)";
  checkArgument(signature, "starts", starts, "list");
  checkArgument(signature, "sizes", sizes, "list");
  if (steps !== undefined) checkArgument(signature, "steps", steps, "list");
  const by = steps ?? x.shape.map(() => 1);
  if (starts.length !== x.rank || sizes.length !== x.rank || by.length !== x.rank) {
    throw new ErmineError("ERMINE_SHAPE", `slice needs a start, a size and a step for each axis of ${formatShape(x.shape)}.`);
  }
  checkShape("slice", sizes);
  if (by.some((step) => !Number.isInteger(step)) || starts.some((start) => !Number.isInteger(start) && !(start instanceof Dim))) {
    throw new ErmineError("ERMINE_SHAPE", `slice: starts and steps are whole numbers, got ${show(starts)} and ${show(by)}.`);
  }
  x.shape.forEach((size, axis) => {
    const [start, count] = [starts[axis]!, sizes[axis]!];
    if (typeof size !== "number" || typeof start !== "number" || typeof count !== "number" || count === 0) return;
    const last = start + (count - 1) * by[axis]!;
    if (count < 0 || start < 0 || start >= size || last < 0 || last >= size) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `slice: elements ${start} … ${last} are not all within axis ${axis} of ${formatShape(x.shape)}.`,
      );
    }
  });
  if (sameShape(sizes, x.shape) && by.every((step) => step === 1)) return x;
  return apply1(sliceOp, [x], { starts, steps: by, sizes });
}

/** @internal `size` elements of one axis from `start` on. */
export function sliceAxis<D extends Domain>(x: Tensor<D>, axis: number, start: Size, size: Size, step = 1): Tensor<D> {
  return slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((full, i) => (i === axis ? size : full)),
    x.shape.map((_, i) => (i === axis ? step : 1)),
  );
}

/**
 * Backwards along the axes (default: all).
 *
 * @example
 * flip(tensor([1, 2, 3])); // => [3, 2, 1]
 */
export function flip<D extends Domain>(x: Tensor<D>, axis?: number | readonly number[]): Tensor<D> {
  if (arguments.length > 2) checkArguments("flip", arguments, 2);
  checkTensor("flip", x);
  const axes = normalizeAxes("flip(x, axis)", axis, x.rank);
  if (axes.length === 0 || x.shape.includes(0)) return x;
  return apply1(sliceOp, [x], {
    starts: x.shape.map((size, i) => (axes.includes(i) ? subSizes(size, 1) : 0)),
    steps: x.shape.map((_, i) => (axes.includes(i) ? -1 : 1)),
    sizes: x.shape,
  });
}

/** @internal `value` around the tensor. */
export function padTensor(x: Tensor, before: readonly Size[], after: readonly Size[], value: number): Tensor<"real"> {
  if ([...before, ...after].every((size) => size === 0)) return x;
  return apply1(padOp, [x], { before, after, value: elementOf("pad", value, x.dtype) });
}
