/** The risk and the metrics over a whole set, exact for any batch size. */
import { Dataset } from "../data/dataset.js";
import type { Batch, ColumnTypes, DataSource } from "../data/source.js";
import { atOnce, checkWeighted, computed, type Metric } from "../metrics/metric.js";
import type { Weights } from "../options.js";
import { addSums, hostSums, meansOf, riskOf, type HostSums } from "../risk/means.js";
import { partsOf } from "../risk/objective.js";
import { targetOf, weightsOf } from "../risk/reading.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import { defineEvaluate } from "../step/entries.js";
import { feedsOf } from "../step/feeds.js";
import { checkBatchSizes } from "../step/sizes.js";
import { allOrNothing, type Training } from "../step/training.js";
import type { Work } from "../step/turns.js";
import { batchCheck, checkValues } from "./checkData.js";
import { typesOfSource } from "./sources.js";

/** Data, metrics and options of an evaluation. */
export interface Evaluation {
  readonly data: DataSource;
  readonly metrics: readonly Metric[];
  readonly batchSize: number;
  readonly weights: Weights;
  /** `fit` has looked at the data. */
  readonly isChecked: boolean;
}

/** @param work the call that it is part of */
export async function evaluate(training: Training, evaluation: Evaluation, work: Work): Promise<Record<string, number>> {
  const { turns, averaged } = training;
  const types = await typesOfSource(evaluation.data, evaluation.batchSize);
  return turns.take(async () => {
    work.check();
    if (evaluation.weights === "latest") return evaluated(training, evaluation, types, work);
    const swap = await averaged.enter(work.check);
    try {
      return await evaluated(training, evaluation, types, work);
    } finally {
      averaged.leave(swap);
    }
  });
}

async function evaluated(
  training: Training,
  { data, metrics, batchSize, isChecked }: Evaluation,
  types: ColumnTypes,
  work: Work,
): Promise<Record<string, number>> {
  const {
    engine,
    setup: { loss },
  } = training;
  checkWeighted("evaluate", metrics, types.sampleWeights !== undefined);
  const entry = allOrNothing(training, () => {
    const name = defineEvaluate(training, types, metrics.length > 0);
    engine.prepare();
    const { length } = data;
    if (length !== undefined) checkBatchSizes(training, [name], "evaluate", { length, batchSize, dropLast: false });
    if (data instanceof Dataset && !isChecked) checkValues(training, data, "evaluated", [name]);
    return name;
  });
  const check = batchCheck(training, data, types, isChecked ? "validation" : "evaluated");
  let states = metrics.map((metric) => atOnce(metric, metric.init()));
  const sums: HostSums[] = [];
  const take = async (batch: Batch): Promise<void> => {
    check?.(batch);
    const outputs = await engine.run(entry, feedsOf(training, batch), batch.size);
    work.check();
    addSums(sums, hostSums(outputs[0]!.data));
    if (metrics.length > 0) {
      const target = targetOf(loss, batch);
      const sampleWeights = weightsOf(batch);
      states = metrics.map((metric, i) => atOnce(metric, metric.update(states[i]!, outputs[1]!, target, sampleWeights)));
    }
    await yieldToEventLoop();
    work.check();
  };
  await eachBatch(data, batchSize, take);
  const entries = metrics.map((metric, i) => [metric.name, computed(metric, states[i])] as const);
  const parts = partsOf(loss);
  return { loss: riskOf(parts, sums), ...meansOf(parts, sums), ...Object.fromEntries(entries) };
}

/** Takes all batches of a source once, in its own order. */
export async function eachBatch(data: DataSource, batchSize: number, take: (batch: Batch) => Promise<void>): Promise<void> {
  for await (const batch of data.batches({ batchSize, epoch: 0, seed: undefined })) await take(batch);
}
