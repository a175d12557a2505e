/** The Gaussian error linear unit, exact and by tanh. */
import { show } from "../types/options.js";
import { add, div, mul } from "../ops/arithmetic.js";
import { erfc } from "../ops/erfc.js";
import { exp, neg } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import type { Tensor } from "../types/tensor.js";
import { sigmoid } from "./sigmoid.js";
import { activationGradient, builtinActivation } from "./definition.js";

const rootTwoOverPi = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

const inner = (x: Tensor): Tensor => mul(mul(x, add(mul(mul(x, x), cubic), 1)), rootTwoOverPi);
/** Φ(x), whose digits below 0 are those of erfc. */
const normalCdf = (x: Tensor): Tensor => mul(erfc(mul(x, -Math.SQRT1_2)), 0.5);

/** The options of `gelu`. */
export type GeluOptions = {
  /** "none": x · Φ(x) itself; "tanh": its approximation by tanh. Default "none". */
  readonly approximate: "none" | "tanh";
};

/**
 * f(x) = x · Φ(x), Φ the normal distribution; `approximate: "tanh"` is ½x(1 + tanh(√(2/π)(x + 0.044715x³))), which is another
 * function (up to 5e-4 off): weights trained with one are not for the other.
 *
 * - formula: x · Φ(x)
 * - derivative: Φ(x) + x · φ(x)
 * - range: [−0.17, ∞)
 * - saturates: below
 * - role: Hidden layers of transformers.
 * - source: Hendrycks and Gimpel 2016
 *
 * @param x values of any shape, float32
 * @example
 * gelu(tensor([-1, 2])); // => [-0.1587, 1.9545]
 * gelu(tensor([-1, 2]), { approximate: "tanh" }); // => [-0.1588, 1.9546]
 */
export const gelu = builtinActivation<GeluOptions>({
  name: "gelu",
  options: { approximate: "none" as "none" | "tanh" },
  optionExamples: { approximate: "tanh" },
  check({ approximate }) {
    if (approximate !== "none" && approximate !== "tanh") {
      throw new ErmineError("ERMINE_OPTION", `gelu: approximate is "none" or "tanh", got ${show(approximate)}.`);
    }
  },
  // ½(1 + tanh u) is σ(2u), which keeps its digits where tanh u is nearly −1.
  decompose: (x, { approximate }) => mul(x, approximate === "tanh" ? sigmoid(mul(inner(x), 2)) : normalCdf(x)),
});

export const geluGradient = activationGradient<typeof gelu>("gelu", (g, x, _, { approximate }) => {
  if (approximate === "none") {
    const density = div(exp(neg(mul(mul(x, x), 0.5))), Math.sqrt(2 * Math.PI));
    return mul(g, add(normalCdf(x), mul(x, density)));
  }
  // Beyond ±40 the slope is 0 or 1 even in double precision, while x² overflows: 0 · ∞ would be NaN.
  const u = clamp(x, -40, 40);
  const argument = mul(inner(u), 2);
  const slope = mul(add(mul(mul(u, u), 3 * cubic), 1), 2 * rootTwoOverPi);
  return mul(g, mul(sigmoid(argument), add(mul(mul(u, slope), sigmoid(neg(argument))), 1)));
});
