/** Outcome of a run: the commit condition, the updates, and the report for the host. */
import { cast, mul, stack, type Tensor, type Variable } from "@ermine/core";
import type { Sums } from "../risk/objective.js";

/** A variable and its new value. */
export type Update = readonly [variable: Variable, value: Tensor];

/** Outcome of a run. */
export interface Outcome {
  readonly terms: readonly Sums[];
  readonly penalty?: Tensor | undefined;
  /** The gradients' norm, where it is computed. */
  readonly norm?: Tensor | undefined;
  /** The commit condition. */
  readonly ok: Tensor;
  /** Verdict that is reported to the host. Default: the commit condition. */
  readonly isTaken?: Tensor;
  readonly updates: readonly Update[];
}

/** [taken, penalty, the gradients' norm where it is computed, then Σ value and Σ normalizer of each part]: what the host reads, once. */
export function reportOf({ terms, penalty, norm, ok, isTaken = ok }: Outcome): Tensor {
  return stack([
    cast(isTaken, "float32"),
    penalty ?? mul(terms[0]!.normalizer, 0),
    ...(norm === undefined ? [] : [norm]),
    ...terms.flatMap(({ value, normalizer }) => [value, normalizer]),
  ]);
}
