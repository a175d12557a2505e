/** x above a threshold, a constant below. */
import { greater } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** f(x) = x for x > threshold, else value. */
export const threshold = builtinActivation({
  name: "threshold",
  options: { threshold: 0, value: 0 },
  witnesses: { threshold: 0.5, value: -2 },
  kinks: (options) => [options.threshold],
  decompose: (x, options) => where(greater(x, options.threshold), x, options.value),
  gradient: (g, x, _, options) => where(greater(x, options.threshold), g, 0),
});

export const thresholdProse: ActivationProse = {
  formula: "x for x > threshold, else value",
  derivative: "1 for x > threshold, else 0",
  range: "(−∞, ∞)",
  saturates: "below",
  role: "The general rectifier.",
};
