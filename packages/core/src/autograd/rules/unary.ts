/** Gradients of functions of one tensor: PyTorch's, at kinks and poles too. */
import { add, div, mul } from "../../ops/arithmetic.js";
import { erfcOp } from "../../ops/erfc.js";
import { fusedGradient, gradientOf } from "../../ops/gradient.js";
import { absOp, cosOp, erfOp, expm1Op, expOp, log1pOp, logOp, negOp, sinOp, sqrtOp, tanhOp } from "../../ops/primitives.js";
import { abs, cos, exp, neg, sign, sin, square } from "../../ops/unary.js";
import type { Tensor } from "../../types/tensor.js";

export const negGradient = gradientOf(negOp, ([g]) => [neg(g!)]);
export const absGradient = gradientOf(absOp, ([g], [x]) => [mul(g!, sign(x!))]);
export const expGradient = gradientOf(expOp, ([g], _, [y]) => [mul(g!, y!)]);
export const logGradient = gradientOf(logOp, ([g], [x]) => [div(g!, x!)]);
export const log1pGradient = gradientOf(log1pOp, ([g], [x]) => [div(g!, add(x!, 1))]);
export const expm1Gradient = gradientOf(expm1Op, ([g], _, [y]) => [mul(g!, add(y!, 1))]);
export const sqrtGradient = gradientOf(sqrtOp, ([g], _, [y]) => [div(g!, mul(y!, 2))]);
export const sinGradient = gradientOf(sinOp, ([g], [x]) => [mul(g!, cos(x!))]);
export const cosGradient = gradientOf(cosOp, ([g], [x]) => [neg(mul(g!, sin(x!)))]);

/** e^(−x²) · scale. */
const bell = (x: Tensor, scale: number): Tensor => mul(exp(neg(mul(x, x))), scale);
export const erfGradient = gradientOf(erfOp, ([g], [x]) => [mul(g!, bell(x!, 2 / Math.sqrt(Math.PI)))]);
export const erfcGradient = gradientOf(erfcOp, ([g], [x]) => [mul(g!, bell(x!, -2 / Math.sqrt(Math.PI)))]);

/** 1 / cosh²x of e = e^(−2|x|): 1 − y² has no digits left where y is nearly ±1. */
export const tanhGradient = fusedGradient(tanhOp, ([g], [x]) => {
  const e = exp(mul(abs(x!), -2));
  return [mul(g!, div(mul(e, 4), square(add(e, 1))))];
});
