/** The trainer: minimizes the empirical risk of a model over a finite training set. */
import { type Backend, ErmineError, type Tree } from "@ermine/core";
import { loadChunk } from "@ermine/core/backend";
import { checkFunction, checkArguments, checkCopy, checkOptions, show } from "@ermine/core/define";
import type { Module } from "@ermine/core/nn";
import type { RunningTrainer } from "./callbacks/runningTrainer.js";
import { checkBatchSize } from "./data/batches.js";
import { dataset, Dataset, type ColumnSource } from "./data/dataset.js";
import type { DataSource } from "./data/source.js";
import { evaluate } from "./loop/evaluate.js";
import { fit } from "./loop/fit.js";
import type { OutputKey, PredictionOf, PredictOptions, Question, Reading } from "./loop/predict.js";
import { checkMetrics } from "./metrics/metric.js";
import type { SettingsOf } from "./loop/resumed.js";
import { resumeChunk } from "./loop/snapshots.js";
import { sampleOf, sourceOf } from "./loop/sources.js";
import {
  checkDataset,
  checkTrainerOptions,
  checkWeights,
  type EvaluateOptions,
  type PlanOptions,
  type ProfileOptions,
  type TrainerOptions,
} from "./options.js";
import { checkFit, type FitOptions, type History } from "./loop/fitOptions.js";
import { checkLogNames, type EpochLogs } from "./logs.js";
import { withAverages } from "./step/averaged.js";
import type { BackendChoice } from "./plan/choice.js";
import { configurationOf, type Configuration } from "./plan/configuration.js";
import type { Plan } from "./plan/plan.js";
import type { Profile } from "./plan/profile.js";
import type { Use } from "./plan/workload.js";
import { rateAt, requireSchedule, type Rate } from "./schedules/schedule.js";
import type { SnapshotSource, TrainingSnapshot } from "./step/contract.js";
import { disposeTraining, trainingFor, type Training } from "./step/training.js";

/** A chunk of its own. */
const planning = (): Promise<typeof import("./plan/index.js")> =>
  loadChunk("The trainer's plan (auto, fastest, plan, profile)", () => import("./plan/index.js"));

/** Why a trainer that may choose takes the backend that it finds its model on. */
const atHome = "another program has the model's variables in its memory";

/**
 * Minimizes risk(θ) = Σ value / Σ normalizer over the training set, plus penalties, by mini-batches.
 *
 * @example
 * const optimizer = adamw({ learningRate: 1e-3 });
 * const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend: await cpu(), metrics: [accuracy()] });
 * const history = await trainer.fit(data, { epochs: 3, batchSize: 64, validationSplit: 0.25, callbacks: [progressBar()] });
 * history.epochs.length; // => 3
 */
// `any`: a `Trainer` without arguments takes one of any model.
export class Trainer<M extends string = never, T extends string = never, O = any> {
  readonly #options: TrainerOptions<M, T, O>;
  readonly #training: Training;
  #choice: BackendChoice | undefined;
  #choosing: Promise<void> | undefined;

  /** @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit */
  constructor(options: TrainerOptions<M, T, O>) {
    if (arguments.length > 1) checkArguments("Trainer", arguments, 1);
    checkTrainerOptions(options);
    this.#options = options;
    this.#training = trainingFor(options);
    if (typeof options.backend !== "string") this.#training.engine.place(options.backend);
  }

  /** @throws ErmineError ERMINE_USAGE where the trainer is not itself but a proxy of it, which has no private fields */
  static #checkItself(trainer: unknown, call: string): void {
    if (typeof trainer === "object" && trainer !== null && #training in trainer) return;
    throw new ErmineError(
      "ERMINE_USAGE",
      `trainer.${call} was called on something else than the trainer: on a proxy, as Vue's reactive() and ref() make it of what they hold, or without ` +
        "its object. Keep trainers out of proxies: markRaw(trainer), or shallowRef(trainer); and call trainer.fit(…), not fit(…).",
    );
  }

  /** The model that it trains. */
  get model(): Module {
    Trainer.#checkItself(this, "model");
    return this.#options.model;
  }

  /** The backend. @throws ErmineError ERMINE_USAGE where "auto" or "fastest" has not chosen yet: `fit`, `evaluate`, `predict` and `plan` do */
  get backend(): Backend {
    Trainer.#checkItself(this, "backend");
    return this.#training.engine.backend;
  }

