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
  /** Do tables that are only looked up in take steps on the looked-up rows alone? */
  readonly lazy: boolean;
  readonly parameters: readonly Parameter[];
  /** The parameters' names in the model. */
  readonly names: readonly string[];
  /** For each parameter its slots, in the optimizer's order. */
  readonly slots: readonly (readonly Variable[])[];
  readonly firstScalar: number;
  /** Updates that went by without these parameters: before they were thawed. */
  readonly skippedSteps: number;
}

/** Would a step on the whole table be another one? */
export const movesLookedUpRowsAlone = ({ optimizer, lazy }: Pick<GroupState, "optimizer" | "lazy">): boolean =>
  optimizer.rows === "only" || (lazy && optimizer.rows === undefined);

/** A parameter's slots, and how many of the first `step` updates it took no part in; where it is frozen, since which one. */
export interface ParameterState {
  readonly slots: readonly Variable[];
  readonly skippedSteps: number;
  since?: number;
}

/** The name of the variable that a parameter's slot is. */
export const slotName = (parameter: string, slot: string): string => `optimizer.${parameter}.${slot}`;

/** Slots of every parameter that was ever trained: a frozen layer finds its own again when it is thawed. */
export class OptimizerState {
  readonly #states = new Map<Parameter, ParameterState>();

  /** The state of each parameter that was ever trained. */
  get states(): ReadonlyMap<Parameter, Readonly<ParameterState>> {
    return this.#states;
  }

  /** Frees all states, and takes these in their place. */
  replace(states: ReadonlyMap<Parameter, ParameterState>): void {
    this.dispose();
    for (const [parameter, state] of states) this.#states.set(parameter, state);
  }

  /** The groups at this step: a group for each optimizer and number of skipped steps. */
  groups(model: Module, setup: OptimizerSetup, step: number): GroupState[] {
    const assigned = assignGroups(model, setup);
    // A parameter that is there from the beginning has skipped no steps, also where training is resumed at a later one.
    const firstStep = this.#states.size === 0 ? 0 : step;
    const trained = new Set(assigned.flatMap(({ parameters }) => parameters.map(([, p]) => p)));
    for (const [parameter, state] of this.#states) if (!trained.has(parameter)) state.since ??= step;
    let firstScalar = 0;
    return assigned.flatMap(({ optimizer, lazy, parameters }) => {
      const bySkippedSteps = new Map<number, { names: string[]; parameters: Parameter[]; slots: (readonly Variable[])[] }>();
      for (const [name, parameter] of parameters) {
        const { slots, skippedSteps } = this.#take(name, parameter, optimizer, step, firstStep);
        const group = bySkippedSteps.get(skippedSteps) ?? { names: [], parameters: [], slots: [] };
        group.names.push(name);
        group.parameters.push(parameter);
        group.slots.push(slots);
        bySkippedSteps.set(skippedSteps, group);
      }
      return [...bySkippedSteps].map(([skippedSteps, group]): GroupState => {
        firstScalar += optimizer.scalarCount;
        return { optimizer, lazy, ...group, firstScalar: firstScalar - optimizer.scalarCount, skippedSteps };
      });
    });
  }

  #take(name: string, parameter: Parameter, optimizer: Optimizer, step: number, firstStep: number): ParameterState {
    const current = this.#states.get(parameter);
    if (current !== undefined) {
      const skippedSteps = current.skippedSteps + (current.since === undefined ? 0 : step - current.since);
      const trained = { slots: current.slots, skippedSteps };
      this.#states.set(parameter, trained);
      return trained;
    }
    const slots = Object.entries(optimizer.slots(parameter.shape)).map(
      ([slot, slotSpec]) =>
        new Variable(initial(parameter, slotSpec), {
          name: slotName(name, slot),
          trainable: false,
          role: slot === optimizer.average ? "average" : "slot",
        }),
    );
    const state = { slots, skippedSteps: firstStep };
    this.#states.set(parameter, state);
    return state;
  }

  /** Notes the states as they are. @returns restores them, and frees the slots that were made since */
  mark(): () => void {
    const before = new Map([...this.#states].map(([parameter, state]) => [parameter, { ...state }]));
    return () => {
      for (const [parameter, { slots }] of this.#states)
        if (!before.has(parameter)) for (const slot of slots) slot.value.dispose();
      this.#states.clear();
      for (const [parameter, state] of before) this.#states.set(parameter, state);
    };
  }

  dispose(): void {
    for (const { slots } of this.#states.values()) for (const slot of slots) slot.value.dispose();
    this.#states.clear();
  }
}

/** Do they train the same parameters in the same way? */
export const sameGroups = (a: readonly GroupState[], b: readonly GroupState[]): boolean =>
  a.length === b.length &&
  a.every((group, i) => {
    const otherGroup = b[i]!;
    return (
      group.optimizer === otherGroup.optimizer &&
      group.skippedSteps === otherGroup.skippedSteps &&
      group.parameters.length === otherGroup.parameters.length &&
      group.parameters.every((p, k) => p === otherGroup.parameters[k])
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
