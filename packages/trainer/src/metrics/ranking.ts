/** Ranking metrics, independent of a threshold. These keep one number and one label a sample: ranks need all of them. */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, checkOptions, show } from "@ermine/core/define";
import { argMaxAt } from "./accuracy.js";
import { rows } from "./topK.js";
import { checkClass } from "./truth.js";
import { requireOneOf } from "../schedules/schedule.js";
import { checkNumbers, requireProbabilities, weightsOf, type HostBatch, type Metric, type NoOptions } from "./metric.js";

/** Scores and labels (1 or 0). */
interface Scored {
  readonly scores: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
  /** Weight of each sample. */
  readonly weights: ArrayLike<number>;
}

/** Those of each batch so far: joined once, at the end. */
type Batches = readonly Scored[];

const joinBatches = (parts: Batches): Scored => ({
  scores: parts.flatMap(({ scores }) => Array.from(scores)),
  labels: parts.flatMap(({ labels }) => Array.from(labels)),
  weights: parts.flatMap(({ weights }) => Array.from(weights)),
});

function hasNaN(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

/** From the highest score on: at each different score, how many were positive and negative so far, in weights. Scores that count for nothing make no point. */
function curve({ scores, labels, weights }: Scored): { score: number; positive: number; negative: number }[] {
  const order = Array.from(scores, (_, i) => i)
    .filter((i) => weights[i] !== 0)
    .sort((a, b) => scores[b]! - scores[a]!);
  const points: { score: number; positive: number; negative: number }[] = [];
  let [positive, negative] = [0, 0];
  order.forEach((at, i) => {
    if (labels[at] === 1) positive += weights[at]!;
    else negative += weights[at]!;
    const next = order[i + 1];
    if (next === undefined || scores[next] !== scores[at]) points.push({ score: scores[at]!, positive, negative });
  });
  return points;
}

/** A batch, copied. */
function scoredOf(name: string, prediction: HostBatch, target: HostBatch, weights: ArrayLike<number> | undefined): Scored {
  const weightOf = weightsOf(name, target, target.data.length, weights);
  return {
    scores: prediction.data.slice(),
    labels: target.data.slice(),
    weights: Float64Array.from({ length: target.data.length }, (_, i) => weightOf(i)),
  };
}

function rankingMetric<const Name extends string>(
  name: Name,
  options: NoOptions,
  compute: (scoredSamples: Scored) => number,
): Metric<Name, Batches> {
  checkOptions(name, options, {});
  const merge = (a: Batches, b: Batches): Batches => [...a, ...b];
  return {
    name,
    better: "higher",
    weighted: true,
    init: () => [],
    update(state, prediction, target, weights) {
      if (prediction.data.length !== target.data.length) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `${name}: takes one probability a target, got [${prediction.shape.join(", ")}] and [${target.shape.join(", ")}].`,
        );
      }
      for (let i = 0; i < target.data.length; i++) checkClass(name, i, target.data[i]!, 2);
      return merge(state, [scoredOf(name, prediction, target, weights)]);
    },
    merge,
    compute(parts) {
      const scored = joinBatches(parts);
      return hasNaN(scored.scores) || hasNaN(scored.labels) ? NaN : compute(scored);
    },
  };
}

/** Reduction of a multi-class ROC curve to binary ones. */
export interface RocAucOptions {
  /**
   * Of several classes: "ovr" takes each class against all others, "ovo" each class against each other, among the samples of the two. Default "ovr".
   */
  readonly multiClass?: "ovr" | "ovo";
  /** The mean over the classes (or pairs): "macro" counts all alike, "weighted" by how many samples they have. Default "macro". */
  readonly average?: "macro" | "weighted";
}

const notOfPairs =
  'A mean over pairs of classes (multiClass: "ovo") is insensitive to how often classes occur, so that weights of samples have no meaning in it. Take "ovr".';

/** The area under the curve of one score a sample. */
function area(scored: Scored): number {
  let sum = 0;
  let [p, n] = [0, 0];
  for (const { positive, negative } of curve(scored)) {
    sum += ((positive + p) / 2) * (negative - n);
    [p, n] = [positive, negative];
  }
  return p === 0 || n === 0 ? NaN : sum / (p * n);
}

/** Samples of several classes: the scores (N, K) row by row, and the class of each row. */
interface Classified extends Scored {
  readonly classes: number;
}

/** The area of class `positive` among the rows that `chosen` takes. */
function areaOf(
  { scores, labels, weights, classes }: Classified,
  positive: number,
  isIncluded: (label: number) => boolean,
): number {
  const rows = Array.from(labels, (_, i) => i).filter((i) => isIncluded(labels[i]!));
  return area({
    scores: rows.map((i) => scores[i * classes + positive]!),
    labels: rows.map((i) => (labels[i] === positive ? 1 : 0)),
    weights: rows.map((i) => weights[i]!),
  });
}

