/** What the experiments have in common: networks of plain layers, trained on samples, and how good they are. */
import { currentBackend, manualSeed, scope, tensor, type Tensor } from "@ermine/core";
import { Linear, Sequential, type Layer, type Module } from "@ermine/core/nn";
import { dataset, Trainer, type AnyLoss, type Dataset, type OptimizerSetup, type Regularizer } from "@ermine/trainer";
import type { Samples } from "./dataSets.js";

/** Linear layers of these widths with an activation between them. Its starting values follow from the seed. */
export function network(widths: readonly number[], activation: (() => Layer) | undefined, seed: number): Sequential {
  manualSeed(seed);
  return new Sequential(
    ...widths.slice(1).flatMap((width, i): Layer[] => {
      const linear = new Linear(widths[i]!, width);
      return i < widths.length - 2 && activation !== undefined ? [linear, activation()] : [linear];
    }),
  );
}

/** Classes as indices; values as they are. */
export function asDataset({ task, inputs, targets }: Samples): Dataset {
  const count = targets.length;
  const columns = inputs.length / count;
  return dataset({
    inputs: { data: inputs, shape: [count, columns] },
    targets: task === "classes" ? { data: Int32Array.from(targets), shape: [count] } : { data: targets, shape: [count, 1] },
  });
}

/** What a training is made of. */
export interface TrainingOptions {
  readonly model: Module & { forward(...inputs: never[]): unknown };
  readonly data: Dataset;
  readonly loss: AnyLoss;
  readonly optimizer: OptimizerSetup;
  readonly epochs: number;
  readonly batchSize?: number;
  readonly regularizers?: readonly Regularizer[];
  readonly seed: number;
}

/** Trains, and gives the mean loss of each epoch. */
export async function train({
  model,
  data,
  loss,
  optimizer,
  epochs,
  batchSize = 32,
  regularizers = [],
  seed,
}: TrainingOptions): Promise<number[]> {
  const trainer = new Trainer({ model, loss, optimizer, regularizers, backend: currentBackend(), seed });
  try {
    const { epochs: logs } = await trainer.fit(data, { epochs, batchSize });
    return logs.map(({ loss: mean }) => mean!);
  } finally {
    trainer.dispose();
  }
}

/** Inputs of samples as a tensor (N, columns). */
export const inputsOf = ({ inputs, targets }: Samples): Tensor<"real"> =>
  tensor(inputs, { shape: [targets.length, inputs.length / targets.length] });

/** What the model gives for samples, row by row. */
export const outputsOf = (model: Layer, samples: Samples): Float32Array =>
  scope(() => Float32Array.from(model.eval().forward(inputsOf(samples)).dataSync()));

/** The share of samples whose class has the largest output. */
export function accuracyOf(model: Layer, samples: Samples): number {
  const outputs = outputsOf(model, samples);
  const { targets, classes } = samples;
  let right = 0;
  targets.forEach((target, row) => {
    const rowOutputs = outputs.subarray(row * classes, (row + 1) * classes);
    if (rowOutputs.indexOf(Math.max(...rowOutputs)) === target) right++;
  });
  return right / targets.length;
}

export const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
