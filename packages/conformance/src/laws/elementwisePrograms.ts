/** Calls of ops that work element by element. */
import * as e from "@ermine/core";
import type { Tensor } from "@ermine/core";
import { program, type Inputs, type Run } from "./program.js";

const line: Inputs = (n, d) => [d.real([n])];
const above: Inputs = (n, d) => [d.positive([n])];
const integers: Inputs = (n, d) => [d.integers([n], -40, 40), d.integers([n], 1, 7)];
const all = 65_537;

/** One number in, one out. */
const unary = (
  [
    [
      line,
      [e.neg, e.abs, e.sign, e.exp, e.expm1, e.sin, e.cos, e.tanh, e.erf, e.erfc, e.asinh, e.floor, e.ceil, e.round, e.square],
    ],
    [above, [e.log, e.log1p, e.sqrt, e.reciprocal, e.rsqrt]],
  ] as const
).flatMap(([inputs, functions]) => functions.map((fn: Run) => ({ ...program(fn.name, inputs, fn, all), pointwise: true })));

const pairs: readonly (readonly [string, (n: number) => readonly (readonly number[])[]])[] = [
  ["", (n) => [[n], [n]]],
  [", a scalar", (n) => [[n], []]],
  [", a row", (n) => [[3, n], [n]]],
  [
    ", rows and columns",
    (n) => [
      [3, 1],
      [1, n],
    ],
  ],
];
const arithmetic: readonly Run[] = [
  e.add,
  e.sub,
  e.mul,
  e.div,
  e.pow,
  e.maximum,
  e.minimum,
  e.remainder,
  e.floorDivide,
  e.squaredDifference,
];
const comparisons: readonly Run[] = [e.equal, e.notEqual, e.less, e.lessEqual, e.greater, e.greaterEqual];

const binary = [...arithmetic, ...comparisons].flatMap((fn) =>
  pairs.map(([how, shapes]) =>
    program(`${fn.name}${how}`, (n, d) => shapes(n).map((shape) => d.positive(shape)), fn, how === "" ? all : 1000),
  ),
);

const ofIntegers = (
  [
    ["add", e.add],
    ["sub", e.sub],
    ["mul", e.mul],
    ["maximum", e.maximum],
    ["remainder", e.remainder],
    ["floorDivide", e.floorDivide],
    ["equal", e.equal],
    ["less", e.less],
    ["cumsum", (a: Tensor) => e.cumsum(a, 0)],
    ["sort", (a: Tensor) => e.sort(a).values],
    ["sum", (a: Tensor) => e.sum(a)],
    ["slice", (a: Tensor) => e.at(a, { step: 2 })],
    ["concat", (a: Tensor, b: Tensor) => e.concat([a, b])],
    ["where", (a: Tensor, b: Tensor) => e.where(e.greater(a, 0), a, b)],
    ["cast to float32 and bool", (a: Tensor) => [e.cast(a, "float32"), e.cast(a, "bool")]],
  ] as readonly (readonly [string, Run])[]
).map(([name, fn]) => program(`${name} of int32`, integers, fn));

const logic = program(
  "logicalAnd, logicalOr, logicalXor, logicalNot",
  (n, d) => [d.integers([n], 0, 1), d.integers([n], 0, 1)],
  (a, b) => [e.logicalAnd(a!, b!), e.logicalOr(a!, b!), e.logicalXor(a!, b!), e.logicalNot(a!)],
);

const selections = [
  program(
    "where",
    (n, d) => [d.real([n, 3]), d.real([3])],
    (a, b) => e.where(e.greater(a!, b!), a!, b!),
  ),
  program("clamp", line, (x) => e.clamp(x!, -1, 2), all),
  program("cast", line, (x) => [e.cast(x!, "int32"), e.cast(e.cast(x!, "bool"), "float32")]),
  program("isFinite", line, (x) => [e.isFinite(x!), e.isFinite(e.div(x!, 0))]),
];

export const elementwisePrograms = [...unary, ...binary, ...ofIntegers, logic, ...selections];
