/** Precision, recall and F1: of what was said, of what there was, and both. */
import { checkOptions, ErmineError } from "@ermine/core";
import { answers } from "./accuracy.js";
import type { HostBatch, Metric } from "./metric.js";

/** How several classes become one number. */
export type Average = "macro" | "micro" | "weighted" | "binary";

export interface ClassMetricOptions {
  /**
   * "macro" (default for several classes): the mean over the classes that occur, in predictions or targets; "weighted": weighed by how often each occurs in the
   * targets; "micro": of all answers together; "binary" (default for one probability a sample): of class 1 alone.
   */
  readonly average?: Average;
  /** From which probability on the answer is 1, for one probability a sample. Default 0.5. */
  readonly threshold?: number;
  /** Targets that are left out. Default −100. */
  readonly ignoreIndex?: number;
}

/** For each class: right answers, how often it was said, how often it was true. */
type Counts = readonly (readonly [right: number, said: number, real: number])[];

interface State {
  readonly counts: Counts;
  /** One probability a sample. */
  readonly binary: boolean;
}

function merge(a: State, b: State): State {
  const length = Math.max(a.counts.length, b.counts.length);
  const counts = Array.from({ length }, (_, k) => {
    const [x, y] = [a.counts[k] ?? [0, 0, 0], b.counts[k] ?? [0, 0, 0]];
    return [x[0] + y[0], x[1] + y[1], x[2] + y[2]] as const;
  });
  return { counts, binary: a.binary || b.binary };
}

const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

type Score = (right: number, said: number, real: number) => number;

function averaged({ counts, binary }: State, score: Score, average: Average | undefined): number {
  switch (average ?? (binary ? "binary" : "macro")) {
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
      const there = counts.filter(([, said, real]) => said + real > 0);
      return there.reduce((total, c) => total + score(...c), 0) / there.length;
    }
  }
}

function classMetric<const Name extends string>(name: Name, score: Score, options: ClassMetricOptions): Metric<Name, State> {
  checkOptions(name, options, ["average", "threshold", "ignoreIndex"]);
  const { average, threshold, ignoreIndex = -100 } = options;
  const known = ["macro", "micro", "weighted", "binary"];
  if (average !== undefined && !known.includes(average)) {
    throw new ErmineError("ERMINE_OPTION", `${name}: average is one of ${known.join(", ")}; got "${String(average)}".`);
  }
  return {
    name,
    better: "higher",
    init: () => ({ counts: [], binary: false }),
    update(state, prediction: HostBatch, target: HostBatch) {
      const binary = prediction.shape.length === target.shape.length;
      const counts: [number, number, number][] = Array.from({ length: binary ? 2 : prediction.shape[1]! }, () => [0, 0, 0]);
      for (const [said, real] of answers(name, prediction, target, threshold)) {
        if (real === ignoreIndex) continue;
        counts[said]![1]++;
        counts[real]![2]++;
        if (said === real) counts[said]![0]++;
      }
      return merge(state, { counts, binary });
    },
    merge,
    compute: (state) => averaged(state, score, average),
  };
}

/** Right answers of a class over how often it was said; 0 where it never was. Streams: three counts a class. */
export const precision = (options: ClassMetricOptions = {}): Metric<"precision", State> =>
  classMetric("precision", (right, said) => ratio(right, said), options);

/** Right answers of a class over how often it was true; 0 where it never was. Streams: three counts a class. */
export const recall = (options: ClassMetricOptions = {}): Metric<"recall", State> =>
  classMetric("recall", (right, _, real) => ratio(right, real), options);

/** 2 · precision · recall / (precision + recall) = 2 · right / (said + true); 0 where both are 0. Streams: three counts a class. */
export const f1 = (options: ClassMetricOptions = {}): Metric<"f1", State> =>
  classMetric("f1", (right, said, real) => ratio(2 * right, said + real), options);
