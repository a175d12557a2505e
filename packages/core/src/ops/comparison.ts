/** Comparison and logic, element by element with broadcasting; the results are bool and carry no gradient. */
import { Tensor } from "../tensor/tensor.js";
import { cast } from "./cast.js";
import { constant } from "./constant.js";
import { apply1, defineOp, type Op } from "./definition.js";
import { applyBinary, binaryOp, type NoAttributes, type Operand } from "./elementwise.js";

// "any": where a backend has float32 only, logic is comparison of 0 and 1.
export const equalOp = binaryOp("equal", { dtype: "any", result: "bool" });
export const lessOp = binaryOp("less", { dtype: "any", result: "bool" });
export const lessEqualOp = binaryOp("lessEqual", { dtype: "any", result: "bool" });

export const logicalNotOp: Op<NoAttributes> = defineOp<NoAttributes>({
  name: "logicalNot",
  inputs: [{ name: "x", dtype: "bool" }],
  infer: ([x]) => [{ ...x!, domain: "real" }],
  gradient: () => [undefined],
  lowered: ([x]) => [apply1(equalOp, [x, constant(0, "bool", [x!])], {})],
});

// a ∧ b is ¬a < b, and a ∨ b is ¬a ≤ b.
export const logicalAndOp = binaryOp("logicalAnd", {
  dtype: "bool",
  lowered: ([a, b]) => [apply1(lessOp, [logicalNot(a!), b], {})],
});
export const logicalOrOp = binaryOp("logicalOr", {
  dtype: "bool",
  lowered: ([a, b]) => [apply1(lessEqualOp, [logicalNot(a!), b], {})],
});

/** a = b. NaN equals nothing. */
export const equal = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(equalOp, a, b);

/** a ≠ b. */
export const notEqual = (a: Operand, b: Operand): Tensor<"real"> => logicalNot(equal(a, b));

/** a < b. */
export const less = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(lessOp, a, b);

/** a ≤ b. */
export const lessEqual = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(lessEqualOp, a, b);

/** a > b. */
export const greater = (a: Operand, b: Operand): Tensor<"real"> => less(b, a);

/** a ≥ b. */
export const greaterEqual = (a: Operand, b: Operand): Tensor<"real"> => lessEqual(b, a);

const truth = (operand: Operand): Operand =>
  operand instanceof Tensor ? cast(operand, "bool") : typeof operand === "number" ? operand !== 0 : operand;

/** ¬x; numbers count as x ≠ 0. */
export const logicalNot = (x: Tensor): Tensor<"real"> => apply1(logicalNotOp, [cast(x, "bool")], {});

/** a ∧ b. */
export const logicalAnd = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(logicalAndOp, truth(a), truth(b), "bool");

/** a ∨ b. */
export const logicalOr = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(logicalOrOp, truth(a), truth(b), "bool");

/** Exactly one of the two. */
export const logicalXor = (a: Operand, b: Operand): Tensor<"real"> => notEqual(truth(a), truth(b));
