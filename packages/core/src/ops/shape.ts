/** The same numbers under another shape or order. All of these keep the domain. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { checkArgument, checkArguments, checkList, wrongArgument } from "../types/arguments.js";
import {
  addSizes,
  checkShape,
  Dim,
  divSizes,
  formatShape,
  mulSizes,
  isScalarAxis,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  sameSize,
  sizeOf,
  subSizes,
  type Shape,
  type Size,
} from "../types/dim.js";
import { elementOf, promote, type Domain } from "../types/dtype.js";
import { builtinOp, type Op } from "../ir/op.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";
import { apply, apply1 } from "./apply.js";
import { reshapeOp, type ShapeAttributes } from "./primitives.js";

/** What `transposeOp` is told. */
export type TransposeAttributes = {
  /** For each axis of the output, which of the input it is. */
  readonly permutation: readonly number[];
};
/** What `sliceOp` is told. */
export type SliceAttributes = {
  /** The first position of each axis. */
  readonly starts: readonly Size[];
  /** The distance of two positions on each axis; may be negative. */
  readonly steps: readonly number[];
  /** How many positions of each axis. */
  readonly sizes: readonly Size[];
};
/** What `padOp` is told. */
export type PadAttributes = {
  /** Elements in front, for each axis; below 0 takes away. */
  readonly before: readonly Size[];
  /** Elements at the end, for each axis; below 0 takes away. */
  readonly after: readonly Size[];
  /** What they hold. */
  readonly value: number;
};
/** What `concatOp` is told. */
export type ConcatAttributes = {
  /** The axis along which tensors are joined. */
  readonly axis: number;
};

/** The op behind `permute` and `transpose`. */
export const transposeOp = builtinOp<TransposeAttributes>({
  name: "transpose",
  inputs: [{ name: "x" }],
  infer: ([x], { permutation }) => [{ ...x!, shape: permutation.map((axis) => x!.shape[axis]!) }],
});

/** The op behind `broadcastTo`. */
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

/** The op behind `pad` with a constant. */
export const padOp = builtinOp<PadAttributes>({
  name: "pad",
  inputs: [{ name: "x" }],
  infer: ([x], { before, after }) => [
    { shape: x!.shape.map((size, i) => addSizes(addSizes(size, before[i]!), after[i]!)), dtype: x!.dtype, domain: "real" },
  ],
});

/** The op behind `concat`. */
export const concatOp = builtinOp<ConcatAttributes>({
  name: "concat",
  inputs: [{ name: "tensors", dtype: { sameAs: "tensors" }, variadic: true }],
  infer(inputs, { axis }) {
    const [first, ...rest] = inputs.map((type) => type!);
    for (const type of rest) {
      const fits =
        type.shape.length === first!.shape.length &&
        type.shape.every((size, i) => i === axis || sameSize(size, first!.shape[i]!));
      if (!fits) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `concat: ${formatShape(first!.shape)} and ${formatShape(type.shape)} differ on another axis than ${axis}.`,
        );
      }
    }
    const total = inputs.reduce<Size>((sum, type) => addSizes(sum, type!.shape[axis]!), 0);
    const domain = rest.every((type) => type.domain === first!.domain) ? first!.domain : "real";
    return [{ shape: first!.shape.map((size, i) => (i === axis ? total : size)), dtype: first!.dtype, domain }];
  },
});

type SplitAttributes = { readonly axis: number; readonly sizes: readonly number[] };

/**
 * Pieces along an axis. One op, so that its gradient is the pieces' gradients side by side: that of as many slices would be as many whole
 * tensors of zeros, added up.
 */
export const splitOp: Op<SplitAttributes> = builtinOp<SplitAttributes>({
  name: "split",
  inputs: [{ name: "x" }],
  infer: ([x], { axis, sizes }) => sizes.map((size) => ({ ...x!, shape: x!.shape.map((own, i) => (i === axis ? size : own)) })),
  decompose([x], { axis, sizes }) {
    let start = 0;
    return sizes.map((size) => {
      start += size;
      return sliceAxis(x!, axis, start - size, size);
    });
  },
});

