/** Numbers moved towards 0. */
import { add, sub } from "../ops/arithmetic.js";
import { greater, less, lessEqual } from "../ops/comparison.js";
import { abs } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** f(x) = x − λ above λ, x + λ below −λ, 0 between. */
export const softshrink = builtinActivation({
  name: "softshrink",
  options: { lambda: 0.5 },
  witnesses: { lambda: 0.1 },
  check({ lambda }) {
    if (lambda < 0)
      throw new ErmineError("ERMINE_OPTION", `softshrink: lambda is a width and cannot be negative, got ${lambda}.`);
  },
  kinks: ({ lambda }) => [-lambda, lambda],
  decompose: (x, { lambda }) => where(greater(x, lambda), sub(x, lambda), where(less(x, -lambda), add(x, lambda), 0)),
  gradient: (g, x, _, { lambda }) => where(lessEqual(abs(x), lambda), 0, g),
});

export const softshrinkProse: ActivationProse = {
  formula: "sign(x) · max(|x| − λ, 0)",
  derivative: "1 for |x| > λ, else 0",
  range: "(−∞, ∞)",
  saturates: "between −λ and λ",
  role: "Sparse coding; the proximal step of l1.",
};
