/** A small training that writes checkpoints into a folder of a disk in memory. */
import { crossEntropy, manualSeed } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adamw,
  dataset,
  earlyStopping,
  exponentialAverage,
  Trainer,
  type Callback,
  type FitOptions,
  type TrainingSnapshot,
} from "../src/index.js";
import type { CheckpointCallback } from "../src/checkpoint.js";
import { checkpoint, readCheckpoint, type CheckpointOptions } from "../src/checkpoint/node.js";
import { Disk, folder } from "./disk.js";
import { recorder, type Options } from "./resumed.js";

export const count = 22;
export const x = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * 1.3));
export const y = Int32Array.from({ length: count }, (_, i) => (i * 7) % 2);
export const data = () => dataset({ inputs: { data: x, shape: [count, 3] }, targets: y });
export const make = (precision: "float32" | "float64" = "float64"): Trainer => {
  const model = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new ReLU(), new Dropout(0.3), new Linear(4, 2));
  return new Trainer({
    model,
    loss: crossEntropy,
    optimizer: exponentialAverage(adamw()),
    backend: reference({ precision }),
    seed: 4,
  });
};
export const options =
  (
    callbacks: () => readonly Callback<"valLoss">[] = () => [recorder(), earlyStopping({ monitor: "valLoss", patience: 9 })],
  ): Options =>
  () =>
    ({ epochs: 3, batchSize: 4, validation: data(), notice: () => undefined, callbacks: callbacks() }) as ReturnType<Options>;

/** A snapshot in the middle of the second epoch. */
export async function someSnapshot(): Promise<TrainingSnapshot> {
  const disk = new Disk();
  manualSeed(1);
  await make().fit(data(), {
    ...options()(),
    callbacks: [...options()().callbacks!, ending(9), checkpoint({ folder, fileSystem: disk })],
  } as FitOptions<never, never>);
  return readCheckpoint(folder, { fileSystem: disk });
}
export const ending = (updates: number): Callback => {
  let updatesTaken = 0;
  return { name: "ending", state: () => null, onStep: (_, control) => void (++updatesTaken === updates && control.interrupt()) };
};

export const saves = (disk: Disk, more: Partial<CheckpointOptions<"valLoss">> = {}): CheckpointCallback<"valLoss"> =>
  checkpoint<"valLoss">({ folder, fileSystem: disk, ...more });

/** Trains with checkpoints on a disk, from the newest one where there is one. */
export async function train(
  disk: Disk,
  more: { save?: Partial<CheckpointOptions<"valLoss">>; end?: number; fit?: Partial<FitOptions<never, never>> } = {},
) {
  manualSeed(disk.names.length === 0 ? 1 : 99);
  const trainer = make();
  const save = saves(disk, more.save);
  const notices: string[] = [];
  const callbacks = [recorder(), ...(more.end === undefined ? [] : [ending(more.end)]), save];
  const history = await trainer.fit(data(), {
    ...options(() => [])(),
    notice: (text: string) => void notices.push(text),
    callbacks,
    resume: save,
    ...more.fit,
  } as FitOptions<never, never>);
  return { trainer, history, notices };
}
export const checkpoints = (disk: Disk): string[] => disk.names.filter((name) => name !== "lock.json");
