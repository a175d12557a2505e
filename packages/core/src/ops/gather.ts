/** Elements picked by index, and added back by index: each pair is the other's gradient. */
import { valuesToCheck } from "../dispatch/valuesToCheck.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments, nameOf } from "../types/arguments.js";
import type { TensorType } from "../types/storage.js";
import { formatShape, normalizeAxis, sameShape, sameSize, sizeOf, type Size } from "../types/dim.js";
import type { Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { checkIndices, iota } from "./creation.js";
import { apply1 } from "./apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import { reshape } from "./shape.js";

/** Attributes of ops along one axis. */
export type AxisAttributes = {
  /** The axis. */
  readonly axis: number;
};

function checkRows(name: string, x: TensorType, indices: TensorType): void {
  if (indices.shape.length !== 1)
    throw new ErmineError("ERMINE_SHAPE", `${name} expects indices of rank 1, got ${formatShape(indices.shape)}.`);
  if (x.shape.length === 0) throw new ErmineError("ERMINE_SHAPE", `${name}: a scalar has no axis to pick from.`);
}

function checkAlong(name: string, x: TensorType, indices: TensorType, axis: number): void {
  const fits =
    indices.shape.length === x.shape.length &&
    indices.shape.every((size, i) => {
      const whole = x.shape[i]!;
      return i === axis || sameSize(size, whole) || (typeof size === "number" && typeof whole === "number" && size <= whole);
    });
  if (fits) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name}: the indices ${formatShape(indices.shape)} must have the rank of ${formatShape(x.shape)} and be no larger outside of axis ${axis}.`,
  );
}

/** The op of `indexSelect`. */
export const indexSelectOp: Op<AxisAttributes> = builtinOp<AxisAttributes>({
  name: "indexSelect",
  inputs: [{ name: "x" }, { name: "indices", dtype: "int32", differentiable: false }],
  lookup: ([x], { axis }) => ({ input: 1, size: x!.shape[axis]! }),
  infer([x, indices], { axis }) {
    checkRows("indexSelect", x!, indices!);
    return [{ ...x!, shape: x!.shape.map((size, i) => (i === axis ? indices!.shape[0]! : size)) }];
  },
});

/** The op of `indexAdd`. */
export const indexAddOp: Op<AxisAttributes> = builtinOp<AxisAttributes>({
  name: "indexAdd",
  inputs: [
    { name: "base", dtype: "numeric" },
    { name: "indices", dtype: "int32", differentiable: false },
    { name: "updates", dtype: { sameAs: "base" } },
  ],
  lookup: ([x], { axis }) => ({ input: 1, size: x!.shape[axis]! }),
  infer([base, indices, updates], { axis }) {
    checkRows("indexAdd", base!, indices!);
    const expected = base!.shape.map((size, i) => (i === axis ? indices!.shape[0]! : size));
    if (!sameShape(updates!.shape, expected)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `indexAdd: the updates are ${formatShape(updates!.shape)} and should be ${formatShape(expected)}.`,
      );
    }
    return [{ ...base!, domain: "real" }];
  },
});

/** The op of `gather`. */
export const gatherOp: Op<AxisAttributes> = builtinOp<AxisAttributes>({
  name: "gather",
  inputs: [{ name: "x" }, { name: "indices", dtype: "int32", differentiable: false }],
  lookup: ([x], { axis }) => ({ input: 1, size: x!.shape[axis]! }),
  infer([x, indices], { axis }) {
    checkAlong("gather", x!, indices!, axis);
    return [{ ...x!, shape: indices!.shape }];
  },
});

/** The op of `scatterAdd`. */
export const scatterAddOp: Op<AxisAttributes> = builtinOp<AxisAttributes>({
  name: "scatterAdd",
  inputs: [
    { name: "base", dtype: "numeric" },
    { name: "indices", dtype: "int32", differentiable: false },
    { name: "updates", dtype: { sameAs: "base" } },
  ],
  lookup: ([x], { axis }) => ({ input: 1, size: x!.shape[axis]! }),
  infer([base, indices, updates], { axis }) {
    checkAlong("scatterAdd", base!, indices!, axis);
    if (!sameShape(updates!.shape, indices!.shape)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `scatterAdd: there is one update for each index, got ${formatShape(updates!.shape)} for ${formatShape(indices!.shape)}.`,
      );
    }
    return [{ ...base!, domain: "real" }];
  },
});

function along(signature: string, x: Tensor, axis: number, indices: Tensor): number {
  const name = nameOf(signature);
  checkTensor(name, x);
  const at = normalizeAxis(signature, axis, x.rank);
  checkTensor(name, indices);
  checkIndices(name, indices, x.shape[at]!, false);
  return at;
}

/**
 * Whole rows along `axis`: the result's slice i is x's slice indices[i]. `indices` int32 [n], in 0 … size − 1.
 *
 * @example
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1, 0, 1], { dtype: "int32" })); // => [[3, 4], [1, 2], [3, 4]]
 */
export function indexSelect<D extends Domain>(x: Tensor<D>, axis: number, indices: Tensor): Tensor<D> {
  if (arguments.length > 3) checkArguments("indexSelect", arguments, 3);
  const at = along("indexSelect(x, axis, indices)", x, axis, indices);
  return apply1(indexSelectOp, [x, indices], { axis: at });
}

/**
 * `base` with updates' slice i added to its slice indices[i] along `axis`; repeated indices add up.
 *
 * @example
 * indexAdd(zeros([3]), 0, tensor([1, 1], { dtype: "int32" }), tensor([5, 6])); // => [0, 11, 0]
 */
export function indexAdd(base: Tensor, axis: number, indices: Tensor, updates: Tensor): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("indexAdd", arguments, 4);
  const at = along("indexAdd(base, axis, indices, updates)", base, axis, indices);
  checkTensor("indexAdd", updates);
  return apply1(indexAddOp, [base, indices, updates], { axis: at });
}

/**
 * One element for each index, PyTorch's gather: for axis 1, result[i][j] = x[i][indices[i][j]]. `indices` int32 of x's rank, no
 * larger than x outside of `axis`.
 *
 * @example
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]], { dtype: "int32" })); // => [[2], [3]]
 */
export function gather<D extends Domain>(x: Tensor<D>, axis: number, indices: Tensor): Tensor<D> {
  if (arguments.length > 3) checkArguments("gather", arguments, 3);
  const at = along("gather(x, axis, indices)", x, axis, indices);
  return apply1(gatherOp, [x, indices], { axis: at });
}

/**
 * @internal The indices themselves, where all are in 0 … size − 1; elsewhere what every look-up does.
 */
export function checkedIndices(name: string, indices: Tensor, size: Size): Tensor {
  checkIndices(name, indices, size, false);
  if (typeof size === "number" && valuesToCheck(indices) !== undefined) return indices;
  const flat = apply1(indexSelectOp, [iota(size), reshape(indices, [sizeOf(indices.shape)])], { axis: 0 });
  return reshape(flat, indices.shape);
}

/** NumPy's name for `gather`. */
export { gather as takeAlong };

/**
 * PyTorch's scatter_add: for axis 1, result = base and result[i][indices[i][j]] += updates[i][j].
 *
 * @example
 * scatterAdd(zeros([2, 2]), 1, tensor([[1], [0]], { dtype: "int32" }), tensor([[5], [6]])); // => [[0, 5], [6, 0]]
 */
export function scatterAdd(base: Tensor, axis: number, indices: Tensor, updates: Tensor): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("scatterAdd", arguments, 4);
  const at = along("scatterAdd(base, axis, indices, updates)", base, axis, indices);
  checkTensor("scatterAdd", updates);
  return apply1(scatterAddOp, [base, indices, updates], { axis: at });
}
