/** The program in the browser, on a page's main thread and in a worker: a training with each build, and its outcome. */
import { cpu, type Numerics } from "../../src/index.js";
import { fingerprint, rings, ringsTrainer, wideFingerprint } from "../trained.js";

export interface Outcome {
  readonly engine: string;
  readonly numerics: Numerics;
  /** After 100 steps. */
  readonly fingerprint: string;
  /** Of a training with two threads, where the page may have them. */
  readonly wideFingerprint: string;
  /** Workers that helped with it. */
  readonly workers: number;
  readonly accuracy: number;
  /** How often a timer had its turn meanwhile. */
  readonly ticks: number;
}

export async function train(numerics: Numerics): Promise<Outcome> {
  const backend = await cpu({ numerics, threads: 2 });
  const bits = await fingerprint(backend);
  await wideFingerprint(backend);
  while (backend.threads === 2 && backend.statistics().workers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const wide = await wideFingerprint(backend);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const trainer = ringsTrainer(backend, { dropout: 0 });
  await trainer.fit(rings(300), { epochs: 150, batchSize: 32 });
  clearInterval(timer);
  const { accuracy } = await trainer.evaluate(rings(99));
  trainer.dispose();
  const { engine } = backend;
  const { workers } = backend.statistics();
  backend.dispose();
  return { engine, numerics: backend.numerics, fingerprint: bits, wideFingerprint: wide, workers, accuracy, ticks };
}
