/** The rectifier whose leak is learned. */
import { checkArguments } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";
import { checkOptions } from "../types/options.js";
import { mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { builtinOp } from "../ir/op.js";
import { apply1 } from "../ops/apply.js";
import { fusedGradient } from "../ops/gradient.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { sumTo } from "../ops/reduction.js";
import { reshape } from "../ops/shape.js";
import { where } from "../ops/where.js";
import { formatShape, sameSize, type Shape } from "../types/dim.js";

/** The weight as it broadcasts against x: one for all, or one a channel (axis 1). */
const aligned = (weight: Tensor, x: Tensor): Tensor =>
  sameSize(weight.shape[0] ?? 1, 1) ? reshape(weight, []) : reshape(weight, channelShape(weight.shape[0]!, x.rank));

const channelShape = (channels: Shape[number], rank: number): Shape =>
  rank < 2 ? [channels] : Array.from({ length: rank }, (_, axis) => (axis === 1 ? channels : 1));

/** The op of `prelu`. */
export const preluOp = builtinOp<Record<never, never>>({
  name: "prelu",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "weight", dtype: "float32" },
  ],
  infer([x, weight]) {
    const channels = x!.shape[x!.shape.length < 2 ? 0 : 1] ?? 1;
    const count = weight!.shape[0] ?? 1;
    if (weight!.shape.length > 1 || !(sameSize(count, 1) || sameSize(count, channels))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `prelu: the weight ${formatShape(weight!.shape)} must be one number or one for each of the ${String(channels)} channels (axis 1) of ${formatShape(x!.shape)}.`,
      );
    }
    return [{ ...x!, domain: "real" }];
  },
  decompose: ([x, weight]) => [where(greater(x!, 0), x!, mul(x!, aligned(weight!, x!)))],
});

/**
 * f(x) = x for x > 0, weight · x elsewhere. The gradient at 0 is the weight.
 *
 * - formula: x for x > 0, else weight · x
 * - derivative: 1 for x > 0, else weight; for the weight: Σ x over x ≤ 0
 * - range: (−∞, ∞)
 * - saturates: no
 * - role: Hidden layers whose leak is learned. Leave its weight out of weight decay.
 * - source: He et al. 2015
 *
 * @param x values of any shape, float32; axis 1 is that of the channels
 * @param weight the slope below 0: one value, or one for each channel
 * @throws ErmineError ERMINE_SHAPE where the weight has neither one value nor one for each channel
 * @example
 * prelu(tensor([-2, 3]), tensor([0.25])); // => [-0.5, 3]
 */
export function prelu(x: Tensor, weight: Tensor, options?: Record<never, never>): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("prelu", arguments, 3);
  checkTensor("prelu", x);
  checkTensor("prelu", weight);
  checkOptions("prelu", options, {});
  return apply1(preluOp, [x, weight], {});
}

export const preluGradient = fusedGradient<typeof preluOp>("prelu", ([g], [x, weight]) => {
  const w = aligned(weight!, x!);
  const toWeight = where(greater(x!, 0), 0, mul(g!, x!));
  return [where(greater(x!, 0), g!, mul(g!, w)), reshape(sumTo(toWeight, w.shape), weight!.shape)];
});