function areaOfClasses(all: Classified, { multiClass = "ovr", average = "macro" }: RocAucOptions): number {
  const counts = Array.from({ length: all.classes }, () => 0);
  const occurs = counts.map(() => false);
  for (let i = 0; i < all.labels.length; i++) {
    const label = all.labels[i]!;
    checkClass("rocAuc", i, label, all.classes);
    counts[label]! += all.weights[i]!;
    occurs[label] = true;
  }
  // A class without a sample has no area; one whose samples count for nothing has none that counts.
  const areaOfClass = (a: number): number =>
    average === "weighted" && occurs[a] && counts[a] === 0 ? 0 : areaOf(all, a, () => true);
  const classAreas: [area: number, samples: number][] = [];
  for (let a = 0; a < all.classes; a++) {
    if (multiClass === "ovr") classAreas.push([areaOfClass(a), counts[a]!]);
    else
      for (let b = a + 1; b < all.classes; b++) {
        const isOfPair = (label: number): boolean => label === a || label === b;
        classAreas.push([(areaOf(all, a, isOfPair) + areaOf(all, b, isOfPair)) / 2, counts[a]! + counts[b]!]);
      }
  }
  const weights = classAreas.map(([, samples]) => (average === "macro" ? 1 : samples));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return classAreas.reduce((sum, [value], i) => sum + value * weights[i]!, 0) / total;
}

/**
 * The area under the ROC curve: the share of (positive, negative) pairs in the right order, ties half. Of several classes, probabilities (N, K) against
 * class indices (N), the mean over the classes' own areas. NaN where one of both (of several classes: a class) is missing, or a score is NaN.
 *
 * @throws ErmineError ERMINE_VALUE for a target that is no class, ERMINE_SHAPE where predictions and targets do not fit
 * @example
 * const metric = rocAuc({ multiClass: "ovo" });
 * const prediction = { data: Float32Array.of(0.8, 0.1, 0.1, 0.2, 0.5, 0.3, 0.3, 0.4, 0.3), shape: [3, 3] };
 * metric.compute(metric.update(metric.init(), prediction, { data: Int32Array.of(0, 1, 2), shape: [3] })); // => 0.9167
 */
export function rocAuc(options: RocAucOptions = {}): Metric<"rocAuc", Batches> {
  if (arguments.length > 1) checkArguments("rocAuc", arguments, 1);
  checkOptions("rocAuc", options, { multiClass: "string", average: "string" });
  requireOneOf("rocAuc", "multiClass", options.multiClass ?? "ovr", ["ovr", "ovo"]);
  requireOneOf("rocAuc", "average", options.average ?? "macro", ["macro", "weighted"]);
  const isOvo = options.multiClass === "ovo";
  const binary = rankingMetric("rocAuc", {}, area);
  const classesOf = (batch: Scored): number => (batch as Partial<Classified>).classes ?? 1;
  return {
    ...binary,
    weighted: isOvo ? notOfPairs : true,
    update(state, prediction, target, weights) {
      const { shape } = prediction;
      const isOfClasses = shape.length === 2 && target.shape.length === 1 && shape[1]! > 1 && shape[0] === target.shape[0];
      if (!isOfClasses) return binary.update(state, prediction, target, weights);
      const batch: Classified = { ...scoredOf("rocAuc", prediction, target, weights), classes: shape[1]! };
      if (weights !== undefined && isOvo) throw new ErmineError("ERMINE_OPTION", `rocAuc: ${notOfPairs}`);
      return binary.merge(state, [batch]);
    },
    compute(parts) {
      const classes = parts.length === 0 ? 1 : classesOf(parts[0]!);
      if (parts.some((batch) => classesOf(batch) !== classes)) {
        throw new ErmineError("ERMINE_SHAPE", "rocAuc: the batches have different numbers of classes.");
      }
      const all = joinBatches(parts);
      if (classes === 1 || hasNaN(all.scores) || hasNaN(all.labels)) return binary.compute(parts);
      return areaOfClasses({ ...all, classes }, options);
    },
  };
}

/**
 * Σ (recall − recall before) · precision over the thresholds. NaN where nothing is positive, or a score is NaN.
 *
 * @example
 * averagePrecision().better; // => higher
 */
export function averagePrecision(options: NoOptions = {}): Metric<"averagePrecision", Batches> {
  if (arguments.length > 1) checkArguments("averagePrecision", arguments, 1);
  return rankingMetric("averagePrecision", options, (scored) => {
    let [total, before] = [0, 0];
    for (const { positive, negative } of curve(scored)) {
      total += (positive - before) * (positive / (positive + negative));
      before = positive;
    }
    return before === 0 ? NaN : total / before;
  });
}

