/** Links for the front of a chain: gradients held within bounds, centred, made noisy. */
import { clamp, div, ErmineError, log, maximum, mean, minimum, mul, sin, sqrt, sub, sum, add } from "@ermine/core";
import { checkArgument, checkArguments, drawUniform, portableMath } from "@ermine/core/define";
import { rateAt, requireRate, type Rate } from "../../schedules/schedule.js";
import { isPositiveInFloat32 } from "./options.js";
import { perParameter, type GradientTransformation } from "../chain.js";
import { clipGradNorm, clipGradValue, type NormType } from "../clip.js";

/**
 * All updates together scaled down to a norm of at most maxNorm.
 *
 * @example
 * chain(clipByGlobalNorm(1), scaleByAdam(), scaleByLearningRate(1e-3));
 */
export function clipByGlobalNorm(maxNorm: number, normType: NormType = 2): GradientTransformation {
  if (arguments.length > 2) checkArguments("clipByGlobalNorm", arguments, 2);
  checkArgument("clipByGlobalNorm(maxNorm, normType)", "maxNorm", maxNorm, "number");
  checkArgument("clipByGlobalNorm(maxNorm, normType)", "normType", normType, "number");
  return {
    name: "clipByGlobalNorm",
    keepsFinite: true,
    update: (updates) => ({ updates: clipGradNorm(updates, maxNorm, normType).gradients }),
  };
}

/**
 * Each number held in [−clipValue, clipValue].
 *
 * @example
 * chain(clipByValue(0.5), scaleByAdam(), scaleByLearningRate(1e-3));
 */
export function clipByValue(clipValue: number): GradientTransformation {
  if (arguments.length > 1) checkArguments("clipByValue", arguments, 1);
  checkArgument("clipByValue(clipValue)", "clipValue", clipValue, "number");
  return {
    name: "clipByValue",
    keepsFinite: true,
    elementwise: true,
    update: (updates) => ({ updates: clipGradValue(updates, clipValue) }),
  };
}

/**
 * u / max(1, rms(u) / threshold) for each parameter. Adafactor's d. Source: Shazeer and Stern 2018.
 *
 * @example
 * chain(scaleByFactoredRms(), clipByBlockRms(1), scaleByLearningRate(1e-2));
 */
export function clipByBlockRms(threshold: number): GradientTransformation {
  if (arguments.length > 1) checkArguments("clipByBlockRms", arguments, 1);
  checkArgument("clipByBlockRms(threshold)", "threshold", threshold, "number");
  return perParameter({
    name: "clipByBlockRms",
    keepsFinite: isPositiveInFloat32(threshold),
    update: (u) => [div(u, maximum(div(sqrt(mean(mul(u, u))), threshold), 1))],
  });
}

/**
 * Each unit's update scaled down to at most clipping · ‖its weights‖, the weights' norm at least eps. A unit is what one number of the first
 * axis belongs to; a vector's units are its numbers. Defaults: clipping 0.01, eps 1e-3. Source: Brock et al. 2021.
 *
 * @example
 * chain(adaptiveClip(0.01), scaleByAdam(), scaleByLearningRate(1e-3));
 */
export function adaptiveClip(clipping = 0.01, eps = 1e-3): GradientTransformation {
  if (arguments.length > 2) checkArguments("adaptiveClip", arguments, 2);
  checkArgument("adaptiveClip(clipping, eps)", "clipping", clipping, "number");
  checkArgument("adaptiveClip(clipping, eps)", "eps", eps, "number");
  if (!(clipping > 0)) throw new ErmineError("ERMINE_OPTION", `adaptiveClip: clipping must be above 0, got ${clipping}.`);
  return perParameter({
    name: "adaptiveClip",
    keepsFinite: true,
    update(u, { p }) {
      const axis = p.shape.slice(1).map((_, i) => i + 1);
      const unit = (t: typeof u): typeof u =>
        axis.length === 0 ? sqrt(mul(t, t)) : sqrt(sum(mul(t, t), { axis, keepDims: true }));
      const limit = mul(clamp(unit(p), eps), clipping);
      return [mul(u, minimum(div(limit, clamp(unit(u), 1e-6)), 1))];
    },
  });
}

/**
 * u − its mean over all axes but the first, for parameters of rank 2 and more. Source: Yong et al. 2020.
 *
 * @example
 * chain(centralize(), scaleByAdam(), scaleByLearningRate(1e-3));
 */
export function centralize(): GradientTransformation {
  if (arguments.length > 0) checkArguments("centralize", arguments, 0);
  return perParameter({
    name: "centralize",
    keepsFinite: true,
    update: (u) => [u.rank < 2 ? u : sub(u, mean(u, { axis: u.shape.slice(1).map((_, i) => i + 1), keepDims: true }))],
  });
}

/**
 * u + N(0, eta / (1 + t)^gamma), other numbers at each step, the same for the same seed of the trainer. Defaults: eta 0.01, gamma 0.55.
 * Source: Neelakantan et al. 2015.
 *
 * @example
 * chain(addNoise(0.01), scaleByLearningRate(1e-2));
 */
export function addNoise(eta: Rate = 0.01, gamma = 0.55): GradientTransformation {
  if (arguments.length > 2) checkArguments("addNoise", arguments, 2);
  requireRate("addNoise", "eta", eta);
  checkArgument("addNoise(eta, gamma)", "gamma", gamma, "number");
  return perParameter({
    name: "addNoise",
    keepsFinite: true,
    scalars: (time) => ({ deviation: Math.sqrt(rateAt(eta, time) / portableMath.pow(1 + time.step, gamma)) }),
    rates: [eta],
    update(u, { s }) {
      // Box and Muller; 1 − uniform is never 0.
      const radius = sqrt(mul(log(sub(1, drawUniform(u.shape, "gradientNoise"))), -2));
      const angle = mul(drawUniform(u.shape, "gradientNoise"), 2 * Math.PI);
      return [add(u, mul(mul(radius, sin(angle)), s.deviation))];
    },
  });
}

/**
 * u / max(‖u‖, 1e-12), ‖u‖ over all parameters together.
 *
 * @example
 * chain(normalizeByGlobalNorm(), scaleByLearningRate(1e-2));
 */
export function normalizeByGlobalNorm(): GradientTransformation {
  if (arguments.length > 0) checkArguments("normalizeByGlobalNorm", arguments, 0);
  return {
    name: "normalizeByGlobalNorm",
    keepsFinite: true,
    update(updates) {
      const size = clamp(sqrt(updates.map((u) => sum(mul(u, u))).reduce((a, b) => add(a, b))), 1e-12);
      return { updates: updates.map((u) => div(u, size)) };
    },
  };
}
