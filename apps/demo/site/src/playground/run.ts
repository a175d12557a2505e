/** One training of the playground: settings become data, a network and a trainer, which is advanced update by update. Runs in a worker of the page, and in Node. */
import { ErmineError, type Backend } from "@ermine/core";
import { adamw, dataset, Trainer, type Dataset, type OptimizerSetup } from "@ermine/trainer";
import { find, optimizers } from "@ermine/trainer/catalog";
import { drawSamples, splitSamples, type Samples } from "../../../src/experiments/dataSets.js";
import { buildNetwork, type Network } from "./network.js";
import { lossChoices, rateOf, type LossChoice, type TargetKind } from "./options.js";
import type { Settings } from "./settings.js";

/** The losses at the end of an epoch. */
export interface CurvePoint {
  readonly update: number;
  readonly training: number;
  readonly validation: number;
}

/** Asks before each update: nothing to go on at once, a promise to wait for. */
export type Gate = () => Promise<void> | undefined;

/** What the loss compares the outputs with. */
export function targetsOf({ targets, classes }: Samples, kind: TargetKind): { data: Int32Array | Float32Array; shape: number[] } {
  const count = targets.length;
  if (kind === "indices") return { data: Int32Array.from(targets), shape: [count] };
  if (kind === "values") return { data: targets, shape: [count, 1] };
  const labels = new Float32Array(count * classes);
  targets.forEach((label, i) => (labels[i * classes + label] = 1));
  return { data: labels, shape: [count, classes] };
}

/** The updates after which a run ends by itself. */
export const mostUpdates = 2_000_000;

export class Run {
  readonly settings: Settings;
  readonly training: Samples;
  readonly validation: Samples;
  readonly network: Network;
  readonly loss: LossChoice;
  readonly #trainer: Trainer;
  readonly #abort = new AbortController();
  #curve: CurvePoint[] = [];
  #finished: Promise<void> | undefined;

  /** @throws ErmineError for settings that no training can be made of */
  constructor(settings: Settings, backend: Backend) {
    this.settings = settings;
    const samples = drawSamples(settings.data, settings);
    ({ training: this.training, validation: this.validation } = splitSamples(samples, settings.seed));
    if (this.validation.targets.length === 0) {
      throw new ErmineError(
        "ERMINE_DATA",
        "There are too few points to train on some and validate with the others. Draw at least 4.",
      );
    }
    this.loss = lossChoices.find(({ name }) => name === settings.loss)!;
    this.network = buildNetwork(settings, samples.task === "classes" ? 2 : 1, samples.task === "classes" ? samples.classes : 1);
    this.#trainer = new Trainer({
      model: this.network.model,
      loss: this.loss.loss,
      optimizer: optimizerOf(settings),
      backend,
      seed: settings.seed,
    });
  }

  /** Updates taken so far. */
  get update(): number {
    return this.#trainer.step;
  }

  /** Losses by epoch; every other one is left out each time that there are more than a chart can show. */
  get curve(): readonly CurvePoint[] {
    return this.#curve;
  }

  /**
   * Trains until it is stopped, asking the gate before each update.
   *
   * @throws ErmineError ERMINE_NOT_FINITE where a step would give values that are not finite; the network is that before the step
   */
  start(gate: Gate): Promise<void> {
    this.#finished ??= this.#fit(gate);
    return this.#finished;
  }

  /** Ends the training, and frees what it holds. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#finished?.catch(() => undefined);
    this.#trainer.dispose();
  }

  async #fit(gate: Gate): Promise<void> {
    const { batchSize } = this.settings;
    const perEpoch = Math.ceil(this.training.targets.length / batchSize);
    let [every, epochs] = [1, 0];
    await this.#trainer.fit(this.#dataset(this.training), {
      epochs: Math.ceil(mostUpdates / perEpoch),
      batchSize,
      validation: this.#dataset(this.validation),
      signal: this.#abort.signal,
      notice: () => {},
      callbacks: [
        {
          name: "playground",
          onBatch: gate,
          onEpochEnd: ({ step, logs }) => {
            if (epochs++ % every !== 0) return;
            this.#curve.push({ update: step, training: logs["loss"]!, validation: logs["valLoss"]! });
            if (this.#curve.length < 1600) return;
            this.#curve = this.#curve.filter((_, i) => i % 2 === 0);
            every *= 2;
          },
        },
      ],
    });
  }

  #dataset(samples: Samples): Dataset {
    const count = samples.targets.length;
    return dataset({
      inputs: { data: samples.inputs, shape: [count, samples.inputs.length / count] },
      targets: targetsOf(samples, this.loss.target),
    });
  }
}

function optimizerOf({ optimizer, learningRate, schedule, updates, weightDecay }: Settings): OptimizerSetup {
  const options = { learningRate: rateOf(schedule, learningRate, updates), weightDecay };
  const chosen = find("optimizer", optimizers, optimizer)(options);
  if (optimizer !== "muon") return chosen;
  // For matrices alone: biases have an optimizer of their own.
  return [
    { parameters: (_, { shape }) => shape.length === 2, optimizer: chosen },
    { parameters: (_, { shape }) => shape.length !== 2, optimizer: adamw(options) },
  ];
}
