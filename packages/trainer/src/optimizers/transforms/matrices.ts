/** Links for matrices: their mean squares as a row and a column, and their momentum made orthogonal. */
import { checkArguments, mul, withDefaults } from "@ermine/core";
import { ageOf } from "../../schedules/schedule.js";
import { factored, scaledByFactors } from "../adafactor.js";
import { perParameter, type GradientTransformation } from "../chain.js";
import { orthogonal } from "../muon.js";

/**
 * g / √max(V, ε²), V from a row and a column as in `adafactor`. Defaults: beta2Decay −0.8, epsilon 2⁻²³ (float32's).
 *
 * @example
 * chain(scaleByFactoredRms(), scaleByLearningRate(1e-2)); // adafactor's scaling
 */
export function scaleByFactoredRms(
  options: {
    /** The exponent with which the memory of mean squares grows; below 0. Default −0.8. */
    beta2Decay?: number;
    /** The least root mean square. Default 2⁻²³. */
    epsilon?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByFactoredRms", arguments, 1);
  const { beta2Decay, epsilon } = withDefaults("scaleByFactoredRms", options, { beta2Decay: -0.8, epsilon: 2 ** -23 });
  return perParameter({
    name: "scaleByFactoredRms",
    slots: factored,
    scalars: (time) => [(ageOf(time) + 1) ** beta2Decay],
    update: (g, { slots, s }) => scaledByFactors(g, slots, s(0), epsilon),
  });
}

/**
 * The nearest matrix with singular values 1, by Newton and Schulz' iteration; numbers and vectors go by. Muon's.
 * Defaults: nsSteps 5, nsCoefficients [3.4445, −4.775, 2.0315], epsilon 1e-7.
 *
 * @example
 * chain(ema(0.95, { debias: false }), orthogonalize(), scaleByLearningRate(0.02)); // muon
 */
export function orthogonalize(
  options: {
    /** Iterations. Default 5. */
    nsSteps?: number;
    /** The coefficients of the iteration's polynomial. Default [3.4445, −4.775, 2.0315]. */
    nsCoefficients?: readonly [number, number, number];
    /** The least norm that is divided by. Default 1e-7. */
    epsilon?: number;
  } = {},
): GradientTransformation {
  if (arguments.length > 1) checkArguments("orthogonalize", arguments, 1);
  const { nsSteps, nsCoefficients, epsilon } = withDefaults("orthogonalize", options, {
    nsSteps: 5,
    nsCoefficients: [3.4445, -4.775, 2.0315] as readonly [number, number, number],
    epsilon: 1e-7,
  });
  return perParameter({
    name: "orthogonalize",
    update(u) {
      if (u.rank !== 2) return [u];
      const [rows, columns] = u.shape as readonly [number, number];
      return [mul(orthogonal(u, nsCoefficients, nsSteps, epsilon), Math.sqrt(Math.max(1, rows / columns)))];
    },
  });
}
