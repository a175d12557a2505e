#!/usr/bin/env node
/**
 * How late the main thread's timers are while a worker trains, next to the same process without training, in turns:
 * `node benchmarks/dist/eventLoop/main.js [--seconds 5] [--rounds 3] [--threads 1]`. The exit status is 1 where a bound is not kept.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { trainInWorker } from "@ermine/trainer/worker";
import { describeMachine, machineText } from "../machine.js";
import { textTable } from "../table.js";
import type train from "./train.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
  },
});
const [seconds, rounds, threads] = [values.seconds, values.rounds, values.threads].map(Number) as [number, number, number];

interface Delay {
  readonly p99: number;
  readonly p999: number;
}

/** Of timers of 1 ms on this thread, in milliseconds; the resolution itself is subtracted. */
async function delay(): Promise<Delay> {
  const resolution = 1;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  await sleep(seconds * 1000);
  histogram.disable();
  const at = (percentile: number): number => histogram.percentile(percentile) / 1e6 - resolution;
  return { p99: at(99), p999: at(99.9) };
}

async function whileTraining(backend: "cpu" | "tfjs"): Promise<Delay & { steps: number }> {
  const controller = new AbortController();
  let begun: (() => void) | undefined;
  const running = new Promise<void>((resolve) => (begun = resolve));
  const training = trainInWorker<typeof train>(() => new Worker(new URL("./train.js", import.meta.url)), {
    input: { backend, threads },
    signal: controller.signal,
    onEvent: ({ type }) => type === "step" && begun!(),
  });
  await Promise.race([running, training.finished]);
  const measured = await delay();
  controller.abort();
  return { ...measured, steps: await training.finished };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

console.log(`${machineText(describeMachine())}. The worker's backend has ${threads} thread${threads === 1 ? "" : "s"}.\n`);
/** Times the delay without training that the delay during one may be. */
const bounds = { p99: 2, p999: 3 } as const;
const rows: string[][] = [];
let areKept = true;
for (const backend of ["cpu", "tfjs"] as const) {
  const idle: Delay[] = [];
  const busy: (Delay & { steps: number })[] = [];
  for (let round = 0; round < rounds; round++) {
    idle.push(await delay());
    busy.push(await whileTraining(backend));
  }
  for (const name of ["p99", "p999"] as const) {
    const [without, during] = [idle, busy].map((delays) => median(delays.map((one) => one[name]))) as [number, number];
    const bound = bounds[name];
    if (!(during / without <= bound)) areKept = false;
    rows.push([
      backend,
      name === "p99" ? "99 %" : "99.9 %",
      without.toFixed(3),
      during.toFixed(3),
      `${(during / without).toFixed(2)} ×`,
      `${bound} ×`,
      String(median(busy.map(({ steps }) => steps))),
    ]);
  }
}
console.log(
  textTable({
    head: ["", "percentile", "without training, ms", "while a worker trains, ms", "ratio", "at most", "steps"],
    rows,
  }),
);
console.log(areKept ? "The bounds are kept." : "A bound is not kept.");
process.exitCode = areKept ? 0 : 1;
