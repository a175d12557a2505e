/** Stochastic gradient descent. */
import { ErmineError } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks, hasDecay } from "./definition.js";
import type { SgdOptions } from "./options.js";
import { applyMomentum } from "./transforms/momentum.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * g ← ∇ + λθ; b ← μb + (1 − dampening)g (the first b is g); θ ← θ − lr · (nesterov ? g + μb : b), without momentum θ − lr · g.
 *
 * Defaults: learningRate 0.001, momentum 0, dampening 0, nesterov false, weightDecay 0 (an L2 term in the gradient), as PyTorch's.
 *
 * A momentum may be scheduled: `momentum: oneCycle(…).momentum`.
 *
 * @throws ErmineError ERMINE_OPTION: nesterov needs a momentum and no dampening
 * @example
 * sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true });
 */
export const sgd = builtinOptimizer<SgdOptions>({
  name: "sgd",
  defaults: {
    learningRate: 0.001 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    momentum: 0 as Rate,
    dampening: 0,
    nesterov: false,
  },
  momentum: "momentum",
  check(options) {
    checkRange("sgd", options, ["momentum"], 0, Infinity);
    if (options.nesterov && (options.momentum === 0 || options.dampening !== 0)) {
      throw new ErmineError("ERMINE_OPTION", "sgd: nesterov needs a momentum above 0 and dampening 0.");
    }
  },
  rows: ({ momentum, weightDecay }) => (momentum === 0 && !hasDecay(weightDecay) ? "same" : undefined),
  links: ({ learningRate, weightDecay, momentum, dampening, nesterov }) => [
    ...decayLinks(weightDecay),
    ...(momentum === 0 ? [] : [applyMomentum(momentum, { dampening, nesterov })]),
    scaleByLearningRate(learningRate),
  ],
});
