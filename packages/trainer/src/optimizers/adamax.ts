/** Adam with the largest gradient in the place of the mean square. */
import { abs, add, div, maximum, mul, sub } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { AdamaxOptions } from "./options.js";

/**
 * m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + ε); θ ← θ − lr / (1 − β₁ᵗ) · m / u.
 *
 * Defaults: learningRate 0.002, beta1 0.9, beta2 0.999, epsilon 1e-8, weightDecay 0 (L2), as PyTorch's. Source: Kingma and Ba 2015.
 *
 * @example
 * adamax({ learningRate: 2e-3 });
 */
export const adamax = builtinOptimizer<AdamaxOptions>({
  name: "adamax",
  defaults: {
    learningRate: 0.002 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.999,
    epsilon: 1e-8,
  },
  momentum: "beta1",
  check(options) {
    checkRange("adamax", options, ["beta1", "beta2"], 0, 1);
    checkRange("adamax", options, ["epsilon"], 0, Infinity);
  },
  slots: (): Record<string, number> => ({ m: 0, u: 0 }),
  scalars: (_, { step, learningRate, weightDecay, momentum }) => [learningRate / (1 - momentum ** (step + 1)), weightDecay],
  step({ p, g, slots, s, momentum: { kept: inertia, taken } }, { beta2, epsilon, weightDecay }) {
    const gradient = hasDecay(weightDecay) ? add(g, mul(p, s(1))) : g;
    const m = add(mul(slots[0]!, inertia), mul(gradient, taken));
    const u = maximum(mul(slots[1]!, beta2), add(abs(gradient), epsilon));
    return [sub(p, mul(s(0), div(m, u))), m, u];
  },
});
