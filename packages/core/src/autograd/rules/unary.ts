/** Gradients of functions of one tensor: PyTorch's, at kinks and poles too. */
import { add, div, mul } from "../../ops/arithmetic.js";
import type { erfcOp } from "../../ops/erfc.js";
import { fusedGradient, gradientOf } from "../../ops/gradient.js";
import type { absOp, cosOp, erfOp, expm1Op, expOp, log1pOp, logOp, negOp, sinOp, sqrtOp, tanhOp } from "../../ops/primitives.js";
import { abs, cos, exp, neg, sign, sin, square } from "../../ops/unary.js";
import type { Tensor } from "../../types/tensor.js";

export const negGradient = gradientOf<typeof negOp>("neg", ([g]) => [neg(g!)]);
export const absGradient = gradientOf<typeof absOp>("abs", ([g], [x]) => [mul(g!, sign(x!))]);
export const expGradient = gradientOf<typeof expOp>("exp", ([g], _, [y]) => [mul(g!, y!)]);
export const logGradient = gradientOf<typeof logOp>("log", ([g], [x]) => [div(g!, x!)]);
export const log1pGradient = gradientOf<typeof log1pOp>("log1p", ([g], [x]) => [div(g!, add(x!, 1))]);
export const expm1Gradient = gradientOf<typeof expm1Op>("expm1", ([g], _, [y]) => [mul(g!, add(y!, 1))]);
export const sqrtGradient = gradientOf<typeof sqrtOp>("sqrt", ([g], _, [y]) => [div(g!, mul(y!, 2))]);
export const sinGradient = gradientOf<typeof sinOp>("sin", ([g], [x]) => [mul(g!, cos(x!))]);
export const cosGradient = gradientOf<typeof cosOp>("cos", ([g], [x]) => [neg(mul(g!, sin(x!)))]);

/** e^(−x²) · scale. */
const bell = (x: Tensor, scale: number): Tensor => mul(exp(neg(mul(x, x))), scale);
export const erfGradient = gradientOf<typeof erfOp>("erf", ([g], [x]) => [mul(g!, bell(x!, 2 / Math.sqrt(Math.PI)))]);
export const erfcGradient = gradientOf<typeof erfcOp>("erfc", ([g], [x]) => [mul(g!, bell(x!, -2 / Math.sqrt(Math.PI)))]);

/** 1 / cosh²x of e = e^(−2|x|): 1 − y² has no digits left where y is nearly ±1. */
export const tanhGradient = fusedGradient<typeof tanhOp>("tanh", ([g], [x]) => {
  const e = exp(mul(abs(x!), -2));
  return [mul(g!, div(mul(e, 4), square(add(e, 1))))];
});
