/** The loss of members, each of which is trained on rows of its own. */
import { crossEntropy, mul, reshape, square, sub, sum, type Tensor } from "@ermine/core";
import type { BatchTensors } from "@ermine/trainer";

/** What a batch's targets are: the values (or classes) for each member, and what each row counts for it. */
interface MemberTargets {
  /** (N, members). */
  readonly target: Tensor;
  /** (N, members): of a row they are 1 in all. */
  readonly weight: Tensor;
}

const targetsOf = ({ targets }: BatchTensors): MemberTargets => targets as unknown as MemberTargets;

/** A value for each row: Σ weight · cross-entropy of each member. @param logits (N, members, classes) */
export function memberCrossEntropy(logits: Tensor, batch: BatchTensors): Tensor {
  const { target, weight } = targetsOf(batch);
  const [, members, classes] = logits.shape as [unknown, number, number];
  const values = crossEntropy(reshape(logits, [-1, classes]), reshape(target, [-1]), { reduction: "none" });
  return sum(mul(reshape(values, [-1, members]), weight), { axis: 1 });
}

/** A value for each row: Σ weight · squared error of each member. @param values (N, members, 1) */
export function memberSquaredError(values: Tensor, batch: BatchTensors): Tensor {
  const { target, weight } = targetsOf(batch);
  const members = values.shape[1] as number;
  return sum(mul(square(sub(reshape(values, [-1, members]), target)), weight), { axis: 1 });
}
