/** The negative log likelihood of numbers whose variance the model says too. */
import { ErmineError } from "../errors.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { expandDims } from "../ops/shape.js";
import { log, square } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import { stopGradient } from "../autograd/gradients.js";
import { formatShape, sameShape } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkSameShape, defineLoss, type LossProse } from "./definition.js";

/** The variance with the prediction's rank: the same shape, or one for each row, (…, 1) or (…). */
function aligned(variance: Tensor, prediction: Tensor): Tensor {
  const rows = prediction.shape.slice(0, -1);
  if (sameShape(variance.shape, prediction.shape) || sameShape(variance.shape, [...rows, 1])) return variance;
  if (sameShape(variance.shape, rows)) return expandDims(variance, -1);
  throw new ErmineError(
    "ERMINE_SHAPE",
    `gaussianNll: the variance is ${formatShape(variance.shape)}; it must be ${formatShape(prediction.shape)} as the prediction, or one number a row.`,
  );
}

/**
 * value = ½ (log v + (x − y)² / v), v = max(variance, eps); the bound lets the gradient through, as PyTorch's.
 *
 * @param options.full adds ½ log 2π; default false
 * @param options.eps default 1e-6
 */
export const gaussianNll = defineLoss<[Tensor, Tensor, Tensor], { full: boolean; eps: number }>({
  name: "gaussianNll",
  link: "identity",
  inputs: [{ name: "prediction" }, { name: "target" }, { name: "predictionVariance" }],
  options: { full: false, eps: 1e-6 },
  witnesses: { full: true },
  elements([x, target, variance], { full, eps }) {
    checkSameShape("gaussianNll", x, target);
    const given = aligned(variance, x);
    const v = add(given, stopGradient(sub(clamp(given, eps), given)));
    const value = mul(add(log(v), div(square(sub(x, target)), v)), 0.5);
    return { value: full ? add(value, 0.5 * Math.log(2 * Math.PI)) : value };
  },
});

export const gaussianNllProse: LossProse = {
  formula: "½ (log v + (ŷ − y)² / v)",
  derivative: "(ŷ − y) / v",
  expects: "any numbers, and their variance > 0",
  targets: "numbers of the same shape",
  use: "Regression that says how sure it is.",
  outliers: "Squared; the model can answer with a larger variance.",
};
