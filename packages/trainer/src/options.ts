/** What a trainer and a training take, checked before anything is done. */
import { ErmineError, type Backend } from "@ermine/core";
import { checkCopy, checkOptions, requireOptions, show } from "@ermine/core/define";
import type { Module } from "@ermine/core/nn";
import type { Callback, LogName, Logs } from "./callbacks/callback.js";
import { checkCallbacks, type CallbackEntry } from "./callbacks/check.js";
import type { PrefetchStats } from "./data/prefetch.js";
import type { DataSource } from "./data/source.js";
import { readOnce } from "./data/readOnce.js";
import { sourceOf } from "./loop/sources.js";
import { checkBatchSize } from "./data/batches.js";
import { Dataset, split } from "./data/dataset.js";
import { checkMetrics, type Metric } from "./metrics/metric.js";
import type { Better, Directions } from "./monitor.js";
import type { NormType } from "./optimizers/clip.js";
import { checkOptimizer, type Optimizer } from "./optimizers/optimizer.js";
import type { OptimizerSetup, ParameterGroup } from "./optimizers/groups.js";
import { isLoss, isSum, partsOf, type AnyLoss } from "./risk/objective.js";
import type { SnapshotSource, TrainingSnapshot } from "./step/contract.js";
import type { Schedule } from "./schedules/schedule.js";
import type { BackendRequest } from "./plan/request.js";
import type { ShadowOptions, ShadowReport } from "./plan/shadowReport.js";
import type { Regularizer } from "./risk/regularizers.js";

/** The options of a `Trainer`: `M` are the names of its metrics, `T` those of the loss's parts, `O` what the model gives. */
export interface TrainerOptions<M extends string = string, T extends string = never, O = unknown> {
  /** The model to train: any module, whose forward takes a batch's inputs. */
  readonly model: Module & { forward(...inputs: never[]): O };
  /** A loss of core's (with its options bound: `crossEntropy.with({ labelSmoothing: 0.1 })`), several (`weightedSum`), or a function of one's own. */
  readonly loss: AnyLoss<T>;
  /** One optimizer for all parameters, or groups. */
  readonly optimizer: OptimizerSetup;
  /**
   * A backend, or whom to take of those that are registered (`registerBackend(plugin)`): "auto" is the available one of the highest priority;
   * "fastest" times some steps of this model on each when it is first needed, about a second in all, and takes another than that one
   * only where it is 20 % faster. Both create the backend, which stays as long as the process.
   */
  readonly backend: Backend | BackendRequest;
  /** Metrics that `fit` (on validation data) and `evaluate` report next to the loss. Default: none. */
  readonly metrics?: readonly Metric<M>[];
  /** Penalties in the objective. Default: none. */
  readonly regularizers?: readonly Regularizer[];
  /** Scale all gradients together to at most this norm. Default: no clipping. */
  readonly clipGradNorm?: number | { readonly maxNorm: number; readonly normType?: NormType };
  /** Hold each gradient's numbers in ±this. Default: no clipping. */
  readonly clipGradValue?: number;
  /** Micro-batches an update. Default 1. */
  readonly accumulate?: number;
  /** Of shuffling, splitting and the model's random numbers. Default 0. */
  readonly seed?: number;
  /** Replay the step as one program (default), or run it op by op. */
  readonly compile?: boolean;
}

/** The weights as the last update left them, or their average along the way. */
export type Weights = "latest" | "averaged";

