/** AdamW over some parameters, within a traced step of one's own. */
import { Variable, zeros, type Parameter, type Tensor } from "@ermine/core";
import { adamw, type Optimizer } from "@ermine/trainer";
import { adamwOptions } from "../task.js";

export interface AdamwOver {
  readonly optimizer: Optimizer;
  /** Writes the parameters and the slots as they are after the step. */
  apply(gradients: readonly Tensor[], scalars: Tensor): void;
}

export function adamwOver(parameters: readonly Parameter[]): AdamwOver {
  const optimizer = adamw(adamwOptions);
  const slots = parameters.map((p) =>
    Object.values(optimizer.slots(p.shape)).map((slot) => new Variable(zeros(slot.shape), { trainable: false })),
  );
  return {
    optimizer,
    apply(gradients, scalars) {
      const state = { parameters: parameters.map((p) => p.value), slots: slots.map((own) => own.map((slot) => slot.value)) };
      const next = optimizer.update(state, gradients, scalars);
      parameters.forEach((p, i) => {
        p.value = next.parameters[i]!;
        slots[i]!.forEach((slot, k) => (slot.value = next.slots[i]![k]!));
      });
    },
  };
}
