/** Gradients of sums, products and extremes over axes. */
import type { Op } from "../../ir/op.js";
import { div, mul } from "../../ops/arithmetic.js";
import { cast } from "../../ops/cast.js";
import { equal } from "../../ops/comparison.js";
import { gradientOf, type Gradient } from "../../ops/gradient.js";
import { prod, reducedShape, sum, type ReduceAttributes } from "../../ops/reduction.js";
import { broadcastTo, reshape } from "../../ops/shape.js";
import { where } from "../../ops/where.js";
import type { Tensor } from "../../types/tensor.js";

type ReduceRule = (g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]) => Tensor;

/** The rule gets `g` and the result with the reduced axes as 1. */
/* @__NO_SIDE_EFFECTS__ */
const reduceGradient = (name: string, rule: ReduceRule): Gradient =>
  gradientOf<Op<ReduceAttributes>>(name, ([g], [x], [y], { axes }) => {
    const shape = reducedShape(x!.shape, axes, true);
    return [rule(reshape(g!, shape), x!, reshape(y!, shape), axes)];
  });

export const sumGradient = reduceGradient("sum", (g, x) => broadcastTo(g, x.shape));

/** Exact where elements are 0 (first derivatives). */
export const prodGradient = reduceGradient("prod", (g, x, _, axes) => {
  const options = { axis: axes, keepDims: true };
  const zero = equal(x, 0);
  const zeros = sum(cast(zero, "float32"), options);
  const others = where(zero, 1, x);
  const product = prod(others, options);
  const slope = where(zero, where(equal(zeros, 1), product, 0), where(equal(zeros, 0), div(product, others), 0));
  return mul(g, slope);
});

/** Equal extremes share the gradient evenly, as PyTorch's amax. */
const shareEvenly: ReduceRule = (g, x, y, axes) => {
  const chosen = cast(equal(x, y), "float32");
  return mul(g, div(chosen, sum(chosen, { axis: axes, keepDims: true })));
};
export const maxGradient = reduceGradient("max", shareEvenly);
export const minGradient = reduceGradient("min", shareEvenly);
