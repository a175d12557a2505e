// Makes cpu backends, uses each in one way (the first argument), and drops them without dispose(). Prints a JSON line: how many threads there were more while
// they were used and afterwards, and how many of the backends are still there.
import { readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cpu } from "@ermine/backend-cpu";
import { compile, grad, manualSeed, matmul, mse, mul, normal, ones, scope, sum, Variable, withBackend } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { adam, dataset, Trainer } from "@ermine/trainer";

const big = () => ones([256, 256]);
const square = (x) => matmul(x, x);
const zeros = (shape) => ({ data: new Float32Array(shape[0] * shape[1]), shape });

const uses = {
  "an op": () => square(big()),
  "an op that is read": () => void square(big()).dataSync(),
  "an op in a scope": () => scope(() => square(big()).dataSync()),
  "a compiled function": () => compile(square)(big()),
  "a compiled function over a variable": () => {
    const variable = new Variable(big());
    compile((x) => matmul(x, variable.value))(big());
  },
  "a gradient": () => grad((x) => sum(square(x)))(big()),
  "random numbers": () => square(mul(normal([256, 256]), 2)),
  async training(backend) {
    manualSeed(1);
    const trainer = new Trainer({ model: new Linear(256, 256), loss: mse, optimizer: adam(), backend });
    const data = dataset({ inputs: zeros([256, 256]), targets: zeros([256, 256]) });
    await trainer.fit(data, { epochs: 1, batchSize: 128 });
    await trainer.predict(data);
  },
};

const threads = () => readdirSync("/proc/self/task").length;
let alive = 0;
const gone = new FinalizationRegistry(() => alive--);

async function one(use) {
  const backend = await cpu({ threads: 3 });
  alive++;
  gone.register(backend, undefined);
  await withBackend(backend, () => use(backend));
}

const use = uses[process.argv[2]];
if (use === undefined) throw new Error(`There is: ${Object.keys(uses).join(", ")}.`);
// Node's own pool, which unpacks the kernels, is there from the first backend on.
(await cpu({ threads: 1 })).dispose();
const before = threads();
for (let i = 0; i < 6; i++) await one(use);
const during = threads();
// Each turn frees what the one before has let go of: tensors, then their backend, then its threads.
for (let turn = 0; turn < 100 && (alive > 0 || threads() > before); turn++) {
  globalThis.gc();
  await pause(10);
}
console.log(JSON.stringify({ started: during - before, left: threads() - before, alive }));
