// Trains and reports memory: node --expose-gc steps.fixture.mjs STEPS. Started by memory.test.ts, in a process of its own.
import { crossEntropy, manualSeed, mul, scope, sum, tensor, useBackend } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { adamw, dataset, Trainer } from "@ermine/trainer";
import { cpu } from "@ermine/backend-cpu";

const steps = Number(process.argv[2]);
const perEpoch = 100;
const batchSize = 16;
const samples = perEpoch * batchSize;
const backend = await cpu();
manualSeed(0);
const data = dataset({
  inputs: { data: Float32Array.from({ length: samples * 4 }, (_, i) => (i % 17) / 17), shape: [samples, 4] },
  targets: { data: Int32Array.from({ length: samples }, (_, i) => i % 3), shape: [samples] },
});
const model = new Sequential(new Linear(4, 16), new ReLU(), new Linear(16, 3));
const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 1e-3 }), backend });
// After a collection: garbage that V8 has not collected yet is no leak, and larger than one.
const resident = [];
const record = {
  name: "resident set",
  onStep({ step }) {
    if (step % 1000 !== 0) return;
    globalThis.gc();
    resident.push([step, process.memoryUsage.rss() / 1024]);
  },
};
await trainer.fit(data, { epochs: 5, batchSize });
globalThis.gc();
const heapBefore = process.memoryUsage().heapUsed;
const before = { ...backend.memory(), pages: backend.statistics().pages };
await trainer.fit(data, { epochs: steps / perEpoch, batchSize });
globalThis.gc();
const heapGrowth = process.memoryUsage().heapUsed - heapBefore;
const after = { ...backend.memory(), pages: backend.statistics().pages };

// The slope of the least-squares line through the second half, in KB a step. The allocators' own pools fill before it: on Node 24 that
// takes some 40,000 steps, which are few when a step is a few microseconds.
await trainer.fit(data, { epochs: (5 * steps) / perEpoch, batchSize, callbacks: [record] });
const half = resident.slice(resident.length / 2);
const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const [mx, my] = [mean(half.map(([x]) => x)), mean(half.map(([, y]) => y))];
const slope = half.reduce((s, [x, y]) => s + (x - mx) * (y - my), 0) / half.reduce((s, [x]) => s + (x - mx) ** 2, 0);

// Eager: a synchronous loop, each turn in a scope.
useBackend(backend);
const x = tensor([1, 2, 3]);
const turns = 500_000;
const eager = () => scope(() => void sum(mul(x, x)));
for (let i = 0; i < 1000; i++) eager();
const eagerBefore = { ...backend.memory(), pages: backend.statistics().pages };
for (let i = 0; i < turns; i++) eager();
const eagerAfter = { ...backend.memory(), pages: backend.statistics().pages };
console.log(JSON.stringify({ before, after, heapGrowth, slope, eagerBefore, eagerAfter }));