/**
 * The threshold at which a score of (right positives, wrong positives, missed positives, right negatives) is highest; by default F1.
 *
 * @example
 * const [probabilities, labels] = [[0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0]];
 * bestThreshold(probabilities, labels); // => { threshold: 0.4, score: 0.8 }
 * bestThreshold(probabilities, labels, (tp, fp, fn) => -(fp + 10 * fn)).threshold; // => 0.4
 */
export function bestThreshold(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  score: (tp: number, fp: number, fn: number, tn: number) => number = (tp, fp, fn) => (2 * tp) / (2 * tp + fp + fn),
): { threshold: number; score: number } {
  if (arguments.length > 3) checkArguments("bestThreshold", arguments, 3);
  const signature = "bestThreshold(probabilities, labels, score)";
  checkNumbers(signature, "probabilities", probabilities);
  checkNumbers(signature, "labels", labels);
  checkArgument(signature, "score", score, "function");
  if (probabilities.length !== labels.length || labels.length === 0) {
    throw new ErmineError(
      "ERMINE_DATA",
      `bestThreshold: ${probabilities.length} probabilities and ${labels.length} labels; there must be as many of both, and some.`,
    );
  }
  if (hasNaN(probabilities) || hasNaN(labels)) {
    throw new ErmineError("ERMINE_DATA", "bestThreshold: a probability or a label is NaN, which stands in no order.");
  }
  const points = curve({ scores: probabilities, labels, weights: Float64Array.from(labels, () => 1) });
  const { positive, negative } = points.at(-1)!;
  let best = { threshold: Infinity, score: score(0, 0, positive, negative) };
  for (const point of points) {
    const value = score(point.positive, point.negative, positive - point.positive, negative - point.negative);
    if (value > best.score || Number.isNaN(best.score)) best = { threshold: point.score, score: value };
  }
  return best;
}

/**
 * The expected calibration error: Σ over bins of equal width of |share that is right − mean confidence|, weighed by their samples. Of classes the largest
 * probability counts, of one probability that of its answer. NaN where a probability or a target is. Source: Guo et al. 2017.
 *
 * @param options.bins default 15
 * @example
 * calibrationError({ bins: 10 }).better; // => lower
 */
export function calibrationError(
  options: {
    /** Number of intervals of equal width that confidences are sorted into. Default 15. */
    bins?: number;
    /** Class index of targets that are ignored. Default −100. */
    ignoreIndex?: number;
  } = {},
): Metric<"calibrationError", readonly number[]> {
  if (arguments.length > 1) checkArguments("calibrationError", arguments, 1);
  checkOptions("calibrationError", options, { bins: "number", ignoreIndex: "number" });
  const { bins = 15, ignoreIndex = -100 } = options;
  if (!Number.isInteger(bins) || bins < 1) {
    throw new ErmineError("ERMINE_OPTION", `calibrationError: bins is a whole number of at least 1, got ${show(bins)}.`);
  }
  const merge = (a: readonly number[], b: readonly number[]): readonly number[] => a.map((value, i) => value + b[i]!);
  return {
    name: "calibrationError",
    better: "lower",
    weighted: true,
    init: () => Array.from({ length: 3 * bins }, () => 0),
    update(state, prediction, target, weights) {
      requireProbabilities("calibrationError", prediction);
      const sums = [...state];
      const weightOf = weightsOf("calibrationError", target, target.data.length, weights);
      const add = (i: number, confidence: number, isCorrect: boolean): void => {
        if (Number.isNaN(confidence)) {
          sums[1] = NaN;
          return;
        }
        const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
        const weight = weightOf(i);
        sums[3 * bin]! += weight;
        sums[3 * bin + 1]! += weight * confidence;
        sums[3 * bin + 2]! += weight * Number(isCorrect);
      };
      if (prediction.shape.length === target.shape.length) {
        prediction.data.forEach((p, i) => {
          const truth = target.data[i]!;
          checkClass("calibrationError", i, truth, 2, ignoreIndex);
          if (truth !== ignoreIndex) add(i, Number.isNaN(truth) ? NaN : Math.max(p, 1 - p), Number(p >= 0.5) === truth);
        });
        return sums;
      }
      for (const { i, start, stride, truth } of rows("calibrationError", prediction, target, ignoreIndex)) {
        if (truth === ignoreIndex) continue;
        const predicted = argMaxAt(prediction.data, start, prediction.shape[1]!, stride);
        add(i, Number.isNaN(truth) ? NaN : (prediction.data[start + predicted * stride] ?? NaN), predicted === truth);
      }
      return sums;
    },
    merge,
    compute(sums) {
      let [gap, total] = [0, 0];
      for (let bin = 0; bin < bins; bin++) {
        gap += Math.abs(sums[3 * bin + 2]! - sums[3 * bin + 1]!);
        total += sums[3 * bin]!;
      }
      return gap / total;
    },
  };
}
