/** Links that look at the weights, and which of them a link is for. */
import { add, clamp, mean, mul, sqrt, sub } from "@ermine/core";
import { checkArgument, checkArguments, checkFunction, checkOptions } from "@ermine/core/define";
import { rateAt, requireRate, type Rate, type Time } from "../../schedules/schedule.js";
import { checkLink, perParameter, type GradientTransformation } from "../chain.js";
import type { Scalars } from "../scalars.js";

/** Selects parameters by their name in the model and their shape. */
export type ParameterMask = (name: string, shape: readonly number[]) => boolean;

/**
 * u + λθ, λ a number or a schedule: after an adaptive scaling the decay is decoupled, before it is L2.
 *
 * @example addDecayedWeights(0.01, { mask: (name) => !name.endsWith("bias") })
 */
export function addDecayedWeights(
  weightDecay: Rate,
  options: {
    /** Selects the parameters that decay, by name and shape. Default: all. */
    mask?: ParameterMask;
  } = {},
): GradientTransformation {
  if (arguments.length > 2) checkArguments("addDecayedWeights", arguments, 2);
  checkOptions("addDecayedWeights", options, { mask: "function" }, [weightDecay]);
  requireRate("addDecayedWeights", "weightDecay", weightDecay);
  return addWeights("weightDecay", [weightDecay], (time) => rateAt(weightDecay, time), options.mask);
}

/** @internal u + λθ. @param scalar the name of λ; `rates` what `decay` makes λ of at each step */
export const addWeights = (
  scalar: string,
  rates: readonly Rate[],
  decay: (time: Time) => number,
  mask?: ParameterMask,
): GradientTransformation =>
  perParameter<Scalars>({
    name: "addDecayedWeights",
    keepsFinite: true,
    // A mask is asked with the shape of the whole parameter.
    elementwise: mask === undefined,
    scalars: (time) => ({ [scalar]: decay(time) }),
    rates,
    update: (u, { p, name, s }) => [mask?.(name, p.shape as readonly number[]) === false ? u : add(u, mul(p, s[scalar]!))],
  });

/**
 * The update as it is, and an average of the weights that follows them: a ← a + share · (θ − a), θ those that the update leads to. For the end of a chain,
 * after `scaleByLearningRate`. asgd's.
 *
 * @param share of the newest weights at each step
 *
 * @example
 * chain(scaleByLearningRate(0.1), averageWeights(({ step }) => 1 / (step + 1))); // averages all weights so far
 */
export function averageWeights(share: (time: Time) => number): GradientTransformation {
  if (arguments.length > 1) checkArguments("averageWeights", arguments, 1);
  checkFunction("averageWeights", share, "averageWeights(({ step }) => 1 / (step + 1))");
  return perParameter({
    name: "averageWeights",
    keepsFinite: true,
    slots: { average: 0 },
    scalars: (time) => ({ share: share(time) }),
    update(u, { p, slots: [average], s }) {
      return [u, add(average!, mul(sub(add(p, u), average!), s.share))];
    },
  });
}

/**
 * max(eps, rms(θ)) · u for each parameter: steps in proportion to the weights. Default eps 1e-3. Source: Shazeer and Stern 2018.
 *
 * @example
 * chain(scaleByFactoredRms(), scaleByParameterRms(), scaleByLearningRate(1e-2)); // adafactor
 */
export function scaleByParameterRms(eps = 1e-3): GradientTransformation {
  if (arguments.length > 1) checkArguments("scaleByParameterRms", arguments, 1);
  checkArgument("scaleByParameterRms(eps)", "eps", eps, "number");
  return perParameter({
    name: "scaleByParameterRms",
    keepsFinite: true,
    update: (u, { p }) => [mul(u, clamp(sqrt(mean(mul(p, p))), eps))],
  });
}

/**
 * The link for the parameters that the mask takes; the others' updates go by as they are.
 *
 * @example
 * chain(masked(centralize(), (name) => name.endsWith("weight")), scaleByAdam(), scaleByLearningRate(1e-3));
 */
export function masked(link: GradientTransformation, mask: ParameterMask): GradientTransformation {
  if (arguments.length > 2) checkArguments("masked", arguments, 2);
  checkLink("masked", link);
  checkFunction("masked", mask, 'masked(link, (name) => !name.endsWith("bias"))');
  return {
    ...link,
    name: `masked(${link.name})`,
    elementwise: false,
    update(updates, { parameters, names, slots, s }) {
      const includedIndices = parameters.flatMap((p, i) => (mask(names[i]!, p.shape as readonly number[]) ? [i] : []));
      if (includedIndices.length === 0) return { updates };
      const pick = <T>(list: readonly T[]): T[] => includedIndices.map((i) => list[i]!);
      const result = link.update(pick(updates), { parameters: pick(parameters), names: pick(names), slots: pick(slots), s });
      const withReplacements = <T>(list: readonly T[], replacements: readonly T[]): T[] =>
        list.map((value, i) => (includedIndices.includes(i) ? replacements[includedIndices.indexOf(i)]! : value));
      return {
        updates: withReplacements(updates, result.updates),
        ...(result.slots === undefined ? {} : { slots: withReplacements(slots, result.slots) }),
      };
    },
  };
}
