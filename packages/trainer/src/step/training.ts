/** Context of the training loop, evaluation and prediction: the step's setup, the training state and the engine. */
import { ErmineError, type Link } from "@ermine/core";
import type { TensorType } from "@ermine/core/backend";
import type { ColumnTypes } from "../data/source.js";
import type { Metric } from "../metrics/metric.js";
import type { FitSettings } from "../loop/fitOptions.js";
import type { TrainerOptions } from "../options.js";
import { targetTypeOfPart } from "../data/targets.js";
import { isLoss, partReading } from "../risk/objective.js";
import { AveragedWeights } from "./averaged.js";
import type { StepSetup } from "./differentiate.js";
import { Engine } from "./engine.js";
import { TrainingState } from "./state.js";
import { Turns } from "./turns.js";

export interface Training {
  /** Setup of a step. */
  readonly setup: Omit<StepSetup, "groups" | "checksWritten">;
  /** Micro-batches an update. */
  readonly accumulate: number;
  /** Defines the entries of an update over several micro-batches; there where a trainer accumulates, before they are first asked for. */
  defineMicroBatches: ((training: Training, setup: StepSetup, data: ColumnTypes) => void) | undefined;
  readonly metrics: readonly Metric[];
  /** State that training changes. */
  readonly state: TrainingState;
  /** Runs the entries, once it is placed on a backend. */
  readonly engine: Engine;
  /** Who works on the variables. */
  readonly turns: Turns;
  readonly averaged: AveragedWeights;
  /** The types of the columns that the update's entries are defined for. */
  columns: ColumnTypes | undefined;
  /** May a run be queued before the report of the last one was read? Then a refused run keeps those after it from changing anything. */
  isInFlight: boolean;
  /** The options of the last `fit` that change its numbers; null before the first. */
  fitSettings: FitSettings | null;
  /** The columns that were trained or evaluated on last: some links depend on the type of the target. */
  targetColumns: ColumnTypes | undefined;
}

export function trainingFor(options: TrainerOptions<string, string>): Training {
  const { model, loss, optimizer, metrics = [], regularizers = [], clipGradNorm, clipGradValue, accumulate = 1 } = options;
  const { logGradNorm = false } = options;
  const { maxNorm, normType = 2 } = typeof clipGradNorm === "number" ? { maxNorm: clipGradNorm } : (clipGradNorm ?? {});
  const state = new TrainingState(model, optimizer);
  return {
    setup: {
      model,
      loss,
      regularizers,
      gradNorm: maxNorm === undefined && !logGradNorm ? undefined : { maxNorm, normType },
      clipGradValue,
      buffers: state.buffers,
      seed: options.seed ?? 0,
    },
    accumulate,
    defineMicroBatches: undefined,
    metrics,
    state,
    turns: new Turns(),
    averaged: new AveragedWeights(state),
    engine: new Engine(options.compile ?? true, state.buffers, () => model.namedVariables().map(([, variable]) => variable)),
    columns: undefined,
    isInFlight: false,
    fitSettings: null,
    targetColumns: undefined,
  };
}

/**
 * Runs fn, which defines entries, makes the program and looks whether the data fit. Where fn throws nothing of it is left: no entry that cannot
 * be traced or compiled, no slot, no type of a target.
 */
export function allOrNothing<T>(training: Training, fn: () => T): T {
  const { engine, state, targetColumns, columns } = training;
  const undo = [engine.mark(), state.mark()];
  try {
    return fn();
  } catch (error) {
    for (const restore of undo) restore();
    training.targetColumns = targetColumns;
    training.columns = columns;
    throw error;
  }
}

/** Ends what runs and frees what training holds; the model keeps its parameters. */
export function disposeTraining(training: Training): void {
  const { turns, averaged, engine, state } = training;
  turns.dispose(state.update);
  engine.undo();
  averaged.putBack();
  engine.dispose();
  state.dispose();
  training.fitSettings = null;
  training.columns = training.targetColumns = undefined;
}

/** Selection of a model's outputs: raw or as probabilities; all of them, or one by its key or index. */
export interface OutputReading {
  readonly as: "output" | "probabilities";
  readonly output: string | number | undefined;
}

/** @param output of the part of the loss that reads it; default: the main one */
export function targetTypeOf({ setup: { loss }, targetColumns }: Training, output?: string | number): TensorType | undefined {
  return targetColumns === undefined ? undefined : targetTypeOfPart(partReading(loss, output), targetColumns);
}

/**
 * Link that maps the model's output to predictions for users and metrics.
 *
 * @param output the output whose link it is; default: the one that the main part of the loss reads
 */
export function linkOf(training: Training, output?: string | number): Link {
  const { loss: main } = partReading(training.setup.loss, output);
  if (!isLoss(main)) return "identity";
  const link = main.linkOf(targetTypeOf(training, output));
  if (link !== undefined) return link;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${main.lossName}: how outputs become probabilities depends on the targets (class indices are int32, labels float32), and this trainer has ` +
      'seen none. Call fit or evaluate first, or predict with { as: "output" }.',
  );
}
