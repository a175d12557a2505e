/** An optimizer's own steps, without a trainer: from parameters and gradients to the parameters after each step. */
import { full, scope, tensor, type Tensor } from "@ermine/core";
import type { Optimizer, Slot } from "../src/index.js";

const start = (p: Tensor, { start: value, shape }: Slot): Tensor =>
  value === "parameter" ? tensor(p.dataSync(), { shape }) : full(shape, value);

/** All slots of a parameter as they are at first, in the optimizer's order. */
export const startSlots = (optimizer: Optimizer, p: Tensor): Tensor[] =>
  Object.values(optimizer.slots(p.shape as number[])).map((slot) => start(p, slot));

/** @param watch what is returned of each step; default: the parameters */
export function steps(
  optimizer: Optimizer,
  initial: readonly Tensor[],
  gradients: readonly (readonly Tensor[])[],
  watch: (parameters: readonly Tensor[], slots: readonly (readonly Tensor[])[]) => readonly Tensor[] = (parameters) => parameters,
): number[][][] {
  let parameters = initial.map((p) => tensor(p.dataSync(), { shape: p.shape as number[] }));
  let slots = parameters.map((p) => startSlots(optimizer, p));
  return gradients.map((list, step) => {
    const scalars = tensor(Float32Array.from(optimizer.scalars({ step, epoch: 0 })));
    const next = scope(() => optimizer.update({ parameters, slots }, list, scalars));
    parameters = [...next.parameters];
    slots = next.slots.map((s) => [...s]);
    return watch(parameters, slots).map((p) => Array.from(p.dataSync()));
  });
}
