/** Top-k accuracy and log loss. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { areDistributions, argMaxAt } from "./accuracy.js";
import { defineMetric, requireProbabilities, weightsOf, type HostBatch, type Metric } from "./metric.js";
import { checkClass } from "./truth.js";

/** @internal Where each target's probabilities start, and how far apart they are: (N, K, d…) against (N, d…). @throws ErmineError ERMINE_VALUE for a target that is no class */
export function* rows(
  name: string,
  { shape }: HostBatch,
  target: HostBatch,
  ignoreIndex: number,
): Generator<{ i: number; start: number; stride: number; truth: number }> {
  const inner = shape.slice(2).reduce((a, b) => a * b, 1);
  if (shape.length < 2 || shape[0]! * inner !== target.data.length) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${name}: a prediction [${shape.join(", ")}] does not answer targets [${target.shape.join(", ")}].`,
    );
  }
  for (let i = 0; i < target.data.length; i++) {
    checkClass(name, i, target.data[i]!, shape[1]!, ignoreIndex);
    yield { i, start: Math.floor(i / inner) * shape[1]! * inner + (i % inner), stride: inner, truth: target.data[i]! };
  }
}

/**
 * Targets among the k largest probabilities, over targets, each counted by its sample's weight. Of equal ones the first count as larger. NaN where a probability is. Streams: two sums.
 *
 * @param options.k default 5
 * @example
 * topKAccuracy({ k: 2 }).better; // => higher
 */
export function topKAccuracy(
  options: {
    /** Number of largest predictions that count as correct if the target is among them. Default 5. */
    k?: number;
    /** Class index of targets that are ignored. Default −100. */
    ignoreIndex?: number;
  } = {},
): Metric<"topKAccuracy", readonly number[]> {
  if (arguments.length > 1) checkArguments("topKAccuracy", arguments, 1);
  checkOptions("topKAccuracy", options, { k: "number", ignoreIndex: "number" });
  const { k = 5, ignoreIndex = -100 } = options;
  if (!Number.isInteger(k) || k < 1) {
    throw new ErmineError("ERMINE_OPTION", `topKAccuracy: k is a whole number of at least 1, got ${show(k)}.`);
  }
  return defineMetric({
    name: "topKAccuracy",
    better: "higher",
    weighted: true,
    sums: 2,
    count(prediction, target, weights) {
      let [correct, weightSum] = [0, 0];
      const classes = prediction.shape[1]!;
      const weightOf = weightsOf("topKAccuracy", target, target.data.length, weights);
      for (const { i, start, stride, truth } of rows("topKAccuracy", prediction, target, ignoreIndex)) {
        if (truth === ignoreIndex) continue;
        weightSum += weightOf(i);
        const truthScore = prediction.data[start + truth * stride]!;
        let larger = Number.isNaN(truth) ? NaN : 0;
        for (let c = 0; c < classes; c++) {
          const score = prediction.data[start + c * stride]!;
          if (score > truthScore || (score === truthScore && c < truth)) larger++;
          if (Number.isNaN(score)) correct = NaN;
        }
        if (Number.isNaN(larger)) correct = NaN;
        else if (larger < k) correct += weightOf(i);
      }
      return [correct, weightSum];
    },
    compute: ([correct, weightSum]) => correct! / weightSum!,
  });
}

/** Smallest probability that the logarithm is taken of: float64's rounding. */
const epsilon = 2 ** -52;

/**
 * The mean of −log p of what is true, weighted by samples: of classes (N, K) against indices (N) or distributions (N, K), or of one probability (N) against 0 and 1. Streams: two sums.
 * Probabilities are held within [2⁻⁵², 1 − 2⁻⁵²], as scikit-learn does.
 *
 * @example
 * logLoss().better; // => lower
 */
export function logLoss(
  options: {
    /** Class index of targets that are ignored. Default −100. */
    ignoreIndex?: number;
  } = {},
): Metric<"logLoss", readonly number[]> {
  if (arguments.length > 1) checkArguments("logLoss", arguments, 1);
  checkOptions("logLoss", options, { ignoreIndex: "number" });
  const { ignoreIndex = -100 } = options;
  const negativeLog = (p: number): number => -Math.log(Math.min(Math.max(p, epsilon), 1 - epsilon));
  return defineMetric({
    name: "logLoss",
    better: "lower",
    weighted: true,
    sums: 2,
    count(prediction, target, weights) {
      requireProbabilities("logLoss", prediction);
      let [total, weightSum] = [0, 0];
      const weightOf = weightsOf("logLoss", target, target.data.length, weights);
      if (areDistributions(prediction, target)) {
        const classes = target.shape[1]!;
        target.data.forEach((share, i) => {
          total += weightOf(i) * share * negativeLog(prediction.data[i]!);
          if (i % classes === 0) weightSum += weightOf(i);
        });
        return [total, weightSum];
      }
      if (prediction.shape.length === target.shape.length) {
        prediction.data.forEach((p, i) => {
          const truth = target.data[i]!;
          if (truth === ignoreIndex) return;
          // A probability of class 1 as well.
          if (truth < 0 || truth > 1) checkClass("logLoss", i, truth, 2);
          total += weightOf(i) * (truth * negativeLog(p) + (1 - truth) * negativeLog(1 - p));
          weightSum += weightOf(i);
        });
        return [total, weightSum];
      }
      for (const { i, start, stride, truth } of rows("logLoss", prediction, target, ignoreIndex)) {
        if (truth === ignoreIndex) continue;
        // A row with a NaN is not known to be a distribution.
        const predicted = argMaxAt(prediction.data, start, prediction.shape[1]!, stride);
        total += weightOf(i) * (Number.isNaN(predicted) ? NaN : negativeLog(prediction.data[start + truth * stride]!));
        weightSum += weightOf(i);
      }
      return [total, weightSum];
    },
    compute: ([total, weightSum]) => total! / weightSum!,
  });
}
