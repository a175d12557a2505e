/** The rectifier that leaks. */
import { mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** f(x) = x for x > 0, negativeSlope · x elsewhere. The gradient at 0 is the slope. */
export const leakyRelu = builtinActivation({
  name: "leakyRelu",
  options: { negativeSlope: 0.01 },
  witnesses: { negativeSlope: 0.3 },
  kinks: () => [0],
  decompose: (x, { negativeSlope }) => where(greater(x, 0), x, mul(x, negativeSlope)),
  gradient: (g, x, _, { negativeSlope }) => where(greater(x, 0), g, mul(g, negativeSlope)),
});

export const leakyReluProse: ActivationProse = {
  formula: "x for x > 0, else negativeSlope · x",
  derivative: "1 for x > 0, else negativeSlope",
  range: "(−∞, ∞)",
  saturates: "no",
  role: "Hidden layers where relu units die.",
  source: "Maas et al. 2013",
};
