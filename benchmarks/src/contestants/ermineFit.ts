/** Training through ermine's trainer. */
import { crossEntropy, mse, type Backend, type Tensor } from "@ermine/core";
import { adamw, dataset, progressBar, Trainer, type AnyLoss } from "@ermine/trainer";
import { adamwOptions } from "../task.js";
import { readAll, readParameters, type ModelTask } from "./data.js";
import { ermineLoss, ermineModel } from "./ermineModel.js";
import type { Work } from "./player.js";

/** Epochs of `fit`, with shuffling, gathering, history and a progress bar that draws into nothing. */
export function fitWork(task: ModelTask, backend: Backend): Work {
  const model = ermineModel(task.model, readParameters(task));
  const lossOf = ermineLoss(task.model);
  const loss: AnyLoss =
    task.model.loss === "mse"
      ? mse
      : task.target.shape.length === 0
        ? crossEntropy
        : (output, { targets }) => lossOf(output as Tensor, targets as Tensor);
  const trainer = new Trainer({ model, loss, optimizer: adamw(adamwOptions), backend });
  const all = readAll(task);
  const data = dataset({
    inputs: { data: all.inputs, shape: all.shape },
    targets: { data: all.targets, shape: all.targetShape },
  });
  /** From the first step's end to the last one's: what is done once, tracing and checking the data, is `startup`'s affair. */
  const run = async (epochs: number): Promise<{ steps: number; milliseconds: number }> => {
    let [steps, first, last] = [0, 0, 0];
    const watch = {
      name: "watch",
      onStep() {
        steps++;
        if (steps === 1) first = performance.now();
      },
      onTrainEnd() {
        last = performance.now();
      },
    };
    const bar = progressBar({ live: true, write: () => {} });
    await trainer.fit(data, { epochs, batchSize: task.batch, callbacks: [bar, watch] });
    return { steps: steps - 1, milliseconds: last - first };
  };
  let perEpoch: number | undefined;
  return {
    engine: backend.engine,
    step: () => run(2).then(() => undefined),
    async turn(milliseconds) {
      if (perEpoch === undefined) {
        const { milliseconds: elapsed } = await run(4);
        perEpoch = elapsed / 4;
      }
      const turn = await run(Math.max(2, Math.round(milliseconds / perEpoch)));
      perEpoch = (turn.milliseconds / turn.steps) * task.batches;
      return turn;
    },
    held: () => backend.memory().bytes,
    dispose: () => trainer.dispose(),
  };
}
