/** The same elements under another shape, or their axes in another order. All of these keep the domain. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { checkArguments, checkList } from "../types/arguments.js";
import {
  checkShape,
  divSizes,
  formatShape,
  mulSizes,
  isScalarAxis,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  sameSize,
  sizeOf,
  type Shape,
  type Size,
} from "../types/dim.js";
import type { Domain } from "../types/dtype.js";
import { builtinOp } from "../ir/op.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { reshapeOp, type ShapeAttributes } from "./primitives.js";

/** Attributes of `transposeOp`. */
export type TransposeAttributes = {
  /** For each axis of the output, which of the input it is. */
  readonly permutation: readonly number[];
};

/** The op of `permute` and `transpose`. */
export const transposeOp = builtinOp<TransposeAttributes>({
  name: "transpose",
  inputs: [{ name: "x" }],
  infer: ([x], { permutation }) => [{ ...x!, shape: permutation.map((axis) => x!.shape[axis]!) }],
});

/** The op of `broadcastTo`. */
export const broadcastToOp = builtinOp<ShapeAttributes>({
  name: "broadcastTo",
  inputs: [{ name: "x" }],
  infer([x], { shape }) {
    const lead = shape.length - x!.shape.length;
    if (lead < 0 || !x!.shape.every((size, i) => sameSize(size, 1) || sameSize(size, shape[lead + i]!))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `broadcastTo: ${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}. Sizes must be equal or 1, aligned at the right.`,
      );
    }
    return [{ ...x!, shape }];
  },
});

/**
 * The elements in row-major order under another shape. One size may be −1: it is computed, also where the batch is symbolic.
 *
 * @throws ErmineError ERMINE_SHAPE where the number of elements differs
 * @example
 * reshape(tensor([1, 2, 3, 4]), [2, -1]); // => [[1, 2], [3, 4]]
 */
export function reshape<D extends Domain>(x: Tensor<D>, shape: Shape): Tensor<D> {
  if (!Array.isArray(shape) || arguments.length > 2) checkList("reshape", arguments, 1);
  checkTensor("reshape", x);
  checkShape("reshape", Array.isArray(shape) ? shape.map((size: Size) => (size === -1 ? 1 : size)) : shape);
  const open = shape.indexOf(-1);
  let full = shape;
  if (open >= 0) {
    const statedSize = sizeOf(shape.filter((_, i) => i !== open));
    const inferredSize = shape.indexOf(-1, open + 1) < 0 ? divSizes(sizeOf(x.shape), statedSize) : undefined;
    if (inferredSize === undefined) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `reshape: -1 in ${formatShape(shape)} cannot be computed from ${formatShape(x.shape)}: one size may be -1, and the others must divide ${sizeOf(x.shape)}.`,
      );
    }
    full = shape.map((size, i) => (i === open ? inferredSize : size));
  }
  return sameShape(full, x.shape) ? x : apply1(reshapeOp, [x], { shape: full });
}

/**
 * Axes `startAxis` … `endAxis` (default: all) as one.
 *
 * @example
 * flatten(zeros([2, 3, 4]), 1).shape; // => [2, 12]
 */
export function flatten<D extends Domain>(x: Tensor<D>, startAxis = 0, endAxis = -1): Tensor<D> {
  if (arguments.length > 3) checkArguments("flatten", arguments, 3);
  checkTensor("flatten", x);
  if (x.rank === 0) return reshape(x, [1]);
  const [start, end] = [
    normalizeAxis("flatten(x, startAxis, endAxis)", startAxis, x.rank, "startAxis"),
    normalizeAxis("flatten(x, startAxis, endAxis)", endAxis, x.rank, "endAxis"),
  ];
  if (start > end) throw new ErmineError("ERMINE_SHAPE", `flatten: axis ${startAxis} comes after axis ${endAxis}.`);
  return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}

/**
 * Without the axes of size 1: all of them, or those named, which must be 1.
 *
 * @example
 * squeeze(zeros([2, 1, 3]), 1).shape; // => [2, 3]
 */
export function squeeze<D extends Domain>(x: Tensor<D>, axis?: number | readonly number[]): Tensor<D> {
  if (arguments.length > 2) checkArguments("squeeze", arguments, 2);
  checkTensor("squeeze", x);
  const named = axis === undefined ? undefined : normalizeAxes("squeeze(x, axis)", axis, x.rank);
  const wrong = named?.find((i) => !sameSize(x.shape[i]!, 1));
  if (wrong !== undefined)
    throw new ErmineError("ERMINE_SHAPE", `squeeze: axis ${wrong} of ${formatShape(x.shape)} is not of size 1.`);
  return reshape(
    x,
    x.shape.filter((size, i) => (named === undefined ? !sameSize(size, 1) : !named.includes(i))),
  );
}

