/** Adam, and AdamW: the same step with the decay at another place. */
import { builtinOptimizer, checkRange, decayLinks, type ChainSpec } from "./definition.js";
import type { AdamOptions, AdamwOptions } from "./options.js";
import { scaleByAdam } from "./transforms/adaptive.js";
import { scaleByLearningRate } from "./transforms/scale.js";

const defaults: AdamwOptions = {
  learningRate: 0.001,
  weightDecay: 0,
  maximize: false,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  amsgrad: false,
};

const shared = <O extends AdamwOptions>(name: string, defaults: O, decoupled: (options: O) => boolean): ChainSpec<O> => ({
  name,
  defaults,
  momentum: "beta1",
  check(options) {
    checkRange(name, options, ["beta1", "beta2"], 0, 1);
    checkRange(name, options, ["eps"], 0, Infinity);
  },
  links(options) {
    const { learningRate, weightDecay, beta1, beta2, eps, amsgrad } = options;
    const [decay, scaled] = [decayLinks(weightDecay), scaleByAdam({ beta1, beta2, eps, amsgrad })];
    return [...(decoupled(options) ? [scaled, ...decay] : [...decay, scaled]), scaleByLearningRate(learningRate)];
  },
});

/**
 * m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − lr · m̂ / (√v̂ + ε), m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
 *
 * Its weightDecay is L2: λθ added to the gradient, so the adaptive step shrinks it too; for weight decay proper take `adamw`, or
 * decoupledWeightDecay, which is the same.
 * Defaults: learningRate 0.001, beta1 0.9, beta2 0.999, eps 1e-8, weightDecay 0, decoupledWeightDecay false, amsgrad false (true: v is the largest
 * so far), as PyTorch's. Source: Kingma and Ba 2015; Reddi et al. 2018 (amsgrad).
 *
 * @example
 * adam({ learningRate: schedules.cosine(1e-3, { totalSteps: 1000 }) });
 */
export const adam = builtinOptimizer(
  shared<AdamOptions>("adam", { ...defaults, decoupledWeightDecay: false }, ({ decoupledWeightDecay }) => decoupledWeightDecay),
);

/**
 * Adam with decoupled weight decay: θ ← (1 − lr · λ)θ before Adam's step, whose moments never see it.
 *
 * Defaults: as adam's, weightDecay 0.01. Source: Loshchilov and Hutter 2019.
 *
 * @example
 * adamw({ learningRate: 1e-3, weightDecay: 0.01 });
 */
export const adamw = builtinOptimizer(shared<AdamwOptions>("adamw", { ...defaults, weightDecay: 0.01 }, () => true));
