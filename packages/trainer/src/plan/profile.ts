/** Profile of a step: each part of the program that the backend can time, by op and by layer. */
import type { Backend } from "@ermine/core";
import {
  allocate,
  compileDetached,
  isFeedSource,
  type Graph,
  type OpNode,
  type PartTime,
  type Value,
} from "@ermine/core/backend";
import { costOf } from "./cost.js";
import { median, timeSteps } from "./measure.js";
import { detachedSteps, uncompiled } from "./steps.js";
import { bytes, milliseconds, table } from "./table.js";
import type { Workload } from "./workload.js";

/** Time of an op of a layer per step. */
export interface OpTime {
  /** Its name; where several ran as one, all of them. */
  readonly op: string;
  /** The module's path; "" is the step itself. */
  readonly layer: string;
  /** Number of occurrences in the step. */
  readonly count: number;
  /** The median over the steps that were measured. */
  readonly milliseconds: number;
  /** Of all that was timed. */
  readonly share: number;
  /** Floating-point operations: 2·m·n·k for products, else one for each number. */
  readonly flops: number;
  /** Billions of operations a second: 2·m·n·k of a product, one for each element of other ops. */
  readonly gflopsPerSecond: number;
  /** Read and made. */
  readonly bytes: number;
}

/** The time of one layer in a step. */
export interface LayerTime {
  /** The layer's path in the model. */
  readonly layer: string;
  /** The sum over its ops. */
  readonly milliseconds: number;
  /** Of the whole step, from 0 to 1. */
  readonly share: number;
}

/** A part as it ran: milliseconds from the beginning of its step. */
interface Slice extends Pick<OpTime, "op" | "layer" | "flops" | "bytes"> {
  readonly start: number;
  readonly duration: number;
}

/** Plain JSON; as text it is a table. */
export class Profile {
  /** The backend's name. */
  readonly backend: string;
  /** Engine of the backend, as it describes itself. */
  readonly engine: string;
  /** Samples in the batch that was measured. */
  readonly batchSize: number;
  /** Steps that were timed. */
  readonly steps: number;
  /** "the compiled program": its parts one by one; "eager kernels": the same ops, each called by itself. */
  readonly of: "the compiled program" | "eager kernels";
  /** A whole step, as training runs it: less than the sum of the parts, which are timed one by one. */
  readonly millisecondsPerStep: number;
  /** Of it: writing the batch's rows into the backend's memory. */
  readonly millisecondsGathering: number;
  /** Longest first. */
  readonly ops: readonly OpTime[];
  /** The time of each layer, the longest first. */
  readonly layers: readonly LayerTime[];
  readonly #slices: readonly (readonly Slice[])[];

  constructor(
    settings: Pick<Profile, "backend" | "engine" | "batchSize" | "of" | "millisecondsPerStep" | "millisecondsGathering">,
    slices: readonly (readonly Slice[])[],
  ) {
    this.backend = settings.backend;
    this.engine = settings.engine;
    this.batchSize = settings.batchSize;
    this.of = settings.of;
    this.millisecondsPerStep = settings.millisecondsPerStep;
    this.millisecondsGathering = settings.millisecondsGathering;
    this.steps = slices.length;
    this.#slices = slices;
    this.ops = byOp(slices);
    this.layers = byLayer(this.ops);
  }

  /** The profile as a table to print. */
  toString(): string {
    return profileTable(this);
  }

  /** The steps one behind the other, for chrome://tracing and ui.perfetto.dev: the text of a JSON file. */
  chromeTrace(): string {
    let at = 0;
    const traceEvents = this.#slices.flatMap((slices, step) => {
      const started = at;
      at += slices.reduce((total, { duration }) => total + duration, 0) * 1000;
      const length = at - started;
      const events = slices.map(({ op, layer, start, duration, flops, bytes }) => ({
        name: op,
        cat: layer === "" ? "step" : layer,
        ph: "X",
        ts: started + start * 1000,
        dur: duration * 1000,
        pid: 1,
        tid: 2,
        args: { layer, flops, bytes },
      }));
      return [{ name: `step ${step + 1}`, cat: "step", ph: "X", ts: started, dur: length, pid: 1, tid: 1 }, ...events];
    });
    const name = (tid: number, text: string): object => ({ name: "thread_name", ph: "M", pid: 1, tid, args: { name: text } });
    return JSON.stringify({
      displayTimeUnit: "ms",
      traceEvents: [name(1, "steps"), name(2, `${this.backend}: ops`), ...traceEvents],
    });
  }
}

/** Profiles so many steps of the workload, apart from the training. */
export async function profile(backend: Backend, workload: Workload, steps: number): Promise<Profile> {
  const { module, runs, numbers, batchSize } = workload;
  const measured = detachedSteps(backend, module, runs, numbers);
  const timed = measured.program.profile === undefined ? compileDetached(uncompiled(backend), module) : measured.program;
  try {
    const [millisecondsPerStep] = await timeSteps([measured], 200);
    numbers.forEach((data, i) => timed.write(i, data));
    const all: Slice[][] = [];
    // The first finds caches cold and code not yet optimized.
    for (let step = -1; step < steps; step++) {
      const slices: Slice[] = [];
      for (const { entry, feeds } of runs) {
        const isRead = readersOf(timed.lowered.entries[entry]!);
        for (const part of await timed.profile!(entry, feeds)) slices.push(sliceOf(part, slices, isRead));
      }
      if (step >= 0) all.push(slices);
    }
    const of = timed === measured.program && backend.compile !== undefined ? "the compiled program" : "eager kernels";
    return new Profile(
      {
        backend: backend.name,
        engine: backend.engine,
        batchSize,
        of,
        millisecondsPerStep: millisecondsPerStep!,
        millisecondsGathering: gathering(workload),
      },
      all,
    );
  } finally {
    if (timed !== measured.program) timed.dispose();
    measured.dispose();
  }
}

