/** The negative log likelihood of counts. */
import { add, mul, sub } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { exp, log } from "../ops/unary.js";
import { where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { notNegative } from "./values.js";

/** Stirling's log y!, for y > 1; else 0. */
function logFactorial(y: Tensor): Tensor {
  const large = greater(y, 1);
  const safe = where(large, y, 1);
  return where(large, add(sub(mul(safe, log(safe)), safe), mul(log(mul(safe, 2 * Math.PI)), 0.5)), 0);
}

/** The options of `poissonNll`, next to those of every loss. */
export interface PoissonNllOptions {
  /** Is the prediction the logarithm of the rate? Default true. */
  readonly logInput: boolean;
  /** Add Stirling's approximation of log y! for y > 1. Default false. */
  readonly full: boolean;
  /** Added to the rate before its logarithm is taken, where `logInput` is false. Default 1e-8. */
  readonly eps: number;
}

/**
 * value = eˣ − y·x for x = log of the rate (`logInput`, the default), x − y·log(x + eps) for x the rate.
 *
 * - formula: eˣ − y·x (+ log y!)
 * - derivative: eˣ − y
 * - expects: the logarithm of the rate
 * - targets: counts, the same shape
 * - use: Counts: calls an hour, photons a pixel.
 * - mean: the number of elements
 * - outliers: Grows with the exponential of x.
 *
 * @param prediction the logarithm of the rate, or the rate (`logInput: false`)
 * @param target counts, of the prediction's shape
 * @example
 * poissonNll(tensor([0, 1]), tensor([1, 2])).item(); // => 0.8591
 */
export const poissonNll = defineLoss<[Tensor, Tensor], PoissonNllOptions>({
  name: "poissonNll",
  link: "identity",
  inputs: [
    { name: "prediction", dtype: "float32" },
    { name: "target", dtype: "value", values: notNegative("counts") },
  ],
  options: { logInput: true, full: false, eps: 1e-8 },
  optionExamples: { logInput: false, full: true, eps: 0.5 },
  samples: {
    "logarithms of rates": (n, draw) => ({ inputs: [draw.real([n, 3]), draw.positive([n, 3])] }),
    rates: (n, draw) => ({ inputs: [draw.positive([n, 3]), draw.positive([n, 3])], options: { logInput: false } }),
  },
  elements([x, target], { logInput, full, eps }) {
    checkSameShape("poissonNll", x, target);
    const value = logInput ? sub(exp(x), mul(target, x)) : sub(x, mul(target, log(add(x, eps))));
    return { value: full ? add(value, logFactorial(target)) : value };
  },
});
