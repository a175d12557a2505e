/** An optimizer spelled out: a chain of gradient transformations, each taking updates to updates. */
import { add, div, ErmineError, mul, neg, sqrt, type Tensor } from "@ermine/core";
import { rateAt, type Rate, type Time } from "../schedules/schedule.js";
import { clipGradNorm, clipGradValue, type NormType } from "./clip.js";
import { scalarAt, type Optimizer, type OptimizerState } from "./definition.js";

export interface TransformContext {
  readonly parameters: readonly Tensor[];
  /** What the link keeps for each parameter. */
  readonly slots: readonly (readonly Tensor[])[];
  /** The link's i-th scalar of this step. */
  s(i: number): Tensor;
}

/** One link: (init, update) of optax, with what changes from step to step said apart. */
export interface GradientTransformation {
  readonly name: string;
  readonly slots?: Readonly<Record<string, number>>;
  scalars?(time: Time): readonly number[];
  update(
    updates: readonly Tensor[],
    context: TransformContext,
  ): { updates: readonly Tensor[]; slots?: readonly (readonly Tensor[])[] };
  readonly rates?: readonly Rate[];
}

/**
 * The links' updates, one after the other, added to the parameters. The last link is usually `scaleByLearningRate`, which turns
 * the sign. Decoupled weight decay and L2 differ by the place of `addDecayedWeights`: after or before the adaptive scaling.
 *
 * @example chain(clipByGlobalNorm(1), scaleByAdam(), addDecayedWeights(0.01), scaleByLearningRate(1e-3))   // adamw, clipped
 */
export function chain(...links: readonly GradientTransformation[]): Optimizer {
  if (links.length === 0) throw new ErmineError("ERMINE_OPTION", "chain needs at least one gradient transformation.");
  const counts = links.map((link) => link.scalars?.({ step: 0, epoch: 0 }).length ?? 0);
  const slots = Object.fromEntries(
    links.flatMap((link, i) => Object.entries(link.slots ?? {}).map(([key, value]) => [`${i}.${key}`, value])),
  );
  return {
    name: `chain(${links.map((link) => link.name).join(", ")})`,
    options: { links: links.map((link) => link.name) },
    slots,
    scalarCount: counts.reduce((a, b) => a + b, 0),
    scalars: (time) => links.flatMap((link) => link.scalars?.(time) ?? []),
    rates: links.flatMap((link) => link.rates ?? []),
    update({ parameters, slots: kept }, gradients, vector): OptimizerState {
      let updates = gradients;
      let [firstScalar, firstSlot] = [0, 0];
      const next: Tensor[][] = parameters.map(() => []);
      links.forEach((link, l) => {
        const width = Object.keys(link.slots ?? {}).length;
        const [scalar, slot] = [firstScalar, firstSlot];
        const own = kept.map((tensors) => tensors.slice(slot, slot + width));
        const result = link.update(updates, { parameters, slots: own, s: (i) => scalarAt(vector, scalar + i) });
        updates = result.updates;
        (result.slots ?? own).forEach((tensors, i) => next[i]!.push(...tensors));
        firstScalar += counts[l]!;
        firstSlot += width;
      });
      return { parameters: parameters.map((p, i) => add(p, updates[i]!)), slots: next };
    },
  };
}

/** All updates together scaled down to a norm of at most maxNorm. */
export const clipByGlobalNorm = (maxNorm: number, normType: NormType = 2): GradientTransformation => ({
  name: "clipByGlobalNorm",
  update: (updates) => ({ updates: clipGradNorm(updates, maxNorm, normType).gradients }),
});

/** Each number held in [−clipValue, clipValue]. */
export const clipByValue = (clipValue: number): GradientTransformation => ({
  name: "clipByValue",
  update: (updates) => ({ updates: clipGradValue(updates, clipValue) }),
});

/** Adam's direction: m̂ / (√v̂ + ε). */
export function scaleByAdam(options: { beta1?: number; beta2?: number; epsilon?: number } = {}): GradientTransformation {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  return {
    name: "scaleByAdam",
    slots: { m: 0, v: 0 },
    scalars: ({ step }) => [1 / (1 - beta1 ** (step + 1)), 1 / Math.sqrt(1 - beta2 ** (step + 1))],
    update(updates, { slots, s }) {
      const next = updates.map((g, i) => [
        add(mul(slots[i]![0]!, beta1), mul(g, 1 - beta1)),
        add(mul(slots[i]![1]!, beta2), mul(mul(g, g), 1 - beta2)),
      ]);
      return { updates: next.map(([m, v]) => div(mul(m!, s(0)), add(mul(sqrt(v!), s(1)), epsilon))), slots: next };
    },
  };
}

/** b ← μb + g, the direction b, or g + μb with nesterov. */
export function trace(momentum: number, options: { nesterov?: boolean } = {}): GradientTransformation {
  return {
    name: "trace",
    slots: { momentum: 0 },
    update(updates, { slots }) {
      const next = updates.map((g, i) => add(mul(slots[i]![0]!, momentum), g));
      return {
        updates: options.nesterov === true ? next.map((b, i) => add(updates[i]!, mul(b, momentum))) : next,
        slots: next.map((b) => [b]),
      };
    },
  };
}

/** u + λθ. `mask` says which parameters decay, by their place; default all. */
export function addDecayedWeights(
  weightDecay: Rate,
  options: { mask?: (index: number) => boolean } = {},
): GradientTransformation {
  return {
    name: "addDecayedWeights",
    scalars: (time) => [rateAt(weightDecay, time)],
    rates: [weightDecay],
    update: (updates, { parameters, s }) => ({
      updates: updates.map((u, i) => (options.mask?.(i) === false ? u : add(u, mul(parameters[i]!, s(0))))),
    }),
  };
}

/** −lr · u: the descent. */
export const scaleByLearningRate = (learningRate: Rate): GradientTransformation => ({
  name: "scaleByLearningRate",
  scalars: (time) => [rateAt(learningRate, time)],
  rates: [learningRate],
  update: (updates, { s }) => ({ updates: updates.map((u) => neg(mul(u, s(0)))) }),
});

/** factor · u. */
export const scale = (factor: number): GradientTransformation => ({
  name: "scale",
  update: (updates) => ({ updates: updates.map((u) => mul(u, factor)) }),
});
