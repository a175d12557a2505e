/** Links that remember directions. */
import { add, checkArguments, checkOptions, mul, sign, withDefaults } from "@ermine/core";
import { ageOf } from "../../schedules/schedule.js";
import { perParameter, type GradientTransformation } from "../chain.js";

/**
 * b ← μb + g, the direction b, or g + μb with nesterov.
 *
 * @example
 * chain(trace(0.9, { nesterov: true }), scaleByLearningRate(0.1)); // sgd
 */
export function trace(
  momentum: number,
  options: {
    /** Look one step ahead: g + μb in place of b. Default false. */
    nesterov?: boolean;
  } = {},
): GradientTransformation {
  if (arguments.length > 2) checkArguments("trace", arguments, 2);
  checkOptions("trace", options, { nesterov: "boolean" }, [momentum]);
  return perParameter({
    name: "trace",
    slots: { momentum: 0 },
    update(g, { slots }) {
      const next = add(mul(slots[0]!, momentum), g);
      return [options.nesterov === true ? add(g, mul(next, momentum)) : next, next];
    },
  });
}

/**
 * m ← decay · m + (1 − decay)g; the direction m, divided by 1 − decayᵗ where it is debiased (default).
 *
 * @example
 * chain(ema(0.9), scaleByLearningRate(1e-2));
 */
export function ema(
  decay: number,
  options: {
    /** Divide by 1 − decayᵗ, so that the first steps are not too small. Default true. */
    debias?: boolean;
  } = {},
): GradientTransformation {
  if (arguments.length > 2) checkArguments("ema", arguments, 2);
  checkOptions("ema", options, { debias: "boolean" }, [decay]);
  return perParameter({
    name: "ema",
    slots: { average: 0 },
    scalars: (time) => [options.debias === false ? 1 : 1 / (1 - decay ** (ageOf(time) + 1))],
    update(g, { slots, s }) {
      const next = add(mul(slots[0]!, decay), mul(g, 1 - decay));
      return [options.debias === false ? next : mul(next, s(0)), next];
    },
  });
}

/**
 * sign(β₁m + (1 − β₁)g); m ← β₂m + (1 − β₂)g. Defaults: beta1 0.9, beta2 0.99. Source: Chen et al. 2023.
 *
 * @example
 * chain(scaleByLion(), addDecayedWeights(0.1), scaleByLearningRate(1e-4)); // lion
 */
export function scaleByLion(
  options: {
    /** How much of the momentum is in the direction, in [0, 1). Default 0.9. */
    beta1?: number;
    /** How much of the momentum is kept at each step, in [0, 1). Default 0.99. */
    beta2?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByLion", arguments, 1);
  const { beta1, beta2 } = withDefaults("scaleByLion", options, { beta1: 0.9, beta2: 0.99 });
  return perParameter({
    name: "scaleByLion",
    slots: { m: 0 },
    update: (g, { slots: [m] }) => [sign(add(mul(m!, beta1), mul(g, 1 - beta1))), add(mul(m!, beta2), mul(g, 1 - beta2))],
  });
}
