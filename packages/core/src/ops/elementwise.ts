/** Type promotion of operands: tensors of different dtypes, and plain numbers. */
import type { Op } from "../ir/op.js";
import { elementOf, promote, type DType } from "../types/dtype.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { cast } from "./cast.js";
import { constant } from "./constant.js";
import type { NoAttributes } from "./primitives.js";

/** An operand: a tensor, or a plain number or boolean. */
export type Operand = Tensor | number | boolean;

/** @internal Both operands as tensors of one dtype, at least `atLeast`; a number takes the dtype of the other where it fits. */
export function promoteOperands(name: string, a: Operand, b: Operand, atLeast: DType = "int32"): [Tensor, Tensor] {
  const dtypeOf = (operand: Operand): DType => {
    if (operand instanceof Tensor) return operand.dtype;
    if (typeof operand === "boolean") return "bool";
    if (typeof operand !== "number") checkTensor(name, operand);
    const other = operand === a ? b : a;
    return other instanceof Tensor && other.dtype !== "float32" && Number.isInteger(operand) ? "int32" : "float32";
  };
  const dtype = promote(promote(dtypeOf(a), dtypeOf(b)), atLeast);
  const others = [a, b].filter((operand) => operand instanceof Tensor);
  const meet = (operand: Operand): Tensor =>
    operand instanceof Tensor ? cast(operand, dtype) : constant(elementOf(name, Number(operand), dtype), dtype, others);
  return [meet(a), meet(b)];
}

/** @internal */
export function applyUnary(op: Op<NoAttributes>, x: Tensor, dtype?: DType): Tensor {
  checkTensor(op.name, x);
  return apply1(op, [dtype === undefined ? x : cast(x, dtype)], {});
}

/** @internal */
export function applyBinary(op: Op<NoAttributes>, a: Operand, b: Operand, atLeast?: DType): Tensor {
  return apply1(op, promoteOperands(op.name, a, b, atLeast), {});
}

/** A function of tensors that says which op it applies, as activations do: who compiles or writes graphs needs no second name for it. */
export const withOp = <F extends (...args: never[]) => Tensor, O extends Op>(op: O, fn: F): F & { readonly op: O } =>
  Object.assign(fn, { op });
