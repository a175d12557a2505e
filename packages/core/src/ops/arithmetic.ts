/** Arithmetic of two tensors (or a tensor and a number), element by element with NumPy's broadcasting. */
import { checkMapped } from "../types/arguments.js";
import type { Tensor } from "../types/tensor.js";
import { applyBinary, type Operand } from "./elementwise.js";
import { addOp, divOp, maximumOp, minimumOp, mulOp, powOp, remainderOp, subOp } from "./primitives.js";

/**
 * a + b. int32 stays int32; with a float32 the result is float32; a bool counts as 0 or 1.
 *
 * @example
 * add(tensor([1, 2]), tensor([[10], [20]])); // => [[11, 12], [21, 22]]
 */
export function add(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("add", arguments, 2);
  return applyBinary(addOp, a, b);
}

/**
 * a − b.
 *
 * @example
 * sub(tensor([1, 2]), 1); // => [0, 1]
 */
export function sub(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("sub", arguments, 2);
  return applyBinary(subOp, a, b);
}

/**
 * a · b, element by element. For the matrix product use `matmul`.
 *
 * @example
 * mul(tensor([1, 2]), tensor([3, 4])); // => [3, 8]
 */
export function mul(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("mul", arguments, 2);
  return applyBinary(mulOp, a, b);
}

/**
 * a / b, always float32 (int32 is cast first).
 *
 * @example
 * div(tensor([1, 2]), 4); // => [0.25, 0.5]
 */
export function div(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("div", arguments, 2);
  return applyBinary(divOp, a, b, "float32");
}

/**
 * aᵇ, float32.
 *
 * @example
 * pow(tensor([1, 2, 3]), 2); // => [1, 4, 9]
 */
export function pow(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("pow", arguments, 2);
  return applyBinary(powOp, a, b, "float32");
}

/**
 * The larger of each two; NaN where either is.
 *
 * @example
 * maximum(tensor([1, 5]), tensor([3, 2])); // => [3, 5]
 */
export function maximum(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("maximum", arguments, 2);
  return applyBinary(maximumOp, a, b);
}

/**
 * The smaller of each two; NaN where either is.
 *
 * @example
 * minimum(tensor([1, 5]), tensor([3, 2])); // => [1, 2]
 */
export function minimum(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("minimum", arguments, 2);
  return applyBinary(minimumOp, a, b);
}

/**
 * a − b·⌊a / b⌋: the sign is the divisor's, as in Python and PyTorch's remainder.
 *
 * @example
 * remainder(tensor([7, -7]), 3); // => [1, 2]
 */
export function remainder(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("remainder", arguments, 2);
  return applyBinary(remainderOp, a, b);
}

/**
 * (a − b)².
 *
 * @example
 * squaredDifference(tensor([1, 2]), tensor([3, 5])); // => [4, 9]
 */
export function squaredDifference(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("squaredDifference", arguments, 2);
  const difference = sub(a, b);
  return mul(difference, difference);
}
