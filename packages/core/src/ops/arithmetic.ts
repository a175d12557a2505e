/** Arithmetic of two tensors (or a tensor and a number), element by element with NumPy's broadcasting. */
import type { Tensor } from "../types/tensor.js";
import { equal, greaterEqual, less, logicalAnd, notEqual } from "./comparison.js";
import { cast } from "./cast.js";
import { apply1 } from "../dispatch/dispatch.js";
import { applyBinary, binaryOp, promoteOperands, type Operand } from "./elementwise.js";
import { sumTo } from "./reduction.js";
import { log, neg, round } from "./unary.js";
import { where } from "./where.js";

/** The op behind `add`. */
export const addOp = binaryOp("add", {
  dtype: "numeric",
  gradient: ([g], [a, b], _, __, needed) => [
    needed[0] ? sumTo(g!, a!.shape) : undefined,
    needed[1] ? sumTo(g!, b!.shape) : undefined,
  ],
});

/** The op behind `sub`. */
export const subOp = binaryOp("sub", {
  dtype: "numeric",
  gradient: ([g], [a, b], _, __, needed) => [
    needed[0] ? sumTo(g!, a!.shape) : undefined,
    needed[1] ? neg(sumTo(g!, b!.shape)) : undefined,
  ],
});

/** The op behind `mul`. */
export const mulOp = binaryOp("mul", {
  dtype: "numeric",
  gradient: ([g], [a, b], _, __, needed) => [
    needed[0] ? sumTo(mul(g!, b!), a!.shape) : undefined,
    needed[1] ? sumTo(mul(g!, a!), b!.shape) : undefined,
  ],
});

/** The op behind `div`. */
export const divOp = binaryOp("div", {
  gradient: ([g], [a, b], [quotient], _, needed) => [
    needed[0] ? sumTo(div(g!, b!), a!.shape) : undefined,
    needed[1] ? sumTo(neg(mul(g!, div(quotient!, b!))), b!.shape) : undefined,
  ],
});

/** As PyTorch: 0 for the base where the exponent is 0, and for the exponent where the base is 0 and the exponent is not negative. */
export const powOp = binaryOp("pow", {
  gradient([g], [a, b], [power], _, needed) {
    const toBase = (): Tensor => {
      const constantPower = equal(b!, 0);
      const slope = mul(g!, mul(b!, pow(a!, sub(b!, 1))));
      return sumTo(where(constantPower, 0, slope), a!.shape);
    };
    const toExponent = (): Tensor => {
      const flat = logicalAnd(equal(a!, 0), greaterEqual(b!, 0));
      return sumTo(where(flat, 0, mul(g!, mul(power!, log(where(flat, 1, a!))))), b!.shape);
    };
    return [needed[0] ? toBase() : undefined, needed[1] ? toExponent() : undefined];
  },
});

const pick = (g: Tensor, own: Tensor, other: Tensor, loses: (own: Tensor, other: Tensor) => Tensor): Tensor =>
  sumTo(where(equal(own, other), mul(g, 0.5), where(loses(own, other), 0, g)), own.shape);

/** Where the two are equal each gets half, as PyTorch. */
export const maximumOp = binaryOp("maximum", {
  dtype: "numeric",
  gradient: ([g], [a, b], _, __, needed) => [
    needed[0] ? pick(g!, a!, b!, less) : undefined,
    needed[1] ? pick(g!, b!, a!, less) : undefined,
  ],
});

/** The op behind `minimum`. */
export const minimumOp = binaryOp("minimum", {
  dtype: "numeric",
  gradient: ([g], [a, b], _, __, needed) => [
    needed[0] ? pick(g!, a!, b!, (x, y) => less(y, x)) : undefined,
    needed[1] ? pick(g!, b!, a!, (x, y) => less(y, x)) : undefined,
  ],
});

/** The op behind `remainder`. */
export const remainderOp = binaryOp("remainder", {
  dtype: "numeric",
  gradient: ([g], [a, b], _, __, needed) => [
    needed[0] ? sumTo(g!, a!.shape) : undefined,
    needed[1] ? sumTo(neg(mul(g!, floorDivide(a!, b!))), b!.shape) : undefined,
  ],
});

