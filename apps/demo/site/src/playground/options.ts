/** What can be chosen in the playground. Activations, optimizers and schedules are those that core and the trainer export, as far as they fit a network of plain layers. */
import {
  bceWithLogits,
  crossEntropy,
  focal,
  huber,
  l1,
  logCosh,
  mse,
  multiMargin,
  smoothL1,
  type Activation,
} from "@ermine/core";
import { activations } from "@ermine/core/catalog";
import { activationModule, PReLU, type Layer } from "@ermine/core/nn";
import { schedules, type Rate } from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import type { DefinedLoss } from "@ermine/trainer";
import type { Samples } from "../../../src/experiments/dataSets.js";

/** Activations that work element by element: a hidden layer keeps its width. */
export const hiddenActivations: readonly string[] = activations.flatMap(({ name, activation }) =>
  "defaults" in activation && "axis" in activation.defaults ? [] : [name],
);

/** The layer of an activation. */
export function activationLayer(name: string): Layer {
  const entry = activations.find((each) => each.name === name)!;
  return "defaults" in entry.activation ? new (activationModule(entry.activation as Activation))() : new PReLU();
}

/** How a loss sees the data: class indices, one 0 or 1 for each class, or values. */
export type TargetKind = "indices" | "labels" | "values";

/** A loss of the playground. */
export interface LossChoice {
  readonly name: string;
  readonly loss: DefinedLoss;
  readonly target: TargetKind;
  readonly task: Samples["task"];
}

const choice = (name: string, loss: DefinedLoss, target: TargetKind): LossChoice => ({
  name,
  loss,
  target,
  task: target === "values" ? "values" : "classes",
});

/** Losses by the name that a link has. */
export const lossChoices: readonly LossChoice[] = [
  choice("crossEntropy", crossEntropy, "indices"),
  choice("focal", focal, "indices"),
  choice("multiMargin", multiMargin, "indices"),
  choice("bceWithLogits", bceWithLogits, "labels"),
  choice("squaredError", mse, "labels"),
  choice("mse", mse, "values"),
  choice("l1", l1, "values"),
  choice("huber", huber.with({ delta: 0.3 }), "values"),
  choice("smoothL1", smoothL1.with({ beta: 0.3 }), "values"),
  choice("logCosh", logCosh, "values"),
];

/** The optimizers that update any parameter: one of looked-up rows alone would never move here. */
export const optimizerNames: readonly string[] = Object.entries(optimizers).flatMap(([name, make]) =>
  make().rows === "only" ? [] : [name],
);

/** The schedules of the playground, from the learning rate and the updates that they take. */
const scheduleMakers: Readonly<Record<string, (learningRate: number, updates: number) => Rate>> = {
  constant: (learningRate) => learningRate,
  cosine: (learningRate, updates) =>
    schedules.warmupCosine(learningRate, { warmupSteps: Math.max(1, Math.round(updates / 20)), totalSteps: updates }),
  linear: (learningRate, updates) => schedules.polynomial(learningRate, { totalSteps: updates }),
  exponential: (learningRate, updates) => schedules.exponential(learningRate, { gamma: schedulesGamma(updates) }),
  step: (learningRate, updates) => schedules.step(learningRate, { stepSize: Math.max(1, Math.round(updates / 4)), gamma: 0.3 }),
  oneCycle: (learningRate, updates) => schedules.oneCycle(learningRate, { totalSteps: Math.max(10, updates) }),
  warmRestarts: (learningRate, updates) =>
    schedules.cosineWarmRestarts(learningRate, { firstCycleSteps: Math.max(1, Math.round(updates / 4)) }),
};

/** The factor of an update that leaves a hundredth after all of them. */
const schedulesGamma = (updates: number): number => 1 - 4.6 / Math.max(updates, 10);

export const scheduleNames: readonly string[] = Object.keys(scheduleMakers);

export const rateOf = (schedule: string, learningRate: number, updates: number): Rate =>
  scheduleMakers[schedule]!(learningRate, updates);
