/** Links that multiply: by a number, a schedule, a sign, a ratio. */
import { checkArgument, checkArguments } from "@ermine/core/define";
import { div, equal, logicalOr, mul, neg, norm, sign, where } from "@ermine/core";
import { rateAt, requireRate, requireSchedule, type Rate, type Schedule, type Time } from "../../schedules/schedule.js";
import { perParameter, type GradientTransformation } from "../chain.js";

/**
 * −lr · u: the descent.
 *
 * @example
 * chain(scaleByLearningRate(schedules.cosine(0.1, { totalSteps: 1000 }))); // sgd
 */
export function scaleByLearningRate(learningRate: Rate): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByLearningRate", arguments, 1);
  requireRate("scaleByLearningRate", "learningRate", learningRate);
  return { ...descend([learningRate], (time) => rateAt(learningRate, time)), learningRate };
}

/** @internal −lr · u, lr what the rates are made into at each step. */
export const descend = (rates: readonly Rate[], learningRate: (time: Time) => number): GradientTransformation =>
  perParameter({
    name: "scaleByLearningRate",
    keepsFinite: true,
    elementwise: true,
    scalars: (time) => ({ learningRate: learningRate(time) }),
    rates,
    update: (u, { s }) => [neg(mul(u, s.learningRate))],
  });

/**
 * schedule · u, the sign kept.
 *
 * @example
 * chain(scaleBySchedule(schedules.linear(1, { totalSteps: 100 })), scaleByLearningRate(0.1));
 */
export function scaleBySchedule(schedule: Schedule): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleBySchedule", arguments, 1);
  requireSchedule("scaleBySchedule", "its argument", schedule);
  return perParameter({
    name: "scaleBySchedule",
    keepsFinite: true,
    elementwise: true,
    scalars: (time) => ({ factor: rateAt(schedule, time) }),
    rates: [schedule],
    update: (u, { s }) => [mul(u, s.factor)],
  });
}

/**
 * factor · u. scale(−1) at the front climbs.
 *
 * @example
 * chain(scale(-1), scaleByLearningRate(0.1)); // climbs
 */
export function scale(factor: number): GradientTransformation {
  if (arguments.length > 1) checkArguments("scale", arguments, 1);
  checkArgument("scale(factor)", "factor", factor, "number");
  return perParameter({
    name: "scale",
    keepsFinite: true,
    elementwise: true,
    scalars: () => ({ factor }),
    update: (u, { s }) => [mul(u, s.factor)],
  });
}

/**
 * sign(u). Source: Bernstein et al. 2018 (signSGD).
 *
 * @example
 * chain(scaleBySign(), scaleByLearningRate(1e-3)); // signSGD
 */
export function scaleBySign(): GradientTransformation {
  if (arguments.length > 0) checkArguments("scaleBySign", arguments, 0);
  return perParameter({ name: "scaleBySign", keepsFinite: true, elementwise: true, update: (u) => [sign(u)] });
}

/**
 * ‖θ‖ / ‖u‖ · u for each parameter; u where one of both is 0. Lamb's and Lars' ratio. Source: You et al. 2017, 2020.
 *
 * @example
 * chain(scaleByAdam(), addDecayedWeights(0.01), scaleByTrustRatio(), scaleByLearningRate(1e-3)); // lamb
 */
export function scaleByTrustRatio(): GradientTransformation {
  if (arguments.length > 0) checkArguments("scaleByTrustRatio", arguments, 0);
  return perParameter({
    name: "scaleByTrustRatio",
    keepsFinite: true,
    update(u, { p }) {
      const [weights, step] = [norm(p), norm(u)];
      const still = equal(step, 0);
      return [mul(u, where(logicalOr(equal(weights, 0), still), 1, div(weights, where(still, 1, step))))];
    },
  });
}
