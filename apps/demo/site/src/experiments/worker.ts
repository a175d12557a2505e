/** Runs all experiments, one after the other, and says what each has shown. */
import { cpu } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import { experiments } from "../../../src/experiments/index.js";
import type { FromWorker, ToWorker } from "./messages.js";

const post = (message: FromWorker): void => postMessage(message);

async function runAll({ seed }: ToWorker): Promise<void> {
  useBackend(await cpu({ numerics: "portable", threads: 1 }));
  for (const { name, run } of experiments) {
    const began = performance.now();
    try {
      post({ type: "outcome", name, outcome: await run(seed), seconds: (performance.now() - began) / 1000 });
    } catch (error) {
      post({ type: "failed", name, message: (error as Error).message });
    }
  }
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  runAll(data).catch((error: unknown) => post({ type: "failed", name: undefined, message: (error as Error).message }));
});
