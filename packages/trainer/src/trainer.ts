/** The loop: minimizes the empirical risk of a model over a finite training set. */
import { checkOptions, ErmineError, Variable, zeros, type Backend, type Feed, type Link } from "@ermine/core";
import { Parameter, type Module } from "@ermine/core/nn";
import type { Callback, Control, LogName, Logs } from "./callbacks/callback.js";
import { batches, batchFeeds, checkBatchSize } from "./data/batches.js";
import { Dataset, split } from "./data/dataset.js";
import { checkTargets } from "./data/targets.js";
import type { Metric } from "./metrics/metric.js";
import type { NormType } from "./optimizers/clip.js";
import type { OptimizerSetup } from "./optimizers/groups.js";
import { forward, isLoss, lossSums, outputShapeOf, type AnyLoss } from "./risk/objective.js";
import { applyLink, classesOf, isProbabilistic, join, pair, targetOf } from "./risk/reading.js";
import type { Regularizer } from "./risk/regularizers.js";
import { accumulateBody, applyBody, updateBody, type StepSetup } from "./step/body.js";
import { firstNotFinite } from "./step/diagnose.js";
import { Engine, type EntrySpec, type HostOutput } from "./step/engine.js";
import { groupStates, stepScalars, type GroupState } from "./step/state.js";
import { breathe } from "./step/breathe.js";

export interface TrainerOptions<M extends string = string> {
  readonly model: Module;
  /** A loss of core's (with its options bound: `crossEntropy.with({ labelSmoothing: 0.1 })`), or a function of one's own. */
  readonly loss: AnyLoss;
  /** One optimizer for all parameters, or groups. */
  readonly optimizer: OptimizerSetup;
  readonly backend: Backend;
  readonly metrics?: readonly Metric<M>[];
  /** Penalties in the objective. */
  readonly regularizers?: readonly Regularizer[];
  /** Scale all gradients together to at most this norm. */
  readonly clipGradNorm?: number | { readonly maxNorm: number; readonly normType?: NormType };
  /** Hold each gradient's numbers in ±this. */
  readonly clipGradValue?: number;
  /** Micro-batches an update. Default 1. */
  readonly accumulate?: number;
  /** Of shuffling, splitting and the model's random numbers. Default 0. */
  readonly seed?: number;
  /** Replay the step as one program (default), or run it op by op. */
  readonly compile?: boolean;
}

export interface FitOptions<M extends string = string> {
  readonly epochs: number;
  /** Samples a (micro-)batch; the last of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** Evaluated after each epoch. */
  readonly validation?: Dataset;
  /** The share of the data set that is held out for that, chosen by seed. */
  readonly validationSplit?: number;
  /** A new order each epoch. Default true. */
  readonly shuffle?: boolean;
  readonly callbacks?: readonly Callback<LogName<M>>[];
  /** Ends training cleanly after the step. */
  readonly signal?: AbortSignal;
  /** Told of what was noticed and skipped. Default console.warn. */
  readonly notice?: (message: string) => void;
}

export interface History {
  /** The logs of each epoch. */
  readonly epochs: readonly Logs[];
  /** The loss of each update: the batch's risk plus the penalty. */
  readonly steps: readonly number[];
  /** Why it ended. */
  readonly stopped: "finished" | "aborted" | (string & {});
}

const optionNames = [
  "model",
  "loss",
  "optimizer",
  "backend",
  "metrics",
  "regularizers",
  "clipGradNorm",
  "clipGradValue",
  "accumulate",
  "seed",
  "compile",
];
const fitNames = ["epochs", "batchSize", "validation", "validationSplit", "shuffle", "callbacks", "signal", "notice"];

/**
 * Minimizes risk(θ) = Σ value / Σ normalizer over the training set, plus penalties, by mini-batches.
 *
 * @example
 * const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 1e-3 }), backend: await cpu(), metrics: [accuracy()] });
 * const history = await trainer.fit(training, { epochs: 12, batchSize: 64, validation, callbacks: [progressBar()] });
 */
export class Trainer<M extends string = never> {
  readonly model: Module;
  readonly backend: Backend;
  readonly #options: TrainerOptions<M>;
  readonly #engine: Engine;
  readonly #seed: number;
  readonly #accumulate: number;
  readonly #buffers: readonly Variable[];
  #groups: readonly GroupState[] | undefined;
  #accumulators: readonly Variable[] = [];
  #totals: Variable | undefined;
  #step = 0;
  #epoch = 0;

