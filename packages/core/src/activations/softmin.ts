/** Probabilities that favour the smallest. */
import { neg } from "../ops/unary.js";
import { softmax } from "./softmax.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** softmin(x) = softmax(−x) over `axis`. */
export const softmin = builtinActivation({
  name: "softmin",
  options: { axis: -1 },
  witnesses: { axis: 0 },
  output: "probabilities" as const,
  decompose: (x, { axis }) => softmax(neg(x), { axis }),
});

export const softminProse: ActivationProse = {
  formula: "e⁻ˣⁱ / Σ e⁻ˣʲ",
  derivative: "−yᵢ (δᵢⱼ − yⱼ)",
  range: "(0, 1), Σ = 1",
  saturates: "where one dominates",
  role: "Attention over distances.",
};
