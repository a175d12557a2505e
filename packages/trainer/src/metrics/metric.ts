/** What a metric is: a mergeable state over the whole set, exact for any batch size, read from what the loss's link gives. */
import { ErmineError, type Domain, type TypedArray } from "@ermine/core";

/** Numbers of a batch on the host. */
export interface HostBatch {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  /** What is known of the numbers; absent: nothing. */
  readonly domain?: Domain;
}

/**
 * For metrics that read probabilities.
 *
 * @throws ErmineError ERMINE_DOMAIN where the prediction is known to be something else
 */
export function requireProbabilities(metric: string, { domain }: HostBatch, remedy = ""): void {
  if (domain === undefined || domain === "probabilities") return;
  throw new ErmineError(
    "ERMINE_DOMAIN",
    `${metric} reads probabilities, and the loss says of the model's output only that it is ${domain === "real" ? "numbers" : domain}. ` +
      `Train on a loss of logits (crossEntropy, bceWithLogits), whose link makes them${remedy}.`,
  );
}

export interface Metric<Name extends string = string, S = unknown> {
  /** Its name in logs and in `monitor`. */
  readonly name: Name;
  /** Which way is better. */
  readonly better: "higher" | "lower";
  init(): S;
  /** Takes in a batch: the prediction behind the loss's link (probabilities for a classifier), and the target. */
  update(state: S, prediction: HostBatch, target: HostBatch): S;
  /** Two parts of a set as one. */
  merge(a: S, b: S): S;
  compute(state: S): number;
}

/** A metric of sums: what most are. */
export function defineMetric<Name extends string>(
  metric: Omit<Metric<Name, readonly number[]>, "init" | "merge" | "update"> & {
    readonly sums: number;
    /** What the batch adds to each sum. */
    count(prediction: HostBatch, target: HostBatch): readonly number[];
  },
): Metric<Name, readonly number[]> {
  const { sums, count, ...rest } = metric;
  const merge = (a: readonly number[], b: readonly number[]): readonly number[] => a.map((value, i) => value + b[i]!);
  return {
    ...rest,
    init: () => Array.from({ length: sums }, () => 0),
    update: (state, prediction, target) => merge(state, count(prediction, target)),
    merge,
  };
}