/**
 * The numbers in row-major order under another shape. One size may be −1: it is computed, also where the batch is symbolic.
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
    const known = sizeOf(shape.filter((_, i) => i !== open));
    const rest = shape.indexOf(-1, open + 1) < 0 ? divSizes(sizeOf(x.shape), known) : undefined;
    if (rest === undefined) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `reshape: -1 in ${formatShape(shape)} cannot be computed from ${formatShape(x.shape)}: one size may be -1, and the others must divide ${sizeOf(x.shape)}.`,
      );
    }
    full = shape.map((size, i) => (i === open ? rest : size));
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
    x.shape.map((own, i) => (i === axis ? size : own)),
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

function checkTensors(name: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors)) throw wrongArgument(`${name}(tensors, axis)`, "tensors", tensors, "list");
  if (tensors.length === 0) throw new ErmineError("ERMINE_VALUE", `${name} expects a list of at least one tensor.`);
  for (const t of tensors) checkTensor(name, t);
}

/**
 * One after the other along an existing axis, in the widest of their dtypes (bool < int32 < float32). The domain stays where all have the same.
 *
 * @example
 * concat([tensor([[1, 2]]), tensor([[3, 4]])], 0); // => [[1, 2], [3, 4]]
 */
export function concat<D extends Domain>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  if (arguments.length > 2) checkArguments("concat", arguments, 2);
  checkTensors("concat", tensors);
  const at = normalizeAxis("concat(tensors, axis)", axis, tensors[0]!.rank);
  if (tensors.length === 1) return tensors[0]!;
  const dtype = tensors.map((t) => t.dtype).reduce(promote);
  return apply1(
    concatOp,
    tensors.map((t) => cast(t, dtype)),
    { axis: at },
  );
}

/**
 * One after the other along a new axis.
 *
 * @example
 * stack([tensor([1, 2]), tensor([3, 4])]); // => [[1, 2], [3, 4]]
 */
export function stack<D extends Domain>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  if (arguments.length > 2) checkArguments("stack", arguments, 2);
  checkTensors("stack", tensors);
  return concat(
    tensors.map((t) => expandDims(t, axis)),
    normalizeAxis("stack(tensors, axis)", axis, tensors[0]!.rank + 1),
  );
}

/**
 * Pieces along an axis: of one size (the last may be smaller), as PyTorch's split, or of the sizes listed.
 *
 * @example
 * split(tensor([1, 2, 3, 4]), 2).map((t) => t.toArray()); // => [[1, 2], [3, 4]]
 */
export function split<D extends Domain>(x: Tensor<D>, sizes: number | readonly number[], axis = 0): Tensor<D>[] {
  if (arguments.length > 3) checkArguments("split", arguments, 3);
  checkTensor("split", x);
  const at = normalizeAxis("split(x, sizes, axis)", axis, x.rank);
  const total = x.shape[at]!;
  if (typeof total !== "number")
    throw new ErmineError("ERMINE_SHAPE", `split: the size of axis ${at} of ${formatShape(x.shape)} is not known.`);
  checkArgument("split(x, sizes, axis)", "sizes", sizes, "integers");
  if (typeof sizes === "number" && sizes <= 0) {
    throw new ErmineError("ERMINE_SHAPE", `split: a piece has a whole size ≥ 1, got ${sizes}.`);
  }
  const list =
    typeof sizes === "number"
      ? Array.from({ length: Math.max(1, Math.ceil(total / sizes)) }, (_, i) => Math.min(sizes, total - i * sizes))
      : sizes;
  for (const size of list) checkShape("split", [size]);
  if (list.reduce((a, b) => a + b, 0) !== total) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `split: the sizes ${list.join(" + ")} do not add up to ${total}, axis ${at} of ${formatShape(x.shape)}.`,
    );
  }
  // A copy: the tape keeps the list, and the caller may turn it around.
  return list.length === 1 ? [x] : [...apply(splitOp, [x], { axis: at, sizes: list })];
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