/** The options of `fit`. */
export interface FitOptions<M extends string = string, T extends string = string> {
  /** Passes over the data set; a whole number from 1 on. With `resume` those before the snapshot count. */
  readonly epochs: number;
  /** Samples a (micro-)batch; the last of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** Leave out the last batch of an epoch where it would be smaller; its samples, others each epoch, are not trained on in it. Default false. */
  readonly dropLast?: boolean;
  /** Evaluated after each epoch. Default: none. */
  readonly validation?: DataSource;
  /** The share of the data set that is held out for that, chosen by seed. Default: none. */
  readonly validationSplit?: number;
  /**
   * Log the trainer's metrics over the training data too ("accuracy" next to "valAccuracy"). After each epoch the model is evaluated on them as it is on
   * the validation data: with the weights of that moment and without dropout, so that both are comparable. That is one more forward pass over the data. Default false.
   */
  readonly trainMetrics?: boolean;
  /** Which weights are validated: "latest" (default), or those that an optimizer averages (`exponentialAverage`). */
  readonly validationWeights?: Weights;
  /** A new order each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Told in this order. Falsy entries are left out: `[progress && progressBar()]`. Default: none. */
  readonly callbacks?: readonly CallbackEntry<LogName<M, T>>[];
  /**
   * What to do where a step would write values that are not finite. "stop" (default): training ends with an error that names layer and op; parameters are
   * those before the step. "skip": the batch is left out with a notice of what was wrong, and training goes on with the next one.
   */
  readonly onRefusal?: "stop" | "skip";
  /**
   * Goes on from a snapshot bit for bit as if training had not been interrupted, or from the newest one of a source of them (`checkpoint`), which may have
   * none yet. The trainer, the data and the other options must be those of the snapshot; epochs, callbacks, the backend, onRefusal, signal, shadow and notice may
   * change. Where no epoch is left it returns at once. Default: begins at epoch 0.
   */
  readonly resume?: TrainingSnapshot | SnapshotSource | undefined;
  /** Ends training cleanly after the step; a `fit` that resumes goes on from there. Default: none. */
  readonly signal?: AbortSignal;
  /** Take every k-th update on a second backend too, and report the first op that differs there. Default: no second backend. */
  readonly shadow?: ShadowOptions;
  /** Told of what was noticed and skipped. Default console.warn. */
  readonly notice?: (message: string) => void;
}

/** What `fit` resolves to. */
export interface History {
  /** The logs of each epoch. */
  readonly epochs: readonly Logs[];
  /** The loss of each update: the batch's risk plus the penalty. */
  readonly steps: readonly number[];
  /** What gathering batches ahead did, where the backend answers later. */
  readonly loading?: PrefetchStats;
  /** What the shadow saw. */
  readonly shadow?: ShadowReport;
  /** Why it ended. */
  readonly stopped: "finished" | "aborted" | (string & {});
}

const optionKinds = {
  model: "any",
  loss: "any",
  optimizer: "any",
  backend: "any",
  metrics: "any",
  regularizers: "any",
  clipGradNorm: "any",
  clipGradValue: "any",
  accumulate: "any",
  seed: "integer",
  compile: "boolean",
} as const;

const fitKinds = {
  epochs: "any",
  batchSize: "any",
  dropLast: "any",
  validation: "any",
  validationWeights: "any",
  trainMetrics: "boolean",
  shuffle: "any",
  callbacks: "any",
  onRefusal: "any",
  signal: "any",
  resume: "any",
  shadow: "any",
  notice: "any",
  validationSplit: "number",
} as const;

/** @throws ErmineError ERMINE_OPTION where an option does not exist, is missing, or its value does not fit */
export function checkTrainerOptions(options: TrainerOptions<string, string>): void {
  requireOptions<TrainerOptions<string, string>>("Trainer", options, optionKinds);
  for (const name of ["model", "loss", "optimizer", "backend"] as const) {
    if (options[name] === undefined) throw new ErmineError("ERMINE_OPTION", `Trainer needs "${name}".`);
    checkCopy(`Trainer: ${name}`, options[name]);
  }
  checkModel(options.model);
  checkLoss(options.loss);
  const { backend } = options;
  if (typeof backend === "string" && backend !== "auto" && backend !== "fastest") {
    throw new ErmineError(
      "ERMINE_OPTION",
      `Trainer: backend is a backend, "auto" or "fastest", got ${show(backend)}. Create it: backend: await createBackend("${String(backend)}").`,
    );
  }
  if (typeof (backend as { then?: unknown } | null)?.then === "function") {
    throw new ErmineError("ERMINE_OPTION", "Trainer: the backend is a promise. Await it: backend: await cpu().");
  }
  if (typeof backend !== "string" && typeof (backend as Partial<Backend> | null)?.name !== "string") {
    throw new ErmineError("ERMINE_OPTION", `Trainer: backend is a backend, got ${show(backend)}. Write backend: await cpu().`);
  }
  checkMetrics("Trainer", options.metrics ?? []);
  checkRegularizers(options.regularizers ?? []);
  checkOptimizers(options.optimizer);
  for (const { name, observe, init } of followers(options.optimizer)) {
    if (observe === undefined || init !== undefined) continue;
    throw new ErmineError(
      "ERMINE_OPTION",
      `Trainer: the schedule ${name} observes a log and has no init(). Its state is each trainer's own: init() gives the first one, ` +
        "observe(state, value, better) returns the next, and at(time, state) reads it.",
    );
  }
  if (isSum(options.loss)) for (const { name, loss } of options.loss.parts) checkCopy(`Trainer: the loss "${name}"`, loss);
  checkLogNames("Trainer", options.loss, options.metrics ?? []);
  checkClip(options);
  const { accumulate = 1 } = options;
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `Trainer: accumulate is a whole number of micro-batches ≥ 1, got ${show(accumulate)}.`,
    );
  }
}

