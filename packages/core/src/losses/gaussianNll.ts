/** The negative log likelihood of values whose variance is predicted, too. */
import { ErmineError } from "../types/errors.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { less } from "../ops/comparison.js";
import { expandDims } from "../ops/shape.js";
import { log, square } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import { stopGradient } from "../dispatch/tapes.js";
import { formatShape, sameShape, sameSize } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { nanWhere } from "./invalidClasses.js";
import { notNegative } from "./values.js";

/**
 * The variance with the prediction's rank: the same shape, one size of it 1, without the last axis, or one number for all.
 *
 * @throws ErmineError ERMINE_SHAPE
 */
function aligned(variance: Tensor, prediction: Tensor): Tensor {
  const { shape } = prediction;
  if (variance.rank === 0 || sameShape(variance.shape, shape)) return variance;
  if (sameShape(variance.shape, shape.slice(0, -1))) return expandDims(variance, -1);
  const others = shape.flatMap((size, axis) =>
    variance.rank === shape.length && sameSize(variance.shape[axis]!, size) ? [] : [axis],
  );
  if (variance.rank === shape.length && others.length === 1 && variance.shape[others[0]!] === 1) return variance;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `gaussianNll: the variance is ${formatShape(variance.shape)}; it must be ${formatShape(shape)} as the prediction, have one size of it 1, ` +
      "leave out the last axis, or be a scalar.",
  );
}

/** The options of `gaussianNll`, next to those of every loss. */
export interface GaussianNllOptions {
  /** Add ½ log 2π. Default false. */
  readonly full: boolean;
  /** The least variance; above 0. Default 1e-6. */
  readonly eps: number;
}

/**
 * value = ½ (log v + (x − y)² / v), v = max(variance, eps); the bound lets the gradient through, as PyTorch's.
 *
 * - formula: ½ (log v + (ŷ − y)² / v)
 * - derivative: (ŷ − y) / v
 * - expects: any values, and their variance > 0
 * - targets: values of the same shape
 * - use: Regression that says how sure it is.
 * - mean: the number of elements
 * - outliers: Squared; the model can answer with a larger variance.
 *
 * @param prediction the mean, of any shape
 * @param target values of the prediction's shape
 * @param predictionVariance not below 0: of the prediction's shape; or with size 1 on the last axis, without that axis, or a scalar: one variance for several values
 * @throws ErmineError ERMINE_SHAPE where the shapes do not fit, ERMINE_VALUE for a variance on the host that is below 0; of one that is computed, as a
 * model's is, value and gradient are NaN
 * @example
 * gaussianNll(tensor([1, 2]), tensor([1, 3]), tensor([1, 0.5])).item(); // => 0.3267
 */
export const gaussianNll = defineLoss<[Tensor, Tensor, Tensor], GaussianNllOptions>({
  name: "gaussianNll",
  link: "identity",
  inputs: [
    { name: "prediction", dtype: "float32" },
    { name: "target", dtype: "value" },
    {
      name: "predictionVariance",
      role: "prediction",
      dtype: "float32",
      values: notNegative("variances", "Let the model say a logarithm and apply exp, or softplus."),
    },
  ],
  options: { full: false, eps: 1e-6 },
  optionExamples: { full: true, eps: 1 },
  nonGradientOptions: ["eps"],
  samples: { numbers: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.real([n, 3]), draw.positive([n, 3])] }) },
  elements([x, target, variance], { full, eps }) {
    checkSameShape("gaussianNll", x, target);
    const unclamped = aligned(variance, x);
    const v = add(unclamped, stopGradient(sub(clamp(unclamped, eps), unclamped)));
    const value = mul(add(log(v), div(square(sub(x, target)), v)), 0.5);
    // A variance that a model computes is not checked on the host: below 0 it is a mistake that the bound would hide, so it becomes NaN.
    return { value: nanWhere(less(unclamped, 0), full ? add(value, 0.5 * Math.log(2 * Math.PI)) : value) };
  },
});
