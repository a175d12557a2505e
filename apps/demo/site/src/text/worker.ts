/** Trains a character-level transformer on a book, and writes with it between two updates. */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed, reshape, useBackend, type Tensor } from "@ermine/core";
import { corpusOf, windowsOf, type Corpus } from "@ermine/examples/text/corpus";
import { GptModel } from "@ermine/examples/text/models";
import { adamw, schedules, Trainer, type Dataset } from "@ermine/trainer";
import bookAddress from "./alice.txt?url";
import { initialDrawing, initialPrompt, type Choices, type Drawing, type FromWorker, type ToWorker } from "./messages.js";
import { Writer } from "./writer.js";

/** Characters that the model sees at once. */
const steps = 64;
const batchSize = 8;
const seed = 1;

/** Updates between two looks at the loss, and the windows of the text that is not trained on which they see. */
const lookEvery = 20;
const shownWindows = 32;

/** As fast as one can nearly read. */
const charactersPerSecond = 60;
const passageLength = 280;

const post = (message: FromWorker): void => postMessage(message);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function loadBook(): Promise<string> {
  const response = await fetch(bookAddress);
  if (!response.ok) throw new Error(`The book could not be loaded (${response.status} ${response.statusText}).`);
  return response.text();
}

/** The characters before the end of a paragraph of the book. */
function paragraphEnd({ characters, training }: Corpus): Int32Array {
  const end = training.indexOf(characters.indexOf("\n"), 20 * steps) + 1;
  return training.subarray(end - steps, end);
}

/** A model that learns, and what it writes. */
class Training {
  readonly #writer: Writer;
  readonly #trainer: Trainer;
  readonly #updates: number;
  readonly #abort = new AbortController();
  readonly #finished: Promise<void>;
  #prompt: string;
  /** Characters of this passage so far, and when the last ones were written. */
  #written = 0;
  #wroteAt = performance.now();
  #resume: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  drawing: Drawing;

  constructor(backend: CpuBackend, corpus: Corpus, { width, learningRate, updates }: Choices, prompt: string, drawing: Drawing) {
    const { characters } = corpus;
    manualSeed(seed);
    const model = new GptModel(characters.length, width, steps);
    this.#updates = updates;
    this.#prompt = prompt;
    this.drawing = drawing;
    this.#writer = new Writer(model, characters, paragraphEnd(corpus), backend);
    this.#trainer = new Trainer({
      model,
      loss: (logits, { targets }) =>
        crossEntropy(reshape(logits as Tensor, [-1, characters.length]), reshape(targets as Tensor, [-1])),
      optimizer: adamw({
        learningRate: schedules.warmupCosine(learningRate, { warmupSteps: Math.round(updates / 20), totalSteps: updates }),
      }),
      backend,
      seed,
    });
    post({ type: "begun", parameters: model.parameterCount() });
    this.begin(prompt);
    const validation = windowsOf(corpus.validation.subarray(0, shownWindows * steps + 1), steps);
    this.#finished = this.#fit(windowsOf(corpus.training, steps), validation);
  }

  get #isTraining(): boolean {
    return this.#paused === undefined && this.#trainer.step < this.#updates;
  }

  /** A new passage. */
  begin(prompt: string): void {
    this.#writer.begin(prompt);
    this.#prompt = prompt;
    this.#written = 0;
    this.#wroteAt = performance.now();
    post({ type: "passage", update: this.#trainer.step, prompt });
  }

  /** The characters that are due. Passages follow each other while the model learns. */
  write(): void {
    const now = performance.now();
    const due = Math.min(charactersPerSecond / 4, Math.floor(((now - this.#wroteAt) * charactersPerSecond) / 1000));
    if (due === 0) return;
    if (this.#written >= passageLength) {
      if (this.#isTraining) this.begin(this.#prompt);
      return;
    }
    this.#wroteAt = now;
    this.#written += due;
    post({ type: "written", ...this.#writer.write(due, this.drawing) });
  }

  pause(): void {
    if (!this.#isTraining) return;
    this.#paused = new Promise((resolve) => (this.#resume = resolve));
    post({ type: "state", state: "paused" });
  }

  resume(): void {
    if (this.#paused === undefined) return;
    this.#paused = undefined;
    this.#resume?.();
    post({ type: "state", state: "training" });
  }

  /** Ends the training, and frees what it holds. */
  async end(): Promise<void> {
    this.#abort.abort();
    this.#resume?.();
    await this.#finished;
    this.#writer.dispose();
    this.#trainer.dispose();
  }

  async #fit(training: Dataset, validation: Dataset): Promise<void> {
    post({ type: "state", state: "training" });
    let [sum, count, seconds, told] = [0, 0, 0, performance.now()];
    try {
      await this.#trainer.fit(training, {
        epochs: Math.ceil((this.#updates * batchSize) / training.length),
        batchSize,
        signal: this.#abort.signal,
        notice: () => {},
        callbacks: [
          {
            name: "page",
            onBatch: async () => {
              if (this.#paused === undefined) return;
              const began = performance.now();
              await this.#paused;
              told += performance.now() - began;
            },
            onStep: async ({ step, loss }, { trainer, stop }) => {
              sum += loss;
              count++;
              if (step >= this.#updates) stop();
              if (count < lookEvery && step < this.#updates) return;
              const trained = (performance.now() - told) / 1000;
              seconds += trained;
              const { loss: held } = await trainer.evaluate(validation, { batchSize: shownWindows });
              const point = { update: step, seconds, training: sum / count, validation: held! };
              post({ type: "point", point, updatesPerSecond: count / trained });
              [sum, count, told] = [0, 0, performance.now()];
            },
          },
        ],
      });
      if (!this.#abort.signal.aborted) post({ type: "state", state: "ended" });
    } catch (error) {
      post({ type: "failed", message: messageOf(error) });
    }
  }
}

class Room {
  readonly #backend: CpuBackend;
  readonly #corpus: Corpus;
  #training: Training | undefined;
  #prompt = initialPrompt;
  #drawing = initialDrawing;
  #next: Promise<void> = Promise.resolve();

  constructor(backend: CpuBackend, book: string) {
    this.#backend = backend;
    this.#corpus = corpusOf(book);
    useBackend(backend);
    const { characters, unigramEntropy } = this.#corpus;
    post({ type: "ready", engine: backend.engine, characters: characters.length, unigramEntropy, length: book.length });
    setInterval(() => this.#training?.write(), 50);
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case "train":
        this.#next = this.#next.then(() => this.#begin(message.choices)).catch(failed);
        return;
      case "pause":
        return this.#training?.pause();
      case "resume":
        return this.#training?.resume();
      case "drawing":
        this.#drawing = message.drawing;
        if (this.#training !== undefined) this.#training.drawing = message.drawing;
        return;
      case "write":
        try {
          this.#training?.begin(message.prompt);
          this.#prompt = message.prompt;
        } catch (error) {
          post({ type: "refused", message: messageOf(error) });
        }
    }
  }

  /** The training that is ends first. */
  async #begin(choices: Choices): Promise<void> {
    const before = this.#training;
    this.#training = undefined;
    await before?.end();
    this.#training = new Training(this.#backend, this.#corpus, choices, this.#prompt, this.#drawing);
  }
}

const failed = (error: unknown): void => post({ type: "failed", message: messageOf(error) });
const room = Promise.all([cpu(), loadBook()]).then(([backend, book]) => new Room(backend, book));
room.catch(failed);

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  room.then((here) => here.handle(data)).catch(failed);
});
