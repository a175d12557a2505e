/** Probabilities over one axis. */
import { div, mul, sub } from "../ops/arithmetic.js";
import { amax, sum } from "../ops/reduction.js";
import { exp } from "../ops/unary.js";
import { noGrad } from "../dispatch/tapes.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `softmax`. */
export type SoftmaxOptions = {
  /** The axis over which the probabilities add up to 1. Negative axes count from the end. Default −1. */
  readonly axis: number;
};

/**
 * softmax(x)ᵢ = eˣⁱ / Σⱼ eˣʲ over `axis`, the maximum subtracted. Its output is marked as probabilities.
 *
 * - formula: eˣⁱ / Σ eˣʲ
 * - derivative: yᵢ (δᵢⱼ − yⱼ)
 * - range: (0, 1), Σ = 1
 * - saturates: where one class dominates
 * - role: Reading a classifier; attention. Train on logits with crossEntropy, not on its output.
 * - source: Bridle 1990
 *
 * @param x values of any shape, float32
 * @example
 * softmax(tensor([1, 2, 3])); // => [0.09, 0.2447, 0.6652]
 */
export const softmax = builtinActivation<SoftmaxOptions, "probabilities">({
  name: "softmax",
  options: { axis: -1 },
  optionExamples: { axis: 0 },
  output: "probabilities" as const,
  decompose(x, { axis }) {
    // Nothing has no maximum.
    if (x.shape[axis] === 0) return x;
    const e = exp(
      sub(
        x,
        noGrad(() => amax(x, { axis, keepDims: true })),
      ),
    );
    return div(e, sum(e, { axis, keepDims: true }));
  },
});

export const softmaxGradient = activationGradient<typeof softmax>("softmax", (g, _, y, { axis }) =>
  mul(y, sub(g, sum(mul(g, y), { axis, keepDims: true }))),
);
