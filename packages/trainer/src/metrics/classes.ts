/** Precision, recall and F1: of what was said, of what there was, and both. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { answers, areDistributions } from "./accuracy.js";
import type { HostBatch, Metric } from "./metric.js";

/** How several classes become one number. */
export type Average = "macro" | "micro" | "weighted" | "binary";

/** The options of `precision`, `recall` and `f1`. */
export interface ClassMetricOptions {
  /**
   * "macro" (default for several classes or labels): the mean over the classes that occur, in predictions or targets, or over all labels; "weighted": weighed by how
   * often each occurs in the targets; "micro": of all answers together; "binary" (default for one probability a sample): of class 1 alone.
   */
  readonly average?: Average;
  /** From which probability on the answer is 1, for one probability a sample. Default 0.5. */
  readonly threshold?: number;
  /** Targets that are left out. Default −100. */
  readonly ignoreIndex?: number;
}

/** What is counted: classes, one yes or no a sample, or several labels a sample, (N, L) of both. */
type Kind = "classes" | "binary" | "labels";

/** For each class or label: right answers, how often it was said, how often it was true. */
type Counts = readonly (readonly [right: number, said: number, real: number])[];

interface State {
  readonly counts: Counts;
  readonly kind: Kind;
}

function merge(a: State, b: State): State {
  const length = Math.max(a.counts.length, b.counts.length);
  const counts = Array.from({ length }, (_, k) => {
    const [x, y] = [a.counts[k] ?? [0, 0, 0], b.counts[k] ?? [0, 0, 0]];
    return [x[0] + y[0], x[1] + y[1], x[2] + y[2]] as const;
  });
  return { counts, kind: b.counts.length > 0 ? b.kind : a.kind };
}

/** NaN where a prediction was: nothing is known of it. */
const ratio = (a: number, b: number): number => (b === 0 && !Number.isNaN(a) ? 0 : a / b);

type Score = (right: number, said: number, real: number) => number;

function averaged({ counts, kind }: State, score: Score, average: Average | undefined): number {
  switch (average ?? (kind === "binary" ? "binary" : "macro")) {
    case "binary":
      return score(...(counts[1] ?? [0, 0, 0]));
    case "micro": {
      const [right, said, real] = counts.reduce((t, c) => [t[0] + c[0], t[1] + c[1], t[2] + c[2]], [0, 0, 0]);
      return score(right, said, real);
    }
    case "weighted": {
      const all = counts.reduce((total, [, , real]) => total + real, 0);
      return counts.reduce((total, c) => total + score(...c) * ratio(c[2], all), 0);
    }
    default: {
      const there = kind === "labels" ? counts : counts.filter(([, said, real]) => said + real !== 0);
      return there.reduce((total, c) => total + score(...c), 0) / there.length;
    }
  }
}

function classMetric<const Name extends string>(name: Name, score: Score, options: ClassMetricOptions): Metric<Name, State> {
  checkOptions(name, options, { average: "string", threshold: "number", ignoreIndex: "number" });
  const { average, threshold, ignoreIndex = -100 } = options;
  const known = ["macro", "micro", "weighted", "binary"];
  if (average !== undefined && !known.includes(average)) {
    throw new ErmineError("ERMINE_OPTION", `${name}: average is one of ${known.join(", ")}; got ${show(average)}.`);
  }
  return {
    name,
    better: "higher",
    init: () => ({ counts: [], kind: "classes" }),
    update(state, prediction: HostBatch, target: HostBatch) {
      const kind = kindOf(prediction, target);
      const width = kind === "binary" ? 2 : prediction.shape[1]!;
      const counts: [number, number, number][] = Array.from({ length: width }, () => [0, 0, 0]);
      answers(name, prediction, target, threshold, ignoreIndex).forEach(([said, real], i) => {
        if (real === ignoreIndex) return;
        if (Number.isNaN(said + real)) {
          for (const count of counts) count[0] = count[1] = NaN;
          return;
        }
        if (kind === "labels") {
          const count = counts[i % width]!;
          count[0] += said * real;
          count[1] += said;
          count[2] += real;
          return;
        }
        counts[said]![1]++;
        counts[real]![2]++;
        if (said === real) counts[said]![0]++;
      });
      return merge(state, { counts, kind });
    },
    merge,
    compute: (state) => averaged(state, score, average),
  };
}

function kindOf(prediction: HostBatch, target: HostBatch): Kind {
  if (prediction.shape.length !== target.shape.length || areDistributions(prediction, target)) return "classes";
  return target.shape.length === 2 && target.shape[1]! > 1 ? "labels" : "binary";
}

/**
 * Right answers of a class over how often it was said; 0 where it never was. NaN where a prediction is. Streams: three counts a class.
 *
 * @example
 * precision({ average: "macro" }).name; // => precision
 */
export function precision(options: ClassMetricOptions = {}): Metric<"precision", State> {
  if (arguments.length > 1) checkArguments("precision", arguments, 1);
  return classMetric("precision", (right, said) => ratio(right, said), options);
}

/**
 * Right answers of a class over how often it was true; 0 where it never was. NaN where a prediction is. Streams: three counts a class.
 *
 * @example
 * recall({ average: "macro" }).name; // => recall
 */
export function recall(options: ClassMetricOptions = {}): Metric<"recall", State> {
  if (arguments.length > 1) checkArguments("recall", arguments, 1);
  return classMetric("recall", (right, _, real) => ratio(right, real), options);
}

/**
 * 2 · precision · recall / (precision + recall) = 2 · right / (said + true); 0 where both are 0. NaN where a prediction is. Streams: three counts a class.
 *
 * @example
 * f1({ average: "macro" }).name; // => f1
 */
export function f1(options: ClassMetricOptions = {}): Metric<"f1", State> {
  if (arguments.length > 1) checkArguments("f1", arguments, 1);
  return classMetric("f1", (right, said, real) => ratio(2 * right, said + real), options);
}
