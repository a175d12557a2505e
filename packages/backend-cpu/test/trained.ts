/** A small training problem, the same in every test: three rings to tell apart, with dropout and a ragged last batch. */
import { crossEntropy, manualSeed, type TypedArray } from "@ermine/core";
import { Dropout, Linear, ReLU, Sequential, Tanh } from "@ermine/core/nn";
import { accuracy, adamw, dataset, Trainer, type Callback, type Dataset } from "@ermine/trainer";
import type { CpuBackend } from "../src/index.js";

/** Points of the square, evenly strewn, by the ring that they lie in. Products and sums only: the same numbers in every engine. */
export function rings(samples: number): Dataset {
  const inputs = new Float32Array(samples * 2);
  const targets = new Int32Array(samples);
  for (let i = 0; i < samples; i++) {
    const [x, y] = [2 * ((i * 0.7548776662) % 1) - 1, 2 * ((i * 0.5698402909) % 1) - 1];
    inputs.set([x, y], 2 * i);
    const square = x * x + y * y;
    targets[i] = square < 0.3 ? 0 : square < 0.8 ? 1 : 2;
  }
  return dataset({ inputs: { data: inputs, shape: [samples, 2] }, targets: { data: targets, shape: [samples] } });
}

export function ringsTrainer(backend: CpuBackend, { dropout = 0.1, seed = 0, hidden = [24, 16] } = {}) {
  const [first, second] = hidden as [number, number];
  manualSeed(seed);
  const model = new Sequential(
    new Linear(2, first),
    new ReLU(),
    new Dropout(dropout),
    new Linear(first, second),
    new Tanh(),
    new Linear(second, 3),
  );
  return new Trainer({
    model,
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.01 }),
    backend,
    metrics: [accuracy()],
    seed,
  });
}

/** The `fingerprint` after 100 steps with numerics "portable", in every engine. */
export const portableFingerprint = "4b0395911d64364eb27ef38fa2aa75b0bb5c026b6516f23ff043acd4ab97546b";

interface Training {
  readonly epochs?: number;
  readonly samples?: number;
  readonly batchSize?: number;
  readonly validate?: boolean;
  readonly callbacks?: Callback[];
  readonly seed?: number;
  readonly hidden?: number[];
}

/** Trains and gives a SHA-256 over all parameters' bits. */
export async function fingerprint(backend: CpuBackend, training: Training = {}): Promise<string> {
  const { epochs = 20, samples = 75, batchSize = 16, validate = false, callbacks = [], seed = 0, hidden = [24, 16] } = training;
  const trainer = ringsTrainer(backend, { seed, hidden });
  const data = rings(samples);
  await trainer.fit(data, { epochs, batchSize, callbacks, ...(validate ? { validation: rings(31) } : {}) });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const { data: numbers } of Object.values(await trainer.model.stateDict())) parts.push(Uint8Array.from(bytesOf(numbers)));
  trainer.dispose();
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** The same of a training whose steps are large enough for threads. */
export const wideFingerprint = (backend: CpuBackend): Promise<string> =>
  fingerprint(backend, { epochs: 8, samples: 300, batchSize: 128, hidden: [300, 200] });
