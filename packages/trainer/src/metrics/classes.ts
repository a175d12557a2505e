/** Precision, recall and F1 score per class, and their averages. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { answers, areDistributions } from "./accuracy.js";
import { weightsOf, type HostBatch, type Metric } from "./metric.js";

/** Averaging of per-class scores. */
export type Average = "macro" | "micro" | "weighted" | "binary";

/** The options of `precision`, `recall` and `f1`. */
export interface ClassMetricOptions {
  /**
   * "macro" (default for several classes or labels): the mean over the classes that occur, in predictions or targets, or over all labels; "weighted": weighed by how
   * often each occurs in the targets; "micro": of all answers together; "binary" (default for one probability a sample): of class 1 alone.
   */
  readonly average?: Average;
  /** Decision threshold for one probability per sample: class 1 from this probability on. Default 0.5. */
  readonly threshold?: number;
  /** Class index of targets that are ignored. Default −100. */
  readonly ignoreIndex?: number;
}

/** Kind of the targets: classes, binary (one label per sample), or multi-label, (N, L). */
type Kind = "classes" | "binary" | "labels";

/** Weighted counts of a class or label: true positives, predictions, targets; and its unweighted number of occurrences. */
type Count = readonly [correct: number, predicted: number, actual: number, occurrences: number];
type Counts = readonly Count[];

const noCount: Count = [0, 0, 0, 0];
const addCounts = (a: Count, b: Count): Count => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];

interface State {
  readonly counts: Counts;
  readonly kind: Kind;
}

function merge(a: State, b: State): State {
  const length = Math.max(a.counts.length, b.counts.length);
  const counts = Array.from({ length }, (_, k) => addCounts(a.counts[k] ?? noCount, b.counts[k] ?? noCount));
  return { counts, kind: b.counts.length > 0 ? b.kind : a.kind };
}

/** NaN where a prediction was: nothing is known of it. */
const ratio = (a: number, b: number): number => (b === 0 && !Number.isNaN(a) ? 0 : a / b);

type Score = (correct: number, predicted: number, actual: number) => number;

function averageScore({ counts, kind }: State, score: Score, average: Average | undefined): number {
  const scoreOf = ([correct, predicted, actual]: Count): number => score(correct, predicted, actual);
  switch (average ?? (kind === "binary" ? "binary" : "macro")) {
    case "binary":
      return scoreOf(counts[1] ?? noCount);
    case "micro":
      return scoreOf(counts.reduce(addCounts, noCount));
    case "weighted": {
      const all = counts.reduce((total, [, , actual]) => total + actual, 0);
      return counts.reduce((total, c) => total + scoreOf(c) * ratio(c[2], all), 0);
    }
    default: {
      const occurring = kind === "labels" ? counts : counts.filter(([, , , occurrences]) => occurrences > 0);
      return occurring.reduce((total, c) => total + scoreOf(c), 0) / occurring.length;
    }
  }
}

function classMetric<const Name extends string>(name: Name, score: Score, options: ClassMetricOptions): Metric<Name, State> {
  checkOptions(name, options, { average: "string", threshold: "number", ignoreIndex: "number" });
  const { average, threshold, ignoreIndex = -100 } = options;
  const averages = ["macro", "micro", "weighted", "binary"];
  if (average !== undefined && !averages.includes(average)) {
    throw new ErmineError("ERMINE_OPTION", `${name}: average is one of ${averages.join(", ")}; got ${show(average)}.`);
  }
  return {
    name,
    better: "higher",
    weighted: true,
    init: () => ({ counts: [], kind: "classes" }),
    update(state, prediction, target, weights) {
      const kind = kindOf(prediction, target);
      const width = kind === "binary" ? 2 : prediction.shape[1]!;
      const counts = Array.from({ length: width }, (): [number, number, number, number] => [0, 0, 0, 0]);
      const pairs = answers(name, prediction, target, threshold, ignoreIndex);
      const weightOf = weightsOf(name, target, pairs.length, weights);
      pairs.forEach(([predicted, actual], i) => {
        if (actual === ignoreIndex) return;
        const weight = weightOf(i);
        if (Number.isNaN(predicted + actual)) {
          for (const count of counts) {
            count[0] = count[1] = NaN;
            count[3]++;
          }
          return;
        }
        if (kind === "labels") {
          const count = counts[i % width]!;
          count[0] += weight * predicted * actual;
          count[1] += weight * predicted;
          count[2] += weight * actual;
          return;
        }
        counts[predicted]![1] += weight;
        counts[actual]![2] += weight;
        counts[predicted]![3]++;
        counts[actual]![3]++;
        if (predicted === actual) counts[predicted]![0] += weight;
      });
      return merge(state, { counts, kind });
    },
    merge,
    compute: (state) => averageScore(state, score, average),
  };
}

function kindOf(prediction: HostBatch, target: HostBatch): Kind {
  if (prediction.shape.length !== target.shape.length || areDistributions(prediction, target)) return "classes";
  return target.shape.length === 2 && target.shape[1]! > 1 ? "labels" : "binary";
}

/**
 * True positives of a class / predictions of the class; 0 if it is never predicted. NaN if a prediction is NaN. Samples count by
 * their weights. Streams: four counts a class.
 *
 * @example
 * precision({ average: "macro" }).name; // => precision
 */
export function precision(options: ClassMetricOptions = {}): Metric<"precision", State> {
  if (arguments.length > 1) checkArguments("precision", arguments, 1);
  return classMetric("precision", (correct, predicted) => ratio(correct, predicted), options);
}

/**
 * True positives of a class / targets of the class; 0 if it has no targets. NaN if a prediction is NaN. Samples count by
 * their weights. Streams: four counts a class.
 *
 * @example
 * recall({ average: "macro" }).name; // => recall
 */
export function recall(options: ClassMetricOptions = {}): Metric<"recall", State> {
  if (arguments.length > 1) checkArguments("recall", arguments, 1);
  return classMetric("recall", (correct, _, actual) => ratio(correct, actual), options);
}

/**
 * 2 · precision · recall / (precision + recall) = 2 · true positives / (predictions + targets); 0 if both are 0. NaN if a prediction is NaN. Samples count by
 * their weights. Streams: four counts a class.
 *
 * @example
 * f1({ average: "macro" }).name; // => f1
 */
export function f1(options: ClassMetricOptions = {}): Metric<"f1", State> {
  if (arguments.length > 1) checkArguments("f1", arguments, 1);
  return classMetric("f1", (correct, predicted, actual) => ratio(2 * correct, predicted + actual), options);
}
