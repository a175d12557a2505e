/** The page's script: `train` for who drives it, here and in a worker. */
import type { Numerics } from "../../src/index.js";
import { train, type Outcome } from "./training.js";

function trainInWorker(numerics: Numerics): Promise<Outcome> {
  const worker = new Worker("/worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Outcome>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(numerics);
  });
}

Object.assign(globalThis, { ermine: { train, trainInWorker } });
