/** Adadelta. */
import { add, div, mul, sqrt, sub } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { AdadeltaOptions } from "./options.js";

/**
 * v ← ρv + (1 − ρ)g²; Δ = √(u + ε) / √(v + ε) · g; u ← ρu + (1 − ρ)Δ²; θ ← θ − lr · Δ.
 *
 * Defaults: learningRate 1, rho 0.9, epsilon 1e-6, weightDecay 0 (L2), as PyTorch's. Source: Zeiler 2012.
 *
 * @example
 * adadelta({ rho: 0.95 });
 */
export const adadelta = builtinOptimizer<AdadeltaOptions>({
  name: "adadelta",
  defaults: {
    learningRate: 1 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    rho: 0.9,
    epsilon: 1e-6,
  },
  check(options) {
    checkRange("adadelta", options, ["rho"], 0, 1);
    checkRange("adadelta", options, ["epsilon"], 0, Infinity);
  },
  slots: (): Record<string, number> => ({ square: 0, delta: 0 }),
  scalars: (_, { learningRate, weightDecay }) => [learningRate, weightDecay],
  step({ p, g, slots, s }, { rho, epsilon, weightDecay }) {
    const gradient = hasDecay(weightDecay) ? add(g, mul(p, s(1))) : g;
    const square = add(mul(slots[0]!, rho), mul(mul(gradient, gradient), 1 - rho));
    const delta = mul(div(sqrt(add(slots[1]!, epsilon)), sqrt(add(square, epsilon))), gradient);
    return [sub(p, mul(delta, s(0))), square, add(mul(slots[1]!, rho), mul(mul(delta, delta), 1 - rho))];
  },
});