/** @throws ErmineError ERMINE_OPTION where two logs would have one name */
export function checkLogNames(where: string, loss: AnyLoss, metrics: readonly Metric[]): void {
  const names = [...(isSum(loss) ? loss.parts.map(({ name }) => name) : []), ...metrics.map(({ name }) => name)];
  const twice = names.find((name, i) => names.indexOf(name) !== i || name === "loss");
  if (twice === undefined) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: "${twice}" would name two logs. Metrics and parts of the loss have names of their own.`,
  );
}

function checkModel(model: unknown): void {
  const { forward, namedParameters } = (model ?? {}) as Partial<Module>;
  if (typeof forward === "function" && typeof namedParameters === "function") return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `Trainer: model is a module, got ${show(model)}. Write model: new Sequential(…), or a class of your own that extends Module.`,
  );
}

function checkLoss(loss: unknown): void {
  if (typeof loss === "function" || Array.isArray((loss as { parts?: unknown } | null)?.parts)) return;
  const remedy =
    typeof loss === "string"
      ? `Write loss: ${loss}, with import { ${loss} } from "@ermine/core".`
      : "Write loss: crossEntropy, or a function (outputs, { targets }) => ….";
  throw new ErmineError("ERMINE_OPTION", `Trainer: loss is a loss or a function, got ${show(loss)}. ${remedy}`);
}

function checkOptimizers(setup: OptimizerSetup): void {
  if (!Array.isArray(setup)) return checkOptimizer("Trainer: optimizer", setup);
  if (setup.length === 0) throw new ErmineError("ERMINE_OPTION", "Trainer: optimizer is a list of no groups.");
  (setup as readonly ParameterGroup[]).forEach((group, i) => {
    const where = `Trainer: optimizer, group ${i}`;
    requireOptions(where, group, { parameters: "any", optimizer: "any" });
    checkOptimizer(`${where}: optimizer`, group.optimizer);
    if (typeof group.parameters === "function" || Array.isArray(group.parameters)) return;
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: parameters is a function of a name, or a list of parameters, got ${show(group.parameters)}. Write parameters: (name) => name.startsWith("head").`,
    );
  });
}

function checkRegularizers(regularizers: unknown): void {
  const wrong = Array.isArray(regularizers)
    ? (regularizers as readonly unknown[]).filter(
        (one) => typeof (one as Partial<Regularizer> | null | undefined)?.penalty !== "function",
      )
    : [regularizers];
  if (wrong.length === 0) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `Trainer: regularizers is a list of penalties, got ${show(wrong[0])}. Write regularizers: [l2Penalty(1e-4)].`,
  );
}

function checkClip({ clipGradNorm, clipGradValue }: TrainerOptions<string, string>): void {
  const check = (name: string, limit: unknown): void => {
    if (typeof limit === "number" && limit > 0) return;
    throw new ErmineError(
      "ERMINE_OPTION",
      `Trainer: ${name} must be a number above 0, got ${show(limit)}. Leave it out to clip nothing.`,
    );
  };
  if (clipGradValue !== undefined) check("clipGradValue", clipGradValue);
  if (clipGradNorm === undefined) return;
  if (typeof clipGradNorm !== "object" || clipGradNorm === null) return check("clipGradNorm", clipGradNorm);
  checkOptions("Trainer: clipGradNorm", clipGradNorm, ["maxNorm", "normType"]);
  check("clipGradNorm.maxNorm", clipGradNorm.maxNorm);
  if (clipGradNorm.normType !== undefined) check("clipGradNorm.normType", clipGradNorm.normType);
}

/** The options of `fit` that change its numbers. */
export type FitSettings = { readonly [name: string]: number | boolean | string };

/** What one call of `fit` does: its options with their defaults, and its data in two parts. */
export interface FitRun<M extends string = string, T extends string = string> extends Pick<
  FitOptions<M, T>,
  "epochs" | "signal" | "shadow" | "resume"
> {
  readonly training: DataSource;
  readonly validation: DataSource | undefined;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly validationWeights: Weights;
  readonly shuffle: boolean;
  /** Those that a training which goes on from a snapshot must have again. */
  readonly settings: FitSettings;
  readonly trainMetrics: boolean;
  readonly callbacks: readonly Callback<LogName<M, T>>[];
  readonly onRefusal: "stop" | "skip";
  readonly notice: (message: string) => void;
}

