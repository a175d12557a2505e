/** What a run computes: whether it may be taken, what it would write then, and what the host is told of it. */
import { cast, mul, stack, type Tensor, type Variable } from "@ermine/core";
import type { Sums } from "../risk/objective.js";

/** A variable and its new value. */
export type Update = readonly [variable: Variable, value: Tensor];

/** What comes of a run. */
export interface Outcome {
  readonly terms: readonly Sums[];
  readonly penalty?: Tensor | undefined;
  /** The gradients' norm, where it is computed. */
  readonly norm?: Tensor | undefined;
  /** The commit condition. */
  readonly ok: Tensor;
  /** What the host is told of it. Default: the commit condition. */
  readonly taken?: Tensor;
  readonly updates: readonly Update[];
}

/** [taken, penalty, the gradients' norm where it is computed, then Σ value and Σ normalizer of each part]: what the host reads, once. */
export function reportOf({ terms, penalty, norm, ok, taken = ok }: Outcome): Tensor {
  return stack([
    cast(taken, "float32"),
    penalty ?? mul(terms[0]!.normalizer, 0),
    ...(norm === undefined ? [] : [norm]),
    ...terms.flatMap(({ value, normalizer }) => [value, normalizer]),
  ]);
}
