/** What the loop, evaluation and prediction work on: how a step is made, the state that it changes, and what runs it. */
import { ErmineError, type Link, type TensorType } from "@ermine/core";
import type { ColumnTypes } from "../data/source.js";
import type { Metric } from "../metrics/metric.js";
import type { FitSettings, TrainerOptions } from "../options.js";
import { mainLoss } from "../risk/objective.js";
import { AveragedWeights } from "./averaged.js";
import type { StepSetup } from "./body.js";
import { Engine } from "./engine.js";
import { TrainingState } from "./state.js";
import { Turns } from "./turns.js";

export interface Training {
  /** How a step is made. */
  readonly setup: Omit<StepSetup, "groups" | "checksWritten">;
  /** Micro-batches an update. */
  readonly accumulate: number;
  readonly metrics: readonly Metric[];
  /** What training changes. */
  readonly state: TrainingState;
  /** Runs the entries, once it is placed on a backend. */
  readonly engine: Engine;
  /** Who works on the variables. */
  readonly turns: Turns;
  readonly averaged: AveragedWeights;
  /** The types of the columns that the update's entries are defined for. */
  columns: ColumnTypes | undefined;
  /** May a step be queued before the report of the last one was read? Then a refused step keeps those after it from changing anything. */
  isInFlight: boolean;
  /** The type of the target that was trained or evaluated on last: some links depend on it. */
  targetType: TensorType | undefined;
  /** The options of the last `fit` that change its numbers; null before the first. */
  fitSettings: FitSettings | null;
  /** Puts back what the micro-batches of an update that is not whole yet have changed. */
  undo: (() => void) | undefined;
}

export function trainingFor(options: TrainerOptions<string, string>): Training {
  const { model, loss, optimizer, metrics = [], regularizers = [], clipGradNorm, clipGradValue, accumulate = 1 } = options;
  const clip = typeof clipGradNorm === "number" ? { maxNorm: clipGradNorm } : clipGradNorm;
  const state = new TrainingState(model, optimizer);
  return {
    setup: {
      model,
      loss,
      regularizers,
      clipGradNorm: clip === undefined ? undefined : { normType: 2, ...clip },
      clipGradValue,
      buffers: state.buffers,
      seed: options.seed ?? 0,
    },
    accumulate,
    metrics,
    state,
    turns: new Turns(),
    averaged: new AveragedWeights(state),
    engine: new Engine(options.compile ?? true, state.buffers, () => model.namedVariables().map(([, variable]) => variable)),
    columns: undefined,
    isInFlight: false,
    targetType: undefined,
    fitSettings: null,
    undo: undefined,
  };
}

/**
 * Runs fn, which defines entries, makes the program and looks whether the data fit. Where fn throws nothing of it is left: no entry that cannot
 * be traced or compiled, no slot, no type of a target.
 */
export function allOrNothing<T>(training: Training, fn: () => T): T {
  const { engine, state, targetType, columns } = training;
  const undo = [engine.mark(), state.mark()];
  try {
    return fn();
  } catch (error) {
    for (const restore of undo) restore();
    training.targetType = targetType;
    training.columns = columns;
    throw error;
  }
}

/** Ends what runs and frees what training holds; the model keeps its parameters. */
export function disposeTraining(training: Training): void {
  const { turns, averaged, engine, state } = training;
  turns.dispose(state.update);
  engine.undo();
  training.undo?.();
  training.undo = undefined;
  averaged.putBack();
  engine.dispose();
  state.dispose();
  training.columns = training.targetType = undefined;
  training.fitSettings = null;
}

/** What turns the model's output into what people and metrics read. */
export function linkOf({ setup: { loss }, targetType }: Training): Link {
  const main = mainLoss(loss);
  if (main === undefined) return "identity";
  const link = main.linkOf(targetType);
  if (link !== undefined) return link;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${main.lossName}: how outputs become probabilities depends on the targets (class indices are int32, labels float32), and this trainer has ` +
      'seen none. Call fit or evaluate first, or predict with { as: "output" }.',
  );
}
