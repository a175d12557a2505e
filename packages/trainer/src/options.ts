/** Options of a trainer, checked before the first step. */
import { ErmineError, type Backend } from "@ermine/core";
import { checkCopy, checkOptions, requireOptions, show } from "@ermine/core/define";
import type { Module } from "@ermine/core/nn";
import { Dataset } from "./data/dataset.js";
import { checkMetrics, type Metric } from "./metrics/metric.js";
import type { NormType } from "./optimizers/clip.js";
import { checkOptimizer } from "./optimizers/optimizer.js";
import type { OptimizerSetup, ParameterGroup } from "./optimizers/groups.js";
import { isSum, type AnyLoss } from "./risk/objective.js";
import type { BackendRequest } from "./plan/request.js";
import type { Regularizer } from "./risk/regularizers.js";
import { checkLogNames, followers } from "./logs.js";

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
  /**
   * Log the norm of all gradients together as `gradNorm`, without clipping by it: one more pass over them. With `clipGradNorm` it is there anyway and is logged
   * always, as it was before the gradients were scaled. Default false.
   */
  readonly logGradNorm?: boolean;
  /** Micro-batches an update. Default 1. */
  readonly accumulate?: number;
  /** Of shuffling, splitting and the model's random numbers. Default 0. */
  readonly seed?: number;
  /** Replay the step as one program (default), or run it op by op. */
  readonly compile?: boolean;
}

/** The weights as the last update left them, or their average along the way. */
export type Weights = "latest" | "averaged";

/** The options of `Trainer.evaluate`: `N` are the names of the metrics. */
export interface EvaluateOptions<N extends string = string> {
  /** Metrics that are reported next to the loss. Default: the trainer's. */
  readonly metrics?: readonly Metric<N>[];
  /** Samples at a time; the result does not depend on it. Default 256. */
  readonly batchSize?: number;
  /** "averaged": with the average of the weights that an optimizer keeps (`exponentialAverage`, `stochasticAverage`). Default "latest". */
  readonly weights?: Weights;
}

/** The options of `Trainer.plan`. */
export interface PlanOptions {
  /** Samples in a micro-batch. Default 32. */
  readonly batchSize?: number;
  /** Time and arrange the step on every available backend. Default: only where the trainer's backend is "fastest". */
  readonly all?: boolean;
}

/** The options of `Trainer.profile`. */
export interface ProfileOptions {
  /** Samples in a micro-batch. Default 32. */
  readonly batchSize?: number;
  /** How many steps are timed, at least 1. Default 20. */
  readonly steps?: number;
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
  logGradNorm: "boolean",
  accumulate: "any",
  seed: "integer",
  compile: "boolean",
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
  checkLogNames("Trainer", options.loss, options.metrics ?? [], options.optimizer);
  checkClip(options);
  const { accumulate = 1 } = options;
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `Trainer: accumulate is a whole number of micro-batches ≥ 1, got ${show(accumulate)}.`,
    );
  }
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
    requireOptions(where, group, { parameters: "any", optimizer: "any", lazy: "boolean" });
    checkOptimizer(`${where}: optimizer`, group.optimizer);
    checkLazy(where, group);
    if (typeof group.parameters === "function" || Array.isArray(group.parameters)) return;
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: parameters is a function of a name, or a list of parameters, got ${show(group.parameters)}. Write parameters: (name) => name.startsWith("head").`,
    );
  });
}

/** @throws ErmineError ERMINE_OPTION where a group is lazy whose optimizer moves rows that are not looked up, or looks at several at once */
function checkLazy(where: string, { optimizer, lazy = false }: ParameterGroup): void {
  if (!lazy || optimizer.elementwise === true || optimizer.rows !== undefined) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: ${optimizer.name} cannot be lazy: it looks at all rows of a table at once, or keeps an average of them. ` +
      "Optimizers that treat each element by itself can: sgd, adam, adamw, rmsprop, adagrad … Leave out lazy, or take one of these.",
  );
}

function checkRegularizers(regularizers: unknown): void {
  const invalidRegularizer = Array.isArray(regularizers)
    ? (regularizers as readonly unknown[]).filter(
        (regularizer) => typeof (regularizer as Partial<Regularizer> | null | undefined)?.penalty !== "function",
      )
    : [regularizers];
  if (invalidRegularizer.length === 0) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `Trainer: regularizers is a list of penalties, got ${show(invalidRegularizer[0])}. Write regularizers: [l2Penalty(1e-4)].`,
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

/** @throws ErmineError ERMINE_DATA where it is none, ERMINE_USAGE where another copy of ermine made it */
export function checkDataset(where: string, data: unknown): asserts data is Dataset {
  checkCopy(where, data);
  if (data instanceof Dataset) return;
  throw new ErmineError(
    "ERMINE_DATA",
    `${where} takes a data set, got ${show(data)}. Write ${where}(dataset({ inputs, targets })).`,
  );
}

/** @throws ErmineError ERMINE_OPTION */
export function checkWeights(where: string, weights: Weights): void {
  if (weights === "latest" || weights === "averaged") return;
  throw new ErmineError("ERMINE_OPTION", `${where} is "latest" or "averaged", got ${show(weights)}.`);
}
