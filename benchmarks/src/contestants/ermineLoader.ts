/** The trainer's data pipeline alone: shuffled batches gathered into the memory that a step is fed from. */
import { isFeedSource } from "@ermine/core";
import { batches, batchFeeds, dataset } from "@ermine/trainer";
import { readAll, type ModelTask } from "./data.js";
import type { Work } from "./player.js";

/** One step is one epoch. */
export function loaderWork(task: ModelTask): Work {
  const { inputs, targets: classes, shape, targetShape } = readAll(task);
  const data = dataset({ inputs: { data: inputs, shape }, targets: { data: classes, shape: targetShape } });
  const targets = { inputs: new Float32Array((inputs.length / shape[0]!) * task.batch), targets: new Int32Array(task.batch) };
  let epoch = 0;
  return {
    engine: "@ermine/trainer",
    step() {
      for (const rows of batches(data.length, task.batch, { seed: 0, epoch: epoch++ })) {
        const feeds = batchFeeds(data, { rows });
        for (const name of ["inputs", "targets"] as const) {
          const { value } = feeds[name]!;
          if (!isFeedSource(value)) throw new Error(`The feed "${name}" is not gathered.`);
          value.copyInto(targets[name]);
        }
      }
      return undefined;
    },
  };
}
