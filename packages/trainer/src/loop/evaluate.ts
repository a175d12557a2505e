/** The risk and the metrics over a whole set, exact for any batch size. */
import { batches } from "../data/batches.js";
import type { Dataset } from "../data/dataset.js";
import { atOnce, computed } from "../metrics/metric.js";
import type { Weights } from "../options.js";
import { addSums, hostSums, meansOf, riskOf, type HostSums } from "../risk/means.js";
import { partsOf } from "../risk/objective.js";
import { targetOf } from "../risk/reading.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import { defineEvaluate, feedsOf } from "../step/entries.js";
import { checkBatchSizes } from "../step/sizes.js";
import { allOrNothing, type Training } from "../step/training.js";
import type { Work } from "../step/turns.js";

/** @param work the call that it is part of */
export function evaluate(
  training: Training,
  data: Dataset,
  batchSize: number,
  weights: Weights,
  work: Work,
): Promise<Record<string, number>> {
  const { turns, averaged } = training;
  return turns.take(async () => {
    work.check();
    if (weights === "latest") return evaluated(training, data, batchSize, work);
    const swap = await averaged.enter(work.check);
    try {
      return await evaluated(training, data, batchSize, work);
    } finally {
      averaged.leave(swap);
    }
  });
}

async function evaluated(training: Training, data: Dataset, batchSize: number, work: Work): Promise<Record<string, number>> {
  const {
    engine,
    metrics,
    setup: { loss },
  } = training;
  allOrNothing(training, () => {
    defineEvaluate(training, data);
    engine.prepare();
    checkBatchSizes(training, ["evaluate"], "evaluate", { length: data.length, batchSize, dropLast: false });
  });
  let states = metrics.map((metric) => atOnce(metric, metric.init()));
  const sums: HostSums[] = [];
  for (const rows of batches(data.length, batchSize)) {
    const outputs = await engine.run("evaluate", feedsOf(training, data, rows));
    work.check();
    addSums(sums, hostSums(outputs[0]!.data));
    if (metrics.length > 0) {
      const target = targetOf(loss, data, rows);
      states = metrics.map((metric, i) => atOnce(metric, metric.update(states[i]!, outputs[1]!, target)));
    }
    await yieldToEventLoop();
    work.check();
  }
  const entries = metrics.map((metric, i) => [metric.name, computed(metric, states[i])] as const);
  const parts = partsOf(loss);
  return { loss: riskOf(parts, sums), ...meansOf(parts, sums), ...Object.fromEntries(entries) };
}
