/** What the loop, evaluation and prediction work on: how a step is made, the state that it changes, and what runs it. */
import { ErmineError, type Link, type TensorType } from "@ermine/core";
import type { Ahead } from "../data/ahead.js";
import type { Resident } from "../data/resident.js";
import type { Metric } from "../metrics/metric.js";
import type { TrainerOptions } from "../options.js";
import { mainLoss } from "../risk/objective.js";
import type { StepSetup } from "./body.js";
import { Engine } from "./engine.js";
import type { StepFeeds } from "./entries.js";
import { TrainingState } from "./state.js";

export interface Training {
  /** How a step is made. */
  readonly setup: Omit<StepSetup, "groups">;
  /** Micro-batches an update. */
  readonly accumulate: number;
  readonly metrics: readonly Metric[];
  /** What training changes. */
  readonly state: TrainingState;
  /** Runs the entries, once it is placed on a backend. */
  readonly engine: Engine;
  /** What the last update was fed; the next one takes it up again. */
  feeds: StepFeeds | undefined;
  /** The type of the target that was trained or evaluated on last: some links depend on it. */
  targetType: TensorType | undefined;
  /** Batches gathered while a step runs, where the backend answers later. */
  ahead: Ahead | undefined;
  /** The columns that lie in the backend's memory, while `fit` goes over them. */
  resident: Resident | undefined;
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
    engine: new Engine(options.compile ?? true, state.buffers, () => model.namedVariables().map(([, variable]) => variable)),
    feeds: undefined,
    targetType: undefined,
    ahead: undefined,
    resident: undefined,
  };
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
