/** Adam whose step has the size of the weights: for very large batches. */
import { add, div, equal, logicalOr, mul, norm, sqrt, sub, where } from "@ermine/core";
import type { Rate } from "../schedules/schedule.js";
import { checkRange, builtinOptimizer, hasDecay } from "./definition.js";
import type { LambOptions } from "./options.js";

/**
 * r = m̂ / (√v̂ + ε) + λθ; θ ← θ − lr · (‖θ‖ / ‖r‖) · r, for each parameter; the ratio is 1 where one of them is 0.
 *
 * Defaults: learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-6, weightDecay 0. Source: You et al. 2020.
 *
 * @example
 * lamb({ learningRate: 1e-3 });
 */
export const lamb = builtinOptimizer<LambOptions>({
  name: "lamb",
  defaults: {
    learningRate: 0.001 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.999,
    epsilon: 1e-6,
  },
  momentum: "beta1",
  check(options) {
    checkRange("lamb", options, ["beta1", "beta2"], 0, 1);
    checkRange("lamb", options, ["epsilon"], 0, Infinity);
  },
  slots: (): Record<string, number> => ({ m: 0, v: 0 }),
  scalars: ({ beta2 }, { step, learningRate, weightDecay, momentum }) => [
    learningRate,
    1 / (1 - momentum ** (step + 1)),
    1 / (1 - beta2 ** (step + 1)),
    weightDecay,
  ],
  step({ p, g, slots, s, momentum: { kept: inertia, taken } }, { beta2, epsilon, weightDecay }) {
    const m = add(mul(slots[0]!, inertia), mul(g, taken));
    const v = add(mul(slots[1]!, beta2), mul(mul(g, g), 1 - beta2));
    const adaptive = div(mul(m, s(1)), add(sqrt(mul(v, s(2))), epsilon));
    const r = hasDecay(weightDecay) ? add(adaptive, mul(p, s(3))) : adaptive;
    const [weights, step] = [norm(p), norm(r)];
    const trust = where(logicalOr(equal(weights, 0), equal(step, 0)), 1, div(weights, where(equal(step, 0), 1, step)));
    return [sub(p, mul(mul(trust, s(0)), r)), m, v];
  },
});
