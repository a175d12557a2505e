/** Gradient transformations, and an optimizer spelled out as a chain of them, each taking updates to updates. */
import { add, ErmineError, type Tensor } from "@ermine/core";
import { checkArguments, checkDefinition, markCopy, show } from "@ermine/core/define";
import type { Rate, Time } from "../schedules/schedule.js";
import { shapedSlots, type Optimizer, type OptimizerState, type Slot, type SlotStart } from "./optimizer.js";
import { scalarTensors, type Scalars, type ScalarTensors } from "./scalars.js";

/** State of a link's update: parameters, names, slots and scalars. */
export interface TransformContext<S extends Scalars = Scalars> {
  /** The parameters' values, in the order of the updates. */
  readonly parameters: readonly Tensor[];
  /** The parameters' names in the model; their places in the list where nobody said any. */
  readonly names: readonly string[];
  /** The link's slots of each parameter, in the order of its plan. */
  readonly slots: readonly (readonly Tensor[])[];
  /** The link's scalars of this step. */
  readonly s: ScalarTensors<S>;
}

/** The slots of a link: the start of each, which has the parameter's shape unless it says another. */
export type SlotPlan = Readonly<Record<string, SlotStart | Slot>>;

/** One link: (init, update) of optax, and what changes from step to step by name. */
export interface GradientTransformation {
  /** For messages; part of the names of its slots. */
  readonly name: string;
  /** Suffix that identifies the ops its options select, for kernels of whole chains: links of one name and form have the same ops. Default "". */
  readonly form?: string;
  /** Slots of each parameter, by the parameter's shape. Default: nothing. */
  readonly slots?: SlotPlan | ((shape: readonly number[]) => SlotPlan);
  /** Values that change from step to step, in float64, fed to the compiled program: always the same names. Default: none. */
  scalars?(time: Time): Scalars;
  /** The new updates, and the new slots of each parameter. */
  update(
    updates: readonly Tensor[],
    context: TransformContext,
  ): { updates: readonly Tensor[]; slots?: readonly (readonly Tensor[])[] };
  /**
   * Are the new updates and slots finite wherever updates, parameters and slots are, and small enough to be squared? Where a link does not say so, the
   * trainer looks at every value that a step would write before it writes one. Default false.
   */
  readonly keepsFinite?: boolean;
  /** Does it treat each element by itself? Optimizers of such links alone may be `lazy` (see `ParameterGroup`). Default false. */
  readonly elementwise?: boolean;
  /** The learning rates and schedules that it reads, so that those which follow a metric have a state. Default: none. */
  readonly rates?: readonly Rate[];
  /** The learning rate, of the link that scales by it: what a training logs. Default: it has none. */
  readonly learningRate?: Rate;
}

/** A link that looks at one parameter at a time. */
export interface ParameterTransformation<S extends Scalars = Scalars> extends Pick<
  GradientTransformation,
  "name" | "form" | "slots" | "keepsFinite" | "elementwise" | "rates" | "learningRate"
> {
  /** Values that change from step to step, by name: always the same names. Default: none. */
  scalars?(time: Time): S;
  /** The new update of a parameter, followed by its new slots; `s` are the scalars of this step, by their names. */
  update(
    u: Tensor,
    at: { readonly p: Tensor; readonly name: string; readonly slots: readonly Tensor[]; readonly s: ScalarTensors<S> },
  ): readonly [update: Tensor, ...slots: Tensor[]];
}

const parts = {
  name: "string",
  form: "string",
  slots: ["object", "function"],
  rates: "list",
  learningRate: ["number", "object"],
  scalars: "function",
  keepsFinite: "boolean",
  elementwise: "boolean",
  update: "function",
} as const;

/**
 * A link that treats each parameter by itself, from its update, its value and its slots.
 *
 * @example const half = perParameter({ name: "half", update: (u) => [mul(u, 0.5)] });
 */
/* @__NO_SIDE_EFFECTS__ */
export function perParameter<S extends Scalars = Scalars>(definition: ParameterTransformation<S>): GradientTransformation {
  if (arguments.length > 1) checkArguments("perParameter", arguments, 1);
  checkDefinition<ParameterTransformation<S>>("perParameter", definition, parts, ["name", "update"]);
  const { update, ...link } = definition;
  return {
    ...link,
    update(updates, { parameters, names, slots, s }) {
      const results = updates.map((u, i) =>
        update(u, { p: parameters[i]!, name: names[i]!, slots: slots[i]!, s: s as ScalarTensors<S> }),
      );
      return { updates: results.map(([u]) => u), slots: results.map(([, ...next]) => next) };
    },
  };
}

