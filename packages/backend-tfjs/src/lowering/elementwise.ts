/** Arithmetic, comparison and logic: what TensorFlow has under another name, and where its corner cases differ. */
import type { DType } from "@ermine/core";
import { binary, cast, elementwise, logical, scalar, select, unary } from "./calls.js";
import type { Emitter, Lowering, Operand } from "./emitter.js";

const one =
  (name: string): Lowering =>
  (e, [x]) => [unary(e, name, x!)];

const two =
  (name: string): Lowering =>
  (e, [a, b]) => [binary(e, name, a!, b!)];

/** TensorFlow orders numbers only. */
const ordering =
  (name: string): Lowering =>
  (e, [a, b]) => {
    const numeric = (x: Operand): Operand => (x.dtype === "bool" ? cast(e, x, "int32") : x);
    return [binary(e, name, numeric(a!), numeric(b!), "bool")];
  };

/** TensorFlow refuses to divide whole numbers by 0, where this gives 0. */
function remainder(e: Emitter, a: Operand, b: Operand): Operand {
  if (a.dtype !== "int32") return floatRemainder(e, a, b);
  const none = binary(e, "Equal", b, scalar(e, 0, "int32"), "bool");
  return binary(e, "FloorMod", a, select(e, none, scalar(e, 1, "int32"), b));
}

/** TensorFlow leaves to the processor what becomes of numbers that int32 cannot hold: here the nearest that it can, and 0 for NaN. */
function whole(e: Emitter, x: Operand): Operand {
  const nanToZero = select(e, unary(e, "IsNan", x, "bool"), scalar(e, 0), x);
  const above = binary(e, "LessEqual", scalar(e, 2 ** 31), nanToZero, "bool");
  const held = binary(e, "Maximum", select(e, above, scalar(e, 0), nanToZero), scalar(e, -(2 ** 31)));
  return select(e, above, scalar(e, 2 ** 31 - 1, "int32"), cast(e, held, "int32"));
}

/** The sign is the divisor's. (FloorMod adds the divisor before a second division, which loses what is small, and gives NaN for ∞.) */
function floatRemainder(e: Emitter, a: Operand, b: Operand): Operand {
  const rest = binary(e, "TruncateMod", a, b);
  const zero = scalar(e, 0);
  const differs = binary(e, "NotEqual", binary(e, "Less", rest, zero, "bool"), binary(e, "Less", b, zero, "bool"), "bool");
  const isNonzero = binary(e, "NotEqual", rest, zero, "bool");
  return select(e, logical(e, "LogicalAnd", isNonzero, differs), binary(e, "AddV2", rest, b), rest);
}

export const elementwiseLowerings: Readonly<Record<string, Lowering>> = {
  neg: one("Neg"),
  abs: one("Abs"),
  sign: one("Sign"),
  exp: one("Exp"),
  log: one("Log"),
  log1p: one("Log1p"),
  expm1: one("Expm1"),
  sqrt: one("Sqrt"),
  sin: one("Sin"),
  cos: one("Cos"),
  tanh: one("Tanh"),
  erf: one("Erf"),
  erfc: one("Erfc"),
  floor: one("Floor"),
  ceil: one("Ceil"),
  round: one("Rint"),
  isFinite: (e, [x]) => [unary(e, "IsFinite", x!, "bool")],
  logicalNot: (e, [x]) => [logical(e, "LogicalNot", x!)],
  cast: (e, [x], { dtype }: { dtype: DType }) => [
    x!.dtype === "float32" && dtype === "int32" ? whole(e, x!) : cast(e, x!, dtype),
  ],
  add: two("AddV2"),
  sub: two("Sub"),
  mul: two("Mul"),
  div: two("RealDiv"),
  pow: two("Pow"),
  maximum: two("Maximum"),
  minimum: two("Minimum"),
  remainder: (e, [a, b]) => [remainder(e, a!, b!)],
  equal: (e, [a, b]) => [
    elementwise(e, "Equal", [a!, b!], "bool", { T: { type: a!.dtype }, incompatible_shape_error: { bool: true } }),
  ],
  less: ordering("Less"),
  lessEqual: ordering("LessEqual"),
  logicalAnd: (e, [a, b]) => [logical(e, "LogicalAnd", a!, b!)],
  logicalOr: (e, [a, b]) => [logical(e, "LogicalOr", a!, b!)],
  where: (e, [condition, a, b]) => [select(e, condition!, a!, b!)],
};
