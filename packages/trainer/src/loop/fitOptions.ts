/** Options and result of `fit`; options are checked before training starts. */
import { ErmineError } from "@ermine/core";
import { checkCopy, checkOptions, requireOptions, show } from "@ermine/core/define";
import type { Callback, LogName } from "../callbacks/callback.js";
import { checkCallbacks, type CallbackEntry } from "../callbacks/check.js";
import type { PrefetchStats } from "../data/prefetch.js";
import type { DataSource } from "../data/source.js";
import { readOnce } from "../data/readOnce.js";
import { sourceOf } from "./sources.js";
import { checkBatchSize } from "../data/batches.js";
import { Dataset, split } from "../data/dataset.js";
import { isLoss, isSum } from "../risk/objective.js";
import type { SnapshotSource, TrainingSnapshot } from "../step/contract.js";
import type { ShadowOptions, ShadowReport } from "../plan/shadowReport.js";
import { type TrainerOptions, type Weights, checkWeights } from "../options.js";
import { followers, directionsOf, checkMonitors, type EpochLogs } from "../logs.js";

/** The options of `fit`. */
export interface FitOptions<M extends string = string, T extends string = string, A extends boolean = boolean> {
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
  readonly trainMetrics?: A;
  /** Weights used for validation: "latest" (default), or those that an optimizer averages (`exponentialAverage`). */
  readonly validationWeights?: Weights;
  /** A new order each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Told in this order. Falsy entries are left out: `[progress && progressBar()]`. Default: none. */
  readonly callbacks?: readonly CallbackEntry<LogName<M, T>>[];
  /**
   * Action for a step that would write values that are not finite. "stop" (default): training ends with an error that names layer and op; parameters are
   * those before the step. "skip": the batch is left out with a notice of what was wrong, and training goes on with the next one. The same for a batch of a
   * stream whose targets the loss does not take, which no step uses; those of a data set are looked at before the first step.
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

/** Result of `fit`; `E` is the type of an epoch's logs. */
export interface History<E = EpochLogs> {
  /** The logs of each epoch, by their names. */
  readonly epochs: readonly E[];
  /** The loss of each update: the batch's risk plus the penalty. */
  readonly steps: readonly number[];
  /** Prefetching statistics, for backends that answer asynchronously. */
  readonly loading?: PrefetchStats;
  /** Report of the shadow backend. */
  readonly shadow?: ShadowReport;
  /** Why it ended. */
  readonly stopped: "finished" | "aborted" | (string & {});
}

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

/** The options of `fit` that change its numbers. */
export type FitSettings = { readonly [name: string]: number | boolean | string };

/** Resolved options of one call of `fit`, with training and validation data. */
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

/** @throws ErmineError where data and options do not fit */
export function checkFit<M extends string, T extends string>(
  data: DataSource,
  options: FitOptions<M, T>,
  trainer: TrainerOptions<M, T>,
): FitRun<M, T> {
  requireOptions<FitOptions<M, T>>("fit", options, fitKinds, "data");
  const source = sourceOf("fit", data);
  const validationSource = options.validation === undefined ? undefined : sourceOf("fit's validation", options.validation);
  const batchSize = checkBatchSize(options.batchSize ?? 32);
  if (!Number.isInteger(options.epochs) || options.epochs < 1) {
    throw new ErmineError("ERMINE_OPTION", `fit: epochs is a whole number ≥ 1, got ${show(options.epochs)}.`);
  }
  if (options.validation !== undefined && options.validationSplit !== undefined) {
    throw new ErmineError("ERMINE_OPTION", "fit: validation and validationSplit say the same thing twice. Give one.");
  }
  if (source.resume === "none" && options.epochs > 1) throw readOnce(true);
  if (validationSource?.resume === "none" && options.epochs > 1) throw readOnce(true);
  const [training, validation] =
    options.validationSplit === undefined
      ? [source, validationSource]
      : splitOf(source, options.validationSplit, trainer.seed ?? 0);
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