/**
 * With a new axis of size 1 before `axis` (negative: counted in the result). PyTorch's unsqueeze.
 *
 * @example
 * expandDims(zeros([2, 3]), 1).shape; // => [2, 1, 3]
 */
export function expandDims<D extends Domain>(x: Tensor<D>, axis: number): Tensor<D> {
  if (arguments.length > 2) checkArguments("expandDims", arguments, 2);
  checkTensor("expandDims", x);
  const at = normalizeAxis("expandDims(x, axis)", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

export { expandDims as unsqueeze };

/**
 * The axes in another order: result axis i is x's axis `axes[i]`.
 *
 * @example
 * permute(zeros([2, 3, 4]), [2, 0, 1]).shape; // => [4, 2, 3]
 */
export function permute<D extends Domain>(x: Tensor<D>, axes: readonly number[]): Tensor<D> {
  if (!Array.isArray(axes) || arguments.length > 2) checkList("permute", arguments, 1);
  checkTensor("permute", x);
  const permutation = axes.map((axis) => normalizeAxis("permute(x, axes)", axis, x.rank));
  if (permutation.length !== x.rank || new Set(permutation).size !== x.rank) {
    throw new ErmineError("ERMINE_SHAPE", `permute: ${show(axes)} does not name each axis of ${formatShape(x.shape)} once.`);
  }
  return permutation.every((axis, i) => axis === i) ? x : apply1(transposeOp, [x], { permutation });
}

/**
 * Two axes exchanged; the last two where none are named.
 *
 * @example
 * transpose(tensor([[1, 2], [3, 4]])); // => [[1, 3], [2, 4]]
 */
export function transpose<D extends Domain>(x: Tensor<D>, axis0 = -2, axis1 = -1): Tensor<D> {
  if (arguments.length > 3) checkArguments("transpose", arguments, 3);
  checkTensor("transpose", x);
  if (typeof axis0 !== "number") {
    throw new ErmineError(
      "ERMINE_SHAPE",
      "transpose exchanges two axes: transpose(x, 0, 1). For an order of all axes use permute(x, axes).",
    );
  }
  if (isScalarAxis(axis0, x.rank) && isScalarAxis(axis1, x.rank)) return x;
  const [a, b] = [
    normalizeAxis("transpose(x, axis0, axis1)", axis0, x.rank, "axis0"),
    normalizeAxis("transpose(x, axis0, axis1)", axis1, x.rank, "axis1"),
  ];
  return permute(
    x,
    x.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
  );
}

/**
 * Repeated along axes of size 1 and new leading ones.
 *
 * @example
 * broadcastTo(tensor([1, 2]), [2, 2]); // => [[1, 2], [1, 2]]
 */
export function broadcastTo<D extends Domain>(x: Tensor<D>, shape: Shape): Tensor<D> {
  if (!Array.isArray(shape) || arguments.length > 2) checkList("broadcastTo", arguments, 1);
  checkTensor("broadcastTo", x);
  checkShape("broadcastTo", shape);
  return sameShape(x.shape, shape) ? x : apply1(broadcastToOp, [x], { shape });
}

/**
 * The whole tensor repeated `counts[i]` times along axis i; more counts than axes add leading ones.
 *
 * @example
 * tile(tensor([1, 2]), [2]); // => [1, 2, 1, 2]
 */
export function tile<D extends Domain>(x: Tensor<D>, counts: readonly number[]): Tensor<D> {
  if (!Array.isArray(counts) || arguments.length > 2) checkList("tile", arguments, 1);
  checkTensor("tile", x);
  checkShape("tile", counts);
  const rank = Math.max(x.rank, counts.length);
  const shape: Shape = [...Array<number>(rank - x.rank).fill(1), ...x.shape];
  const repeats = [...Array<number>(rank - counts.length).fill(1), ...counts];
  const paired = reshape(
    x,
    shape.flatMap((size) => [1, size]),
  );
  const repeated = broadcastTo(
    paired,
    shape.flatMap((size, i) => [repeats[i]!, size]),
  );
  return reshape(
    repeated,
    shape.map((size, i) => mulSizes(size, repeats[i]!)),
  );
}
