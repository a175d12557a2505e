/** Programs in processes of their own, a few hundred each: what a native library leaves behind ends with its process. */
import { spawn } from "node:child_process";
import type { FuzzCounts } from "./report.js";

export interface ProcessesOptions {
  /** The command's own file. */
  readonly script: string;
  readonly backend: string;
  readonly plugins: readonly string[];
  readonly seed: number;
  readonly programs: number | undefined;
  readonly seconds: number | undefined;
  readonly differences: number;
  /** Programs in each process. Default 500. */
  readonly each?: number;
}

/** @returns the counts of each process; one that dies is a difference */
export async function fuzzInProcesses(options: ProcessesOptions): Promise<readonly FuzzCounts[]> {
  const { seed, programs = Infinity, seconds = Infinity, differences, each = 500 } = options;
  const end = performance.now() + 1000 * seconds;
  const all: FuzzCounts[] = [];
  let [done, differenceCount] = [0, 0];
  while (done < programs && differenceCount < differences && performance.now() < end) {
    const count = Math.min(each, programs - done);
    const left = Math.max(0.01, (end - performance.now()) / 60_000);
    const counts = await runOne(
      options,
      seed + done,
      count,
      Number.isFinite(left) ? left : undefined,
      differences - differenceCount,
    );
    all.push(counts);
    done += count;
    differenceCount += counts.differences;
  }
  return all;
}

function runOne(
  { script, backend, plugins }: ProcessesOptions,
  seed: number,
  programs: number,
  minutes: number | undefined,
  differences: number,
): Promise<FuzzCounts> {
  const args = ["--backend", backend, "--seed", seed, "--programs", programs, "--differences", differences, "--json"].map(String);
  if (minutes !== undefined) args.push("--minutes", String(minutes));
  for (const plugin of plugins) args.push("--plugin", plugin);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (output += piece));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      const lines = output.trimEnd().split("\n");
      const last = lines.pop() ?? "";
      for (const line of lines) console.log(line);
      if (last.startsWith("{")) return resolve(JSON.parse(last) as FuzzCounts);
      console.log(
        `${last}\n✗ the process of ${programs} programs from seed ${seed} on ${backend} ended with ${signal ?? `status ${status}`}`,
      );
      resolve({ programs, discarded: {}, differences: 1 });
    });
  });
}
