/** All that training changes: how far it is, the model's variables, the optimizer's slots, the gradients that are being summed. */
import { tensor, Variable, zeros, full, type Tensor } from "@ermine/core";
import { Parameter, type Module } from "@ermine/core/nn";
import { assignGroups, type OptimizerSetup } from "../optimizers/groups.js";
import type { Optimizer } from "../optimizers/definition.js";
import type { Time } from "../schedules/schedule.js";

export interface GroupState {
  readonly optimizer: Optimizer;
  readonly parameters: readonly Parameter[];
  /** For each parameter its slots, in the optimizer's order. */
  readonly slots: readonly (readonly Variable[])[];
  readonly firstScalar: number;
}

/** Slots for every trainable parameter, named `optimizer.<parameter>.<slot>`. */
export function groupStates(model: Module, setup: OptimizerSetup): GroupState[] {
  let next = 0;
  return assignGroups(model, setup).map(({ optimizer, parameters }) => {
    const firstScalar = next;
    next += optimizer.scalarCount;
    const slots = parameters.map(([name, parameter]) =>
      Object.entries(optimizer.slots).map(
        ([slot, start]) => new Variable(initial(parameter, start), { name: `optimizer.${name}.${slot}`, trainable: false }),
      ),
    );
    return { optimizer, parameters: parameters.map(([, p]) => p), slots, firstScalar };
  });
}

function initial(parameter: Parameter, start: number | "parameter"): Tensor {
  const shape = parameter.shape;
  if (start === 0) return zeros(shape);
  if (typeof start === "number") return full(shape, start);
  return tensor(parameter.eagerValue().dataSync(), { shape });
}

/** The numbers that this step feeds, in one vector; at least one, so that the feed is never empty. */
function stepScalars(groups: readonly GroupState[], time: Time): Float32Array {
  const numbers = groups.flatMap(({ optimizer }) => [...optimizer.scalars(time)]);
  return Float32Array.from(numbers.length === 0 ? [0] : numbers);
}

/** The sums that an update's micro-batches add to, before it is taken: Σ ∇value for each parameter, and [Σ value, Σ normalizer]. */
export interface Accumulated {
  readonly gradients: readonly Variable[];
  readonly totals: Variable;
}

export class TrainingState {
  /** Updates taken so far. */
  step = 0;
  /** Epochs ended so far. */
  epoch = 0;
  /** The model's variables that a forward changes by itself (running means). */
  readonly buffers: readonly Variable[];
  readonly #model: Module;
  readonly #optimizer: OptimizerSetup;
  #groups: readonly GroupState[] | undefined;
  #accumulated: Accumulated | undefined;

  constructor(model: Module, optimizer: OptimizerSetup) {
    this.#model = model;
    this.#optimizer = optimizer;
    this.buffers = model.namedVariables().flatMap(([, v]) => (v instanceof Parameter ? [] : [v]));
  }

  /** Parameters with their optimizer and its slots; none before `begin()`. */
  get groups(): readonly GroupState[] {
    return this.#groups ?? [];
  }

  /** Makes the optimizer's slots, where they are not there yet. */
  begin(): readonly GroupState[] {
    return (this.#groups ??= groupStates(this.#model, this.#optimizer));
  }

  /** The sums of an update in several parts, made when they are first asked for. */
  accumulated(): Accumulated {
    const make = (shape: readonly number[], name: string): Variable =>
      new Variable(zeros(shape), { name: `accumulated.${name}`, trainable: false });
    return (this.#accumulated ??= {
      gradients: this.groups.flatMap(({ parameters }) => parameters.map((p) => make(p.shape, p.name))),
      totals: make([2], "totals"),
    });
  }

  /** How long the vector of fed scalars is. */
  get scalarCount(): number {
    return Math.max(
      1,
      this.groups.reduce((total, { optimizer }) => total + optimizer.scalarCount, 0),
    );
  }

  /** What this step feeds for its optimizers. */
  scalars(): Float32Array {
    return stepScalars(this.groups, { step: this.step, epoch: this.epoch });
  }

  /** Frees the slots; training begins anew, from the parameters as they are. */
  dispose(): void {
    for (const { slots } of this.groups) for (const slot of slots.flat()) slot.value.dispose();
    this.#groups = undefined;
    this.step = 0;
    this.epoch = 0;
  }
}
