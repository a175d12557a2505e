/** Probabilities that favour the smallest. */
import { neg } from "../ops/unary.js";
import { softmax } from "./softmax.js";
import { builtinActivation } from "./definition.js";

/** The options of `softmin`. */
export type SoftminOptions = {
  /** The axis over which the probabilities add up to 1. Negative axes count from the end. Default −1. */
  readonly axis: number;
};

/**
 * softmin(x) = softmax(−x) over `axis`.
 *
 * - formula: e⁻ˣⁱ / Σ e⁻ˣʲ
 * - derivative: −yᵢ (δᵢⱼ − yⱼ)
 * - range: (0, 1), Σ = 1
 * - saturates: where one dominates
 * - role: Attention over distances.
 *
 * @param x values of any shape, float32
 * @example
 * softmin(tensor([1, 2, 3])); // => [0.6652, 0.2447, 0.09]
 */
export const softmin = builtinActivation<SoftminOptions, "probabilities">({
  name: "softmin",
  options: { axis: -1 },
  optionExamples: { axis: 0 },
  output: "probabilities" as const,
  decompose: (x, { axis }) => softmax(neg(x), { axis }),
});
