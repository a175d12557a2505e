/** A small training of a classifier, and its data as a data set and as streams, for tests that interrupt and resume it. */
import { crossEntropy } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  adamw,
  dataset,
  Trainer,
  type DataSource,
  type FitOptions,
  type Sample,
  type TrainerOptions,
} from "../src/index.js";
import { recorder, type Make, type Options } from "./resumed.js";

export const count = 22;
export const x = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * 1.3));
export const y = Int32Array.from({ length: count }, (_, i) => (i * 7) % 2);
export const arrays = (): DataSource => dataset({ inputs: { data: x, shape: [count, 3] }, targets: y });
export const columns = { inputs: { shape: [3], dtype: "float32" }, targets: { shape: [], dtype: "int32" } } as const;
export function* samples(): Generator<Sample> {
  for (let i = 0; i < count; i++) yield { inputs: x.subarray(3 * i, 3 * i + 3), targets: y[i]! };
}
export async function* lateSamples(): AsyncGenerator<Sample> {
  for (const sample of samples()) {
    await new Promise((done) => setTimeout(done, 0));
    yield sample;
  }
}

export const network = (): Sequential =>
  new Sequential(new Linear(3, 6), new BatchNorm1d(6), new ReLU(), new Dropout(0.3), new Linear(6, 2));
export const maker =
  (options: Partial<TrainerOptions<string>> | (() => Partial<TrainerOptions<string>>) = {}): Make =>
  () => {
    const fixedOptions = {
      model: network(),
      loss: crossEntropy,
      optimizer: adamw({ learningRate: 0.05 }),
      backend: reference(),
      seed: 4,
    };
    const more = typeof options === "function" ? options() : options;
    return new Trainer<string>({ metrics: [accuracy()], ...fixedOptions, ...more }) as unknown as Trainer;
  };
export const options =
  (more: () => Partial<FitOptions<never, never>> = () => ({})): Options =>
  () => ({ epochs: 3, batchSize: 4, validation: arrays(), notice: () => undefined, callbacks: [recorder()], ...more() });