/** The median of writing a step's batches into arrays like the backend's. */
function gathering({ module, runs }: Workload): number {
  const writers = runs.flatMap(({ entry, feeds }) =>
    module.entries[entry]!.feeds.flatMap(({ name, outputs: [output] }) => {
      const { shape, value } = feeds[name]!;
      if (!isFeedSource(value)) return [];
      const target = allocate(
        output!.type.dtype,
        shape.reduce((a, b) => a * b, 1),
      );
      return [() => value.copyInto(target)];
    }),
  );
  const times = Array.from({ length: 50 }, () => {
    const started = performance.now();
    for (const write of writers) write();
    return performance.now() - started;
  });
  return median(times);
}

/** Whether anybody reads a value, by its node's place in the graph, which stays when sizes become numbers. */
function readersOf(graph: Graph): (value: Value) => boolean {
  const key = ({ node, index }: Value): string => `${node.id}.${index}`;
  const readValues = new Set<string>();
  for (const node of graph.nodes)
    if (node.kind === "op") for (const value of node.inputs) if (value !== undefined) readValues.add(key(value));
  for (const value of [...graph.outputs, ...graph.updates.map((update) => update.value)]) readValues.add(key(value));
  if (graph.commit !== undefined) readValues.add(key(graph.commit));
  return (value) => readValues.has(key(value));
}

function sliceOf({ nodes, seconds }: PartTime, previousSlices: readonly Slice[], isRead: (value: Value) => boolean): Slice {
  const last = previousSlices.at(-1);
  const start = last === undefined ? 0 : last.start + last.duration;
  return { op: nameOf(nodes), layer: layerOf(nodes), start, duration: seconds * 1000, ...costOf(nodes, isRead) };
}

const nameOf = (nodes: readonly OpNode[]): string =>
  nodes.length === 0 ? "copies into variables" : nodes.map(({ op }) => op.name).join(" · ");

/** The layer that all are of. */
function layerOf(nodes: readonly OpNode[]): string {
  const paths = new Set(nodes.map(({ path }) => path));
  return paths.size === 1 ? [...paths][0]! : "";
}

/** Sums of each op of each layer within a step; of its times the median over the steps, which a pause of the machine does not move. */
function byOp(slices: readonly (readonly Slice[])[]): OpTime[] {
  const sums = new Map<string, { op: string; layer: string; count: number; times: number[]; flops: number; bytes: number }>();
  for (const [step, slicesOfStep] of slices.entries()) {
    for (const { op, layer, duration, flops, bytes } of slicesOfStep) {
      const key = `${layer} ${op}`;
      const sum = sums.get(key) ?? { op, layer, count: 0, times: slices.map(() => 0), flops: 0, bytes: 0 };
      sums.set(key, sum);
      sum.times[step]! += duration;
      if (step > 0) continue;
      sum.count++;
      sum.flops += flops;
      sum.bytes += bytes;
    }
  }
  const all = [...sums.values()].map(({ times, ...sum }) => ({ ...sum, milliseconds: median(times) }));
  const total = all.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return all
    .map((sum) => ({
      ...sum,
      share: total === 0 ? 0 : sum.milliseconds / total,
      gflopsPerSecond: sum.milliseconds === 0 ? 0 : sum.flops / sum.milliseconds / 1e6,
    }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function byLayer(ops: readonly OpTime[]): LayerTime[] {
  const sums = new Map<string, { layer: string; milliseconds: number; share: number }>();
  for (const { layer, milliseconds, share } of ops) {
    const sum = sums.get(layer) ?? { layer, milliseconds: 0, share: 0 };
    sum.milliseconds += milliseconds;
    sum.share += share;
    sums.set(layer, sum);
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

const longest = 44;
const shortened = (name: string): string => (name.length <= longest ? name : `${name.slice(0, longest - 1)}…`);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const layerName = (layer: string): string => (layer === "" ? "the step" : layer);

function profileTable({
  backend,
  engine,
  batchSize,
  steps,
  of,
  millisecondsPerStep,
  millisecondsGathering,
  ops,
  layers,
}: Profile): string {
  const sum = ops.reduce((total, op) => total + op.milliseconds, 0);
  return [
    `A step of ${batchSize} samples on ${backend} (${engine}) takes ${milliseconds(millisecondsPerStep)}, ${milliseconds(millisecondsGathering)} of it to gather the batch; its parts, timed one by one over ${steps} steps ` +
      `(${of}), ${milliseconds(sum)} together.\n`,
    table(
      ["Op", "Layer", "Times", "A step", "Share", "GFLOP/s", "Bytes"],
      ops.map(({ op, layer, count, milliseconds: ms, share, gflopsPerSecond, bytes: moved }) => [
        shortened(op),
        layerName(layer),
        String(count),
        milliseconds(ms),
        percent(share),
        gflopsPerSecond.toFixed(gflopsPerSecond < 10 ? 2 : 1),
        bytes(moved),
      ]),
    ),
    "",
    table(
      ["Layer", "A step", "Share"],
      layers.map(({ layer, milliseconds: ms, share }) => [layerName(layer), milliseconds(ms), percent(share)]),
    ),
  ].join("\n");
}
