/** Sequences that are padded to one length: which steps count, and what they give together. */
import { div, maximum, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { equal, less } from "../ops/comparison.js";
import { iota } from "../ops/creation.js";
import { amax, sum } from "../ops/reduction.js";
import { expandDims, reshape } from "../ops/shape.js";
import { where } from "../ops/where.js";
import { formatShape, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkSteps } from "./steps.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { checkLengths } from "./lengths.js";

/**
 * Which steps are part of each sequence: mask[n][t] = t < lengths[n].
 *
 * The `keyPaddingMask` of `MultiHeadAttention` is the opposite, `logicalNot(sequenceMask(lengths, steps))`; its option `lengths` is this.
 *
 * @param lengths int32 (N)
 * @param steps T, to how many steps the sequences are padded
 * @returns bool (N, T)
 * @throws ErmineError ERMINE_DTYPE where lengths are not int32, ERMINE_SHAPE where they are not one list, ERMINE_VALUE for one on the host that is not in 0 … steps
 * @example
 * sequenceMask(tensor([1, 3], { dtype: "int32" }), 3).toArray(); // => [[true, false, false], [true, true, true]]
 */
export function sequenceMask(lengths: Tensor, steps: Size): Tensor {
  if (arguments.length > 2) checkArguments("sequenceMask", arguments, 2);
  checkTensor("sequenceMask", lengths);
  checkSteps("sequenceMask(lengths, steps)", steps);
  checkLengths("sequenceMask", lengths, lengths.shape[0] ?? 1, steps);
  return maskOf(lengths, steps);
}

const maskOf = (lengths: Tensor, steps: Size): Tensor => less(expandDims(iota(steps), 0), expandDims(lengths, 1));

/** Arguments of the poolings over padded sequences. */
interface Padded {
  /** Does the step count? (N, T, 1, …) */
  readonly counts: Tensor;
  /** How many do: (N, 1, …). */
  readonly count: Tensor;
}

function padded(name: string, x: Tensor, lengths: Tensor): Padded {
  checkTensor(name, x);
  checkTensor(name, lengths);
  if (x.rank < 2) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${name} takes x (N, T, …), sequences that are padded to T steps, got ${formatShape(x.shape)}.`,
    );
  }
  if (x.dtype !== "float32")
    throw new ErmineError("ERMINE_DTYPE", `${name} takes float32 x, got ${x.dtype}. Use cast(x, "float32").`);
  const [batch, steps, ...features] = x.shape as readonly [Size, Size, ...Size[]];
  checkLengths(name, lengths, batch, steps);
  const ones = features.map(() => 1);
  return {
    counts: reshape(maskOf(lengths, steps), [batch, steps, ...ones]),
    count: reshape(lengths, [batch, ...ones]),
  };
}

/**
 * The mean over the steps of each sequence: Σₜ x[n][t] / lengths[n] over t < lengths[n]. What is after a sequence's end may be anything and gets no
 * gradient; a sequence of no steps gives 0.
 *
 * @param x float32 (N, T, …)
 * @param lengths int32 (N), each in 0 … T
 * @returns (N, …)
 * @throws ErmineError ERMINE_SHAPE, ERMINE_DTYPE or ERMINE_VALUE where x and lengths do not fit
 * @example
 * sequenceMean(tensor([[2, 4, 9], [3, 9, 9]]), tensor([2, 1], { dtype: "int32" })); // => [3, 3]
 */
export function sequenceMean(x: Tensor, lengths: Tensor): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("sequenceMean", arguments, 2);
  const { counts, count } = padded("sequenceMean", x, lengths);
  return div(sum(where(counts, x, 0), { axis: 1 }), cast(maximum(count, 1), "float32"));
}

/**
 * The largest value over the steps of each sequence: maxₜ x[n][t] over t < lengths[n]. What is after a sequence's end may be anything and gets no gradient; a
 * sequence of no steps gives 0.
 *
 * @param x float32 (N, T, …)
 * @param lengths int32 (N), each in 0 … T
 * @returns (N, …)
 * @throws ErmineError ERMINE_SHAPE, ERMINE_DTYPE or ERMINE_VALUE where x and lengths do not fit
 * @example
 * sequenceMax(tensor([[2, 4, 9], [-3, 9, 9]]), tensor([2, 1], { dtype: "int32" })); // => [4, -3]
 */
export function sequenceMax(x: Tensor, lengths: Tensor): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("sequenceMax", arguments, 2);
  const { counts, count } = padded("sequenceMax", x, lengths);
  // Of no steps there is no largest: neither value nor gradient meets −∞ alone.
  const isEmpty = equal(count, 0);
  const largest = amax(where(counts, x, where(expandDims(isEmpty, 1), 0, -Infinity)), { axis: 1 });
  return where(isEmpty, 0, largest) as Tensor<"real">;
}

/**
 * The last step of each sequence: x[n][lengths[n] − 1]. What is after it may be anything and gets no gradient; a sequence of no steps gives 0.
 *
 * @param x float32 (N, T, …)
 * @param lengths int32 (N), each in 0 … T
 * @returns (N, …)
 * @throws ErmineError ERMINE_SHAPE, ERMINE_DTYPE or ERMINE_VALUE where x and lengths do not fit
 * @example
 * sequenceLast(tensor([[2, 4, 9], [3, 9, 9]]), tensor([2, 1], { dtype: "int32" })); // => [4, 3]
 */
export function sequenceLast(x: Tensor, lengths: Tensor): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("sequenceLast", arguments, 2);
  const { count } = padded("sequenceLast", x, lengths);
  const steps = reshape(iota(x.shape[1]!), [1, x.shape[1]!, ...x.shape.slice(2).map(() => 1)]);
  const isLast = equal(steps, expandDims(sub(count, 1), 1));
  return sum(where(isLast, x, 0), { axis: 1 });
}
