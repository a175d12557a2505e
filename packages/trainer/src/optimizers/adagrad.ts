/** Adagrad. */
import { ageOf, rateAt, type Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks, hasDecay } from "./definition.js";
import type { AdagradOptions } from "./options.js";
import { scaleByRss } from "./transforms/adaptive.js";
import { descend } from "./transforms/scale.js";

/**
 * G ← G + g²; θ ← θ − lr / (1 + (t − 1) · learningRateDecay) · g / (√G + ε).
 *
 * Defaults: learningRate 0.01, learningRateDecay 0, initialAccumulatorValue 0, eps 1e-10, weightDecay 0 (L2), as PyTorch's.
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
    eps: 1e-10,
  },
  check(options) {
    checkRange("adagrad", options, ["learningRateDecay", "initialAccumulatorValue", "eps"], 0, Infinity);
  },
  rows: ({ weightDecay }) => (hasDecay(weightDecay) ? undefined : "same"),
  links: ({ learningRate, learningRateDecay, weightDecay, initialAccumulatorValue, eps }) => [
    ...decayLinks(weightDecay),
    scaleByRss({ initialAccumulatorValue, eps }),
    descend([learningRate], (time) => rateAt(learningRate, time) / (1 + ageOf(time) * learningRateDecay)),
  ],
});
