/** Links that divide by how large an element's gradients have been. Formulas and defaults are those of the optimizers of the same names. */
import { abs, add, div, equal, greater, less, maximum, minimum, mul, sign, sqrt, square, sub, where } from "@ermine/core";
import { checkArguments } from "@ermine/core/define";
import { ageOf, rateAt, type Rate } from "../../schedules/schedule.js";
import { perParameter, type GradientTransformation } from "../chain.js";
import { momentumAt, momentumProducts, powersOf, powersOfRate, rectification } from "../corrections.js";
import { isPositiveInFloat32, linkOptions } from "./options.js";

interface Betas {
  /** Decay of the mean gradient, a number or a schedule. Default 0.9. */
  readonly beta1?: Rate;
  /** Decay of the mean square. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps?: number;
}

const betas = { beta1: 0.9 as Rate, beta2: 0.999, eps: 1e-8 };

/**
 * m̂ / (√v̂ + ε). Defaults: beta1 0.9, beta2 0.999, eps 1e-8, amsgrad false (true: v̂ is the largest so far).
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
  const all = linkOptions("scaleByAdam", options, { ...betas, amsgrad: false }, ["beta1"]);
  // The corrections of the zero start, 1 − βᵗ, in float64: in float32 the first steps would lose digits.
  const [power1, power2] = [powersOfRate(all.beta1), powersOf(all.beta2)];
  return adamLink(all, (t, beta1) => ({
    first: 1 / (1 - power1(beta1, t)),
    second: 1 / Math.sqrt(1 - power2(t)),
  }));
}

/**
 * @internal m · first / (√v · second + ε).
 *
 * @param corrections of m and √v at update t (1 the first)
 */
export function adamLink(
  options: Required<Betas> & { readonly amsgrad: boolean },
  corrections: (t: number, beta1: number) => { readonly first: number; readonly second: number },
): GradientTransformation {
  const { amsgrad, beta1, beta2, eps } = options;
  return perParameter({
    name: "scaleByAdam",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    form: amsgrad ? " amsgrad" : "",
    slots: { m: 0, v: 0, ...(amsgrad ? { vMax: 0 } : {}) },
    scalars(time) {
      const decayRate = rateAt(beta1, time);
      const { first, second } = corrections(ageOf(time) + 1, decayRate);
      return { beta1: decayRate, taken1: 1 - decayRate, beta2, taken2: 1 - beta2, first, second, eps };
    },
    rates: [beta1],
    update(g, { slots: [m, v, vMax], s }) {
      const first = add(mul(m!, s.beta1), mul(g, s.taken1));
      const second = add(mul(v!, s.beta2), mul(square(g), s.taken2));
      const largest = vMax === undefined ? second : maximum(vMax, second);
      const direction = div(mul(first, s.first), add(mul(sqrt(largest), s.second), s.eps));
      return vMax === undefined ? [direction, first, second] : [direction, first, second, largest];
    },
  });
}

/**
 * g / (√v + ε), v ← alpha · v + (1 − alpha)g²; centered: v − mean(g)². RMSprop's. Defaults: alpha 0.99, eps 1e-8, centered false.
 *
 * @example
 * chain(scaleByRms({ centered: true }), scaleByLearningRate(1e-2)); // rmsprop
 */
export function scaleByRms(
  options: {
    /** Decay rate of the running mean square, in [0, 1). Default 0.99. */
    readonly alpha?: number;
    /** Added to the root. Default 1e-8. */
    readonly eps?: number;
    /** Subtract the square of the mean gradient: a variance. Default false. */
    readonly centered?: boolean;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRms", arguments, 1);
  const { alpha, eps, centered } = linkOptions("scaleByRms", options, { alpha: 0.99, eps: 1e-8, centered: false });
  return perParameter({
    name: "scaleByRms",
    // Rounding may take the variance of a centered one below 0.
    keepsFinite: isPositiveInFloat32(eps) && !centered,
    elementwise: true,
    form: centered ? " centered" : "",
    slots: { square: 0, ...(centered ? { mean: 0 } : {}) },
    scalars: () => ({ alpha, taken: 1 - alpha, eps }),
    update(g, { slots: [meanSquare, mean], s }) {
      const next = add(mul(meanSquare!, s.alpha), mul(square(g), s.taken));
      if (mean === undefined) return [div(g, add(sqrt(next), s.eps)), next];
      const centre = add(mul(mean, s.alpha), mul(g, s.taken));
      return [div(g, add(sqrt(sub(next, square(centre))), s.eps)), next, centre];
    },
  });
}

/**
 * g / (√G + ε), G ← G + g². Adagrad's. Defaults: initialAccumulatorValue 0, eps 1e-10.
 *
 * @example
 * chain(scaleByRss(), scaleByLearningRate(1e-2)); // adagrad
 */
export function scaleByRss(
  options: {
    /** The initial value of the sum of squares. Default 0. */
    readonly initialAccumulatorValue?: number;
    /** Added to the root. Default 1e-10. */
    readonly eps?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRss", arguments, 1);
  const { initialAccumulatorValue, eps } = linkOptions("scaleByRss", options, {
    initialAccumulatorValue: 0,
    eps: 1e-10,
  });
  return perParameter({
    name: "scaleByRss",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    slots: { sum: initialAccumulatorValue },
    scalars: () => ({ eps }),
    update(g, { slots, s }) {
      const total = add(slots[0]!, square(g));
      return [div(g, add(sqrt(total), s.eps)), total];
    },
  });
}

/**
 * √(u + ε) / √(v + ε) · g, with the mean squares v of g and u of that. Defaults: rho 0.9, eps 1e-6.
 *
 * @example
 * chain(scaleByAdadelta(), scaleByLearningRate(1)); // adadelta
 */
export function scaleByAdadelta(
  options: {
    /** Decay rate of the running mean squares, in [0, 1). Default 0.9. */
    readonly rho?: number;
    /** Added under both roots. Default 1e-6. */
    readonly eps?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByAdadelta", arguments, 1);
  const { rho, eps } = linkOptions("scaleByAdadelta", options, { rho: 0.9, eps: 1e-6 });
  return perParameter({
    name: "scaleByAdadelta",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    slots: { square: 0, delta: 0 },
    scalars: () => ({ rho, taken: 1 - rho, eps }),
    update(g, { slots: [v, u], s }) {
      const next = add(mul(v!, s.rho), mul(square(g), s.taken));
      const direction = mul(div(sqrt(add(u!, s.eps)), sqrt(add(next, s.eps))), g);
      return [direction, next, add(mul(u!, s.rho), mul(square(direction), s.taken))];
    },
  });
}

/**
 * m̂ / u, u ← max(β₂u, |g| + ε). Defaults: beta1 0.9, beta2 0.999, eps 1e-8.
 *
 * @example
 * chain(scaleByAdamax(), scaleByLearningRate(2e-3)); // adamax
 */
export function scaleByAdamax(options: Betas = {}): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByAdamax", arguments, 1);
  const { beta1, beta2, eps } = linkOptions("scaleByAdamax", options, betas, ["beta1"]);
  const power = powersOfRate(beta1);
  return perParameter({
    name: "scaleByAdamax",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    slots: { m: 0, u: 0 },
    scalars(time) {
      const decayRate = rateAt(beta1, time);
      return { beta1: decayRate, taken1: 1 - decayRate, beta2, eps, first: 1 / (1 - power(decayRate, ageOf(time) + 1)) };
    },
    rates: [beta1],
    update(g, { slots: [m, u], s }) {
      const first = add(mul(m!, s.beta1), mul(g, s.taken1));
      const largest = maximum(mul(u!, s.beta2), add(abs(g), s.eps));
      return [div(mul(first, s.first), largest), first, largest];
    },
  });
}

/**
 * Adam's direction with Nesterov's momentum. Defaults: beta1 0.9 (a number), beta2 0.999, eps 1e-8, momentumDecay 0.004.
 *
 * @example
 * chain(scaleByNadam(), scaleByLearningRate(2e-3)); // nadam
 */
export function scaleByNadam(
  options: Omit<Betas, "beta1"> & {
    /** Decay of the mean gradient. Default 0.9. */
    readonly beta1?: number;
    /** Rate at which the momentum approaches beta1. Default 0.004. */
    readonly momentumDecay?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByNadam", arguments, 1);
  const { beta1, beta2, eps, momentumDecay } = linkOptions("scaleByNadam", options, {
    ...betas,
    beta1: 0.9,
    momentumDecay: 0.004,
  });
  const [products, power2] = [momentumProducts(beta1, momentumDecay), powersOf(beta2)];
  return perParameter({
    name: "scaleByNadam",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    slots: { m: 0, v: 0 },
    scalars(time) {
      const t = ageOf(time) + 1;
      const product = products(t);
      const next = momentumAt(beta1, momentumDecay, t + 1);
      const now = momentumAt(beta1, momentumDecay, t);
      return {
        beta1,
        taken1: 1 - beta1,
        beta2,
        taken2: 1 - beta2,
        gradient: (1 - now) / (1 - product),
        mean: next / (1 - product * next),
        second: 1 / (1 - power2(t)),
        eps,
      };
    },
    update(g, { slots: [m, v], s }) {
      const first = add(mul(m!, s.beta1), mul(g, s.taken1));
      const second = add(mul(v!, s.beta2), mul(square(g), s.taken2));
      const size = add(sqrt(mul(second, s.second)), s.eps);
      return [div(add(mul(g, s.gradient), mul(first, s.mean)), size), first, second];
    },
  });
}

/**
 * Adam's direction, rectified; m̂ alone while the variance is not known. Defaults: beta1 0.9, beta2 0.999, eps 1e-8.
 *
 * @example
 * chain(scaleByRadam(), scaleByLearningRate(1e-3)); // radam
 */
export function scaleByRadam(options: Betas = {}): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRadam", arguments, 1);
  const { beta1, beta2, eps } = linkOptions("scaleByRadam", options, betas, ["beta1"]);
  const [power1, power2] = [powersOfRate(beta1), powersOf(beta2)];
  return perParameter({
    name: "scaleByRadam",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    slots: { m: 0, v: 0 },
    scalars(time) {
      const t = ageOf(time) + 1;
      const { adaptive, plain } = rectification(beta2, power2(t), t);
      const decayRate = rateAt(beta1, time);
      const correction = 1 - power1(decayRate, t);
      return {
        beta1: decayRate,
        taken1: 1 - decayRate,
        beta2,
        taken2: 1 - beta2,
        adaptive: adaptive / correction,
        plain: plain / correction,
        eps,
      };
    },
    rates: [beta1],
    update(g, { slots: [m, v], s }) {
      const first = add(mul(m!, s.beta1), mul(g, s.taken1));
      const second = add(mul(v!, s.beta2), mul(square(g), s.taken2));
      return [add(mul(s.adaptive, div(first, add(sqrt(second), s.eps))), mul(first, s.plain)), first, second];
    },
  });
}

/**
 * m̂ / (√ŝ + ε), s ← β₂s + (1 − β₂)(g − m)² + ε: small steps where the gradient surprises. Defaults: beta1 0.9, beta2 0.999, eps 1e-16.
 * Source: Zhuang et al. 2020 (AdaBelief).
 *
 * @example
 * chain(scaleByBelief(), scaleByLearningRate(1e-3)); // AdaBelief
 */
export function scaleByBelief(options: Betas = {}): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByBelief", arguments, 1);
  const { beta1, beta2, eps } = linkOptions("scaleByBelief", options, { ...betas, eps: 1e-16 }, ["beta1"]);
  const [power1, power2] = [powersOfRate(beta1), powersOf(beta2)];
  return perParameter({
    name: "scaleByBelief",
    keepsFinite: isPositiveInFloat32(eps),
    elementwise: true,
    slots: { m: 0, surprise: 0 },
    scalars(time) {
      const [decayRate, t] = [rateAt(beta1, time), ageOf(time) + 1];
      return {
        beta1: decayRate,
        taken1: 1 - decayRate,
        beta2,
        taken2: 1 - beta2,
        first: 1 / (1 - power1(decayRate, t)),
        second: 1 / Math.sqrt(1 - power2(t)),
        eps,
      };
    },
    rates: [beta1],
    update(g, { slots: [m, kept], s }) {
      const first = add(mul(m!, s.beta1), mul(g, s.taken1));
      const surprise = add(add(mul(kept!, s.beta2), mul(square(sub(g, first)), s.taken2)), s.eps);
      return [div(mul(first, s.first), add(mul(sqrt(surprise), s.second), s.eps)), first, surprise];
    },
  });
}

/**
 * sign(g) · step, in the gradient's direction: where the sign of g stays, an element's step grows by etas[1]; where it changes, it shrinks by etas[0] and
 * this g counts as 0. Rprop's. Defaults: learningRate 0.01 (the first step), etas [0.5, 1.2], stepSizes [1e-6, 50] (the least and the largest).
 * Source: Riedmiller and Braun 1993.
 *
 * @example
 * chain(scaleByRprop(), scale(-1)); // rprop
 */
export function scaleByRprop(
  options: {
    /** The step of each element at first. Default 0.01. */
    readonly learningRate?: Rate;
    /** The factors of a step where the gradient's sign changes, and where it stays. Default [0.5, 1.2]. */
    readonly etas?: readonly [number, number];
    /** The least and the largest step. Default [1e-6, 50]. */
    readonly stepSizes?: readonly [number, number];
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByRprop", arguments, 1);
  const { learningRate, etas, stepSizes } = linkOptions(
    "scaleByRprop",
    options,
    {
      learningRate: 0.01 as Rate,
      etas: [0.5, 1.2] as readonly [number, number],
      stepSizes: [1e-6, 50] as readonly [number, number],
    },
    ["learningRate"],
  );
  return perParameter({
    name: "scaleByRprop",
    keepsFinite: true,
    elementwise: true,
    slots: { previous: 0, size: rateAt(learningRate, { step: 0, epoch: 0 }) },
    scalars: () => ({ shrink: etas[0], grow: etas[1], least: stepSizes[0], largest: stepSizes[1] }),
    update(g, { slots: [previous, size], s }) {
      const turn = mul(sign(g), sign(previous!));
      const factor = where(greater(turn, 0), s.grow, where(less(turn, 0), s.shrink, 1));
      const next = minimum(maximum(mul(size!, factor), s.least), s.largest);
      const counted = where(equal(turn, -1), 0, g);
      return [mul(sign(counted), next), counted, next];
    },
  });
}
