/** Gradients of normalizations. */
import type { OptionalTensors, Tensors } from "../../ir/op.js";
import { add, div, mul, sub } from "../../ops/arithmetic.js";
import { fusedGradient } from "../../ops/gradient.js";
import { type batchNormOp, type groupNormOp, overBatch, overGroups, type Layout } from "../../ops/normalization.js";
import { sum } from "../../ops/reduction.js";
import { reshape } from "../../ops/shape.js";
import { elementCount } from "../../ops/statistics.js";
import { sqrt, square } from "../../ops/unary.js";
import type { Tensor } from "../../types/tensor.js";

/**
 * With s = 1 / √(spread + eps), n elements measured together, d = x − center and h = g · weight:
 * toX = s · (h − mean h) − d · s³ · mean(h · d) + gCenter / n + 2 d · gSpread / n; toWeight = Σ g · d · s; toBias = Σ g.
 */
function gradients(
  [g, gCenter, gSpread]: Tensors,
  [x, weight, bias]: OptionalTensors,
  [, center, spread]: Tensors,
  layout: Layout,
  eps: number,
  centered: boolean,
): OptionalTensors {
  const along = (t: Tensor): Tensor => reshape(t, layout.alongStatistics);
  const over = { axis: layout.axes, keepDims: true };
  const count = elementCount(reshape(x!, layout.split), layout.axes);
  const parts = reshape(x!, layout.split);
  const slopes = reshape(g!, layout.split);
  const d = centered ? sub(parts, along(center!)) : parts;
  const s = div(1, sqrt(add(along(spread!), eps)));
  const h = weight === undefined ? slopes : mul(slopes, reshape(weight, layout.alongChannels));
  const pull = mul(mul(s, square(s)), div(sum(mul(h, d), over), count));
  const toSpread = sub(div(mul(along(gSpread!), 2), count), pull);
  const level = centered ? sub(div(along(gCenter!), count), mul(s, div(sum(h, over), count))) : undefined;
  const flat = add(mul(s, h), mul(d, toSpread));
  const toX = reshape(level === undefined ? flat : add(flat, level), x!.shape);
  const perChannel = (t: Tensor, like: Tensor): Tensor => reshape(sum(t, { axis: layout.others }), like.shape);
  return [toX, weight && perChannel(mul(slopes, mul(d, s)), weight), bias && perChannel(slopes, bias)];
}

export const batchNormGradient = fusedGradient<typeof batchNormOp>("batchNorm", (g, given, outputs, { eps }) =>
  gradients(g, given, outputs, overBatch(given[0]!.shape), eps, true),
);

export const groupNormGradient = fusedGradient<typeof groupNormOp>("groupNorm", (g, given, outputs, { groups, eps, centered }) =>
  gradients(g, given, outputs, overGroups(given[0]!.shape, groups), eps, centered),
);
