/** Products of matrices and vectors. */
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkMapped } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { broadcastShapes, countElements, formatShape, sameSize, type Shape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { mul } from "./arithmetic.js";
import { cast } from "./cast.js";
import { apply1 } from "./apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import { sum } from "./reduction.js";
import { expandDims, flatten, reshape, squeeze } from "./shape.js";
import { sliceAxis } from "./slice.js";

/** Attributes of `matmulOp`. */
export type MatmulAttributes = {
  /** Are the last two axes of the first matrix swapped? */
  readonly transposeA: boolean;
  /** Are the last two axes of the second matrix swapped? */
  readonly transposeB: boolean;
};

const matrixOf = (shape: Shape, transposed: boolean): Shape => (transposed ? [shape.at(-1)!, shape.at(-2)!] : shape.slice(-2));

/** Of the last two axes, each transposed first where the attributes say so; the axes before them broadcast. */
export const matmulOp: Op<MatmulAttributes> = builtinOp<MatmulAttributes>({
  name: "matmul",
  inputs: [
    { name: "a", dtype: "float32" },
    { name: "b", dtype: "float32" },
  ],
  infer([a, b], { transposeA, transposeB }) {
    if (a!.shape.length < 2 || b!.shape.length < 2) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `matmul multiplies matrices, got ${formatShape(a!.shape)} and ${formatShape(b!.shape)}.`,
      );
    }
    const [rows, inner] = matrixOf(a!.shape, transposeA);
    const [innerB, columns] = matrixOf(b!.shape, transposeB);
    if (!sameSize(inner!, innerB!)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `matmul cannot multiply ${formatShape(a!.shape)}${transposeA ? "ᵀ" : ""} by ${formatShape(b!.shape)}${transposeB ? "ᵀ" : ""}: ${inner} ≠ ${innerB}.`,
      );
    }
    const batch = broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return [{ shape: [...batch, rows!, columns!], dtype: "float32", domain: "real" }];
  },
  flops: ([a], [product], { transposeA }) =>
    product === undefined ? 0 : 2 * countElements(product.shape) * (matrixOf(a!.shape, transposeA)[1] as number),
});

/** The options of `matmul`. */
export interface MatmulOptions {
  /** Swap the last two axes of the first matrix. Default false. */
  readonly transposeA?: boolean;
  /** Swap the last two axes of the second matrix. Default false. */
  readonly transposeB?: boolean;
}

const matmulOptions = { transposeA: "boolean", transposeB: "boolean" } as const;

/**
 * The matrix product over the last two axes, [..., n, k] · [..., k, m] → [..., n, m]; the axes before broadcast. A vector counts as
 * a row on the left and as a column on the right, and that axis is dropped again.
 *
 * @throws ErmineError ERMINE_SHAPE where the inner sizes differ
 * @example
 * matmul(tensor([[1, 2], [3, 4]]), tensor([[1], [1]])); // => [[3], [7]]
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("matmul", arguments, 3);
  checkTensor("matmul", a);
  checkTensor("matmul", b);
  checkOptions("matmul", options, matmulOptions, "a, b");
  const { transposeA = false, transposeB = false } = options;
  if (a.rank === 0 || b.rank === 0) throw new ErmineError("ERMINE_SHAPE", "matmul does not take scalars: use mul.");
  const left = a.rank === 1 ? expandDims(a, 0) : a;
  const right = b.rank === 1 ? expandDims(b, 1) : b;
  const result = apply1(matmulOp, [cast(left, "float32"), cast(right, "float32")], {
    transposeA: a.rank > 1 && transposeA,
    transposeB: b.rank > 1 && transposeB,
  });
  const rows = a.rank === 1 ? squeeze(result, -2) : result;
  return b.rank === 1 ? squeeze(rows, -1) : rows;
}

/**
 * Σ aᵢ bᵢ of two vectors.
 *
 * @example
 * dot(tensor([1, 2]), tensor([3, 4])).item(); // => 11
 */
export function dot(a: Tensor, b: Tensor): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("dot", arguments, 2);
  checkTensor("dot", a);
  checkTensor("dot", b);
  if (a.rank !== 1 || b.rank !== 1 || !sameSize(a.shape[0]!, b.shape[0]!)) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `dot takes two vectors of one length, got ${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
    );
  }
  return sum(mul(a, b));
}

/**
 * aᵢ bⱼ: [n], [m] → [n, m]. Other ranks are flattened.
 *
 * @example
 * outer(tensor([1, 2]), tensor([3, 4])); // => [[3, 4], [6, 8]]
 */
export function outer(a: Tensor, b: Tensor): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("outer", arguments, 2);
  checkTensor("outer", a);
  checkTensor("outer", b);
  return mul(expandDims(flatten(a), 1), expandDims(flatten(b), 0));
}

/**
 * The elements with equal indices on the last two axes: [..., n, m] → [..., min(n, m)].
 *
 * @example
 * diagonal(tensor([[1, 2], [3, 4]])); // => [1, 4]
 */
export function diagonal(x: Tensor): Tensor {
  if (arguments.length > 1) checkMapped("diagonal", arguments, 1);
  checkTensor("diagonal", x);
  const [rows, columns] = x.shape.slice(-2);
  if (typeof rows !== "number" || typeof columns !== "number") {
    throw new ErmineError("ERMINE_SHAPE", `diagonal needs two last axes of known size, got ${formatShape(x.shape)}.`);
  }
  return sliceAxis(reshape(x, [...x.shape.slice(0, -2), rows * columns]), x.rank - 2, 0, Math.min(rows, columns), columns + 1);
}

/**
 * Σ of the diagonal of the last two axes.
 *
 * @example
 * trace(tensor([[1, 2], [3, 4]])).item(); // => 5
 */
export function trace(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("trace", arguments, 1);
  checkTensor("trace", x);
  return sum(diagonal(x), { axis: -1 });
}
