/** The angle of pairs. */
import { ErmineError } from "../types/errors.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { equal } from "../ops/comparison.js";
import { sum } from "../ops/reduction.js";
import { sqrt, square } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { formatShape, sameShape } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { areSigns } from "./values.js";

/** Keeps a vector of zeros from a division by 0, as PyTorch does. */
const eps = 1e-12;

/** The options of `cosineEmbedding`, next to those of every loss. */
export interface CosineEmbeddingOptions {
  /** Up to this cosine a pair that is not alike costs nothing. Default 0. */
  readonly margin: number;
}

/**
 * value = 1 − cos(a, b) where y = 1, max(0, cos(a, b) − margin) where y = −1.
 *
 * - formula: 1 − cos(a, b) where y = 1, max(0, cos(a, b) − margin) where y = −1
 * - derivative: of the cosine
 * - expects: two vectors
 * - targets: ±1, one a pair
 * - use: Embeddings whose direction matters.
 * - mean: N
 * - outliers: Bounded by 2.
 *
 * @param first vectors a, (N, D) or (D)
 * @param second vectors b, of the shape of a
 * @param target 1 (alike) or −1, (N) or ()
 * @example
 * cosineEmbedding(tensor([[1, 0]]), tensor([[1, 1]]), tensor([1])).item(); // => 0.2929
 */
export const cosineEmbedding = defineLoss<[Tensor, Tensor, Tensor], CosineEmbeddingOptions>({
  name: "cosineEmbedding",
  link: "identity",
  inputs: [
    { name: "prediction", dtype: "float32" },
    { name: "predictionOther", role: "prediction", dtype: "float32" },
    { name: "target", dtype: "value", values: areSigns },
  ],
  options: { margin: 0 },
  optionExamples: { margin: 0.5 },
  samples: { pairs: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.real([n, 3]), draw.signs([n])] }) },
  check({ margin }) {
    if (!(margin >= -1 && margin <= 1)) {
      throw new ErmineError("ERMINE_OPTION", `cosineEmbedding: margin is a cosine, from -1 to 1; got ${margin}.`);
    }
  },
  elements([a, b, target], { margin }) {
    checkSameShape("cosineEmbedding", a, b, "other prediction");
    if (!sameShape(target.shape, a.shape.slice(0, -1))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `cosineEmbedding: the target is one number for each pair, ${formatShape(a.shape.slice(0, -1))}, got ${formatShape(target.shape)}.`,
      );
    }
    const axis = -1;
    const sizes = mul(add(sum(square(a), { axis }), eps), add(sum(square(b), { axis }), eps));
    const cosine = div(sum(mul(a, b), { axis }), sqrt(sizes));
    const alike = where(equal(target, 1), sub(1, cosine), 0);
    return { value: add(alike, where(equal(target, -1), clamp(sub(cosine, margin), 0), 0)) };
  },
});