/** @internal The slots of a link for a parameter of that shape. */
export const slotsOf = ({ slots = {} }: GradientTransformation, shape: readonly number[]): Readonly<Record<string, Slot>> =>
  shapedSlots(typeof slots === "function" ? slots(shape) : slots, shape);

/** @internal @throws ErmineError ERMINE_OPTION where it is no link */
export function checkLink(where: string, link: unknown): asserts link is GradientTransformation {
  if (typeof (link as Partial<GradientTransformation> | null | undefined)?.update === "function") return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where} takes gradient transformations, got ${show(link)}. Write chain(scaleByAdam(), scaleByLearningRate(1e-3)).`,
  );
}

/** @internal Do all of them keep values finite? */
export const allKeepFinite = (links: readonly GradientTransformation[]): boolean =>
  links.every(({ keepsFinite = false }) => keepsFinite);

/** @internal Do all of them treat each element by itself? */
export const areElementwise = (links: readonly GradientTransformation[]): boolean =>
  links.every(({ elementwise = false }) => elementwise);

/** @internal Links with the names of their scalars, which lie one after the other in a step's vector. */
export interface LinkedScalars {
  readonly count: number;
  /** For each link. */
  readonly names: readonly (readonly string[])[];
  /** The values of a step. */
  at(time: Time): readonly number[];
}

/** @internal */
export function linkedScalars(links: readonly GradientTransformation[]): LinkedScalars {
  const names = links.map((link) => Object.keys(link.scalars?.({ step: 0, epoch: 0 }) ?? {}));
  return {
    count: names.reduce((total, list) => total + list.length, 0),
    names,
    at(time) {
      const values: number[] = [];
      // Evaluated at each step: in the order of the record's names, which is always the same.
      for (let l = 0; l < links.length; l++) {
        const scalars = links[l]!.scalars?.(time);
        for (const name in scalars) values.push(scalars[name]!);
      }
      return values;
    },
  };
}

/** @internal The links' updates, one after the other, added to the parameters; the slots are those of all links in their order. */
export function takeSteps(
  links: readonly GradientTransformation[],
  scalarNames: readonly (readonly string[])[],
  { parameters, slots, names = parameters.map((_, i) => String(i)) }: OptimizerState,
  gradients: readonly Tensor[],
  vector: Tensor,
): OptimizerState {
  let updates = gradients;
  let firstScalar = 0;
  const firstSlots = parameters.map(() => 0);
  const next: Tensor[][] = parameters.map(() => []);
  links.forEach((link, l) => {
    const linkSlots = slots.map((tensors, i) => {
      const width = Object.keys(slotsOf(link, parameters[i]!.shape as readonly number[])).length;
      return tensors.slice(firstSlots[i]!, (firstSlots[i]! += width));
    });
    const s = scalarTensors(vector, scalarNames[l]!, firstScalar);
    const result = link.update(updates, { parameters, names, slots: linkSlots, s });
    updates = result.updates;
    (result.slots ?? linkSlots).forEach((tensors, i) => next[i]!.push(...tensors));
    firstScalar += scalarNames[l]!.length;
  });
  return { parameters: parameters.map((p, i) => add(p, updates[i]!)), slots: next };
}

/**
 * The links' updates, one after the other, added to the parameters. The last link is usually `scaleByLearningRate`, which turns
 * the sign. Decoupled weight decay and L2 differ by the place of `addDecayedWeights`: after or before the adaptive scaling.
 * On cpu the steps of a chain's elementwise links are fused: a block of elements goes through all of them.
 *
 * @example chain(clipByGlobalNorm(1), scaleByAdam(), addDecayedWeights(0.01), scaleByLearningRate(1e-3))   // adamw, clipped
 */
export function chain(...links: readonly GradientTransformation[]): Optimizer {
  if (links.length === 0) throw new ErmineError("ERMINE_OPTION", "chain needs at least one gradient transformation.");
  for (const link of links) checkLink("chain", link);
  const scalars = linkedScalars(links);
  const learningRate = links.findLast((link) => link.learningRate !== undefined)?.learningRate;
  return markCopy<Optimizer>("optimizer", {
    name: `chain(${links.map((link) => link.name).join(", ")})`,
    options: { links: links.map((link) => link.name), ...(learningRate === undefined ? {} : { learningRate }) },
    slots: (shape) =>
      Object.fromEntries(
        links.flatMap((link, i) => Object.entries(slotsOf(link, shape)).map(([key, slot]) => [`${i}.${key}`, slot])),
      ),
    keepsFinite: allKeepFinite(links),
    elementwise: areElementwise(links),
    scalarCount: scalars.count,
    scalars: scalars.at,
    rates: links.flatMap((link) => link.rates ?? []),
    update: (state, gradients, vector) => takeSteps(links, scalars.names, state, gradients, vector),
  });
}
