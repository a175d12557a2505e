/** What a workload is: it lets contestants work and reports tables. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pace } from "../contest.js";
import { backend, Contestant, peer, type BackendName, type PeerName } from "../contestants.js";
import { product, type ModelSpec, type ParameterSpec, type TargetSpec } from "../model.js";
import { labels, startingValues, uniform } from "../numbers.js";
import { parameterSpecs, targetOf } from "../shapes.js";
import type { Section } from "../table.js";

export interface Setting {
  readonly backends: readonly BackendName[];
  readonly peers: readonly PeerName[];
  readonly python: string;
  readonly threads: number;
  readonly pace: Pace;
  /** The smallest sizes at which everything still happens: for tests. */
  readonly small: boolean;
  /** Also what takes many minutes. */
  readonly long: boolean;
}

export interface Report {
  readonly workload: string;
  readonly title: string;
  readonly sections: readonly Section[];
}

export interface Workload {
  readonly name: string;
  run(setting: Setting): Promise<Report>;
}

/** Starts everybody, and ends them whatever happens. */
export async function withContestants<T>(
  { backends, peers, python, threads }: Pick<Setting, "backends" | "peers" | "python" | "threads">,
  fn: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const specs = [...backends.map(backend), ...peers.map((name) => peer(name, python))];
  const contestants = specs.map((spec) => new Contestant(spec, threads));
  try {
    return await fn(contestants);
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
  }
}

export interface ModelData {
  readonly model: ModelSpec;
  readonly parameters: readonly ParameterSpec[];
  readonly target: TargetSpec;
  readonly batch: number;
  readonly batches: number;
  readonly folder: string;
}

/** Writes a model's starting values and batches for the contestants; the folder is gone afterwards. */
export async function withData<T>(
  { model, batch, batches }: Pick<ModelData, "model" | "batch" | "batches">,
  fn: (data: ModelData) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "ermine-bench-"));
  try {
    const parameters = parameterSpecs(model);
    const target = targetOf(model);
    const rows = batch * batches;
    const write = (name: string, values: Float32Array | Int32Array): void =>
      writeFileSync(join(folder, `${name}.bin`), new Uint8Array(values.buffer as ArrayBuffer));
    const draw = (length: number, below: number | undefined, seed: number): Float32Array | Int32Array =>
      below === undefined ? uniform(length, seed) : labels(length, below, seed);
    write("parameters", startingValues(parameters, 1));
    write("inputs", draw(rows * product(model.input.shape), model.input.indices, 2));
    write("targets", draw(rows * product(target.shape), target.classes, 3));
    return await fn({ model, parameters, target, batch, batches, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
