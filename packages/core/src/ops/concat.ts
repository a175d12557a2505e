/** Tensors joined along an axis, and cut into pieces. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments, wrongArgument } from "../types/arguments.js";
import { addSizes, checkShape, formatShape, normalizeAxis, sameSize, type Size } from "../types/dim.js";
import { promote, type Domain } from "../types/dtype.js";
import { builtinOp, type Op } from "../ir/op.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";
import { apply, apply1 } from "./apply.js";
import { expandDims } from "./shape.js";
import { sliceAxis } from "./slice.js";

/** Attributes of `concatOp`. */
export type ConcatAttributes = {
  /** The axis along which tensors are joined. */
  readonly axis: number;
};

/** The op of `concat`. */
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
  infer: ([x], { axis, sizes }) => sizes.map((size) => ({ ...x!, shape: x!.shape.map((full, i) => (i === axis ? size : full)) })),
  decompose([x], { axis, sizes }) {
    let start = 0;
    return sizes.map((size) => {
      start += size;
      return sliceAxis(x!, axis, start - size, size);
    });
  },
});

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
