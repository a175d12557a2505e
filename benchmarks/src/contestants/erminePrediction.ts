/** Predictions of ermine. */
import type { Backend } from "@ermine/core";
import { type Feed, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { readBatches, readParameters, type ModelTask } from "./data.js";
import { feedInputs } from "./ermineFeeds.js";
import { ermineModel } from "./ermineModel.js";
import type { Work } from "./player.js";

/** The compiled forward of one batch, its output read. */
export function predictWork(task: ModelTask, backend: Backend): Work {
  const model = ermineModel(task.model, readParameters(task));
  model.eval();
  const batches = readBatches(task);
  const started = performance.now();
  const predict = traceEntry("predict", (trace) => [model.forward(feedInputs(trace, task))]);
  const program = compileModule(backend, graphModule({ predict: predict.graph }));
  const compiling = performance.now() - started;
  const feeds: Record<string, Feed>[] = batches.map(({ inputs, shape }) => ({ inputs: { shape, value: inputs } }));
  let steps = 0;
  return {
    engine: backend.engine,
    compiling,
    step() {
      const [output] = program.run("predict", feeds[steps++ % feeds.length]!);
      const first = backend.readSync!(output!)[0]!;
      backend.release(output!);
      return first;
    },
    dispose: () => program.dispose(),
  };
}
