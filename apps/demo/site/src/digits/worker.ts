/** Trains on the digits, says how it goes, and reads what is drawn with the newest model. */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Conv2d, Flatten, Linear, MaxPool2d, Sequential } from "@ermine/core/nn";
import { dataset, Trainer, type Dataset } from "@ermine/trainer";
import { find, optimizers } from "@ermine/trainer/catalog";
import { activationLayer } from "../playground/options.js";
import { side, unpackDigits, type DigitSet } from "./digitData.js";
import packedAddress from "./generated/digits.bin?url";
import { initialChoices, type Choices, type FromWorker, type Hard, type Report, type ToWorker } from "./messages.js";

const classes = 10;
const seed = 0;
const shownHard = 12;

const post = (message: FromWorker): void => postMessage(message);

async function loadDigits(): Promise<{ readonly training: DigitSet; readonly test: DigitSet }> {
  const response = await fetch(packedAddress);
  if (!response.ok || response.body === null)
    throw new Error(`The digits could not be loaded (${response.status} ${response.statusText}).`);
  const unpacked = await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return unpackDigits(new Uint8Array(unpacked), seed);
}

const shapeOf = (model: Choices["model"]): number[] => (model === "mlp" ? [side * side] : [1, side, side]);

function buildModel({ model, activation }: Choices): Sequential {
  manualSeed(seed);
  const bend = () => activationLayer(activation);
  if (model === "mlp") return new Sequential(new Linear(side * side, 128), bend(), new Linear(128, classes));
  return new Sequential(
    new Conv2d(1, 8, 3, { padding: 1 }),
    bend(),
    new MaxPool2d(2),
    new Conv2d(8, 16, 3, { padding: 1 }),
    bend(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(16 * 7 * 7, classes),
  );
}

const asDataset = ({ images, labels }: DigitSet, model: Choices["model"]): Dataset =>
  dataset({
    inputs: { data: images, shape: [labels.length, ...shapeOf(model)] },
    targets: { data: labels, shape: [labels.length] },
  });

class Room {
  readonly #backend: CpuBackend;
  readonly #digits: { readonly training: DigitSet; readonly test: DigitSet };
  #choices: Choices = initialChoices;
  #trainer: Trainer;
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(backend: CpuBackend, digits: { readonly training: DigitSet; readonly test: DigitSet }) {
    this.#backend = backend;
    this.#digits = digits;
    this.#trainer = this.#make(initialChoices);
    post({ type: "ready", engine: backend.engine, training: digits.training.labels.length, test: digits.test.labels.length });
  }

  #make(choices: Choices): Trainer {
    this.#choices = choices;
    const optimizer = find("optimizer", optimizers, choices.optimizer)({ learningRate: choices.learningRate });
    return new Trainer({ model: buildModel(choices), loss: crossEntropy, optimizer, backend: this.#backend, seed });
  }

  /** A new training; the one that runs ends first. */
  async train(choices: Choices): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#trainer.dispose();
    this.#abort = new AbortController();
    this.#trainer = this.#make(choices);
    this.#running = this.#fit(this.#trainer, choices, this.#abort.signal);
  }

  stop(): void {
    this.#abort.abort();
  }

  async read(pixels: Float32Array): Promise<void> {
    const data = dataset({ inputs: { data: pixels, shape: [1, ...shapeOf(this.#choices.model)] } });
    const { data: logits } = await this.#trainer.predict(data);
    const { data: probabilities } = await this.#trainer.predict(data, { as: "probabilities" });
    post({ type: "answer", logits: [...logits], probabilities: [...probabilities] });
  }

  async #fit(trainer: Trainer, { epochs, model }: Choices, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const since = (): number => (performance.now() - began) / 1000;
    let losses: { seconds: number; loss: number }[] = [];
    let told = began;
    let sum = 0;
    let count = 0;
    const tell = (): void => {
      const now = performance.now();
      if (count > 0) losses.push({ seconds: since(), loss: sum / count });
      post({ type: "steps", losses, stepsPerSecond: count / ((now - told) / 1000) });
      [losses, told, sum, count] = [[], now, 0, 0];
    };
    try {
      const test = asDataset(this.#digits.test, model);
      const { stopped } = await trainer.fit(asDataset(this.#digits.training, model), {
        epochs,
        batchSize: 64,
        signal,
        notice: () => {},
        callbacks: [
          {
            name: "page",
            onStep: ({ loss }) => {
              sum += loss;
              count++;
              if (performance.now() - told > 100) tell();
            },
            onEpochEnd: async ({ epoch, logs }) => {
              tell();
              const seconds = since();
              const { data: probabilities } = await trainer.predict(test, { as: "probabilities" });
              post({ type: "report", report: this.#report(epoch, seconds, logs["loss"]!, probabilities as Float32Array) });
            },
          },
        ],
      });
      post({ type: "ended", reason: stopped });
    } catch (error) {
      post({ type: "failed", message: (error as Error).message });
    }
  }

  #report(epoch: number, seconds: number, trainingLoss: number, probabilities: Float32Array): Report {
    const { images, labels } = this.#digits.test;
    const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
    const wrong: { row: number; taken: number; loss: number }[] = [];
    let total = 0;
    labels.forEach((truth, row) => {
      const own = probabilities.subarray(row * classes, (row + 1) * classes);
      const taken = own.indexOf(Math.max(...own));
      confusion[truth]![taken]!++;
      const loss = -Math.log(Math.max(own[truth]!, 1e-30));
      total += loss;
      if (taken !== truth) wrong.push({ row, taken, loss });
    });
    const hardest = wrong
      .sort((a, b) => b.loss - a.loss)
      .slice(0, shownHard)
      .map(({ row, taken }): Hard => ({
        pixels: images.slice(row * side * side, (row + 1) * side * side),
        truth: labels[row]!,
        taken,
        probability: probabilities[row * classes + taken]!,
      }));
    const right = confusion.map((row, k) => row[k]!);
    return {
      epoch,
      seconds,
      trainingLoss,
      testLoss: total / labels.length,
      accuracy: right.reduce((a, b) => a + b, 0) / labels.length,
      confusion,
      f1: right.map(
        (hits, k) =>
          (2 * hits) / Math.max(1, confusion[k]!.reduce((a, b) => a + b, 0) + confusion.reduce((a, row) => a + row[k]!, 0)),
      ),
      hardest,
    };
  }
}

const room = Promise.all([cpu(), loadDigits()]).then(([backend, digits]) => new Room(backend, digits));
const failed = (error: unknown): void => post({ type: "failed", message: (error as Error).message });
room.catch(failed);

async function handle(message: ToWorker): Promise<void> {
  const here = await room;
  if (message.type === "train") await here.train(message.choices);
  else if (message.type === "stop") here.stop();
  else await here.read(message.pixels);
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => void handle(data).catch(failed));
