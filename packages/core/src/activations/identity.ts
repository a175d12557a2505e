/** x itself: for a regression's output, and where a configuration wants a name for none. */
import { builtinActivation } from "./definition.js";

/**
 * f(x) = x, element by element.
 *
 * - formula: x
 * - derivative: 1
 * - range: (−∞, ∞)
 * - saturates: no
 * - role: The output of a regression; logits for a loss that takes logits.
 *
 * @param x values of any shape, float32
 * @example
 * identity(tensor([-1, 2])); // => [-1, 2]
 */
export const identity = builtinActivation({ name: "identity", decompose: (x) => x });
