/** Links that divide by how large a number's gradients have been. Formulas and defaults are those of the optimizers of the same names. */
import { abs, add, checkArguments, div, maximum, mul, sqrt, square, sub, withDefaults } from "@ermine/core";
import { ageOf } from "../../schedules/schedule.js";
import { perParameter, type GradientTransformation } from "../chain.js";
import { momentumAt, momentumProduct } from "../nadam.js";
import { rectification } from "../radam.js";

interface Betas {
  /** How much of the mean gradient is kept at each step, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** How much of the mean square is kept at each step, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square. Default 1e-8; 1e-16 of `scaleByBelief`. */
  readonly epsilon?: number;
}

/**
 * m̂ / (√v̂ + ε). Defaults: beta1 0.9, beta2 0.999, epsilon 1e-8, amsgrad false.
 *
 * @example
 * chain(scaleByAdam(), scaleByLearningRate(1e-3)); // adam
 */
export function scaleByAdam(
  options: Betas & {
    /** Divide by the largest mean square so far. Default false. */
    readonly amsgrad?: boolean;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByAdam", arguments, 1);
  const { beta1, beta2, epsilon, amsgrad } = withDefaults("scaleByAdam", options, {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    amsgrad: false,
  });
  return perParameter({
    name: "scaleByAdam",
    slots: { m: 0, v: 0, ...(amsgrad ? { vMax: 0 } : {}) },
    scalars: (time) => [1 / (1 - beta1 ** (ageOf(time) + 1)), 1 / Math.sqrt(1 - beta2 ** (ageOf(time) + 1))],
    update(g, { slots: [m, v, vMax], s }) {
      const first = add(mul(m!, beta1), mul(g, 1 - beta1));
      const second = add(mul(v!, beta2), mul(square(g), 1 - beta2));
      const largest = vMax === undefined ? second : maximum(vMax, second);
      const direction = div(mul(first, s(0)), add(mul(sqrt(largest), s(1)), epsilon));
      return vMax === undefined ? [direction, first, second] : [direction, first, second, largest];
    },
  });
}

/**
 * g / (√v + ε), v ← alpha · v + (1 − alpha)g²; centered: v − mean(g)². RMSprop's. Defaults: alpha 0.99, epsilon 1e-8.
 *
 * @example
 * chain(scaleByRms({ centered: true }), scaleByLearningRate(1e-2)); // rmsprop
 */
export function scaleByRms(
  options: {
    /** How much of the mean square is kept at each step, in [0, 1). Default 0.99. */
    readonly alpha?: number;
    /** Added to the root. Default 1e-8. */
    readonly epsilon?: number;
    /** Subtract the square of the mean gradient: a variance. Default false. */
    readonly centered?: boolean;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRms", arguments, 1);
  const { alpha, epsilon, centered } = withDefaults("scaleByRms", options, { alpha: 0.99, epsilon: 1e-8, centered: false });
  return perParameter({
    name: "scaleByRms",
    slots: { square: 0, ...(centered ? { mean: 0 } : {}) },
    update(g, { slots: [kept, mean] }) {
      const next = add(mul(kept!, alpha), mul(square(g), 1 - alpha));
      if (mean === undefined) return [div(g, add(sqrt(next), epsilon)), next];
      const centre = add(mul(mean, alpha), mul(g, 1 - alpha));
      return [div(g, add(sqrt(sub(next, square(centre))), epsilon)), next, centre];
    },
  });
}

/**
 * g / (√G + ε), G ← G + g². Adagrad's. Defaults: initialAccumulatorValue 0, epsilon 1e-10.
 *
 * @example
 * chain(scaleByRss(), scaleByLearningRate(1e-2)); // adagrad
 */
export function scaleByRss(
  options: {
    /** What the sum of squares starts from. Default 0. */
    readonly initialAccumulatorValue?: number;
    /** Added to the root. Default 1e-10. */
    readonly epsilon?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRss", arguments, 1);
  const { initialAccumulatorValue, epsilon } = withDefaults("scaleByRss", options, {
    initialAccumulatorValue: 0,
    epsilon: 1e-10,
  });
  return perParameter({
    name: "scaleByRss",
    slots: { sum: initialAccumulatorValue },
    update(g, { slots }) {
      const total = add(slots[0]!, square(g));
      return [div(g, add(sqrt(total), epsilon)), total];
    },
  });
}

/**
 * √(u + ε) / √(v + ε) · g, with the mean squares v of g and u of that. Defaults: rho 0.9, epsilon 1e-6.
 *
 * @example
 * chain(scaleByAdadelta(), scaleByLearningRate(1)); // adadelta
 */
export function scaleByAdadelta(
  options: {
    /** How much of the mean squares is kept at each step, in [0, 1). Default 0.9. */
    rho?: number;
    /** Added under both roots. Default 1e-6. */
    epsilon?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByAdadelta", arguments, 1);
  const { rho, epsilon } = withDefaults("scaleByAdadelta", options, { rho: 0.9, epsilon: 1e-6 });
  return perParameter({
    name: "scaleByAdadelta",
    slots: { square: 0, delta: 0 },
    update(g, { slots: [v, u] }) {
      const next = add(mul(v!, rho), mul(square(g), 1 - rho));
      const direction = mul(div(sqrt(add(u!, epsilon)), sqrt(add(next, epsilon))), g);
      return [direction, next, add(mul(u!, rho), mul(square(direction), 1 - rho))];
    },
  });
}

/**
 * m̂ / u, u ← max(β₂u, |g| + ε). Defaults: beta1 0.9, beta2 0.999, epsilon 1e-8.
 *
 * @example
 * chain(scaleByAdamax(), scaleByLearningRate(2e-3)); // adamax
 */
export function scaleByAdamax(options: Betas = {}): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByAdamax", arguments, 1);
  const { beta1, beta2, epsilon } = withDefaults("scaleByAdamax", options, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  return perParameter({
    name: "scaleByAdamax",
    slots: { m: 0, u: 0 },
    scalars: (time) => [1 / (1 - beta1 ** (ageOf(time) + 1))],
    update(g, { slots: [m, u], s }) {
      const first = add(mul(m!, beta1), mul(g, 1 - beta1));
      const largest = maximum(mul(u!, beta2), add(abs(g), epsilon));
      return [div(mul(first, s(0)), largest), first, largest];
    },
  });
}

/**
 * Adam's direction with Nesterov's momentum. Defaults: beta1 0.9, beta2 0.999, epsilon 1e-8, momentumDecay 0.004.
 *
 * @example
 * chain(scaleByNadam(), scaleByLearningRate(2e-3)); // nadam
 */
export function scaleByNadam(
  options: Betas & {
    /** How fast the momentum approaches beta1. Default 0.004. */
    readonly momentumDecay?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByNadam", arguments, 1);
  const { beta1, beta2, epsilon, momentumDecay } = withDefaults("scaleByNadam", options, {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    momentumDecay: 0.004,
  });
  return perParameter({
    name: "scaleByNadam",
    slots: { m: 0, v: 0 },
    scalars(time) {
      const t = ageOf(time) + 1;
      const product = momentumProduct(beta1, momentumDecay, t);
      const next = momentumAt(beta1, momentumDecay, t + 1);
      const now = momentumAt(beta1, momentumDecay, t);
      return [(1 - now) / (1 - product), next / (1 - product * next), 1 / (1 - beta2 ** t)];
    },
    update(g, { slots: [m, v], s }) {
      const first = add(mul(m!, beta1), mul(g, 1 - beta1));
      const second = add(mul(v!, beta2), mul(square(g), 1 - beta2));
      const size = add(sqrt(mul(second, s(2))), epsilon);
      return [div(add(mul(g, s(0)), mul(first, s(1))), size), first, second];
    },
  });
}

/**
 * Adam's direction, rectified; m̂ alone while the variance is not known. Defaults: beta1 0.9, beta2 0.999, epsilon 1e-8.
 *
 * @example
 * chain(scaleByRadam(), scaleByLearningRate(1e-3)); // radam
 */
export function scaleByRadam(options: Betas = {}): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRadam", arguments, 1);
  const { beta1, beta2, epsilon } = withDefaults("scaleByRadam", options, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  return perParameter({
    name: "scaleByRadam",
    slots: { m: 0, v: 0 },
    scalars(time) {
      const t = ageOf(time) + 1;
      const { adaptive, plain } = rectification(beta2, t);
      return [adaptive / (1 - beta1 ** t), plain / (1 - beta1 ** t)];
    },
    update(g, { slots: [m, v], s }) {
      const first = add(mul(m!, beta1), mul(g, 1 - beta1));
      const second = add(mul(v!, beta2), mul(square(g), 1 - beta2));
      return [add(mul(s(0), div(first, add(sqrt(second), epsilon))), mul(first, s(1))), first, second];
    },
  });
}

/**
 * m̂ / (√ŝ + ε), s ← β₂s + (1 − β₂)(g − m)² + ε: small steps where the gradient surprises. Defaults: beta1 0.9, beta2 0.999, epsilon 1e-16.
 * Source: Zhuang et al. 2020 (AdaBelief).
 *
 * @example
 * chain(scaleByBelief(), scaleByLearningRate(1e-3)); // AdaBelief
 */
export function scaleByBelief(options: Betas = {}): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByBelief", arguments, 1);
  const { beta1, beta2, epsilon } = withDefaults("scaleByBelief", options, { beta1: 0.9, beta2: 0.999, epsilon: 1e-16 });
  return perParameter({
    name: "scaleByBelief",
    slots: { m: 0, surprise: 0 },
    scalars: (time) => [1 / (1 - beta1 ** (ageOf(time) + 1)), 1 / Math.sqrt(1 - beta2 ** (ageOf(time) + 1))],
    update(g, { slots: [m, kept], s }) {
      const first = add(mul(m!, beta1), mul(g, 1 - beta1));
      const surprise = add(add(mul(kept!, beta2), mul(square(sub(g, first)), 1 - beta2)), epsilon);
      return [div(mul(first, s(0)), add(mul(sqrt(surprise), s(1)), epsilon)), first, surprise];
    },
  });
}
