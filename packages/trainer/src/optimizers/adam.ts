/** Adam, and AdamW: the same step with the decay at another place. */
import { add, div, maximum, mul, sqrt, sub, type Tensor } from "@ermine/core";
import { checkRange, builtinOptimizer, hasDecay, type OptimizerSpec } from "./definition.js";
import type { AdamOptions, AdamwOptions } from "./options.js";

const defaults: AdamwOptions = {
  learningRate: 0.001,
  weightDecay: 0,
  maximize: false,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  amsgrad: false,
};

const shared = <O extends AdamwOptions>(name: string, defaults: O, decoupled: (options: O) => boolean): OptimizerSpec<O> => ({
  name,
  defaults,
  momentum: "beta1",
  check(options) {
    checkRange(name, options, ["beta1", "beta2"], 0, 1);
    checkRange(name, options, ["epsilon"], 0, Infinity);
  },
  slots: ({ amsgrad }): Record<string, number> => (amsgrad ? { m: 0, v: 0, vMax: 0 } : { m: 0, v: 0 }),
  // The corrections of the zero start, 1 − βᵗ, in float64: in float32 the first steps would lose digits.
  scalars: (options, { step, learningRate, weightDecay, momentum }) => [
    learningRate / (1 - momentum ** (step + 1)),
    1 / Math.sqrt(1 - options.beta2 ** (step + 1)),
    decoupled(options) ? 1 - learningRate * weightDecay : weightDecay,
  ],
  step({ p, g, slots: [m, v, vMax], s, momentum: { kept: inertia, taken } }, options) {
    const { beta2, epsilon, weightDecay } = options;
    const [decays, apart] = [hasDecay(weightDecay), decoupled(options)];
    const gradient = decays && !apart ? add(g, mul(p, s(2))) : g;
    const kept = decays && apart ? mul(p, s(2)) : p;
    const first = add(mul(m!, inertia), mul(gradient, taken));
    const second = add(mul(v!, beta2), mul(mul(gradient, gradient), 1 - beta2));
    const largest = vMax === undefined ? second : maximum(vMax, second);
    const next = sub(kept, mul(s(0), div(first, add(mul(sqrt(largest), s(1)), epsilon))));
    const slots: Tensor[] = vMax === undefined ? [first, second] : [first, second, largest];
    return [next, ...slots];
  },
});

/**
 * m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − lr · m̂ / (√v̂ + ε), m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
 *
 * Its weightDecay is L2: λθ added to the gradient, so the adaptive step shrinks it too; for weight decay proper take `adamw`, or
 * decoupledWeightDecay, which is the same.
 * Defaults: learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-8, weightDecay 0, decoupledWeightDecay false, amsgrad false (true: v is the largest
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
