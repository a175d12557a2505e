/** An optimizer spelled out: a chain of gradient transformations, each taking updates to updates. */
import { add, ErmineError, markCopy, show, type Tensor } from "@ermine/core";
import type { Rate, Time } from "../schedules/schedule.js";
import { scalarAt, shapedSlots, type Optimizer, type OptimizerState, type Slot, type SlotStart } from "./definition.js";

/** What a link sees next to the updates. */
export interface TransformContext {
  /** The parameters' values, in the order of the updates. */
  readonly parameters: readonly Tensor[];
  /** The parameters' names in the model; their places in the list where nobody said any. */
  readonly names: readonly string[];
  /** What the link keeps for each parameter. */
  readonly slots: readonly (readonly Tensor[])[];
  /** The link's i-th scalar of this step. */
  s(i: number): Tensor;
}

/** What a link keeps: the start of each slot, which has the parameter's shape unless it says another. */
export type SlotPlan = Readonly<Record<string, SlotStart | Slot>>;

/** One link: (init, update) of optax, with what changes from step to step said apart. */
export interface GradientTransformation {
  /** For messages; part of the names of its slots. */
  readonly name: string;
  /** What it keeps for each parameter, by the parameter's shape. Default: nothing. */
  readonly slots?: SlotPlan | ((shape: readonly number[]) => SlotPlan);
  /** Values that change from step to step, fed to the compiled program. Default: none. */
  scalars?(time: Time): readonly number[];
  /** The new updates, and the new slots of each parameter. */
  update(
    updates: readonly Tensor[],
    context: TransformContext,
  ): { updates: readonly Tensor[]; slots?: readonly (readonly Tensor[])[] };
  /** The learning rates and schedules that it reads, so that those which follow a metric have a state. Default: none. */
  readonly rates?: readonly Rate[];
}

/** A link that looks at one parameter at a time. */
export interface ParameterTransformation extends Pick<GradientTransformation, "name" | "slots" | "scalars" | "rates"> {
  /** The new update of a parameter, followed by its new slots. */
  update(
    u: Tensor,
    at: { readonly p: Tensor; readonly name: string; readonly slots: readonly Tensor[]; s(i: number): Tensor },
  ): readonly [update: Tensor, ...slots: Tensor[]];
}

/**
 * A link that treats each parameter by itself, from its update, its value and its slots.
 *
 * @example const half = perParameter({ name: "half", update: (u) => [mul(u, 0.5)] });
 */
export function perParameter({ update, ...link }: ParameterTransformation): GradientTransformation {
  return {
    ...link,
    update(updates, { parameters, names, slots, s }) {
      const made = updates.map((u, i) => update(u, { p: parameters[i]!, name: names[i]!, slots: slots[i]!, s }));
      return { updates: made.map(([u]) => u), slots: made.map(([, ...kept]) => kept) };
    },
  };
}

const planOf = ({ slots = {} }: GradientTransformation, shape: readonly number[]): Readonly<Record<string, Slot>> =>
  shapedSlots(typeof slots === "function" ? slots(shape) : slots, shape);

/**
 * The links' updates, one after the other, added to the parameters. The last link is usually `scaleByLearningRate`, which turns
 * the sign. Decoupled weight decay and L2 differ by the place of `addDecayedWeights`: after or before the adaptive scaling.
 *
 * @example chain(clipByGlobalNorm(1), scaleByAdam(), addDecayedWeights(0.01), scaleByLearningRate(1e-3))   // adamw, clipped
 */
export function chain(...links: readonly GradientTransformation[]): Optimizer {
  if (links.length === 0) throw new ErmineError("ERMINE_OPTION", "chain needs at least one gradient transformation.");
  for (const link of links as readonly unknown[]) {
    if (typeof (link as Partial<GradientTransformation> | null | undefined)?.update === "function") continue;
    throw new ErmineError(
      "ERMINE_OPTION",
      `chain takes gradient transformations, got ${show(link)}. Write chain(scaleByAdam(), scaleByLearningRate(1e-3)).`,
    );
  }
  const counts = links.map((link) => link.scalars?.({ step: 0, epoch: 0 }).length ?? 0);
  return markCopy<Optimizer>("optimizer", {
    name: `chain(${links.map((link) => link.name).join(", ")})`,
    options: { links: links.map((link) => link.name) },
    slots: (shape) =>
      Object.fromEntries(
        links.flatMap((link, i) => Object.entries(planOf(link, shape)).map(([key, slot]) => [`${i}.${key}`, slot])),
      ),
    scalarCount: counts.reduce((a, b) => a + b, 0),
    scalars: (time) => links.flatMap((link) => link.scalars?.(time) ?? []),
    rates: links.flatMap((link) => link.rates ?? []),
    update({ parameters, slots: kept, names = parameters.map((_, i) => String(i)) }, gradients, vector): OptimizerState {
      let updates = gradients;
      let firstScalar = 0;
      const firstSlots = parameters.map(() => 0);
      const next: Tensor[][] = parameters.map(() => []);
      links.forEach((link, l) => {
        const scalar = firstScalar;
        const own = kept.map((tensors, i) => {
          const width = Object.keys(planOf(link, parameters[i]!.shape as readonly number[])).length;
          return tensors.slice(firstSlots[i]!, (firstSlots[i]! += width));
        });
        const result = link.update(updates, { parameters, names, slots: own, s: (i) => scalarAt(vector, scalar + i) });
        updates = result.updates;
        (result.slots ?? own).forEach((tensors, i) => next[i]!.push(...tensors));
        firstScalar += counts[l]!;
      });
      return { parameters: parameters.map((p, i) => add(p, updates[i]!)), slots: next };
    },
  });
}
