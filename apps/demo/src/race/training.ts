/** One training on the digits that tells how it goes: in a worker of the page, and in one of the server's. */
import { crossEntropy, type Backend } from "@ermine/core";
import { dataset, Trainer, type Dataset } from "@ermine/trainer";
import { find, optimizers } from "@ermine/trainer/catalog";
import { buildModel, inputShape } from "../models.js";
import type { DigitSet } from "./digitSet.js";
import type { Choices, TrainingMessage, Weights } from "./messages.js";
import { reportOf } from "./report.js";

/** Of the split, of starting values and of the order of batches: all of a race train the same. */
export const seed = 0;

const batchSize = 64;

/** Milliseconds between two messages of steps. */
const interval = 100;

/** @throws ErmineError ERMINE_OPTION for an activation or an optimizer that there is not */
export function digitsTrainer(choices: Choices, backend: Backend): Trainer {
  const model = buildModel(choices.model, { hidden: 128, filters: [8, 16], activation: choices.activation, seed });
  const optimizer = find("optimizer", optimizers, choices.optimizer)({ learningRate: choices.learningRate });
  return new Trainer({ model, loss: crossEntropy, optimizer, backend, seed });
}

export const asDataset = ({ images, labels }: DigitSet, model: Choices["model"]): Dataset =>
  dataset({
    inputs: { data: images, shape: [labels.length, ...inputShape(model)] },
    targets: { data: labels, shape: [labels.length] },
  });

/** The model's variables; nine digits say a float32 exactly. */
export async function weightsOf(trainer: Trainer): Promise<Weights> {
  const state = await trainer.model.stateDict();
  return Object.fromEntries(
    Object.entries(state).map(([name, { shape, dtype, data }]) => [
      name,
      {
        shape: shape as readonly number[],
        dtype,
        data: Array.from(data as Float32Array, (value) => Number(value.toPrecision(9))),
      },
    ]),
  );
}

/**
 * Trains, and tells of steps and epochs.
 *
 * @param options.sendWeights tell the model after each epoch, too
 * @returns why it ended
 * @throws ErmineError ERMINE_NOT_FINITE where the loss explodes
 */
export async function trainDigits(
  trainer: Trainer,
  choices: Choices,
  digits: { readonly training: DigitSet; readonly test: DigitSet },
  { signal, tell, sendWeights }: { signal: AbortSignal; tell(message: TrainingMessage): void; sendWeights: boolean },
): Promise<string> {
  const test = asDataset(digits.test, choices.model);
  const began = performance.now();
  const since = (): number => (performance.now() - began) / 1000;
  let [told, sum, count] = [began, 0, 0];
  // Of the epoch that runs: its time is training alone, without the looks at the test digits.
  let [epochBegan, epochSteps] = [began, 0];
  const tellSteps = (): void => {
    if (count === 0) return;
    const now = performance.now();
    tell({
      type: "steps",
      losses: [{ seconds: since(), loss: sum / count }],
      stepsPerSecond: (1000 * epochSteps) / Math.max(1, now - epochBegan),
    });
    [told, sum, count] = [now, 0, 0];
  };
  const { stopped } = await trainer.fit(asDataset(digits.training, choices.model), {
    epochs: choices.epochs,
    batchSize,
    signal,
    notice: () => {},
    callbacks: [
      {
        name: "race",
        onStep: ({ loss }) => {
          sum += loss;
          count++;
          epochSteps++;
          if (performance.now() - told > interval) tellSteps();
        },
        onEpochEnd: async ({ epoch, logs }) => {
          tellSteps();
          const seconds = since();
          const { data } = await trainer.predict(test, { as: "probabilities" });
          tell({
            type: "report",
            report: reportOf({ epoch, seconds, trainingLoss: logs["loss"]! }, data as Float32Array, digits.test),
          });
          if (sendWeights) tell({ type: "weights", choices, weights: await weightsOf(trainer) });
          [epochBegan, epochSteps] = [performance.now(), 0];
          told = epochBegan;
        },
      },
    ],
  });
  return stopped;
}
