/** Resilient backpropagation: the signs of the gradients alone, with a step of its own for each weight. For whole-set batches. */
import { ErmineError } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, decayLinks } from "./definition.js";
import type { RpropOptions } from "./options.js";
import { scaleByRprop } from "./transforms/adaptive.js";
import { scale } from "./transforms/scale.js";

/**
 * Where the sign of g stays, the step grows by etas[1]; where it changes, it shrinks by etas[0] and this g counts as 0;
 * θ ← θ − sign(g) · step, each step within stepSizes and learningRate at first.
 *
 * Defaults: learningRate 0.01, etas [0.5, 1.2], stepSizes [1e-6, 50], as PyTorch's. Source: Riedmiller and Braun 1993.
 *
 * @example
 * rprop({ learningRate: 0.01 });
 */
export const rprop = builtinOptimizer<RpropOptions>({
  name: "rprop",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    etas: [0.5, 1.2] as readonly [number, number],
    stepSizes: [1e-6, 50] as readonly [number, number],
  },
  check({ etas, stepSizes }) {
    if (!(etas[0] > 0 && etas[0] < 1 && etas[1] > 1)) {
      throw new ErmineError("ERMINE_OPTION", `rprop: etas are a factor below 1 and one above, got [${etas.join(", ")}].`);
    }
    if (!(stepSizes[0] > 0 && stepSizes[0] <= stepSizes[1])) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `rprop: stepSizes are the least and the largest step, got [${stepSizes.join(", ")}].`,
      );
    }
  },
  links: ({ learningRate, weightDecay, etas, stepSizes }) => [
    ...decayLinks(weightDecay),
    scaleByRprop({ learningRate, etas, stepSizes }),
    scale(-1),
  ],
});
