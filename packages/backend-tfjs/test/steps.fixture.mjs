// Trains and reports memory: node --expose-gc steps.fixture.mjs compiled|eager STEPS. Started by memory.test.ts, in a process of its own.
import { createRequire } from "node:module";
import { crossEntropy, keep, manualSeed, mul, scope, sub, tensor, useBackend, valueAndGrad } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { adamw, dataset, Trainer } from "@ermine/trainer";
import { tfjs } from "@ermine/backend-tfjs";

const steps = Number(process.argv[3]);
const perEpoch = 100;
const batchSize = 16;
const backend = await tfjs({ threads: 1 });
const tf = createRequire(import.meta.url)("@tensorflow/tfjs-node");
const { binding } = tf.backend();
const counts = () => ({
  numTensors: tf.memory().numTensors,
  native: binding.getNumOfTensors(),
  models: binding.getNumOfSavedModels(),
  ...backend.memory(),
});
const flags = () => JSON.stringify([tf.getBackend(), Object.keys(tf.env().flags).map((name) => [name, tf.env().get(name)])]);
const atFirst = counts();
const flagsBefore = flags();

// After a collection: garbage that V8 has not collected yet is no leak, and larger than one.
const resident = [];
const record = (step) => {
  if (step % 500 !== 0) return;
  globalThis.gc();
  resident.push([step, process.memoryUsage.rss() / 1024]);
};

/** Through fit: each step is one call of the program. */
async function compiled() {
  const samples = perEpoch * batchSize;
  const data = dataset({
    inputs: { data: Float32Array.from({ length: samples * 4 }, (_, i) => (i % 17) / 17), shape: [samples, 4] },
    targets: { data: Int32Array.from({ length: samples }, (_, i) => i % 3), shape: [samples] },
  });
  const model = new Sequential(new Linear(4, 16), new ReLU(), new Linear(16, 3));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 1e-3 }), backend });
  const callbacks = [{ name: "resident set", onStep: ({ step }) => record(step) }];
  return {
    run: (count) => trainer.fit(data, { epochs: count / perEpoch, batchSize, callbacks }),
    end() {
      trainer.dispose();
      for (const [, variable] of model.namedVariables()) variable.value.dispose();
    },
  };
}

/** A loop by hand, op by op: what a step made is freed at the end of its scope. */
async function eager() {
  const model = new Linear(4, 3);
  const x = keep(
    tensor(
      Array.from({ length: batchSize * 4 }, (_, i) => (i % 17) / 17),
      { shape: [batchSize, 4] },
    ),
  );
  const target = keep(
    tensor(
      Array.from({ length: batchSize }, (_, i) => i % 3),
      { dtype: "int32" },
    ),
  );
  const parameters = model.parameters();
  let step = 0;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        scope(() => {
          const { grads } = valueAndGrad(() => crossEntropy(model.forward(x), target), parameters);
          parameters.forEach((parameter, k) => (parameter.value = sub(parameter.value, mul(grads[k], 0.01))));
        });
        record(++step);
      }
    },
    end() {
      for (const t of [x, target, ...parameters.map((parameter) => parameter.value)]) t.dispose();
    },
  };
}

manualSeed(0);
useBackend(backend);
const training = await (process.argv[2] === "compiled" ? compiled() : eager());
await training.run(500);
globalThis.gc();
const before = counts();
await training.run(steps);
globalThis.gc();
const after = counts();

// The slope of the least-squares line through the second half, in KB a step.
const half = resident.slice(resident.length / 2);
const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const [mx, my] = [mean(half.map(([x]) => x)), mean(half.map(([, y]) => y))];
const slope = half.reduce((s, [x, y]) => s + (x - mx) * (y - my), 0) / half.reduce((s, [x]) => s + (x - mx) ** 2, 0);

training.end();
const unused = counts();
backend.dispose();
const atLast = counts();
console.log(JSON.stringify({ atFirst, before, after, unused, atLast, slope, flagsKept: flags() === flagsBefore }));
