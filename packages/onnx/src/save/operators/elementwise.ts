/** Ops that work element by element, comparisons and casts. */
import {
  absOp,
  addOp,
  castOp,
  ceilOp,
  clampOp,
  cosOp,
  divOp,
  equalOp,
  erfOp,
  expm1Op,
  expOp,
  floorOp,
  isFiniteOp,
  lessEqualOp,
  lessOp,
  log1pOp,
  logicalAndOp,
  logicalNotOp,
  logicalOrOp,
  logOp,
  maximumOp,
  minimumOp,
  mulOp,
  negOp,
  powOp,
  remainderOp,
  roundOp,
  signOp,
  sinOp,
  sqrtOp,
  subOp,
  tanhOp,
  whereOp,
} from "@ermine/core/backend";
import { asinh } from "@ermine/core";
import { elementTypeOf, elementTypes } from "../../elements.js";
import type { GraphBuilder, Operand } from "../builder.js";
import { entry, same, type Entry } from "./call.js";

/** An operand that order and arithmetic take: bool is compared as 0 and 1. */
const counted = (builder: GraphBuilder, { name, dtype }: Operand): string =>
  dtype === "bool" ? builder.node("Cast", [name], { to: BigInt(elementTypes.int32) }) : name;

const compared =
  (opType: string) =>
  ({
    builder,
    inputs,
  }: {
    readonly builder: GraphBuilder;
    readonly inputs: readonly (Operand | undefined)[];
  }): readonly string[] => [
    builder.node(
      opType,
      inputs.map((input) => counted(builder, input!)),
    ),
  ];

/** One operator of ONNX each. */
export const elementwise = (): readonly Entry[] => [
  ...same([
    [negOp, "Neg"],
    [absOp, "Abs"],
    [signOp, "Sign"],
    [expOp, "Exp"],
    [logOp, "Log"],
    [sqrtOp, "Sqrt"],
    [sinOp, "Sin"],
    [cosOp, "Cos"],
    [tanhOp, "Tanh"],
    [asinh.op, "Asinh"],
    [erfOp, "Erf"],
    [floorOp, "Floor"],
    [ceilOp, "Ceil"],
    [roundOp, "Round"],
    [addOp, "Add"],
    [subOp, "Sub"],
    [mulOp, "Mul"],
    [divOp, "Div"],
    [powOp, "Pow"],
    [maximumOp, "Max"],
    [minimumOp, "Min"],
    [equalOp, "Equal"],
    [logicalNotOp, "Not"],
    [logicalAndOp, "And"],
    [logicalOrOp, "Or"],
  ]),
  entry(lessOp, compared("Less")),
  entry(lessEqualOp, compared("LessOrEqual")),
  entry(whereOp, ({ builder, inputs: [condition, a, b] }) => {
    if (a!.dtype !== "bool") return [builder.node("Where", [condition!.name, a!.name, b!.name])];
    // Runtimes choose among numbers only.
    const chosen = builder.node("And", [condition!.name, a!.name]);
    const other = builder.node("And", [builder.node("Not", [condition!.name]), b!.name]);
    return [builder.node("Or", [chosen, other])];
  }),
  entry(clampOp, ({ builder, inputs: [x], attributes: { min, max } }) => [
    builder.node("Clip", [x!.name, ...[min, max].map((bound) => (bound === null ? "" : builder.scalar(bound, x!.dtype)))]),
  ]),
  entry(castOp, ({ builder, inputs: [x], attributes: { dtype } }) =>
    x!.dtype === "float32" && dtype === "int32"
      ? undefined
      : [builder.node("Cast", [x!.name], { to: BigInt(elementTypeOf(dtype)) })],
  ),
];

/** What no operator means, as the body of a model-local function: out of range, at 0 and at infinity as core's. */
export const elementwiseBodies = (): readonly Entry[] => [
  // ln u · x / (u − 1) of u = 1 + x, which gives back the digits that u has lost.
  entry(log1pOp, ({ builder, inputs: [x] }) => {
    const one = builder.scalar(1);
    const u = builder.node("Add", [x!.name, one]);
    const logarithm = builder.node("Log", [u]);
    const moved = builder.node("Sub", [u, one]);
    const exact = builder.node("Mul", [logarithm, builder.node("Div", [x!.name, moved])]);
    const near = builder.node("Where", [builder.node("Equal", [moved, builder.scalar(0)]), x!.name, exact]);
    const endless = builder.node("IsInf", [u]);
    return [builder.node("Where", [endless, logarithm, near])];
  }),
  // (u − 1) · x / ln u of u = eˣ, likewise.
  entry(expm1Op, ({ builder, inputs: [x] }) => {
    const one = builder.scalar(1);
    const u = builder.node("Exp", [x!.name]);
    const moved = builder.node("Sub", [u, one]);
    const exact = builder.node("Mul", [moved, builder.node("Div", [x!.name, builder.node("Log", [u])])]);
    const near = builder.node("Where", [builder.node("Equal", [moved, builder.scalar(0)]), x!.name, exact]);
    const small = builder.node("Less", [x!.name, builder.scalar(-20)]);
    const ends = builder.node("Or", [small, builder.node("IsInf", [u])]);
    return [builder.node("Where", [ends, moved, near])];
  }),
  entry(isFiniteOp, ({ builder, inputs: [x] }) => {
    const none = builder.node("Or", [builder.node("IsNaN", [x!.name]), builder.node("IsInf", [x!.name])]);
    return [builder.node("Not", [none])];
  }),
  // The divisor's sign. By 0 an int32 gives 0, where some runtimes end the process.
  entry(remainderOp, ({ builder, inputs: [a, b] }) => {
    const zero = builder.scalar(0, a!.dtype);
    if (a!.dtype === "int32") {
      const none = builder.node("Equal", [b!.name, zero]);
      const by = builder.node("Where", [none, builder.scalar(1, "int32"), b!.name]);
      return [builder.node("Mod", [a!.name, by])];
    }
    const rest = builder.node("Mod", [a!.name, b!.name], { fmod: 1n });
    const isNegative = builder.node("Less", [rest, zero]);
    const other = builder.node("Xor", [isNegative, builder.node("Less", [b!.name, zero])]);
    const moves = builder.node("And", [other, builder.node("Not", [builder.node("Equal", [rest, zero])])]);
    return [builder.node("Where", [moves, builder.node("Add", [rest, b!.name]), rest])];
  }),
  // float32 to int32: NaN is 0, and what int32 cannot hold the nearest that it can.
  entry(castOp, ({ builder, inputs: [x] }) => {
    const numbers = builder.node("Where", [builder.node("IsNaN", [x!.name]), builder.scalar(0), x!.name]);
    const held = builder.node("Clip", [numbers, builder.scalar(-(2 ** 31)), builder.scalar(2 ** 31 - 128)]);
    const whole = builder.node("Cast", [held], { to: BigInt(elementTypes.int32) });
    const above = builder.node("GreaterOrEqual", [numbers, builder.scalar(2 ** 31)]);
    return [builder.node("Where", [above, builder.scalar(2 ** 31 - 1, "int32"), whole])];
  }),
];
