/** RMSprop. */
import { add, div, mul, sqrt, sub, type Tensor } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { RmspropOptions } from "./options.js";

/**
 * v ← αv + (1 − α)g²; θ ← θ − lr · g / (√v + ε); with momentum b ← μb + g/(√v + ε), θ ← θ − lr · b; centered: v − mean(g)² under the root.
 *
 * Defaults: learningRate 0.01, alpha 0.99, epsilon 1e-8, weightDecay 0 (L2), momentum 0, centered false, as PyTorch's.
 *
 * @example
 * rmsprop({ learningRate: 1e-3, momentum: 0.9 });
 */
export const rmsprop = builtinOptimizer<RmspropOptions>({
  name: "rmsprop",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    alpha: 0.99,
    epsilon: 1e-8,
    momentum: 0 as Rate,
    centered: false,
  },
  momentum: "momentum",
  check(options) {
    checkRange("rmsprop", options, ["alpha", "epsilon", "momentum"], 0, Infinity);
  },
  slots: ({ momentum, centered }): Record<string, number> => ({
    square: 0,
    ...(centered ? { mean: 0 } : {}),
    ...(momentum !== 0 ? { momentum: 0 } : {}),
  }),
  scalars: (_, { learningRate, weightDecay }) => [learningRate, weightDecay],
  step({ p, g, slots, s, momentum: { kept: inertia } }, { alpha, epsilon, momentum, centered, weightDecay }) {
    const kept = [...slots];
    const gradient = hasDecay(weightDecay) ? add(g, mul(p, s(1))) : g;
    const square = add(mul(kept.shift()!, alpha), mul(mul(gradient, gradient), 1 - alpha));
    const next: Tensor[] = [square];
    let under = square;
    if (centered) {
      const mean = add(mul(kept.shift()!, alpha), mul(gradient, 1 - alpha));
      next.push(mean);
      under = sub(square, mul(mean, mean));
    }
    let direction = div(gradient, add(sqrt(under), epsilon));
    if (momentum !== 0) {
      direction = add(mul(kept.shift()!, inertia), direction);
      next.push(direction);
    }
    return [sub(p, mul(direction, s(0))), ...next];
  },
});
