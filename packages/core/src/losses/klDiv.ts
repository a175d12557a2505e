/** The Kullback-Leibler divergence of the target from the prediction. */
import { div, mul, sub } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { sum } from "../ops/reduction.js";
import { elementCount } from "../ops/statistics.js";
import { exp, log } from "../ops/unary.js";
import { where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { notNegative } from "./values.js";

/** A measure may have any mass, but no negative one. */
const areDensities = /* @__PURE__ */ notNegative("probabilities", "Of their logarithms say { logTarget: true }.");

/** The options of `klDiv`, next to those of every loss. */
export interface KlDivOptions {
  /** Does the target hold logarithms of probabilities? Default false. */
  readonly logTarget: boolean;
}

/**
 * value = y (log y − x), x log probabilities; 0 where y is 0. With `logTarget` the target is log y: e^y (y − x).
 *
 * The reduction "mean" divides by the count of elements, as PyTorch's; the divergence itself is `reduction: "batchMean"`, Σ / N.
 *
 * - formula: y (log y − log p)
 * - derivative: −y
 * - expects: log probabilities
 * - targets: probabilities (or their logarithms), the same shape
 * - use: Distillation, and other targets that are distributions.
 * - mean: the number of elements; `batchMean`: N
 * - outliers: Unbounded where p goes to 0 and y does not.
 *
 * @param prediction log probabilities
 * @param target probabilities of the prediction's shape; their logarithms with `logTarget`
 * @example
 * klDiv(logSoftmax(tensor([[0, 1]])), tensor([[0.5, 0.5]]), { reduction: "batchMean" }).item(); // => 0.1201
 */
export const klDiv = defineLoss<[Tensor<"logProbabilities">, Tensor], KlDivOptions, "mean" | "sum" | "none" | "batchMean">({
  name: "klDiv",
  link: "exp",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "logProbabilities",
      remedy: "Apply logSoftmax; asLogProbabilities(t) marks numbers that are log probabilities already.",
    },
    { name: "target", dtype: "value", values: ({ logTarget }: { logTarget: boolean }) => (logTarget ? undefined : areDensities) },
  ],
  options: { logTarget: false },
  optionExamples: { logTarget: true },
  samples: { distributions: (n, draw) => ({ inputs: [draw.logProbabilities([n, 3]), draw.probabilities([n, 3])] }) },
  elements([x, target], { logTarget }) {
    checkSameShape("klDiv", x, target);
    if (logTarget) return { value: mul(exp(target), sub(target, x)) };
    const some = greater(target, 0);
    return { value: sub(where(some, mul(target, log(where(some, target, 1))), 0), mul(target, x)) };
  },
  reductions: { batchMean: ({ value }, [x]) => div(sum(value), elementCount(x, 0)) },
});
