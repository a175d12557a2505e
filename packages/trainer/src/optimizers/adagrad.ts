/** Adagrad. */
import { add, div, mul, sqrt, sub } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { AdagradOptions } from "./options.js";

/**
 * G ← G + g²; θ ← θ − lr / (1 + (t − 1) · learningRateDecay) · g / (√G + ε).
 *
 * Defaults: learningRate 0.01, learningRateDecay 0, initialAccumulatorValue 0, epsilon 1e-10, weightDecay 0 (L2), as PyTorch's.
 * Source: Duchi, Hazan and Singer 2011.
 *
 * @example
 * adagrad({ learningRate: 0.1 });
 */
export const adagrad = builtinOptimizer<AdagradOptions>({
  name: "adagrad",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    learningRateDecay: 0,
    initialAccumulatorValue: 0,
    epsilon: 1e-10,
  },
  check(options) {
    checkRange("adagrad", options, ["learningRateDecay", "initialAccumulatorValue", "epsilon"], 0, Infinity);
  },
  slots: ({ initialAccumulatorValue }) => ({ sum: initialAccumulatorValue }),
  rows: ({ weightDecay }) => (hasDecay(weightDecay) ? undefined : "same"),
  scalars: ({ learningRateDecay }, { step, learningRate, weightDecay }) => [
    learningRate / (1 + step * learningRateDecay),
    weightDecay,
  ],
  step({ p, g, slots, s }, { epsilon, weightDecay }) {
    const gradient = hasDecay(weightDecay) ? add(g, mul(p, s(1))) : g;
    const total = add(slots[0]!, mul(gradient, gradient));
    return [sub(p, mul(s(0), div(gradient, add(sqrt(total), epsilon)))), total];
  },
});
