/** A model in the mode that something needs, and then again in its own. */
import type { Module } from "@ermine/core/nn";

/** Runs fn with the model as in training or as in evaluation; each of its modules has its mode back after it, also where fn throws. */
export function inMode<T>(model: Module, mode: "train" | "eval", fn: () => T): T {
  const before = model.namedModules().map(([, module]) => [module, module.training] as const);
  try {
    model.train(mode === "train");
    return fn();
  } finally {
    for (const [module, training] of before) if (module.training !== training) module.training = training;
  }
}
