/**
 * Makes and drops trainers without dispose(), and prints what is left of them: [after a quarter, after all].
 * node --expose-gc FILE compiled|eager COUNT MODULE FUNCTION [OPTIONS]: the function of the module makes the backend, of options as JSON.
 */
import { crossEntropy, manualSeed } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { adam, dataset, Trainer } from "@ermine/trainer";

const [, , mode, total, module, name, options = "{}"] = process.argv;
const backend = await (await import(module))[name](JSON.parse(options));
const data = dataset({
  inputs: Array.from({ length: 16 }, (_, i) => [i / 8, 1]),
  targets: { data: Int32Array.from({ length: 16 }, (_, i) => i & 1), shape: [16] },
});
let alive = 0;
const gone = new FinalizationRegistry(() => alive--);

async function one() {
  manualSeed(1);
  const model = new Sequential(new Linear(2, 128), new ReLU(), new Linear(128, 2));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam(), backend, compile: mode === "compiled" });
  await trainer.fit(data, { epochs: 1, batchSize: 16 });
  await trainer.evaluate(data);
  alive++;
  gone.register(trainer, undefined);
}

/** Finalizers run in turns of the event loop after a collection. */
async function settle() {
  for (let turn = 0; turn < 8; turn++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { alive, ...backend.memory(), heap: process.memoryUsage().heapUsed };
}

const count = Number(total);
for (let i = 0; i < count / 4; i++) await one();
const early = await settle();
for (let i = count / 4; i < count; i++) await one();
console.log(JSON.stringify([early, await settle()]));
