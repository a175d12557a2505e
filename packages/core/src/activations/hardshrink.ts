/** Small numbers set to 0. */
import { lessEqual } from "../ops/comparison.js";
import { abs } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** f(x) = x for |x| > λ, else 0. */
export const hardshrink = builtinActivation({
  name: "hardshrink",
  options: { lambda: 0.5 },
  witnesses: { lambda: 0.1 },
  check({ lambda }) {
    if (lambda < 0)
      throw new ErmineError("ERMINE_OPTION", `hardshrink: lambda is a width and cannot be negative, got ${lambda}.`);
  },
  kinks: ({ lambda }) => [-lambda, lambda],
  decompose: (x, { lambda }) => where(lessEqual(abs(x), lambda), 0, x),
  gradient: (g, x, _, { lambda }) => where(lessEqual(abs(x), lambda), 0, g),
});

export const hardshrinkProse: ActivationProse = {
  formula: "x for |x| > λ, else 0",
  derivative: "1 for |x| > λ, else 0",
  range: "(−∞, ∞)",
  saturates: "between −λ and λ",
  role: "Sparse coding; the proximal step of l0.",
};
