/** An anchor closer to its like than to another. */
import { ErmineError } from "../types/errors.js";
import { add, minimum, sub } from "../ops/arithmetic.js";
import { norm } from "../ops/statistics.js";
import { clamp } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss, type LossProse } from "./definition.js";

/**
 * value = max(0, d(a, p) − d(a, n) + margin), d(x, y) = ‖x − y + eps‖ₚ over the last axis.
 *
 * @param options.margin default 1
 * @param options.p order of the norm; default 2
 * @param options.eps default 1e-6
 * @param options.swap takes d(p, n) where it is less than d(a, n) (Balntas 2016); default false
 */
export const tripletMargin = defineLoss<[Tensor, Tensor, Tensor], { margin: number; p: number; eps: number; swap: boolean }>({
  name: "tripletMargin",
  link: "identity",
  inputs: [
    { name: "predictionAnchor", dtype: "float32" },
    { name: "predictionPositive", role: "prediction", dtype: "float32" },
    { name: "predictionNegative", role: "prediction", dtype: "float32" },
  ],
  options: { margin: 1, p: 2, eps: 1e-6, swap: false },
  witnesses: { margin: 3, p: 1, eps: 0.5, swap: true },
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

export const tripletMarginProse: LossProse = {
  formula: "max(0, d(a, p) − d(a, n) + margin)",
  derivative: "of the distances, within the margin",
  expects: "three vectors",
  targets: "none: the positive and the negative are inputs",
  use: "Embeddings of faces, products, sentences.",
  mean: "N",
  outliers: "Pull alike, however far.",
  source: "Balntas 2016",
};
