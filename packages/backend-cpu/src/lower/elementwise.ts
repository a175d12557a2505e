/** Element by element: unary, binary, where, casts. */
import type { DType } from "@ermine/core";
import { broadcastStrides, collapse, sizeOf, type Lowering, type Operand } from "./operand.js";

const unaryKind = {
  neg: 0,
  abs: 1,
  sign: 2,
  exp: 3,
  log: 4,
  log1p: 5,
  expm1: 6,
  sqrt: 7,
  sin: 8,
  cos: 9,
  tanh: 10,
  erf: 11,
  floor: 12,
  ceil: 13,
  round: 14,
  isFinite: 15,
  logicalNot: 16,
  sigmoid: 24,
  relu: 25,
  silu: 26,
} as const;
const wholeUnary: Readonly<Record<string, number>> = { neg: 17, abs: 18, sign: 19 };

const unary = (name: keyof typeof unaryKind): Lowering => ({
  dtypes: name === "logicalNot" ? ["bool"] : name in wholeUnary ? ["float32", "int32"] : ["float32"],
  inPlace: true,
  emit(e, [x], [y]) {
    const kind = x!.dtype === "int32" ? wholeUnary[name]! : unaryKind[name];
    e.emit("unary", kind, y!.address, x!.address, sizeOf(y!.shape));
  },
});

/** gelu's kind depends on its option. */
const gelu: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  emit(e, [x], [y], { approximate }) {
    e.emit("unary", approximate === "tanh" ? 28 : 27, y!.address, x!.address, sizeOf(y!.shape));
  },
};

const castKind = (from: DType, to: DType): number | undefined => {
  if (to === "bool") return from === "float32" ? 22 : from === "int32" ? 23 : undefined;
  if (to === "int32") return from === "float32" ? 20 : undefined;
  return from === "float32" ? undefined : 21;
};

const cast: Lowering = {
  dtypes: ["float32", "int32", "bool"],
  inPlace: true,
  emit(e, [x], [y]) {
    const kind = castKind(x!.dtype, y!.dtype);
    const count = sizeOf(y!.shape);
    // bool and int32 are stored alike: the numbers only move.
    if (kind === undefined) e.emit("move", y!.address, x!.address, count);
    else e.emit("unary", kind, y!.address, x!.address, count);
  },
};

const binaryKind = {
  add: [0, 13],
  sub: [1, 14],
  mul: [2, 15],
  div: [3, 3],
  maximum: [4, 16],
  minimum: [5, 17],
  pow: [6, 6],
  remainder: [7, 18],
  equal: [8, 19],
  less: [9, 20],
  lessEqual: [10, 21],
  logicalAnd: [11, 11],
  logicalOr: [12, 12],
} as const;

const floatOnly = ["div", "pow"];
const truth = ["logicalAnd", "logicalOr"];
const comparisons = ["equal", "less", "lessEqual"];

const binary = (name: keyof typeof binaryKind): Lowering => ({
  dtypes: truth.includes(name)
    ? ["bool"]
    : floatOnly.includes(name)
      ? ["float32"]
      : comparisons.includes(name)
        ? ["float32", "int32", "bool"]
        : ["float32", "int32"],
  inPlace: true,
  emit(e, [a, b], [y]) {
    const { shape, strides } = collapse(y!.shape, broadcastStrides(a!.shape, y!.shape), broadcastStrides(b!.shape, y!.shape));
    if (sizeOf(shape) === 0) return;
    const kind = binaryKind[name][a!.dtype === "float32" ? 0 : 1];
    e.emit("binary", kind, y!.address, a!.address, b!.address, shape.length, ...shape, ...strides[0]!, ...strides[1]!);
  },
});

const where: Lowering = {
  dtypes: ["bool"],
  inPlace: true,
  emit(e, inputs, [y]) {
    const [c, a, b] = inputs as readonly Operand[];
    const { shape, strides } = collapse(y!.shape, ...[c!, a!, b!].map((t) => broadcastStrides(t.shape, y!.shape)));
    if (sizeOf(shape) === 0) return;
    e.emit("where", y!.address, c!.address, a!.address, b!.address, shape.length, ...shape, ...strides.flat());
  },
};

const named = <K extends string>(names: readonly K[], make: (name: K) => Lowering): [string, Lowering][] =>
  names.map((name) => [name, make(name)]);

export const elementwise: readonly (readonly [string, Lowering])[] = [
  ...named(Object.keys(unaryKind) as (keyof typeof unaryKind)[], unary),
  ...named(Object.keys(binaryKind) as (keyof typeof binaryKind)[], binary),
  ["gelu", gelu],
  ["cast", cast],
  ["where", where],
];