/** @throws ErmineError ERMINE_DATA where it is none, ERMINE_USAGE where another copy of ermine made it */
export function checkDataset(where: string, data: unknown): asserts data is Dataset {
  checkCopy(where, data);
  if (data instanceof Dataset) return;
  throw new ErmineError(
    "ERMINE_DATA",
    `${where} takes a data set, got ${show(data)}. Write ${where}(dataset({ inputs, targets })).`,
  );
}

/** @throws ErmineError where data and options do not fit */
export function checkFit<M extends string, T extends string>(
  data: DataSource,
  options: FitOptions<M, T>,
  trainer: TrainerOptions<M, T>,
): FitRun<M, T> {
  requireOptions<FitOptions<M, T>>("fit", options, fitKinds, "data");
  const source = sourceOf("fit", data);
  const given = options.validation === undefined ? undefined : sourceOf("fit's validation", options.validation);
  const batchSize = checkBatchSize(options.batchSize ?? 32);
  if (!Number.isInteger(options.epochs) || options.epochs < 1) {
    throw new ErmineError("ERMINE_OPTION", `fit: epochs is a whole number ≥ 1, got ${show(options.epochs)}.`);
  }
  if (options.validation !== undefined && options.validationSplit !== undefined) {
    throw new ErmineError("ERMINE_OPTION", "fit: validation and validationSplit say the same thing twice. Give one.");
  }
  if (source.resume === "none" && options.epochs > 1) throw readOnce(true);
  if (given?.resume === "none" && options.epochs > 1) throw readOnce(true);
  const [training, validation] =
    options.validationSplit === undefined ? [source, given] : splitOf(source, options.validationSplit, trainer.seed ?? 0);
  const callbacks = checkCallbacks<LogName<M, T>>(options.callbacks ?? []);
  // The parts of a function of one's own are known when it has been called: its monitors are checked then.
  if (isSum(trainer.loss) || isLoss(trainer.loss)) {
    checkMonitors(
      [...callbacks, ...followers(trainer.optimizer)],
      directionsOf(trainer, { validated: validation !== undefined, trainMetrics: options.trainMetrics ?? false }),
    );
  }
  const {
    epochs,
    signal,
    resume,
    shadow,
    shuffle = true,
    dropLast = false,
    notice = console.warn,
    validationWeights = "latest",
    onRefusal = "stop",
    trainMetrics = false,
  } = options;
  checkKinds(options);
  if (onRefusal !== "stop" && onRefusal !== "skip")
    throw new ErmineError("ERMINE_OPTION", `fit: onRefusal is "stop" or "skip", got ${show(onRefusal)}.`);
  if (dropLast && training.length !== undefined && training.length < batchSize) {
    throw new ErmineError(
      "ERMINE_DATA",
      `fit: dropLast leaves no batch: there are ${training.length} samples to train on, and batchSize is ${batchSize}. Take a smaller batchSize.`,
    );
  }
  if (trainMetrics && (trainer.metrics ?? []).length === 0) {
    throw new ErmineError(
      "ERMINE_OPTION",
      "fit: trainMetrics logs the trainer's metrics, and it has none: new Trainer({ metrics: [accuracy()] }).",
    );
  }
  if (trainMetrics && source.resume === "none") {
    throw new ErmineError(
      "ERMINE_DATA",
      "fit: trainMetrics goes over the data once more, and these can be read once. Pass a function that makes the iterator.",
    );
  }
  if (shadow !== undefined) checkShadow(shadow);
  checkWeights("fit: validationWeights", validationWeights);
  const settings: FitSettings = { batchSize, dropLast, shuffle, validationWeights, trainMetrics };
  const rest = {
    training,
    validation,
    validationWeights,
    trainMetrics,
    batchSize,
    dropLast,
    shuffle,
    callbacks,
    onRefusal,
    notice,
    resume,
    settings,
  };
  return { epochs, ...(signal === undefined ? {} : { signal }), ...(shadow === undefined ? {} : { shadow }), ...rest };
}

/** @throws ErmineError ERMINE_DATA where the data are not in memory */
function splitOf(source: DataSource, fraction: number, seed: number): [Dataset, Dataset] {
  if (source instanceof Dataset) return split(source, fraction, seed);
  throw new ErmineError(
    "ERMINE_DATA",
    "fit: validationSplit holds out samples of a data set in memory. Of a stream give validation: a source of its own.",
  );
}

