/** Links that remember directions. */
import { add, mul, sign } from "@ermine/core";
import { checkArguments, checkOptions } from "@ermine/core/define";
import { ageOf, rateAt, requireRate, type Rate } from "../../schedules/schedule.js";
import { perParameter, type GradientTransformation } from "../chain.js";
import { powersOfRate } from "../corrections.js";
import { linkOptions } from "./options.js";

type MomentumScalars = { readonly momentum: number; readonly taken?: number };

/**
 * b ← μb + (1 − dampening)g (the first b is g), the direction b, or g + μb with nesterov. SGD's momentum.
 *
 * @param momentum μ, a number or a schedule
 * @param options nesterov: default false; dampening: default 0
 *
 * @example
 * chain(applyMomentum(0.9, { nesterov: true }), scaleByLearningRate(0.1)); // sgd
 */
export function applyMomentum(
  momentum: Rate,
  options: {
    /** Look one step ahead: g + μb in place of b. Default false. */
    readonly nesterov?: boolean;
    /** The share of the gradient that is left out of b, in [0, 1]. Default 0. */
    readonly dampening?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 2) checkArguments("applyMomentum", arguments, 2);
  checkOptions("applyMomentum", options, { nesterov: "boolean", dampening: "number" }, [momentum]);
  requireRate("applyMomentum", "momentum", momentum);
  const { nesterov = false, dampening = 0 } = options;
  return perParameter({
    name: "applyMomentum",
    keepsFinite: true,
    elementwise: true,
    form: `${nesterov ? " nesterov" : ""}${dampening === 0 ? "" : " damped"}`,
    slots: { momentum: 0 },
    // The first momentum is the gradient itself: dampening begins with the second step.
    scalars: (time): MomentumScalars =>
      dampening === 0
        ? { momentum: rateAt(momentum, time) }
        : { momentum: rateAt(momentum, time), taken: ageOf(time) === 0 ? 1 : 1 - dampening },
    rates: [momentum],
    update(g, { slots, s }) {
      const next = add(mul(slots[0]!, s.momentum), s.taken === undefined ? g : mul(g, s.taken));
      return [nesterov ? add(g, mul(next, s.momentum)) : next, next];
    },
  });
}

/**
 * m ← decay · m + (1 − decay)g; the direction m, divided by 1 − decayᵗ where it is debiased, or (1 − decay)g + decay · m with nesterov.
 *
 * @param decay a number or a schedule
 * @param options debias: default true; nesterov: default false
 *
 * @example
 * chain(ema(0.9), scaleByLearningRate(1e-2));
 */
export function ema(
  decay: Rate,
  options: {
    /** Divide by 1 − decayᵗ, so that the first steps are not too small. Default true. */
    readonly debias?: boolean;
    /** Look one step ahead: (1 − decay)g + decay · m in place of m. Default false. */
    readonly nesterov?: boolean;
  } = {},
): GradientTransformation {
  if (arguments.length > 2) checkArguments("ema", arguments, 2);
  requireRate("ema", "decay", decay);
  checkOptions("ema", options, { debias: "boolean", nesterov: "boolean" }, [decay]);
  const { debias = true, nesterov = false } = options;
  const power = powersOfRate(decay);
  return perParameter({
    name: "ema",
    keepsFinite: true,
    elementwise: true,
    form: `${debias ? "" : " biased"}${nesterov ? " nesterov" : ""}`,
    slots: { average: 0 },
    scalars(time) {
      const decayRate = rateAt(decay, time);
      return {
        decay: decayRate,
        taken: 1 - decayRate,
        ...(debias ? { correction: 1 / (1 - power(decayRate, ageOf(time) + 1)) } : {}),
      };
    },
    rates: [decay],
    update(g, { slots, s }) {
      const next = add(mul(slots[0]!, s.decay), mul(g, s.taken));
      const direction = nesterov ? add(mul(g, s.taken), mul(next, s.decay)) : next;
      return [s.correction === undefined ? direction : mul(direction, s.correction), next];
    },
  });
}

/**
 * sign(β₁m + (1 − β₁)g); m ← β₂m + (1 − β₂)g. Defaults: beta1 0.9 (or a schedule), beta2 0.99. Source: Chen et al. 2023.
 *
 * @example
 * chain(scaleByLion(), addDecayedWeights(0.1), scaleByLearningRate(1e-4)); // lion
 */
export function scaleByLion(
  options: {
    /** Weight of the momentum in the direction, in [0, 1), or a schedule. Default 0.9. */
    readonly beta1?: Rate;
    /** Decay rate of the momentum, in [0, 1). Default 0.99. */
    readonly beta2?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByLion", arguments, 1);
  const { beta1, beta2 } = linkOptions("scaleByLion", options, { beta1: 0.9 as Rate, beta2: 0.99 }, ["beta1"]);
  return perParameter({
    name: "scaleByLion",
    keepsFinite: true,
    elementwise: true,
    slots: { m: 0 },
    scalars(time) {
      const decayRate = rateAt(beta1, time);
      return { beta1: decayRate, taken1: 1 - decayRate, beta2, taken2: 1 - beta2 };
    },
    rates: [beta1],
    update: (g, { slots: [m], s }) => [sign(add(mul(m!, s.beta1), mul(g, s.taken1))), add(mul(m!, s.beta2), mul(g, s.taken2))],
  });
}
