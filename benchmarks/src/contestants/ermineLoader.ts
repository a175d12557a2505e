/** The trainer's data pipeline alone: shuffled batches gathered into the memory that a step is fed from. */
import { isFeedSource } from "@ermine/core/backend";
import { batchFeeds, dataset } from "@ermine/trainer";
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
      for (const batch of data.batches({ batchSize: task.batch, seed: 0, epoch: epoch++ })) {
        const feeds = batchFeeds(batch);
        for (const name of ["inputs", "targets"] as const) {
          const { value } = feeds[name]!;
          if (!isFeedSource(value)) throw new Error(`The feed "${name}" is not gathered.`);
          value.copyInto(
            targets[name].subarray(
              0,
              feeds[name]!.shape.reduce((a, b) => a * b, 1),
            ),
          );
        }
      }
      return undefined;
    },
  };
}