/** @throws ErmineError ERMINE_OPTION where an option of `fit` is of another kind than it must be */
function checkKinds({ signal, notice, shuffle, dropLast }: FitOptions): void {
  const refuse = (text: string): never => {
    throw new ErmineError("ERMINE_OPTION", `fit: ${text}`);
  };
  if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.aborted !== "boolean") {
    const controller = typeof signal === "object" && signal !== null && "signal" in signal;
    refuse(
      `signal is an AbortSignal, got ${controller ? "its controller. Give controller.signal." : `${show(signal)}. Give the signal of an AbortController.`}`,
    );
  }
  if (notice !== undefined && typeof notice !== "function") refuse(`notice is a function of a message, got ${show(notice)}.`);
  if (dropLast !== undefined && typeof dropLast !== "boolean") refuse(`dropLast is true or false, got ${show(dropLast)}.`);
  if (shuffle !== undefined && typeof shuffle !== "boolean") refuse(`shuffle is true or false, got ${show(shuffle)}.`);
}

const groupsOf = (setup: OptimizerSetup): readonly Pick<ParameterGroup, "optimizer">[] =>
  Array.isArray(setup) ? (setup as readonly ParameterGroup[]) : [{ optimizer: setup as Optimizer }];

/** The schedules that follow a log. */
export const followers = (setup: OptimizerSetup): (Schedule & { readonly monitor: string })[] =>
  groupsOf(setup)
    .flatMap(({ optimizer }) => optimizer.rates)
    .filter((rate) => typeof rate === "object" && rate.monitor !== undefined) as (Schedule & { readonly monitor: string })[];

/** @throws ErmineError ERMINE_OPTION */
export function checkWeights(where: string, weights: Weights): void {
  if (weights === "latest" || weights === "averaged") return;
  throw new ErmineError("ERMINE_OPTION", `${where} is "latest" or "averaged", got ${show(weights)}.`);
}

function checkShadow(shadow: ShadowOptions): void {
  checkOptions("fit's shadow", shadow, ["backend", "every", "tolerance"]);
  checkCopy("fit: the shadow's backend", shadow.backend);
  const { backend, every = 100, tolerance = 1e-3 } = shadow;
  if (backend === undefined)
    throw new ErmineError("ERMINE_OPTION", "fit: the shadow needs a backend, or the name of a registered one.");
  if (!Number.isInteger(every) || every < 1)
    throw new ErmineError("ERMINE_OPTION", `fit: the shadow's every is a whole number of updates ≥ 1, got ${show(every)}.`);
  if (!(tolerance > 0 && tolerance < 1))
    throw new ErmineError("ERMINE_OPTION", `fit: the shadow's tolerance is between 0 and 1, got ${show(tolerance)}.`);
}

/** "valAccuracy" for "accuracy". */
export const validationName = (name: string): string => `val${name[0]!.toUpperCase()}${name.slice(1)}`;

/** Which way each log of a training gets better. Of a part that is maximized, by a negative weight, higher is. */
export function directionsOf(
  { loss, metrics = [] }: Pick<TrainerOptions<string, string>, "loss" | "metrics">,
  { validated, trainMetrics }: { readonly validated: boolean; readonly trainMetrics: boolean },
): Directions {
  const ofLoss: [string, Better][] = [
    ["loss", "lower"],
    ...partsOf(loss).flatMap(({ name, weight }): [string, Better][] =>
      name === undefined ? [] : [[name, weight < 0 ? "higher" : "lower"]],
    ),
  ];
  const ofMetrics = metrics.map(({ name, better }): [string, Better] => [name, better]);
  return Object.fromEntries([
    ...ofLoss,
    ...(trainMetrics ? ofMetrics : []),
    ...(validated ? [...ofLoss, ...ofMetrics].map(([name, better]) => [validationName(name), better] as const) : []),
  ]);
}

/** @throws ErmineError ERMINE_OPTION where something follows a log that there is not */
export function checkMonitors(monitors: readonly { readonly name: string; readonly monitor?: string }[], logs: Directions): void {
  const names = Object.keys(logs);
  for (const { name, monitor } of monitors) {
    if (monitor === undefined || names.includes(monitor)) continue;
    const validated = names.includes("valLoss");
    throw new ErmineError(
      "ERMINE_OPTION",
      `${name} follows "${monitor}", and this training logs ${names.join(", ")}.${validated ? "" : " Give validation data for the others."}`,
    );
  }
}
