/** What the browser runs, on a page's main thread and in a worker: a training with each build, and what became of it. */
import { cpu, type Numerics } from "../../src/index.js";
import { fingerprint, rings, ringsTrainer } from "../trained.js";

export interface Outcome {
  readonly engine: string;
  readonly numerics: Numerics;
  /** After 100 steps. */
  readonly fingerprint: string;
  readonly accuracy: number;
  /** How often a timer had its turn meanwhile. */
  readonly ticks: number;
}

export async function train(numerics: Numerics): Promise<Outcome> {
  const backend = await cpu({ numerics });
  const bits = await fingerprint(backend);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const trainer = ringsTrainer(backend, { dropout: 0 });
  await trainer.fit(rings(300), { epochs: 150, batchSize: 32 });
  clearInterval(timer);
  const { accuracy } = await trainer.evaluate(rings(99));
  trainer.dispose();
  return { engine: backend.engine, numerics: backend.numerics, fingerprint: bits, accuracy, ticks };
}
