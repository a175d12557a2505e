/** x itself: for a regression's output, and where a configuration wants a name for none. */
import { builtinActivation, type ActivationProse } from "./definition.js";

/** f(x) = x. */
export const identity = builtinActivation({ name: "identity", decompose: (x) => x });

export const identityProse: ActivationProse = {
  formula: "x",
  derivative: "1",
  range: "(−∞, ∞)",
  saturates: "no",
  role: "The output of a regression; logits for a loss that takes logits.",
};
