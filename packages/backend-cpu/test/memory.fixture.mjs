// What memory does: prints one JSON line for memory.test.ts.
import { readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { matmul, ones, scope, withBackend } from "@ermine/core";
import { cpu } from "@ermine/backend-cpu";

const threads = () => readdirSync("/proc/self/task").length;

async function work() {
  const backend = await cpu({ threads: 2 });
  const multiply = () =>
    withBackend(backend, () =>
      scope(() => {
        const a = ones([256, 256]);
        return matmul(a, a).dataSync()[0];
      }),
    );
  multiply();
  while (backend.statistics().workers < 1) {
    multiply();
    await pause(5);
  }
  return multiply();
}

// Node's own pool, which unpacks the kernels, is there from the first backend on.
(await cpu({ threads: 1 })).dispose();
const before = threads();
const results = [];
for (let i = 0; i < 4; i++) results.push(await work());
const during = threads();
for (let i = 0; i < 100 && threads() > before; i++) {
  globalThis.gc();
  await pause(20);
}
console.log(JSON.stringify({ results, started: during - before, left: threads() - before }));
