/** The Gaussian error linear unit, exact and by tanh. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { erf, exp, neg, tanh } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import { ErmineError } from "../errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { defineActivation, type ActivationProse } from "./definition.js";

const rootTwoOverPi = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

const inner = (x: Tensor): Tensor => mul(mul(x, add(mul(mul(x, x), cubic), 1)), rootTwoOverPi);
const normalCdf = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);

/**
 * f(x) = x · Φ(x), Φ the normal distribution; `approximate: "tanh"` is ½x(1 + tanh(√(2/π)(x + 0.044715x³))), which is another
 * function (up to 5e-4 off): weights trained with one are not for the other.
 */
export const gelu = defineActivation({
  name: "gelu",
  options: { approximate: "none" as "none" | "tanh" },
  witnesses: { approximate: "tanh" },
  check({ approximate }) {
    if (approximate !== "none" && approximate !== "tanh") {
      throw new ErmineError("ERMINE_OPTION", `gelu: approximate is "none" or "tanh", got "${String(approximate)}".`);
    }
  },
  decompose: (x, { approximate }) => (approximate === "tanh" ? mul(mul(x, 0.5), add(tanh(inner(x)), 1)) : mul(x, normalCdf(x))),
  gradient(g, x, _, { approximate }) {
    if (approximate === "none") {
      const density = div(exp(neg(mul(mul(x, x), 0.5))), Math.sqrt(2 * Math.PI));
      return mul(g, add(normalCdf(x), mul(x, density)));
    }
    // Beyond ±12 the curve is 0 or x to the last bit, while x² overflows: 0 · ∞ would be NaN.
    const u = clamp(x, -12, 12);
    const t = tanh(inner(u));
    const slope = mul(add(mul(mul(u, u), 3 * cubic), 1), rootTwoOverPi);
    const bend = mul(mul(mul(u, 0.5), sub(1, mul(t, t))), slope);
    return mul(g, add(mul(add(t, 1), 0.5), bend));
  },
});

export const geluProse: ActivationProse = {
  formula: "x · Φ(x)",
  derivative: "Φ(x) + x · φ(x)",
  range: "[−0.17, ∞)",
  saturates: "below",
  role: "Hidden layers of transformers.",
  source: "Hendrycks and Gimpel 2016",
};