/** The op behind `floorDivide`. */
export const floorDivideOp = binaryOp("floorDivide", {
  dtype: "numeric",
  decompose: ([a, b]) => [a!.dtype === "int32" ? wholeQuotient(a!, b!) : floatQuotient(a!, b!)],
});

/** Without the remainder a is a multiple of b. */
function floatQuotient(a: Tensor, b: Tensor): Tensor {
  const quotient = div(a, b);
  const rest = remainder(a, b);
  // By ±∞ the multiple is 0 or one of ∞, and ∞ / ∞ is NaN.
  const endless = where(equal(rest, a), 0, -1);
  const finite = equal(sub(b, b), 0);
  const among = where(finite, round(div(sub(a, rest), b)), where(equal(rest, rest), endless, NaN));
  return where(equal(b, 0), quotient, among);
}

/** float32 gives the quotient to a part in 2²³; what it leaves over is divided again, and is then less than b. Products and sums may wrap on the way. */
function wholeQuotient(a: Tensor, b: Tensor): Tensor {
  const none = equal(b, 0);
  const by = where(none, 1, b);
  const near = (x: Tensor): Tensor => cast(round(div(x, by)), "int32");
  const first = near(a);
  const over = sub(a, mul(first, by));
  const second = near(over);
  const rest = sub(over, mul(second, by));
  const below = logicalAnd(notEqual(rest, 0), notEqual(less(rest, 0), less(by, 0)));
  return where(none, 0, sub(add(first, second), cast(below, "int32")));
}

/**
 * a + b. int32 stays int32; with a float32 the result is float32; a bool counts as 0 or 1.
 *
 * @example
 * add(tensor([1, 2]), tensor([[10], [20]])); // => [[11, 12], [21, 22]]
 */
export const add = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(addOp, a, b);

/**
 * a − b.
 *
 * @example
 * sub(tensor([1, 2]), 1); // => [0, 1]
 */
export const sub = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(subOp, a, b);

/**
 * a · b, element by element. For the matrix product use `matmul`.
 *
 * @example
 * mul(tensor([1, 2]), tensor([3, 4])); // => [3, 8]
 */
export const mul = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(mulOp, a, b);

/**
 * a / b, always float32 (int32 is cast first).
 *
 * @example
 * div(tensor([1, 2]), 4); // => [0.25, 0.5]
 */
export const div = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(divOp, a, b, "float32");

/**
 * aᵇ, float32.
 *
 * @example
 * pow(tensor([1, 2, 3]), 2); // => [1, 4, 9]
 */
export const pow = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(powOp, a, b, "float32");

/**
 * The larger of each two; NaN where either is.
 *
 * @example
 * maximum(tensor([1, 5]), tensor([3, 2])); // => [3, 5]
 */
export const maximum = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(maximumOp, a, b);

/**
 * The smaller of each two; NaN where either is.
 *
 * @example
 * minimum(tensor([1, 5]), tensor([3, 2])); // => [1, 2]
 */
export const minimum = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(minimumOp, a, b);

/**
 * a − b·⌊a / b⌋: the sign is the divisor's, as in Python and PyTorch's remainder.
 *
 * @example
 * remainder(tensor([7, -7]), 3); // => [1, 2]
 */
export const remainder = (a: Operand, b: Operand): Tensor<"real"> => applyBinary(remainderOp, a, b);

/**
 * ⌊a / b⌋ of the exact quotient, which a / b may round up: 1 and 0.1 give 9. With the remainder: a = b · floorDivide(a, b) + remainder(a, b).
 *
 * int32 stays int32 and is exact; by 0 it is 0, and −2³¹ by −1 is −2³¹ (its quotient is no int32). float32 by 0 is a / b, ±∞ or NaN. As PyTorch's
 * `floor_divide`, but for int32 by 0, which is an error there. There is no gradient.
 *
 * @example
 * floorDivide(tensor([7, -7]), 2); // => [3, -4]
 */
export function floorDivide(a: Operand, b: Operand): Tensor<"real"> {
  const [x, y] = promoteOperands("floorDivide", a, b);
  return apply1(floorDivideOp, [x, y], {});
}

/**
 * (a − b)².
 *
 * @example
 * squaredDifference(tensor([1, 2]), tensor([3, 5])); // => [4, 9]
 */
export function squaredDifference(a: Operand, b: Operand): Tensor<"real"> {
  const difference = sub(a, b);
  return mul(difference, difference);
}
