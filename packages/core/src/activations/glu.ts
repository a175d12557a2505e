/** The gated linear unit. */
import { mul } from "../ops/arithmetic.js";
import { concat, split } from "../ops/concat.js";
import { neg } from "../ops/unary.js";
import { ErmineError } from "../types/errors.js";
import { divSizes } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { sigmoid } from "./sigmoid.js";
import { activationGradient, builtinActivation } from "./definition.js";

function halves(x: Tensor, axis: number): readonly [Tensor, Tensor] {
  const half = (x.shape[axis] as number) / 2;
  const [a, b] = split(x, [half, half], axis);
  return [a!, b!];
}

/** The options of `glu`. */
export type GluOptions = {
  /** The axis that is halved; its size must be even. Negative axes count from the end. Default −1. */
  readonly axis: number;
};

/**
 * glu(x) = a · σ(b), a and b the halves of x along `axis`.
 *
 * - formula: a · σ(b)
 * - derivative: σ(b) for a, a · σ(b)(1 − σ(b)) for b
 * - range: (−∞, ∞)
 * - saturates: where the gate does
 * - role: Gated feed-forward layers of transformers.
 * - source: Dauphin et al. 2016
 *
 * @param x values of any shape, float32
 * @throws ErmineError ERMINE_SHAPE where the size of the axis is odd
 * @example
 * glu(tensor([1, 2, 0, 100])); // => [0.5, 2]
 */
export const glu = builtinActivation<GluOptions>({
  name: "glu",
  options: { axis: -1 },
  optionExamples: { axis: 0 },
  shape(shape, { axis }) {
    const half = divSizes(shape[axis]!, 2);
    if (half === undefined)
      throw new ErmineError("ERMINE_SHAPE", `glu halves axis ${axis}, whose size ${String(shape[axis])} is odd. Make it even.`);
    return shape.map((size, i) => (i === axis ? half : size));
  },
  decompose(x, { axis }) {
    const [a, b] = halves(x, axis);
    return mul(a, sigmoid(b));
  },
});

// By hand, so that the halves' gradients are joined once instead of each padded and added.
export const gluGradient = activationGradient<typeof glu>("glu", (g, x, _, { axis }) => {
  const [a, b] = halves(x, axis);
  const s = sigmoid(b);
  return concat([mul(g, s), mul(mul(g, a), mul(s, sigmoid(neg(b))))], axis);
});
