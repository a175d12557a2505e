/** Gradients of arithmetic. What broadcast is summed again. */
import { equal, greaterEqual, less, logicalAnd } from "../../ops/comparison.js";
import { div, mul, pow, sub } from "../../ops/arithmetic.js";
import { floorDivide } from "../../ops/floorDivide.js";
import { gradientOf } from "../../ops/gradient.js";
import type { addOp, divOp, maximumOp, minimumOp, mulOp, powOp, remainderOp, subOp } from "../../ops/primitives.js";
import { sumTo } from "../../ops/reduction.js";
import { log, neg } from "../../ops/unary.js";
import { where } from "../../ops/where.js";
import type { Tensor } from "../../types/tensor.js";

export const addGradient = gradientOf<typeof addOp>("add", ([g], [a, b], _, __, needed) => [
  needed[0] ? sumTo(g!, a!.shape) : undefined,
  needed[1] ? sumTo(g!, b!.shape) : undefined,
]);

export const subGradient = gradientOf<typeof subOp>("sub", ([g], [a, b], _, __, needed) => [
  needed[0] ? sumTo(g!, a!.shape) : undefined,
  needed[1] ? neg(sumTo(g!, b!.shape)) : undefined,
]);

export const mulGradient = gradientOf<typeof mulOp>("mul", ([g], [a, b], _, __, needed) => [
  needed[0] ? sumTo(mul(g!, b!), a!.shape) : undefined,
  needed[1] ? sumTo(mul(g!, a!), b!.shape) : undefined,
]);

export const divGradient = gradientOf<typeof divOp>("div", ([g], [a, b], [quotient], _, needed) => [
  needed[0] ? sumTo(div(g!, b!), a!.shape) : undefined,
  needed[1] ? sumTo(neg(mul(g!, div(quotient!, b!))), b!.shape) : undefined,
]);

/** As PyTorch: 0 for the base where the exponent is 0, and for the exponent where the base is 0 and the exponent is not negative. */
export const powGradient = gradientOf<typeof powOp>("pow", ([g], [a, b], [power], _, needed) => {
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
});

/** Where the two are equal each gets half, as PyTorch. */
const pick = (g: Tensor, operand: Tensor, other: Tensor, loses: (own: Tensor, other: Tensor) => Tensor): Tensor =>
  sumTo(where(equal(operand, other), mul(g, 0.5), where(loses(operand, other), 0, g)), operand.shape);

export const maximumGradient = gradientOf<typeof maximumOp>("maximum", ([g], [a, b], _, __, needed) => [
  needed[0] ? pick(g!, a!, b!, less) : undefined,
  needed[1] ? pick(g!, b!, a!, less) : undefined,
]);

export const minimumGradient = gradientOf<typeof minimumOp>("minimum", ([g], [a, b], _, __, needed) => [
  needed[0] ? pick(g!, a!, b!, (x, y) => less(y, x)) : undefined,
  needed[1] ? pick(g!, b!, a!, (x, y) => less(y, x)) : undefined,
]);

export const remainderGradient = gradientOf<typeof remainderOp>("remainder", ([g], [a, b], _, __, needed) => [
  needed[0] ? sumTo(g!, a!.shape) : undefined,
  needed[1] ? sumTo(neg(mul(g!, floorDivide(a!, b!))), b!.shape) : undefined,
]);
