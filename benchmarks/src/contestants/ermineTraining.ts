/** Training steps of ermine without its trainer. */
import { valueAndGrad, withRandom, type Backend, type Tensor } from "@ermine/core";
import {
  type Feed,
  type Program,
  type TensorType,
  bytesPerElement,
  compileModule,
  graphModule,
  peakBytes,
  specialize,
  traceEntry,
} from "@ermine/core/backend";
import { Dropout, type Sequential } from "@ermine/core/nn";
import { isRandom } from "../model.js";
import { adamwOver } from "./adamwOver.js";
import { readBatches, readParameters, type ModelTask } from "./data.js";
import { feedInputs, feedTargets } from "./ermineFeeds.js";
import { ermineLoss, ermineModel } from "./ermineModel.js";
import type { Work } from "./player.js";

/** A compiled step, its batch fed from host memory: what `trainer.fit` runs, without the trainer around it. */
export function trainWork(task: ModelTask, backend: Backend): Work {
  const model = ermineModel(task.model, readParameters(task));
  const lossOf = ermineLoss(task.model);
  const parameters = model.parameters();
  const { optimizer, apply } = adamwOver(parameters);
  const batches = readBatches(task);
  const { shape, targetShape } = batches[0]!;
  const random = isRandom(task.model);
  const firstLoss = random ? lossWithoutDropout(task, model, backend) : undefined;
  const before = backend.memory().bytes;
  const started = performance.now();
  const step = traceEntry("step", (trace) => {
    const inputs = feedInputs(trace, task);
    const targets = feedTargets(trace, task);
    const scalars = trace.feed("scalars", { shape: [optimizer.scalarCount], dtype: "float32", domain: "real" });
    const differentiate = () => valueAndGrad(() => lossOf(model.forward(inputs), targets), parameters);
    const { value, grads } = random
      ? withRandom({ seed: 1, counters: trace.feed("counters", { shape: [3], dtype: "int32", domain: "real" }) }, differentiate)
      : differentiate();
    apply(grads as readonly Tensor[], scalars);
    return [value];
  });
  const program = compileModule(backend, graphModule({ step: step.graph }));
  const compiling = performance.now() - started;
  const scalars = new Float32Array(optimizer.scalarCount);
  const counters = new Int32Array(3);
  let [steps, next] = [0, batches[0]!];
  // One object over and over, as a loop has it: where the batch comes from changes.
  const feeds: Record<string, Feed> = {
    inputs: { shape, value: { copyInto: (target) => target.set(next.inputs) } },
    targets: { shape: targetShape, value: { copyInto: (target) => target.set(next.targets) } },
    scalars: { shape: [scalars.length], value: scalars },
    ...(random ? { counters: { shape: [3], value: counters } } : {}),
  };
  const read = (): number => {
    if (program.runSync !== undefined) return program.runSync("step", feeds)[0]![0]!;
    const [loss] = program.run("step", feeds);
    const value = backend.readSync!(loss!)[0]!;
    backend.release(loss!);
    return value;
  };
  return {
    engine: backend.engine,
    compiling,
    ...(firstLoss === undefined ? {} : { loss: () => firstLoss }),
    step() {
      next = batches[steps % batches.length]!;
      counters[0] = steps;
      scalars.set(optimizer.scalars({ step: steps++, epoch: 0 }));
      return read();
    },
    // TensorFlow says nothing of what its graphs hold.
    ...(backend.name === "tfjs"
      ? {}
      : { program: () => ({ held: backend.memory().bytes - before, live: liveBytes(program, "step", task.batch) }) }),
    held: () => backend.memory().bytes,
    dispose: () => program.dispose(),
  };
}

/** The loss of the first batch, by a program of its own. */
function lossWithoutDropout(task: ModelTask, model: Sequential, backend: Backend): number {
  const [batch] = readBatches(task);
  const dropouts = model.namedModules().flatMap(([, module]) => (module instanceof Dropout ? [module] : []));
  for (const dropout of dropouts) dropout.eval();
  const { graph } = traceEntry("loss", (trace) => {
    return [ermineLoss(task.model)(model.forward(feedInputs(trace, task)), feedTargets(trace, task))];
  });
  const program = compileModule(backend, graphModule({ loss: graph }));
  const [loss] = program.run("loss", {
    inputs: { shape: batch!.shape, value: batch!.inputs },
    targets: { shape: batch!.targetShape, value: batch!.targets },
  });
  const value = backend.readSync!(loss!)[0]!;
  backend.release(loss!);
  program.dispose();
  for (const dropout of dropouts) dropout.train();
  return value;
}

/**
 * Bytes of a program's variables, a batch, and the most that its values take at once, each from its op to its last reader. New values of variables
 * count next to the old ones, also where a backend writes them in place.
 */
function liveBytes({ module, lowered }: Program, entry: string, batch: number): number {
  const graph = specialize(lowered.entries[entry]!, { N: batch });
  const bytesOf = ({ shape, dtype }: TensorType): number =>
    (shape as readonly number[]).reduce((a, b) => a * b, bytesPerElement[dtype]);
  const variables = module.variables.reduce((sum, { type }) => sum + bytesOf(type), 0);
  const fed = graph.feeds.reduce((sum, { outputs }) => sum + bytesOf(outputs[0]!.type), 0);
  return variables + fed + peakBytes(graph);
}
