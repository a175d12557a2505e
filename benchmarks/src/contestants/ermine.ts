/** ermine itself, on one of its backends: `node ermine.js cpu|cpu-flags|cpu-portable|tfjs`. */
import { cpu } from "@ermine/backend-cpu";
import { tfjs } from "@ermine/backend-tfjs";
import {
  compileModule,
  crossEntropy,
  Dim,
  ErmineError,
  graphModule,
  traceEntry,
  valueAndGrad,
  Variable,
  zeros,
  type Backend,
  type Feed,
  type Tensor,
} from "@ermine/core";
import { adamw, dataset, progressBar, Trainer } from "@ermine/trainer";
import { adamwOptions, type Task } from "../task.js";
import { cpuOptions } from "./cpuOptions.js";
import { readAll, readBatches, readParameters, type ModelTask } from "./data.js";
import { ganWork } from "./ermineGan.js";
import { kernelWork } from "./ermineKernels.js";
import { loaderWork } from "./ermineLoader.js";
import { ermineModel } from "./ermineModel.js";
import { Absent, serve, type Work } from "./player.js";

/** @throws Absent where the backend's library is not there */
export async function openBackend(name: string, threads: number): Promise<Backend> {
  if (name !== "tfjs") return cpu({ threads, ...cpuOptions(name) });
  try {
    return await tfjs({ threads });
  } catch (error) {
    if (!(error instanceof ErmineError) || error.code !== "ERMINE_BACKEND") throw error;
    throw new Absent({ needs: "TensorFlow's native library", remedy: "node packages/backend-tfjs/scripts/prepare.mjs" });
  }
}

const engineOf = (backend: Backend): string => backend.engine;

/** A compiled step, its batch fed from host memory: what `trainer.fit` runs, without the trainer around it. */
function trainWork(task: ModelTask, backend: Backend): Work {
  const model = ermineModel(task.model, readParameters(task));
  const parameters = model.parameters();
  const optimizer = adamw(adamwOptions);
  const slots = parameters.map((p) =>
    Object.values(optimizer.slots(p.shape)).map((slot) => new Variable(zeros(slot.shape), { trainable: false })),
  );
  const batches = readBatches(task);
  const { shape } = batches[0]!;
  const step = traceEntry("step", (trace) => {
    const n = Dim.symbol("N");
    const inputs = trace.feed("inputs", { shape: [n, ...shape.slice(1)], dtype: "float32", domain: "real" });
    const targets = trace.feed("targets", { shape: [n], dtype: "int32", domain: "real" });
    const scalars = trace.feed("scalars", { shape: [optimizer.scalarCount], dtype: "float32", domain: "real" });
    const { value, grads } = valueAndGrad(() => crossEntropy(model.forward(inputs), targets), parameters);
    const state = { parameters: parameters.map((p) => p.value), slots: slots.map((own) => own.map((slot) => slot.value)) };
    const next = optimizer.update(state, grads as readonly Tensor[], scalars);
    parameters.forEach((p, i) => {
      p.value = next.parameters[i]!;
      slots[i]!.forEach((slot, k) => (slot.value = next.slots[i]![k]!));
    });
    return [value];
  });
  const program = compileModule(backend, graphModule({ step: step.graph }));
  const scalars = new Float32Array(optimizer.scalarCount);
  let [steps, next] = [0, batches[0]!];
  // One object over and over, as a loop has it: where the batch comes from changes.
  const feeds: Record<string, Feed> = {
    inputs: { shape, value: { copyInto: (target) => target.set(next.inputs) } },
    targets: { shape: [task.batch], value: { copyInto: (target) => target.set(next.labels) } },
    scalars: { shape: [scalars.length], value: scalars },
  };
  const read = (): number => {
    if (program.runSync !== undefined) return program.runSync("step", feeds)[0]![0]!;
    const [loss] = program.run("step", feeds);
    const value = backend.readSync!(loss!)[0]!;
    backend.release(loss!);
    return value;
  };
  return {
    engine: engineOf(backend),
    step() {
      next = batches[steps % batches.length]!;
      scalars.set(optimizer.scalars({ step: steps++, epoch: 0 }));
      return read();
    },
    held: () => backend.memory().bytes,
    dispose: () => program.dispose(),
  };
}

/** Epochs of `fit`, with shuffling, gathering, history and a progress bar that draws into nothing. */
function fitWork(task: ModelTask, backend: Backend): Work {
  const model = ermineModel(task.model, readParameters(task));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw(adamwOptions), backend });
  const all = readAll(task);
  const data = dataset({
    inputs: { data: all.inputs, shape: all.shape },
    targets: { data: all.labels, shape: [all.labels.length] },
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
    engine: engineOf(backend),
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

/** The compiled forward of one batch, logits read. */
function predictWork(task: ModelTask, backend: Backend): Work {
  const model = ermineModel(task.model, readParameters(task));
  model.eval();
  const batches = readBatches(task);
  const { shape } = batches[0]!;
  const predict = traceEntry("predict", (trace) => {
    const inputs = trace.feed("inputs", { shape: [Dim.symbol("N"), ...shape.slice(1)], dtype: "float32", domain: "real" });
    return [model.forward(inputs)];
  });
  const program = compileModule(backend, graphModule({ predict: predict.graph }));
  const feeds: Record<string, Feed>[] = batches.map(({ inputs }) => ({ inputs: { shape, value: inputs } }));
  let steps = 0;
  return {
    engine: engineOf(backend),
    step() {
      const [logits] = program.run("predict", feeds[steps++ % feeds.length]!);
      const first = backend.readSync!(logits!)[0]!;
      backend.release(logits!);
      return first;
    },
    dispose: () => program.dispose(),
  };
}

export async function ermineWork(name: string, task: Task, threads: number): Promise<Work> {
  const backend = await openBackend(name, threads);
  if (task.kind === "train") return trainWork(task, backend);
  if (task.kind === "fit") return fitWork(task, backend);
  if (task.kind === "predict") return predictWork(task, backend);
  if (task.kind === "gan") return ganWork(task, backend);
  return task.kind === "loader" ? loaderWork(task) : kernelWork(task.kernel, backend);
}

if (process.argv[1] === import.meta.filename) {
  await serve({ prepare: (task, threads) => ermineWork(process.argv[2] ?? "cpu", task, threads) });
}
