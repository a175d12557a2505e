/** An anchor closer to its like than to another. */
import { ErmineError } from "../types/errors.js";
import { add, minimum, sub } from "../ops/arithmetic.js";
import { norm } from "../ops/statistics.js";
import { clamp } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";

/** The options of `tripletMargin`, next to those of every loss. */
export interface TripletMarginOptions {
  /** By how much the negative must be further away than the positive to cost nothing. Default 1. */
  readonly margin: number;
  /** The order of the norm. Default 2. */
  readonly p: number;
  /** Added to the difference of two vectors, so that the norm has a slope. Default 1e-6. */
  readonly eps: number;
  /** Take d(p, n) where it is less than d(a, n) (Balntas 2016). Default false. */
  readonly swap: boolean;
}

/**
 * value = max(0, d(a, p) − d(a, n) + margin), d(x, y) = ‖x − y + eps‖ₚ over the last axis.
 *
 * - formula: max(0, d(a, p) − d(a, n) + margin)
 * - derivative: of the distances, within the margin
 * - expects: three vectors
 * - targets: none: the positive and the negative are inputs
 * - use: Embeddings of faces, products, sentences.
 * - mean: N
 * - outliers: Pull alike, however far.
 * - source: Balntas 2016
 *
 * @param anchor vectors a, (…, D)
 * @param positive vectors p, of the anchor's shape
 * @param negative vectors n, of the anchor's shape
 * @example
 * tripletMargin(tensor([[0, 0]]), tensor([[3, 4]]), tensor([[0, 5.5]])).item(); // => 0.5
 */
export const tripletMargin = defineLoss<[Tensor, Tensor, Tensor], TripletMarginOptions>({
  name: "tripletMargin",
  link: "identity",
  inputs: [
    { name: "predictionAnchor", dtype: "float32" },
    { name: "predictionPositive", role: "prediction", dtype: "float32" },
    { name: "predictionNegative", role: "prediction", dtype: "float32" },
  ],
  options: { margin: 1, p: 2, eps: 1e-6, swap: false },
  optionExamples: { margin: 3, p: 1, eps: 0.5, swap: true },
  check({ margin }) {
    if (!(margin > 0)) throw new ErmineError("ERMINE_OPTION", `tripletMargin: margin must be above 0, got ${margin}.`);
  },
  elements([anchor, positive, negative], { margin, p, eps, swap }) {
    checkSameShape("tripletMargin", anchor, positive, "positive");
    checkSameShape("tripletMargin", anchor, negative, "negative");
    const distance = (a: Tensor, b: Tensor): Tensor => norm(add(sub(a, b), eps), { p, axis: -1 });
    const far = distance(anchor, negative);
    const other = swap ? minimum(far, distance(positive, negative)) : far;
    return { value: clamp(add(sub(distance(anchor, positive), other), margin), 0) };
  },
});
