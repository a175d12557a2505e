/** The share of correct predictions. */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, checkOptions, show } from "@ermine/core/define";
import { checkHostBatch, defineMetric, requireProbabilities, weightsOf, type HostBatch, type Metric } from "./metric.js";
import { checkClass, isClass } from "./truth.js";

/** The place of the largest of `classes` numbers with that stride; the first of equals. NaN where one of them is: they answer nothing. */
export function argMaxAt(data: ArrayLike<number>, start: number, classes: number, stride = 1): number {
  let best = 0;
  for (let k = 0; k < classes; k++) {
    const value = data[start + k * stride]!;
    if (Number.isNaN(value)) return NaN;
    if (value > data[start + best * stride]!) best = k;
  }
  return best;
}

/**
 * Predicted and true class of each answer. Predictions of (N, K, d…) against (N, d…), or probabilities of equal shape, which answer 1 from
 * the threshold on, by default ½. A prediction with a NaN answers NaN.
 *
 * @param ignoreIndex where it is given, a target that is neither a class nor this is refused
 */
export function answers(
  metric: string,
  prediction: HostBatch,
  target: HostBatch,
  threshold: number | undefined,
  ignoreIndex?: number,
): [predicted: number, truth: number][] {
  const check = (i: number, classes: number): void => {
    if (ignoreIndex !== undefined) checkClass(metric, i, target.data[i]!, classes, ignoreIndex);
  };
  const pairs: [number, number][] = [];
  const { shape, data } = prediction;
  if (shape.length === target.shape.length && shape.every((size, i) => size === target.shape[i])) {
    if (areDistributions(prediction, target)) return distributionAnswers(prediction, target);
    if (threshold === undefined)
      requireProbabilities(metric, prediction, `; or say from where on the answer is 1: { threshold: 0 }`);
    for (let i = 0; i < data.length; i++) {
      check(i, 2);
      const answer = Number.isNaN(data[i]) ? NaN : data[i]! >= (threshold ?? 0.5) ? 1 : 0;
      pairs.push([answer, target.data[i]!]);
    }
    return pairs;
  }
  const classes = shape[1];
  const inner = shape.slice(2).reduce((a, b) => a * b, 1);
  if (classes === undefined || shape[0]! * inner !== target.data.length) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${metric}: a prediction [${shape.join(", ")}] does not answer targets [${target.shape.join(", ")}].`,
    );
  }
  for (let i = 0; i < target.data.length; i++) {
    check(i, classes);
    const start = Math.floor(i / inner) * classes * inner + (i % inner);
    pairs.push([argMaxAt(data, start, classes, inner), target.data[i]!]);
  }
  return pairs;
}

/**
 * Are the rows (N, K) distributions over classes, of both? Otherwise numbers of equal shapes are questions of their own: labels. All rows are
 * looked at, and the model's too, so that labels of which one is set in each row of a batch are not taken for classes.
 */
export const areDistributions = (prediction: HostBatch, target: HostBatch): boolean =>
  target.shape.length === 2 && target.shape[1]! > 1 && rowsAddUp(target) && rowsAddUp(prediction);

function rowsAddUp({ data, shape: [rows, width] }: HostBatch): boolean {
  for (let i = 0; i < rows!; i++) {
    let sum = 0;
    for (let k = 0; k < width!; k++) sum += data[i * width! + k]!;
    if (!(Math.abs(sum - 1) < 1e-4)) return false;
  }
  return true;
}

function distributionAnswers(prediction: HostBatch, target: HostBatch): [number, number][] {
  const classes = prediction.shape[1]!;
  return Array.from({ length: prediction.shape[0]! }, (_, i) => [
    argMaxAt(prediction.data, i * classes, classes),
    argMaxAt(target.data, i * classes, classes),
  ]);
}

/**
 * Right answers over answers. Classes: the largest probability; binary and multi-label: probability ≥ threshold (default 0.5).
 * An answer counts by its sample's weight. Targets equal to `ignoreIndex` (default −100) are left out. NaN where a prediction or a target is. While it is computed: ERMINE_VALUE for a target
 * that is no class, or no label of 0 or 1.
 *
 * @example
 * const metrics = [accuracy()];
 * await new Trainer({ model, loss: crossEntropy, optimizer: adamw(), backend: await cpu(), metrics }).evaluate(data);
 */
export function accuracy(
  options: {
    /** From which probability on a binary answer is 1. Default 0.5. */
    threshold?: number;
    /** Class index of targets that are ignored. Default −100. */
    ignoreIndex?: number;
    /** Either gives the share of right answers; the option is there so that those of `precision` and `recall` fit. Default "micro". */
    average?: "micro" | "binary";
  } = {},
): Metric<"accuracy", readonly number[]> {
  if (arguments.length > 1) checkArguments("accuracy", arguments, 1);
  // Of right answers there is but one average; the name is taken so that options fit precision's and recall's.
  checkOptions("accuracy", options, { threshold: "number", ignoreIndex: "number", average: "string" });
  const { threshold, ignoreIndex = -100, average = "micro" } = options;
  if (average !== "micro" && average !== "binary")
    throw new ErmineError("ERMINE_OPTION", `accuracy: average is "micro" or "binary", got ${show(average)}.`);
  return defineMetric({
    name: "accuracy",
    better: "higher",
    weighted: true,
    sums: 2,
    count(prediction, target, weights) {
      const pairs = answers("accuracy", prediction, target, threshold, ignoreIndex);
      const weightOf = weightsOf("accuracy", target, pairs.length, weights);
      let [correct, weightSum] = [0, 0];
      pairs.forEach(([predicted, truth], i) => {
        if (truth === ignoreIndex) return;
        const weight = weightOf(i);
        weightSum += weight;
        if (predicted === truth) correct += weight;
        else if (Number.isNaN(predicted + truth)) correct = NaN;
      });
      return [correct, weightSum];
    },
    compute: ([correct, weightSum]) => correct! / weightSum!,
  });
}

/**
 * counts[truth · classes + predicted] of a classifier over a whole set: a row a true class.
 *
 * @throws ErmineError ERMINE_VALUE for a prediction that is NaN, and for a class that is not in 0 … classes − 1
 * @example
 * const prediction = { data: Float32Array.of(2, 0, 1, 3), shape: [2, 2] };
 * confusionMatrix(prediction, { data: Int32Array.of(0, 0), shape: [2] }, 2); // => [1, 1, 0, 0]
 */
export function confusionMatrix(prediction: HostBatch, target: HostBatch, classes: number): Float64Array {
  if (arguments.length > 3) checkArguments("confusionMatrix", arguments, 3);
  checkHostBatch("confusionMatrix", "prediction", prediction);
  checkHostBatch("confusionMatrix", "target", target);
  checkArgument("confusionMatrix(prediction, target, classes)", "classes", classes, "integer");
  const counts = new Float64Array(classes * classes);
  answers("confusionMatrix", prediction, target, 0.5).forEach(([predicted, truth], i) => {
    for (const [name, value] of [
      ["prediction", predicted],
      ["target", truth],
    ] as const) {
      if (isClass(value, classes)) continue;
      throw new ErmineError("ERMINE_VALUE", `confusionMatrix: ${name} ${i} is ${value}, and classes are 0 … ${classes - 1}.`);
    }
    counts[truth * classes + predicted]!++;
  });
  return counts;
}
