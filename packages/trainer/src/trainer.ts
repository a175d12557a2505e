/** The trainer: minimizes the empirical risk of a model over a finite training set. */
import { checkOptions, type Backend } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import { checkBatchSize } from "./data/batches.js";
import type { Dataset } from "./data/dataset.js";
import { evaluate } from "./loop/evaluate.js";
import { fit } from "./loop/fit.js";
import { predict, type Reading } from "./loop/predict.js";
import { checkFit, checkTrainerOptions, type FitOptions, type History, type TrainerOptions } from "./options.js";
import type { HostOutput } from "./step/engine.js";
import { trainingFor, type Training } from "./step/training.js";

/**
 * Minimizes risk(θ) = Σ value / Σ normalizer over the training set, plus penalties, by mini-batches.
 *
 * @example
 * const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 1e-3 }), backend: await cpu(), metrics: [accuracy()] });
 * const history = await trainer.fit(training, { epochs: 12, batchSize: 64, validation, callbacks: [progressBar()] });
 */
export class Trainer<M extends string = never> {
  readonly #options: TrainerOptions<M>;
  readonly #training: Training;

  /** @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit */
  constructor(options: TrainerOptions<M>) {
    checkTrainerOptions(options);
    this.#options = options;
    this.#training = trainingFor(options, options.backend);
  }

  get model(): Module {
    return this.#options.model;
  }

  get backend(): Backend {
    return this.#training.backend;
  }

  /** Updates taken so far. */
  get step(): number {
    return this.#training.state.step;
  }

  /**
   * Trains for `epochs` epochs. A second call goes on where the first ended.
   *
   * @throws ErmineError before the first step where data, model and loss do not fit; ERMINE_NOT_FINITE where a step gives numbers
   * that are not finite: it names step, layer and op, and the parameters are those before that step
   */
  async fit(data: Dataset, options: FitOptions<M>): Promise<History> {
    return fit(this.#training, checkFit(data, options, this.#options));
  }

  /** The risk and the metrics over a whole set, exact for any batch size; the model behaves as in evaluation. */
  async evaluate(data: Dataset, options: { batchSize?: number } = {}): Promise<{ loss: number } & { [K in M]: number }> {
    checkOptions("evaluate", options, ["batchSize"]);
    const batchSize = checkBatchSize(options.batchSize ?? 256);
    return (await evaluate(this.#training, data, batchSize)) as { loss: number } & { [K in M]: number };
  }

  /**
   * What the model says of inputs: its output, the probabilities behind the loss's link, or the class of each.
   *
   * @throws ErmineError ERMINE_OPTION where the loss has no such reading
   */
  async predict(inputs: Dataset, options: { as?: Reading; batchSize?: number } = {}): Promise<HostOutput> {
    checkOptions("predict", options, ["as", "batchSize"]);
    const { as = "output", batchSize = 256 } = options;
    return predict(this.#training, inputs, as, checkBatchSize(batchSize));
  }

  /**
   * Gives the model's parameters back their numbers, and frees what training holds on the backend, the optimizer's state
   * too: a `fit` after it starts anew at step 0, from the parameters as they are.
   */
  dispose(): void {
    this.#training.engine.dispose();
    this.#training.state.dispose();
  }
}
