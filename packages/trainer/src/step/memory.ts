/** The optimizer's slots of every parameter, and the groups of those that are trained now. */
import {
  type Backend,
  full,
  keep,
  mul,
  stopGradient,
  tensor,
  Variable,
  withBackend,
  zeros,
  type Parameter,
  type Tensor,
} from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import { assignGroups, type OptimizerSetup } from "../optimizers/groups.js";
import type { Optimizer, Slot } from "../optimizers/optimizer.js";

export interface GroupState {
  readonly optimizer: Optimizer;
  readonly parameters: readonly Parameter[];
  /** The parameters' names in the model. */
  readonly names: readonly string[];
  /** For each parameter its slots, in the optimizer's order. */
  readonly slots: readonly (readonly Variable[])[];
  readonly firstScalar: number;
  /** Updates that went by without these parameters: before they were thawed. */
  readonly missed: number;
}

/** A parameter's slots, and how many of the first `step` updates it has missed; where it is not trained, since which one. */
export interface Kept {
  readonly slots: readonly Variable[];
  readonly missed: number;
  since?: number;
}

/** The name of the variable that a parameter's slot is. */
export const slotName = (parameter: string, slot: string): string => `optimizer.${parameter}.${slot}`;

/** Slots of every parameter that was ever trained: a frozen layer finds its own again when it is thawed. */
export class OptimizerMemory {
  readonly #kept = new Map<Parameter, Kept>();

  /** What there is of each parameter that was ever trained. */
  get kept(): ReadonlyMap<Parameter, Readonly<Kept>> {
    return this.#kept;
  }

  /** Puts others in the place of what there is, which is freed. */
  replace(kept: ReadonlyMap<Parameter, Kept>): void {
    this.dispose();
    for (const [parameter, one] of kept) this.#kept.set(parameter, one);
  }

  /** The groups at this step: a group for each optimizer and number of updates missed. */
  groups(model: Module, setup: OptimizerSetup, step: number): GroupState[] {
    const assigned = assignGroups(model, setup);
    // Who is there from the beginning has missed nothing, also where training is taken up at a later step.
    const begun = this.#kept.size === 0 ? 0 : step;
    const trained = new Set(assigned.flatMap(({ parameters }) => parameters.map(([, p]) => p)));
    for (const [parameter, kept] of this.#kept) if (!trained.has(parameter)) kept.since ??= step;
    let firstScalar = 0;
    return assigned.flatMap(({ optimizer, parameters }) => {
      const parts = new Map<number, { names: string[]; parameters: Parameter[]; slots: (readonly Variable[])[] }>();
      for (const [name, parameter] of parameters) {
        const { slots, missed } = this.#take(name, parameter, optimizer, step, begun);
        const part = parts.get(missed) ?? { names: [], parameters: [], slots: [] };
        part.names.push(name);
        part.parameters.push(parameter);
        part.slots.push(slots);
        parts.set(missed, part);
      }
      return [...parts].map(([missed, part]): GroupState => {
        firstScalar += optimizer.scalarCount;
        return { optimizer, ...part, firstScalar: firstScalar - optimizer.scalarCount, missed };
      });
    });
  }

  #take(name: string, parameter: Parameter, optimizer: Optimizer, step: number, begun: number): Kept {
    const known = this.#kept.get(parameter);
    if (known !== undefined) {
      const missed = known.missed + (known.since === undefined ? 0 : step - known.since);
      const kept = { slots: known.slots, missed };
      this.#kept.set(parameter, kept);
      return kept;
    }
    const slots = Object.entries(optimizer.slots(parameter.shape)).map(
      ([slot, how]) =>
        new Variable(initial(parameter, how), {
          name: slotName(name, slot),
          trainable: false,
          role: slot === optimizer.average ? "average" : "slot",
        }),
    );
    const kept = { slots, missed: begun };
    this.#kept.set(parameter, kept);
    return kept;
  }

  /** What there is now. @returns goes back to it, and frees the slots that were made since */
  mark(): () => void {
    const before = new Map([...this.#kept].map(([parameter, kept]) => [parameter, { ...kept }]));
    return () => {
      for (const [parameter, { slots }] of this.#kept) if (!before.has(parameter)) for (const slot of slots) slot.value.dispose();
      this.#kept.clear();
      for (const [parameter, kept] of before) this.#kept.set(parameter, kept);
    };
  }

  dispose(): void {
    for (const { slots } of this.#kept.values()) for (const slot of slots) slot.value.dispose();
    this.#kept.clear();
  }
}

/** Do they train the same parameters in the same way? */
export const sameGroups = (a: readonly GroupState[], b: readonly GroupState[]): boolean =>
  a.length === b.length &&
  a.every((group, i) => {
    const other = b[i]!;
    return (
      group.optimizer === other.optimizer &&
      group.missed === other.missed &&
      group.parameters.length === other.parameters.length &&
      group.parameters.every((p, k) => p === other.parameters[k])
    );
  });

function initial(parameter: Parameter, { start, shape }: Slot): Tensor {
  if (start === 0) return zeros(shape);
  if (typeof start === "number") return full(shape, start);
  const { value } = parameter;
  const backend = value.state.kind === "eager" ? value.state.backend : undefined;
  if (backend === undefined) return tensor(value.dataSync(), { shape });
  // Copied where it lies: the backend may answer later.
  return withBackend(backend as Backend, () => keep(mul(stopGradient(value), 1)));
}
