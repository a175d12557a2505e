/** Trains on the digits in the page, and reads what is drawn with the newest model, its own or one that was trained elsewhere. */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { dataset, type Trainer } from "@ermine/trainer";
import { inputShape } from "../../../src/models.js";
import type { DigitSet } from "../../../src/race/digitSet.js";
import { initialChoices, type Choices, type TrainingMessage, type Weights } from "../../../src/race/messages.js";
import { digitsTrainer, seed, trainDigits } from "../../../src/race/training.js";
import { unpackDigits } from "./digitData.js";
import packedAddress from "./generated/digits.bin?url";

export type ToWorker =
  | { readonly type: "train"; readonly choices: Choices }
  | { readonly type: "stop" }
  /** A model from elsewhere, which reads drawings from now on. */
  | { readonly type: "load"; readonly choices: Choices; readonly weights: Weights }
  /** 28 × 28 greys from 0 to 1; answered by the newest model. */
  | { readonly type: "read"; readonly pixels: Float32Array };

export type FromWorker =
  | TrainingMessage
  | { readonly type: "ready"; readonly engine: string }
  /** Nothing can be trained or read: the digits or the engine are not there. */
  | { readonly type: "broken"; readonly message: string }
  | { readonly type: "answer"; readonly logits: readonly number[]; readonly probabilities: readonly number[] };

const post = (message: FromWorker): void => postMessage(message);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const broken = (error: unknown): void => post({ type: "broken", message: messageOf(error) });

interface Digits {
  readonly training: DigitSet;
  readonly test: DigitSet;
}

async function loadDigits(): Promise<Digits> {
  const response = await fetch(packedAddress);
  if (!response.ok || response.body === null)
    throw new Error(`The digits could not be loaded (${response.status} ${response.statusText}).`);
  const unpacked = await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return unpackDigits(new Uint8Array(unpacked), seed);
}

class Room {
  readonly #backend: CpuBackend;
  readonly #digits: Digits;
  /** Who reads. */
  #reader: { readonly trainer: Trainer; readonly model: Choices["model"] };
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(backend: CpuBackend, digits: Digits) {
    this.#backend = backend;
    this.#digits = digits;
    this.#reader = { trainer: digitsTrainer(initialChoices, backend), model: initialChoices.model };
    post({ type: "ready", engine: backend.engine });
  }

  /** A new training; the one that runs ends first. */
  async train(choices: Choices): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#abort = new AbortController();
    const trainer = this.#read(choices);
    this.#running = this.#fit(trainer, choices, this.#abort.signal);
  }

  stop(): void {
    this.#abort.abort();
  }

  async load(choices: Choices, weights: Weights): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#read(choices).model.loadStateDict(weights);
  }

  async answer(pixels: Float32Array): Promise<void> {
    const { trainer, model } = this.#reader;
    const data = dataset({ inputs: { data: pixels, shape: [1, ...inputShape(model)] } });
    const { data: logits } = await trainer.predict(data);
    const { data: probabilities } = await trainer.predict(data, { as: "probabilities" });
    post({ type: "answer", logits: [...logits], probabilities: [...probabilities] });
  }

  /** The trainer of a new model, which reads from now on. */
  #read(choices: Choices): Trainer {
    const trainer = digitsTrainer(choices, this.#backend);
    this.#reader.trainer.dispose();
    this.#reader = { trainer, model: choices.model };
    return trainer;
  }

  async #fit(trainer: Trainer, choices: Choices, signal: AbortSignal): Promise<void> {
    try {
      post({ type: "started", engine: this.#backend.engine });
      const reason = await trainDigits(trainer, choices, this.#digits, { signal, tell: post, sendWeights: false });
      post({ type: "ended", reason });
    } catch (error) {
      post({ type: "failed", message: messageOf(error) });
    }
  }
}

const room = Promise.all([cpu(), loadDigits()]).then(([backend, digits]) => new Room(backend, digits));
room.catch(broken);

async function handle(message: ToWorker): Promise<void> {
  const here = await room;
  if (message.type === "train") await here.train(message.choices);
  else if (message.type === "stop") here.stop();
  else if (message.type === "load") await here.load(message.choices, message.weights);
  else await here.answer(message.pixels);
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => void handle(data).catch(broken));
