#!/usr/bin/env node
/**
 * `ermine serve` next to an empty handler: `node benchmarks/dist/serve/main.js [--seconds 60] [--connections 16]`. A model of penguins is trained, served by the command as people start it, and asked for one row a request over so many
 * connections, each of which asks again when it was answered; then a server that reads the same bodies and answers a constant is asked in the same way. Prints predictions a second, the latencies' percentiles
 * and the resident set of the server at one third and at the end. Exits with 1 where a goal is missed: 2,000 predictions/s, and no more than 10 % and 8 MB more memory in the last two thirds.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ermine } from "@ermine/cli";
import { describeMachine, machineText } from "../machine.js";
import { textTable } from "../table.js";
import { askRepeatedly, type Answers } from "./load.js";

const goals = { predictionsPerSecond: 2000, growth: 0.1, growthMegabytes: 8 } as const;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, connections: { type: "string", default: "16" } },
});
const [seconds, connections] = [Number(values.seconds), Number(values.connections)];

const resolver = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "ermine-serve-"));
const rows = JSON.parse(
  readFileSync(join(dirname(dirname(resolver.resolve("vega-datasets"))), "data", "penguins.json"), "utf8"),
) as Readonly<Record<string, unknown>>[];

/** Trains on penguins. @returns the model's file */
async function trained(): Promise<string> {
  const data = join(folder, "penguins.json");
  writeFileSync(data, JSON.stringify(rows));
  const run = join(folder, "run");
  const silent = { write: () => undefined };
  const streams = { stdout: silent, stderr: process.stderr };
  const status = await ermine(["train", data, "--target", "Species", "--backend", "cpu", "--out", run], streams);
  if (status !== 0) throw new Error(`ermine train ended with ${status}.`);
  return join(run, "model.onnx");
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

/** A server that says its port as a line of JSON, { port }. */
function started(args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", (code) => reject(new Error(`A server ended with ${code}.`)));
    child.stdout!.on("data", (part: Buffer) => {
      text += part.toString();
      const line = text.split("\n")[0]!;
      if (text.includes("\n")) resolve({ child, port: (JSON.parse(line) as { readonly port: number }).port });
    });
  });
}

/** The resident set of a process in MB; NaN where /proc does not say it. */
function residentMegabytes({ pid }: ChildProcess): number {
  try {
    return (Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

interface Measured extends Answers {
  readonly early: number;
  readonly late: number;
}

async function measured(args: readonly string[]): Promise<Measured> {
  const { child, port } = await started(args);
  try {
    const bodies = rows.map((row) => JSON.stringify({ rows: [row] }));
    // Code is compiled, and memory is as large as it gets, before anything is counted.
    await askRepeatedly({ port, connections, seconds: Math.min(5, seconds / 4), bodies });
    let early = Number.NaN;
    const timer = setTimeout(() => (early = residentMegabytes(child)), (seconds * 1000) / 3);
    const answers = await askRepeatedly({ port, connections, seconds, bodies });
    clearTimeout(timer);
    return { ...answers, early, late: residentMegabytes(child) };
  } finally {
    child.removeAllListeners("exit");
    child.kill("SIGTERM");
  }
}

try {
  const model = await trained();
  const command = join(dirname(resolver.resolve("@ermine/cli/package.json")), "dist", "main.js");
  const serving = await measured([command, "serve", model, "--port", "0", "--json"]);
  const empty = await measured([fileURLToPath(new URL("empty.js", import.meta.url))]);
  console.log(`${machineText(describeMachine())}. ${connections} connections, ${seconds} s, a row a request.\n`);
  const row = (title: string, of: (one: Measured) => string): string[] => [title, of(serving), of(empty)];
  console.log(
    textTable({
      head: ["", "ermine serve", "empty handler"],
      rows: [
        row("answers a second", ({ count }) => Math.round(count / seconds).toLocaleString("en")),
        row("refused", ({ refused }) => String(refused)),
        ...[50, 99, 99.9].map((percent) => row(`${percent} % within, ms`, ({ percentile }) => percentile(percent).toFixed(2))),
        row("resident set after a third, MB", ({ early }) => early.toFixed(0)),
        row("resident set at the end, MB", ({ late }) => late.toFixed(0)),
      ],
    }),
  );
  const isSteady = !(serving.late > serving.early * (1 + goals.growth) + goals.growthMegabytes);
  const isReached = serving.count / seconds >= goals.predictionsPerSecond && serving.refused === 0 && isSteady;
  process.exitCode = isReached ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
