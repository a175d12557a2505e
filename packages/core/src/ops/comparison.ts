/** Comparison and logic, element by element with broadcasting; the results are bool and carry no gradient. */
import { checkMapped } from "../types/arguments.js";
import { builtinOp, type Op, type OptionalTensors } from "../ir/op.js";
import { broadcastShapes } from "../types/dim.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { cast } from "./cast.js";
import { constant } from "./constant.js";
import { applyBinary, type Operand } from "./elementwise.js";
import { equalOp, lessEqualOp, lessOp, type NoAttributes } from "./primitives.js";

/** The op of `logicalNot`. */
export const logicalNotOp: Op<NoAttributes> = builtinOp<NoAttributes>({
  name: "logicalNot",
  inputs: [{ name: "x", dtype: "bool" }],
  infer: ([x]) => [{ ...x!, domain: "real" }],
  lowered: ([x]) => [apply1(equalOp, [x, constant(0, "bool", [x!])], {})],
});

/* @__NO_SIDE_EFFECTS__ */
function logicalOp(name: string, lowered: (inputs: OptionalTensors) => readonly Tensor[]): Op<NoAttributes> {
  return builtinOp<NoAttributes>({
    name,
    inputs: [
      { name: "a", dtype: "bool" },
      { name: "b", dtype: "bool" },
    ],
    broadcasts: true,
    infer: ([a, b]) => [{ shape: broadcastShapes(name, a!.shape, b!.shape), dtype: "bool", domain: "real" }],
    lowered,
  });
}

// a ∧ b is ¬a < b, and a ∨ b is ¬a ≤ b.
/** The op of `logicalAnd`. */
export const logicalAndOp = logicalOp("logicalAnd", ([a, b]) => [apply1(lessOp, [logicalNot(a!), b], {})]);
/** The op of `logicalOr`. */
export const logicalOrOp = logicalOp("logicalOr", ([a, b]) => [apply1(lessEqualOp, [logicalNot(a!), b], {})]);

const [lowest, highest] = [-(2 ** 31), 2 ** 31 - 1];

/** The whole tensor against a bound that every int32 meets, or none. */
const always = (x: Tensor, truth: boolean): Tensor<"real"> =>
  truth ? applyBinary(lessEqualOp, x, highest) : applyBinary(lessOp, x, lowest);

const isWhole = (x: Operand): x is Tensor => x instanceof Tensor && x.dtype !== "float32";
const isInt32 = (value: number): boolean => (value | 0) === value;

/** x ≤ value, exactly, of an int32 or bool tensor. */
function atMost(x: Tensor, value: number): Tensor<"real"> {
  const bound = Math.floor(value);
  return isInt32(bound) ? applyBinary(lessEqualOp, x, bound) : always(x, bound > highest);
}

/** value ≤ x, likewise. */
function atLeast(value: number, x: Tensor): Tensor<"real"> {
  const bound = Math.ceil(value);
  return isInt32(bound) ? applyBinary(lessEqualOp, bound, x) : always(x, bound < lowest);
}

/** Below an integer is up to the one before it. */
const before = (value: number): number => (Number.isInteger(value) ? value - 1 : value);
const after = (value: number): number => (Number.isInteger(value) ? value + 1 : value);

/** For a function that is another one of its operands: what is wrong with them is said of it, and not of the other. */
function checkOperands(name: string, a: Operand, b: Operand): void {
  for (const operand of [a, b]) if (typeof operand !== "number" && typeof operand !== "boolean") checkTensor(name, operand);
  if (a instanceof Tensor && b instanceof Tensor) broadcastShapes(name, a.shape, b.shape);
}

/**
 * a = b. NaN equals nothing. A number is compared exactly, also where int32 cannot hold it.
 *
 * @example
 * equal(tensor([1, 2]), tensor([1, 3])); // => [true, false]
 */
export function equal(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("equal", arguments, 2);
  if (isWhole(a) && typeof b === "number" && !isInt32(b)) return always(a, false);
  if (isWhole(b) && typeof a === "number" && !isInt32(a)) return always(b, false);
  return applyBinary(equalOp, a, b);
}

/**
 * a ≠ b.
 *
 * @example
 * notEqual(tensor([1, 2]), tensor([1, 3])); // => [false, true]
 */
export function notEqual(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("notEqual", arguments, 2);
  checkOperands("notEqual", a, b);
  return logicalNot(equal(a, b));
}

/**
 * a < b.
 *
 * @example
 * less(tensor([1, 2]), 2); // => [true, false]
 */
export function less(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("less", arguments, 2);
  if (isWhole(a) && typeof b === "number" && !isInt32(b)) return atMost(a, before(b));
  if (isWhole(b) && typeof a === "number" && !isInt32(a)) return atLeast(after(a), b);
  return applyBinary(lessOp, a, b);
}

/**
 * a ≤ b.
 *
 * @example
 * lessEqual(tensor([1, 2]), 2); // => [true, true]
 */
export function lessEqual(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("lessEqual", arguments, 2);
  if (isWhole(a) && typeof b === "number" && !isInt32(b)) return atMost(a, b);
  if (isWhole(b) && typeof a === "number" && !isInt32(a)) return atLeast(a, b);
  return applyBinary(lessEqualOp, a, b);
}

/**
 * a > b.
 *
 * @example
 * greater(tensor([1, 2]), 1); // => [false, true]
 */
export function greater(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("greater", arguments, 2);
  checkOperands("greater", a, b);
  return less(b, a);
}

/**
 * a ≥ b.
 *
 * @example
 * greaterEqual(tensor([1, 2]), 2); // => [false, true]
 */
export function greaterEqual(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("greaterEqual", arguments, 2);
  checkOperands("greaterEqual", a, b);
  return lessEqual(b, a);
}

const truth = (operand: Operand): Operand =>
  operand instanceof Tensor ? cast(operand, "bool") : typeof operand === "number" ? operand !== 0 : operand;

/**
 * ¬x; numbers count as x ≠ 0.
 *
 * @example
 * logicalNot(tensor([true, false])); // => [false, true]
 */
export function logicalNot(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("logicalNot", arguments, 1);
  checkTensor("logicalNot", x);
  return apply1(logicalNotOp, [cast(x, "bool")], {});
}

/**
 * a ∧ b.
 *
 * @example
 * logicalAnd(tensor([true, true]), tensor([true, false])); // => [true, false]
 */
export function logicalAnd(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("logicalAnd", arguments, 2);
  return applyBinary(logicalAndOp, truth(a), truth(b), "bool");
}

/**
 * a ∨ b.
 *
 * @example
 * logicalOr(tensor([false, true]), tensor([false, false])); // => [false, true]
 */
export function logicalOr(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("logicalOr", arguments, 2);
  return applyBinary(logicalOrOp, truth(a), truth(b), "bool");
}

/**
 * Exactly one of the two.
 *
 * @example
 * logicalXor(tensor([true, true]), tensor([true, false])); // => [false, true]
 */
export function logicalXor(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("logicalXor", arguments, 2);
  return notEqual(truth(a), truth(b));
}
