/** Distances of pairs: small for alike, at least a margin for others. */
import { add, sub } from "../ops/arithmetic.js";
import { equal } from "../ops/comparison.js";
import { clamp, where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { areSigns } from "./values.js";

/** The options of `hingeEmbedding`, next to those of every loss. */
export interface HingeEmbeddingOptions {
  /** From this distance on a pair that is not alike costs nothing. Default 1. */
  readonly margin: number;
}

/**
 * value = x where y = 1, max(0, margin − x) where y = −1; x a distance, y of its shape.
 *
 * - formula: x where y = 1, max(0, margin − x) where y = −1
 * - derivative: 1, or −1 within the margin
 * - expects: distances
 * - targets: ±1, the same shape
 * - use: Embeddings of pairs that are alike or not.
 * - mean: the number of elements
 * - outliers: Pairs that are alike pull alike, however far.
 *
 * @param prediction distances, of any shape
 * @param target 1 (alike) or −1, of the prediction's shape
 * @example
 * hingeEmbedding(tensor([0.5, 0.25]), tensor([1, -1])).item(); // => 0.625
 */
export const hingeEmbedding = defineLoss<[Tensor, Tensor], HingeEmbeddingOptions>({
  name: "hingeEmbedding",
  link: "identity",
  inputs: [
    { name: "prediction", dtype: "float32" },
    { name: "target", dtype: "value", values: areSigns },
  ],
  options: { margin: 1 },
  optionExamples: { margin: 2 },
  samples: { numbers: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.signs([n, 3])] }) },
  elements([x, target], { margin }) {
    checkSameShape("hingeEmbedding", x, target);
    const apart = where(equal(target, 1), 0, clamp(sub(margin, x), 0));
    return { value: add(apart, where(equal(target, -1), 0, x)) };
  },
});