  /** @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit */
  constructor(options: TrainerOptions<M>) {
    checkOptions("Trainer", options, optionNames);
    for (const name of ["model", "loss", "optimizer", "backend"] as const) {
      if (options[name] === undefined) throw new ErmineError("ERMINE_OPTION", `Trainer needs "${name}".`);
    }
    if (typeof (options.backend as { then?: unknown }).then === "function") {
      throw new ErmineError("ERMINE_OPTION", "Trainer: the backend is a promise. Await it: backend: await cpu().");
    }
    const { accumulate = 1, seed = 0 } = options;
    if (!Number.isInteger(accumulate) || accumulate < 1) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `Trainer: accumulate is a whole number of micro-batches ≥ 1, got ${String(accumulate)}.`,
      );
    }
    this.model = options.model;
    this.backend = options.backend;
    this.#options = options;
    this.#seed = seed;
    this.#accumulate = accumulate;
    this.#buffers = options.model.namedVariables().flatMap(([, v]) => (v instanceof Parameter ? [] : [v]));
    this.#engine = new Engine(options.backend, options.compile ?? true, this.#buffers);
  }

  /** Updates taken so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * Trains for `epochs` epochs. A second call goes on where the first ended.
   *
   * @throws ErmineError before the first step where data, model and loss do not fit; ERMINE_NOT_FINITE where a step gives numbers
   * that are not finite: it names step, layer and op, and the parameters are those before that step
   */
  async fit(data: Dataset, options: FitOptions<M>): Promise<History> {
    const run = this.#checkFit(data, options);
    const { training, validation, batchSize } = run;
    this.#defineTraining(training);
    if (validation !== undefined) this.#defineEvaluate(validation);
    this.#engine.prepare();
    this.#checkData(training, "training");
    if (validation !== undefined) this.#checkData(validation, "validation");
    const stepsPerEpoch = Math.ceil(Math.ceil(training.length / batchSize) / this.#accumulate);
    const history = { epochs: [] as Logs[], steps: [] as number[], stopped: "finished" as string };
    let ended: string | undefined;
    const control: Control = { model: this.model, stop: (reason) => (ended ??= reason) };
    const callbacks = options.callbacks ?? [];
    for (const callback of callbacks) await callback.onTrainBegin?.(control, { epochs: options.epochs, stepsPerEpoch });
    for (let e = 0; e < options.epochs && ended === undefined; e++) {
      const started = performance.now();
      const sums = { value: 0, normalizer: 0, penalty: 0, steps: 0, samples: 0 };
      const order = (options.shuffle ?? true) ? { seed: this.#seed, epoch: this.#epoch } : undefined;
      const all = batches(training.length, batchSize, order);
      for (let first = 0; first < all.length && ended === undefined; first += this.#accumulate) {
        const parts = all.slice(first, first + this.#accumulate);
        const pending = this.#update(training, parts, options.notice ?? console.warn);
        const stepped = pending instanceof Promise ? await pending : pending;
        sums.samples += parts.reduce((total, rows) => total + rows.length, 0);
        if (stepped !== undefined) {
          sums.value += stepped.value;
          sums.normalizer += stepped.normalizer;
          sums.penalty += stepped.penalty;
          sums.steps++;
          const loss = stepped.value / stepped.normalizer + stepped.penalty;
          history.steps.push(loss);
          for (const callback of callbacks) {
            const told = callback.onStep?.(
              {
                epoch: e,
                step: this.#step,
                stepInEpoch: first / this.#accumulate + 1,
                stepsPerEpoch,
                samples: sums.samples,
                loss,
              },
              control,
            );
            if (told !== undefined) await told;
          }
        }
        if (options.signal?.aborted === true) ended = "aborted";
        const rest = breathe();
        if (rest !== undefined) await rest;
      }
      if (ended === "aborted") break;
      this.#epoch++;
      const seconds = (performance.now() - started) / 1000;
      const logs: Record<string, number> = {
        loss: sums.value / sums.normalizer + (sums.steps > 0 ? sums.penalty / sums.steps : 0),
      };
      if (validation !== undefined) {
        for (const [name, value] of Object.entries(await this.evaluate(validation, { batchSize }))) {
          logs[`val${name[0]!.toUpperCase()}${name.slice(1)}`] = value;
        }
      }
      history.epochs.push(logs);
      this.#observe(logs);
      const info = { epoch: e, epochs: options.epochs, step: this.#step, samplesPerSecond: sums.samples / seconds, logs };
      for (const callback of callbacks) await callback.onEpochEnd?.(info, control);
    }
    for (const callback of callbacks) await callback.onTrainEnd?.(control);
    return { ...history, stopped: ended ?? "finished" };
  }

  /** The risk and the metrics over a whole set, exact for any batch size; the model behaves as in evaluation. */
  async evaluate(data: Dataset, options: { batchSize?: number } = {}): Promise<{ loss: number } & { [K in M]: number }> {
    checkOptions("evaluate", options, ["batchSize"]);
    const batchSize = checkBatchSize(options.batchSize ?? 256);
    this.#defineEvaluate(data);
    this.#engine.prepare();
    const metrics = this.#options.metrics ?? [];
    let states = metrics.map((metric) => metric.init());
    let [value, normalizer] = [0, 0];
    for (const rows of batches(data.length, batchSize)) {
      const outputs = await this.#engine.run("evaluate", this.#feeds(data, rows, 0, 0));
      value += outputs[0]!.data[0]!;
      normalizer += outputs[0]!.data[1]!;
      if (metrics.length > 0) {
        const target = targetOf(data, rows);
        states = metrics.map((metric, i) => metric.update(states[i]!, outputs[1]!, target));
      }
      await breathe();
    }
    const entries = metrics.map((metric, i) => [metric.name, metric.compute(states[i]!)] as const);
    return { loss: value / normalizer, ...Object.fromEntries(entries) } as { loss: number } & { [K in M]: number };
  }

  /**
   * What the model says of inputs: its output, the probabilities behind the loss's link, or the class of each.
   *
   * @throws ErmineError ERMINE_OPTION where the loss has no such reading
   */
  async predict(
    inputs: Dataset,
    options: { as?: "output" | "probabilities" | "classes"; batchSize?: number } = {},
  ): Promise<HostOutput> {
    checkOptions("predict", options, ["as", "batchSize"]);
    const { as = "output" } = options;
    const link = this.#link();
    if (as !== "output" && link === "identity" && !isProbabilistic(this.#options.loss)) {
      throw new ErmineError("ERMINE_OPTION", `predict: the loss does not say how outputs become ${as}. Use { as: "output" }.`);
    }
    const batchSize = checkBatchSize(options.batchSize ?? 256);
    const unlabelled = new Dataset({ inputs: inputs.inputs, targets: undefined, sampleWeights: undefined });
    const name = as === "output" ? "predict" : "predictProbabilities";
    this.#engine.define(name, this.#spec(unlabelled), ({ batch }) => {
      this.model.eval();
      const output = forward(this.model, batch!.inputs);
      return { outputs: [as === "output" ? output : applyLink(link, output)] };
    });
    const parts: HostOutput[] = [];
    for (const rows of batches(inputs.length, batchSize)) {
      parts.push((await this.#engine.run(name, this.#feeds(unlabelled, rows, 0, 0)))[0]!);
      await breathe();
    }
    const joined = join(parts);
    return as === "classes" ? classesOf(joined, link) : joined;
  }

  /**
   * Gives the model's parameters back their numbers, and frees what training holds on the backend, the optimizer's state
   * too: a `fit` after it starts anew at step 0, from the parameters as they are.
   */
  dispose(): void {
    this.#engine.dispose();
    for (const { slots } of this.#groups ?? []) for (const slot of slots.flat()) slot.value.dispose();
    this.#groups = undefined;
    this.#step = 0;
    this.#epoch = 0;
  }

  #link(): Link {
    const { loss } = this.#options;
    return isLoss(loss) ? loss.link : "identity";
  }

  #spec(columns: Dataset | undefined): EntrySpec {
    const scalarCount = Math.max(
      1,
      (this.#groups ?? []).reduce((total, { optimizer }) => total + optimizer.scalarCount, 0),
    );
    return { columns, scalarCount };
  }

  #feeds(data: Dataset, rows: Int32Array, microBatch: number, first: number): Record<string, Feed> {
    const scalars = stepScalars(this.#groups ?? [], { step: this.#step, epoch: this.#epoch });
    // Added and not spread: a spread makes a hidden class each step, which stays until the next full collection.
    const feeds = batchFeeds(data, rows);
    feeds["counters"] = { shape: [3], value: Int32Array.of(this.#step, microBatch, first) };
    feeds["scalars"] = { shape: [scalars.length], value: scalars };
    return feeds;
  }

  #setup(): StepSetup {
    const { loss, regularizers = [], clipGradNorm, clipGradValue } = this.#options;
    const clip = typeof clipGradNorm === "number" ? { maxNorm: clipGradNorm } : clipGradNorm;
    return {
      model: this.model,
      loss,
      regularizers,
      clipGradNorm: clip === undefined ? undefined : { normType: 2, ...clip },
      clipGradValue,
      groups: this.#groups!,
      seed: this.#seed,
    };
  }

  #defineTraining(data: Dataset): void {
    this.#groups ??= groupStates(this.model, this.#options.optimizer);
    const setup = this.#setup();
    const spec = this.#spec(data);
    if (this.#accumulate === 1) {
      this.#engine.define("step", spec, ({ batch, counters, scalars }) => {
        const { report, ok, updates } = updateBody(setup, batch!, counters, scalars);
        return { outputs: [report], ok, updates };
      });
      return;
    }
    this.#totals ??= new Variable(zeros([2]), { name: "accumulated.totals", trainable: false });
    if (this.#accumulators.length === 0) {
      const parameters = setup.groups.flatMap((group) => group.parameters);
      this.#accumulators = parameters.map(
        (p) => new Variable(zeros(p.shape), { name: `accumulated.${p.name}`, trainable: false }),
      );
    }
    const [accumulators, totals] = [this.#accumulators, this.#totals];
    this.#engine.define("accumulate", spec, ({ batch, counters }) => {
      const { report, ok, updates } = accumulateBody(setup, batch!, counters, accumulators, totals);
      return { outputs: [report], ok, updates };
    });
    this.#engine.define("apply", { ...spec, columns: undefined }, ({ scalars }) => {
      const { report, ok, updates } = applyBody(setup, accumulators, totals, scalars);
      return { outputs: [report], ok, updates };
    });
  }

  #defineEvaluate(data: Dataset): void {
    const wanted = (this.#options.metrics ?? []).length > 0;
    this.#engine.define("evaluate", this.#spec(data), ({ batch }) => {
      this.model.eval();
      const output = forward(this.model, batch!.inputs);
      const { value, normalizer } = lossSums(this.#options.loss, output, batch!);
      return { outputs: [pair(value, normalizer), ...(wanted ? [applyLink(this.#link(), output)] : [])] };
    });
  }

  /** One update. undefined: nothing counted, it was skipped with a notice. */
  #update(data: Dataset, parts: readonly Int32Array[], notice: (message: string) => void): MaybePromise<Report | undefined> {
    const settle = (outputs: HostOutput[]): Report | undefined | Promise<never> => {
      const [value, normalizer, ok, penalty] = outputs[0]!.data as Float32Array;
      if (ok === 1) {
        this.#step++;
        return { value: value!, normalizer: normalizer!, penalty: penalty! };
      }
      if (normalizer === 0) {
        notice(
          `ermine: update ${this.#step + 1} was skipped: nothing in the batch counts (all targets ignored, or all weights 0).`,
        );
        return undefined;
      }
      return this.#refuse(data, parts);
    };
    if (parts.length === 1 && this.#accumulate === 1) {
      const outputs = this.#engine.run("step", this.#feeds(data, parts[0]!, 0, 0));
      return outputs instanceof Promise ? outputs.then(settle) : settle(outputs);
    }
    return this.#accumulated(data, parts).then(settle);
  }

  async #accumulated(data: Dataset, parts: readonly Int32Array[]): Promise<HostOutput[]> {
    const buffers = await Promise.all(this.#buffers.map(async (buffer) => buffer.data()));
    let first = 0;
    for (const [microBatch, rows] of parts.entries()) {
      const outputs = await this.#engine.run("accumulate", this.#feeds(data, rows, microBatch, first));
      first += rows.length;
      if (outputs[0]!.data[2] === 1) continue;
      // What the earlier micro-batches left is taken back: a refused update changes nothing.
      this.#buffers.forEach((buffer, i) => buffer.write(buffers[i]!));
      for (const variable of [...this.#accumulators, this.#totals!])
        variable.write(new Float32Array(variable.shape.reduce((a, b) => a * b, 1)));
      return outputs;
    }
    const scalars = stepScalars(this.#groups!, { step: this.#step, epoch: this.#epoch });
    const outputs = await this.#engine.run("apply", {
      counters: { shape: [3], value: Int32Array.of(this.#step, 0, 0) },
      scalars: { shape: [scalars.length], value: scalars },
    });
    if (outputs[0]!.data[2] !== 1) {
      this.#buffers.forEach((buffer, i) => buffer.write(buffers[i]!));
      for (const variable of [...this.#accumulators, this.#totals!])
        variable.write(new Float32Array(variable.shape.reduce((a, b) => a * b, 1)));
    }
    return outputs;
  }

  /** Says what went wrong in a refused step: the same batch and random numbers again, eagerly, watched op by op. */
  async #refuse(data: Dataset, parts: readonly Int32Array[]): Promise<never> {
    const setup = this.#setup();
    let first = 0;
    for (const [microBatch, rows] of parts.entries()) {
      const found = await firstNotFinite(this.backend, setup, data, this.#feeds(data, rows, microBatch, first), this.#buffers);
      first += rows.length;
      if (found !== undefined) {
        throw new ErmineError(
          "ERMINE_NOT_FINITE",
          `Update ${this.#step + 1} gave a number that is not finite, first ${found}. Nothing of it was kept. ` +
            "Lower the learning rate, clip the gradients (clipGradNorm: 1), or normalize the inputs.",
        );
      }
    }
    throw new ErmineError(
      "ERMINE_NOT_FINITE",
      `Update ${this.#step + 1} gave gradients that are not finite. Nothing of it was kept. Lower the learning rate or clip the gradients.`,
    );
  }

  #observe(logs: Logs): void {
    for (const { optimizer } of this.#groups ?? []) {
      for (const rate of optimizer.rates) {
        if (typeof rate !== "object" || rate.monitor === undefined) continue;
        const value = logs[rate.monitor];
        if (value === undefined)
          throw new ErmineError(
            "ERMINE_OPTION",
            `${rate.name} follows "${rate.monitor}", and the logs are ${Object.keys(logs).join(", ")}.`,
          );
        rate.observe?.(value);
      }
    }
  }

  #checkData(data: Dataset, name: string): void {
    data.checkFinite();
    const { loss } = this.#options;
    if (isLoss(loss)) checkTargets(name, loss, data, outputShapeOf(this.model));
  }

  #checkFit(data: Dataset, options: FitOptions<M>): { training: Dataset; validation: Dataset | undefined; batchSize: number } {
    checkOptions("fit", options, fitNames);
    if (!(data instanceof Dataset)) throw new ErmineError("ERMINE_DATA", "fit takes a data set: dataset({ inputs, targets }).");
    const batchSize = checkBatchSize(options.batchSize ?? 32);
    if (!Number.isInteger(options.epochs) || options.epochs < 1) {
      throw new ErmineError("ERMINE_OPTION", `fit: epochs is a whole number ≥ 1, got ${String(options.epochs)}.`);
    }
    if (options.validation !== undefined && options.validationSplit !== undefined) {
      throw new ErmineError("ERMINE_OPTION", "fit: validation and validationSplit say the same thing twice. Give one.");
    }
    const [training, held] =
      options.validationSplit === undefined ? [data, options.validation] : split(data, options.validationSplit, this.#seed);
    const metrics = (this.#options.metrics ?? []).map(({ name }) => `val${name[0]!.toUpperCase()}${name.slice(1)}`);
    const logs = ["loss", ...(held === undefined ? [] : ["valLoss", ...metrics])];
    for (const { name, monitor } of options.callbacks ?? []) {
      if (monitor === undefined || logs.includes(monitor)) continue;
      throw new ErmineError(
        "ERMINE_OPTION",
        `${name} follows "${String(monitor)}", and this training logs ${logs.join(", ")}.${held === undefined ? " Give validation data for the others." : ""}`,
      );
    }
    return { training, validation: held, batchSize };
  }
}

interface Report {
  readonly value: number;
  readonly normalizer: number;
  readonly penalty: number;
}
type MaybePromise<T> = T | Promise<T>;
