/** What the trainer keeps beside the model: optimizer slots, and where each group's scalars stand in the fed vector. */
import { tensor, Variable, zeros, full, type Parameter, type Tensor } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
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
export function stepScalars(groups: readonly GroupState[], time: Time): Float32Array {
  const numbers = groups.flatMap(({ optimizer }) => [...optimizer.scalars(time)]);
  return Float32Array.from(numbers.length === 0 ? [0] : numbers);
}
