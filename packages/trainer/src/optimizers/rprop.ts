/** Resilient backpropagation: the signs of the gradients alone, with a step of its own for each weight. For whole-set batches. */
import { add, clamp, equal, ErmineError, greater, less, mul, sign, sub, where } from "@ermine/core";
import { rateAt, type Rate } from "../schedules/schedule.js";
import { builtinOptimizer, hasDecay } from "./definition.js";
import type { RpropOptions } from "./options.js";

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
  slots: ({ learningRate }): Record<string, number> => ({ previous: 0, size: rateAt(learningRate, { step: 0, epoch: 0 }) }),
  scalars: (_, { weightDecay }) => [weightDecay],
  step({ p, g, slots, s }, { etas, stepSizes, weightDecay }) {
    const gradient = hasDecay(weightDecay) ? add(g, mul(p, s(0))) : g;
    const turn = mul(sign(gradient), sign(slots[0]!));
    const factor = where(greater(turn, 0), etas[1], where(less(turn, 0), etas[0], 1));
    const size = clamp(mul(slots[1]!, factor), stepSizes[0], stepSizes[1]);
    const counted = where(equal(turn, -1), 0, gradient);
    return [sub(p, mul(sign(counted), size)), counted, size];
  },
});
