/** Averaged stochastic gradient descent. */
import { add, mul, sub } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { AsgdOptions } from "./options.js";

/**
 * θ ← (1 − lambda · η)θ − η g, η = lr / (1 + lambda · lr · (t − 1))^alpha; the slot `average` follows θ with weight 1 / max(1, t − 1 − t0).
 *
 * Defaults: learningRate 0.01, lambda 1e-4, alpha 0.75, t0 1e6, weightDecay 0 (L2), as PyTorch's. Source: Polyak and Juditsky 1992.
 *
 * @example
 * asgd({ learningRate: 0.01 });
 */
export const asgd = builtinOptimizer<AsgdOptions>({
  name: "asgd",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    lambda: 1e-4,
    alpha: 0.75,
    t0: 1e6,
  },
  check(options) {
    checkRange("asgd", options, ["lambda", "alpha", "t0"], 0, Infinity);
  },
  slots: (): Record<string, number> => ({ average: 0 }),
  average: "average",
  scalars({ lambda, alpha, t0 }, { step, learningRate, weightDecay }) {
    const rate = learningRate / (1 + lambda * learningRate * step) ** alpha;
    return [rate, 1 - lambda * rate, step === 0 ? 1 : 1 / Math.max(1, step - t0), weightDecay];
  },
  step({ p, g, slots, s }, { weightDecay }) {
    const gradient = hasDecay(weightDecay) ? add(g, mul(p, s(3))) : g;
    const next = sub(mul(p, s(1)), mul(gradient, s(0)));
    return [next, add(slots[0]!, mul(sub(next, slots[0]!), s(2)))];
  },
});
