/** Workload of a backend choice or a plan: the calls of one step over a sample, traced for any backend, with the numbers they start from. */
import type { TypedArray } from "@ermine/core";
import type { GraphModule } from "@ermine/core/backend";
import type { Dataset } from "../data/dataset.js";
import type { Batch } from "../data/source.js";
import type { Reading } from "../loop/predict.js";
import type { TrainerOptions } from "../options.js";
import { defineEvaluate, definePredict, defineUpdate } from "../step/entries.js";
import { feedsOf, updateRuns, type EntryRun } from "../step/feeds.js";
import { loadMicroBatches } from "../step/loadMicroBatches.js";
import { trainingFor, type Training } from "../step/training.js";
import { numbersOf } from "./steps.js";

export interface Workload {
  readonly module: GraphModule;
  readonly runs: readonly EntryRun[];
  /** Of the module's variables. */
  readonly numbers: readonly TypedArray[];
  /** Samples a micro-batch. */
  readonly batchSize: number;
}

/** Use of the sample: training, evaluation or prediction. */
export type Use = "update" | "evaluate" | Exclude<Reading, "classes">;

/** Traces it in a training of its own: the trainer's is not begun by that. */
export async function workloadOf(
  options: TrainerOptions<string, string>,
  sample: Dataset,
  use: Use,
  batchSize: number,
): Promise<Workload> {
  const draft = trainingFor(options);
  await loadMicroBatches(draft);
  try {
    const runs = defined(draft, sample, use, batchSize);
    const module = draft.engine.trace();
    return { module, runs, numbers: await numbersOf(module), batchSize: Math.min(batchSize, sample.length) };
  } finally {
    draft.state.dispose();
  }
}

function defined(draft: Training, sample: Dataset, use: Use, batchSize: number): EntryRun[] {
  const parts = [...sample.batches({ batchSize, epoch: 0, seed: undefined, retained: Math.ceil(sample.length / batchSize) })];
  if (use === "update") {
    defineUpdate(draft, sample.columns);
    return updateRuns(draft, parts.slice(0, draft.accumulate));
  }
  const [{ size, columns }] = parts as [Batch];
  if (use === "evaluate") {
    const entry = defineEvaluate(draft, sample.columns, draft.metrics.length > 0);
    return [{ entry, feeds: feedsOf(draft, { size, columns }), size }];
  }
  const entry = definePredict(draft, { inputs: sample.columns.inputs }, { as: use, output: undefined });
  return [{ entry, feeds: feedsOf(draft, { size, columns: { inputs: columns.inputs } }), size }];
}