  /** The run's settings as plain JSON, with the backend that was chosen and why. */
  get configuration(): Configuration {
    Trainer.#checkItself(this, "configuration");
    return configurationOf(this.#options, this.#choice);
  }

  /** Updates taken so far. */
  get step(): number {
    Trainer.#checkItself(this, "step");
    return this.#training.state.update;
  }

  /**
   * Value of a rate at the next update of this trainer: a schedule that follows a metric (`reduceOnPlateau`) has a state of its own in each trainer.
   *
   * @param rate a learning rate, weight decay or momentum as the optimizer was given it
   * @example
   * const rate = schedules.exponential(0.1, { gamma: 0.5 });
   * trainer.rateNow(rate); // => 0.1
   */
  rateNow(rate: Rate): number {
    Trainer.#checkItself(this, "rateNow");
    if (arguments.length > 1) checkArguments("rateNow", arguments, 1);
    if (typeof rate !== "number") requireSchedule("rateNow", "the rate", rate);
    const { state } = this.#training;
    return rateAt(rate, state.timeAt(state.update));
  }

  /**
   * Trains for `epochs` epochs. A second call goes on where the first ended. `evaluate` and `predict` that are called meanwhile run between
   * two steps.
   *
   * @throws ErmineError ERMINE_USAGE while another `fit` of this trainer runs, and where `dispose` ends this one; before the first step where
   * data, model and loss do not fit; ERMINE_NOT_FINITE where a step gives values that are not finite: it names step, layer and op, and the
   * parameters are those before that step
   * @example
   * const { epochs } = await trainer.fit(data, { epochs: 2, validationSplit: 0.25 });
   * const { loss, valLoss, learningRate } = epochs[1];
   * learningRate; // => 0.01
   */
  fit<A extends boolean = false>(
    data: DataSource,
    options: FitOptions<M, T, A> & Required<Pick<FitOptions, "validation">>,
  ): Promise<History<EpochLogs<M, T, true, A>>>;
  /** The same where part of the data is set aside for validation. */
  fit<A extends boolean = false>(
    data: DataSource,
    options: FitOptions<M, T, A> & Required<Pick<FitOptions, "validationSplit">>,
  ): Promise<History<EpochLogs<M, T, true, A>>>;
  /** The same where nothing is validated, or the compiler does not know. */
  fit<A extends boolean = false>(data: DataSource, options: FitOptions<M, T, A>): Promise<History<EpochLogs<M, T, boolean, A>>>;
  async fit(data: DataSource, options: FitOptions<M, T>): Promise<History<any>> {
    Trainer.#checkItself(this, "fit");
    if (arguments.length > 2) checkArguments("fit", arguments, 2);
    const run = checkFit(data, options, this.#options);
    const { turns, state } = this.#training;
    const work = turns.beginFit(state.update);
    try {
      return await work.run(async () => {
        await this.#place(run.training, "update", run.batchSize, run.notice);
        return fit(this.#training, run, work, this.#settings, this as RunningTrainer);
      });
    } finally {
      turns.endFit(work);
      for (const holder of new Set([...run.callbacks, run.resume as SnapshotSource | undefined])) await holder?.release?.();
    }
  }

  /** Settings of this trainer, and of a `fit`, as snapshots store them. */
  readonly #settings: SettingsOf = async (of) => {
    const { settingsOf } = await resumeChunk();
    return settingsOf(this.configuration, this.#options.optimizer, this.backend, of);
  };

  /**
   * All of the training, copied: parameters, buffers and the optimizer's slots, counters, the place in the data, schedules, history, and what the callbacks
   * of the last `fit` keep. `fit(data, { resume: snapshot, … })` goes on from it bit for bit, in this trainer or in one that was made alike.
   *
   * @example
   * await trainer.fit(data, { epochs: 1, batchSize: 4 });
   * const snapshot = await trainer.snapshot();
   * await trainer.fit(data, { epochs: 2, batchSize: 4, resume: snapshot });
   * @throws ErmineError ERMINE_USAGE while a `fit` runs: a callback's `control.requestSnapshot()` takes one between two updates
   */
  async snapshot(): Promise<TrainingSnapshot> {
    Trainer.#checkItself(this, "snapshot");
    if (arguments.length > 0) checkArguments("snapshot", arguments, 0);
    const { turns } = this.#training;
    turns.refuseInFit("snapshot", "In a callback call control.requestSnapshot(), and take the snapshot in onSnapshot(snapshot).");
    const settings = await this.#settings();
    const { takeSnapshot } = await resumeChunk();
    return turns.take(() => takeSnapshot(this.#training, { ...settings, fit: this.#training.fitSettings }));
  }

  /**
   * Makes the training what it was: to evaluate, to predict, or to begin a new `fit` there. `fit(data, { resume: snapshot, … })` does the same and goes on
   * within the epoch.
   *
   * @example
   * const before = await trainer.snapshot();
   * await trainer.fit(data, { epochs: 1 });
   * await trainer.restore(before);
   * trainer.step; // => 0
   * @throws ErmineError ERMINE_USAGE while a `fit` runs, and where it is a snapshot of another model or optimizer, naming the first variable that does not fit; nothing is changed
   */
  async restore(snapshot: TrainingSnapshot): Promise<void> {
    Trainer.#checkItself(this, "restore");
    if (arguments.length > 1) checkArguments("restore", arguments, 1);
    const { turns, state } = this.#training;
    turns.refuseInFit("restore", "Await it, or end it by its signal.");
    const { restoreSnapshot } = await resumeChunk();
    return turns.take(() => {
      turns.refuseInFit("restore", "Await it, or end it by its signal.");
      restoreSnapshot(this.#training, snapshot);
      state.switchFrozen();
    });
  }

  /**
   * The risk and the metrics over a whole set, exact for any batch size; the model behaves as in evaluation.
   *
   * @throws ErmineError ERMINE_OPTION where an option does not fit, ERMINE_DATA where metrics have no targets to compare with
   * @example
   * const { topKAccuracy: top2 } = await trainer.evaluate(data, { metrics: [topKAccuracy({ k: 2 })] });
   * top2 >= 0; // => true
   */
  async evaluate<N extends string = M>(
    data: DataSource,
    options: EvaluateOptions<N> = {},
  ): Promise<{ loss: number } & { [K in N | T]: number }> {
    Trainer.#checkItself(this, "evaluate");
    if (arguments.length > 2) checkArguments("evaluate", arguments, 2);
    checkOptions("evaluate", options, { metrics: "any", batchSize: "number", weights: "string" }, "data");
    const source = sourceOf("evaluate", data);
    const { metrics = this.#training.metrics, batchSize = 256, weights = "latest" } = options;
    checkMetrics("evaluate", metrics);
    checkLogNames("evaluate", this.#options.loss, metrics);
    checkWeights("evaluate: weights", weights);
    const work = this.#training.turns.work("evaluate");
    checkBatchSize(batchSize);
    const values = await work.run(async () => {
      await this.#place(source, "evaluate", batchSize);
      return evaluate(this.#training, { data: source, metrics, batchSize, weights, isChecked: false }, work);
    });
    return values as { loss: number } & { [K in N | T]: number };
  }

  /**
   * Predicts outputs for inputs (a data set, or tensors, nested arrays or typed arrays with a shape, one row per sample): all outputs in their tree, or
   * for one output the probabilities (the loss's link applied to it), or the class of each sample.
   *
   * @example
   * const { data: logits, shape } = await trainer.predict(x);
   * shape; // => [2, 3]
   * const { data: classes } = await trainer.predict(x, { as: "classes" });
   * classes.length; // => 2
   * @throws ErmineError ERMINE_OPTION where the loss has no such reading, ERMINE_USAGE where the model has no such output, ERMINE_NOT_FINITE where a class is asked of an output that is NaN
   */
  async predict<const A extends Reading = "output", const K extends OutputKey<O> | undefined = undefined>(
    inputs: Dataset | Tree<ColumnSource>,
    options: PredictOptions<A, K> = {},
  ): Promise<PredictionOf<O, A, K>> {
    Trainer.#checkItself(this, "predict");
    if (arguments.length > 2) checkArguments("predict", arguments, 2);
    checkOptions(
      "predict",
      options,
      { as: "string", output: "any", threshold: "any", batchSize: "number", notice: "any" },
      "inputs",
    );
    const { as = "output", output, threshold, batchSize = 256, notice = console.warn } = options as Partial<Question>;
    if (typeof notice !== "function")
      throw new ErmineError("ERMINE_OPTION", `predict: notice is a function of a message, got ${show(notice)}.`);
    checkBatchSize(batchSize);
    checkCopy("predict", inputs);
    const data = inputs instanceof Dataset ? inputs : dataset({ inputs });
    const work = this.#training.turns.work("predict");
    const predictions = await work.run(async () => {
      const { checkReading, predict } = await loadChunk("predict", () => import("./loop/predict.js"));
      checkReading(as, output, threshold);
      await this.#place(data, as === "output" ? "output" : "probabilities", batchSize);
      return predict(this.#training, { inputs: data, as, output, threshold, batchSize, notice }, work);
    });
    return predictions as PredictionOf<O, A, K>;
  }

  /**
   * Plan of a step over this sample, before the first is taken: the placement of ops, the ops that a backend lacks and what they
   * become, memory, time, the backend and why not the others. `String(plan)` is a table. "auto" and "fastest" choose here, for what
   * comes after too. Nothing of the training changes.
   */
  async plan(sample: Dataset, options: PlanOptions = {}): Promise<Plan> {
    Trainer.#checkItself(this, "plan");
    if (arguments.length > 2) checkArguments("plan", arguments, 2);
    checkOptions("plan", options, { batchSize: "number", all: "boolean" }, "sample");
    checkDataset("plan", sample);
    const { batchSize = 32, all } = options;
    const { engine } = this.#training;
    const { choose, Plan, workloadOf } = await planning();
    const workload = await workloadOf(this.#options, sample, "update", checkBatchSize(batchSize));
    const home = this.#home;
    const asked = engine.placed ? engine.backend : (home ?? this.#options.backend);
    const why = this.#choice?.why ?? (home === undefined ? undefined : atHome);
    const choiceResult = await choose({
      asked,
      workload,
      ...(all === undefined ? {} : { all }),
      ...(why === undefined ? {} : { why }),
    });
    try {
      const plan = new Plan(choiceResult, workload);
      if (!engine.placed) this.#take(choiceResult.backend, choiceResult.choice);
      return plan;
    } finally {
      choiceResult.close();
    }
  }

  /**
   * Profile of a step over this sample: time by op and layer, with GFLOP/s and bytes. `String(profile)` is a table,
   * `profile.chromeTrace()` a file for chrome://tracing. Nothing of the training changes. A backend that cannot time the parts of its
   * programs is timed kernel by kernel.
   */
  async profile(sample: Dataset, options: ProfileOptions = {}): Promise<Profile> {
    Trainer.#checkItself(this, "profile");
    if (arguments.length > 2) checkArguments("profile", arguments, 2);
    checkOptions("profile", options, { batchSize: "number", steps: "number" }, "sample");
    checkDataset("profile", sample);
    const { batchSize = 32, steps = 20 } = options;
    if (!Number.isInteger(steps) || steps < 1)
      throw new ErmineError("ERMINE_OPTION", `profile: steps is a whole number ≥ 1, got ${show(steps)}.`);
    await this.#place(sample, "update", checkBatchSize(batchSize));
    const { profile, workloadOf } = await planning();
    return profile(this.backend, await workloadOf(this.#options, sample, "update", batchSize), steps);
  }

  /** Chooses the backend where that is still open, for what is about to be done. */
  async #place(source: DataSource, use: Use, batchSize: number, notice: (message: string) => void = console.warn): Promise<void> {
    const { backend: asked } = this.#options;
    if (this.#training.engine.placed || typeof asked !== "string") return;
    this.#choosing ??= (async () => {
      const { choose, noticeOf, workloadOf } = await planning();
      const home = this.#home;
      if (home !== undefined) {
        this.#take(home, (await choose({ asked: home, why: atHome })).choice);
        return;
      }
      const workload =
        asked === "fastest" ? await workloadOf(this.#options, await sampleOf(source, batchSize), use, batchSize) : undefined;
      const { backend, choice, close } = await choose({ asked, ...(workload === undefined ? {} : { workload }) });
      close();
      this.#take(backend, choice);
      if (asked === "fastest") notice(noticeOf(choice));
    })();
    try {
      await this.#choosing;
    } finally {
      this.#choosing = undefined;
    }
  }

  /** The backend whose programs have the model's variables: those of another trainer, or a compiled function. */
  get #home(): Backend | undefined {
    const variables = this.#options.model.namedVariables();
    return variables.find(([, { placedOn }]) => placedOn !== undefined)?.[1].placedOn;
  }

  #take(backend: Backend, choice: BackendChoice): void {
    this.#choice = choice;
    this.#training.engine.place(backend);
  }

  /**
   * Runs fn with the averaged weights in the model, to save or predict with them; the weights of training are back after it. Whatever reads the
   * model meanwhile sees the averages; a `fit` that runs waits with its next step.
   *
   * @example
   * const trainer = new Trainer({ model, loss: crossEntropy, optimizer: exponentialAverage(adamw(), { decay: 0.9 }), backend: await cpu() });
   * await trainer.fit(data, { epochs: 1 });
   * const averaged = await trainer.withAveragedWeights(() => trainer.model.stateDict());
   * @throws ErmineError ERMINE_OPTION where no optimizer keeps an average
   */
  async withAveragedWeights<T>(fn: () => T | Promise<T>): Promise<T> {
    Trainer.#checkItself(this, "withAveragedWeights");
    if (arguments.length > 1) checkArguments("withAveragedWeights", arguments, 1);
    checkFunction("withAveragedWeights", fn, "trainer.withAveragedWeights(() => trainer.predict(data))");
    return withAverages(this.#training, fn);
  }

  /**
   * Gives the model's parameters back their numbers, and frees what training holds on the backend, the optimizer's state
   * too: a `fit` after it starts anew at step 0, from the parameters as they are. A `fit`, `evaluate` or `predict` that runs is ended
   * by it with an error that says so.
   */
  dispose(): void {
    Trainer.#checkItself(this, "dispose");
    if (arguments.length > 0) checkArguments("dispose", arguments, 0);
    disposeTraining(this.#training);
  }
}
