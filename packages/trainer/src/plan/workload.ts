/** What a choice and a plan are about: the calls of one step over a sample, traced for any backend, with the numbers they start from. */
import type { GraphModule, TypedArray } from "@ermine/core";
import { batches } from "../data/batches.js";
import { Dataset } from "../data/dataset.js";
import type { Reading } from "../loop/predict.js";
import type { TrainerOptions } from "../options.js";
import { defineEvaluate, definePredict, defineUpdate, feedsOf, updateRuns, type EntryRun } from "../step/entries.js";
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

/** What is done with the sample. */
export type Use = "update" | "evaluate" | Exclude<Reading, "classes">;

/** Traces it in a training of its own: the trainer's is not begun by that. */
export async function workloadOf(
  options: TrainerOptions<string, string>,
  sample: Dataset,
  use: Use,
  batchSize: number,
): Promise<Workload> {
  const draft = trainingFor(options);
  try {
    const runs = defined(draft, sample, use, batchSize);
    const module = draft.engine.trace();
    return { module, runs, numbers: await numbersOf(module), batchSize: Math.min(batchSize, sample.length) };
  } finally {
    draft.state.dispose();
  }
}

function defined(draft: Training, sample: Dataset, use: Use, batchSize: number): EntryRun[] {
  const parts = batches(sample.length, batchSize);
  if (use === "update") {
    defineUpdate(draft, sample);
    return updateRuns(draft, sample, parts.slice(0, draft.accumulate));
  }
  if (use === "evaluate") {
    defineEvaluate(draft, sample);
    return [{ entry: "evaluate", feeds: feedsOf(draft, sample, parts[0]!) }];
  }
  const unlabelled = new Dataset({ inputs: sample.inputs, targets: undefined, sampleWeights: undefined });
  return [{ entry: definePredict(draft, unlabelled, use), feeds: feedsOf(draft, unlabelled, parts[0]!) }];
}
