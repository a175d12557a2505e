/** Elementwise kernels: a number in, a number out. */
import { stridesTo, walk, type ArrayKernel } from "../storage.js";
import { erf, erfc } from "../erf.js";

const unary =
  (fn: (x: number) => number): ArrayKernel =>
  ([x], [y]) => {
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = fn(x!.data[i]!);
  };

const binary =
  (fn: (a: number, b: number) => number): ArrayKernel =>
  ([a, b], [y]) => {
    walk(y!.shape, [stridesTo(a!.shape, y!.shape), stridesTo(b!.shape, y!.shape)], (position, at) => {
      y!.data[position] = fn(a!.data[at[0]!]!, b!.data[at[1]!]!);
    });
  };

/** Halves to even; what rounds to 0 from below is −0. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rounded = x - below !== 0.5 ? Math.round(x) : below % 2 === 0 ? below : below + 1;
  return rounded === 0 && x < 0 ? -0 : rounded;
}

/** Without the fraction; the nearest that int32 holds, and 0 for NaN. */
const toInt32 = (x: number): number => (Number.isNaN(x) ? 0 : Math.trunc(Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), x))));

/**
 * a − b·⌊a / b⌋: the sign is the divisor's, as in Python and PyTorch's remainder.
 *
 * @example
 * remainder(tensor([7, -7]), 3); // => [1, 2]
 */
function remainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

export const elementwise: Readonly<Record<string, ArrayKernel>> = {
  neg: unary((x) => -x),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  exp: unary(Math.exp),
  log: unary(Math.log),
  log1p: unary(Math.log1p),
  expm1: unary(Math.expm1),
  sqrt: unary(Math.sqrt),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tanh: unary(Math.tanh),
  erf: unary(erf),
  erfc: unary(erfc),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  round: unary(roundHalfEven),
  isFinite: unary((x) => Number(Number.isFinite(x))),
  logicalNot: unary((x) => Number(x === 0)),
  cast([x], [y], { dtype }) {
    const to: (value: number) => number =
      dtype === "bool" ? (value) => Number(value !== 0) : dtype === "int32" ? toInt32 : (value) => value;
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = to(x!.data[i]!);
  },
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul(inputs, outputs, attributes) {
    // A product of int32 can be beyond 2⁵³, where double precision loses its low bits.
    const whole = outputs[0]!.dtype === "int32";
    (whole ? binary(Math.imul) : binary((a, b) => a * b))(inputs, outputs, attributes);
  },
  div: binary((a, b) => a / b),
  pow: binary((a, b) => (a === 1 || b === 0 ? 1 : a === -1 && !Number.isFinite(b) && b === b ? 1 : a ** b)),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  remainder: binary(remainder),
  equal: binary((a, b) => Number(a === b)),
  less: binary((a, b) => Number(a < b)),
  lessEqual: binary((a, b) => Number(a <= b)),
  logicalAnd: binary((a, b) => Number(a !== 0 && b !== 0)),
  logicalOr: binary((a, b) => Number(a !== 0 || b !== 0)),
  where([condition, a, b], [y]) {
    const strides = [condition!, a!, b!].map(({ shape }) => stridesTo(shape, y!.shape));
    walk(y!.shape, strides, (position, at) => {
      y!.data[position] = condition!.data[at[0]!] !== 0 ? a!.data[at[1]!]! : b!.data[at[2]!]!;
    });
  },
};
