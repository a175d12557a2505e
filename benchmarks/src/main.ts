#!/usr/bin/env node
/** `pnpm bench`: side by side with peers, in one run. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine, machineText } from "./machine.js";
import { findNode } from "./node.js";
import { BadOption, parseOptions, usage, type BenchOptions } from "./options.js";
import { root } from "./place.js";
import { resultsPage, type Run } from "./results.js";
import { textTable } from "./table.js";
import { workloads } from "./workloads/index.js";
import type { Report } from "./workloads/workload.js";

async function bench(options: BenchOptions): Promise<void> {
  const machine = describeMachine();
  const say = (text: string): void => {
    if (!options.json) console.log(text);
  };
  say(`${machineText(machine)}. Threads: ${options.threads}.`);
  const reports: Report[] = [];
  for (const workload of workloads) {
    if (!options.workloads.includes(workload.name)) continue;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${workload.name} …` : "");
    const report = await workload.run({
      ...options,
      pace: { rounds: options.rounds, milliseconds: options.milliseconds },
      small: false,
    });
    process.stderr.write(process.stderr.isTTY ? "\r\u001b[K" : "");
    reports.push(report);
    say(`\n${report.workload}: ${report.title}`);
    for (const section of report.sections) say(`\n${section.title}\n${textTable(section)}`);
  }
  const run: Run = { machine, threads: options.threads, rounds: options.rounds, milliseconds: options.milliseconds, reports };
  if (options.json) console.log(JSON.stringify(run));
  if (options.write) {
    writeFileSync(join(root, options.out), resultsPage(run));
    say(`\nWritten: benchmarks/${options.out}`);
  }
}

try {
  const options = parseOptions(process.argv.slice(2));
  const { path, note } = options.help ? { path: process.execPath } : findNode(options.node);
  if (note !== undefined) console.error(note);
  if (options.help) console.log(usage);
  else if (path === process.execPath) await bench(options);
  else {
    const args = [import.meta.filename, ...process.argv.slice(2), "--node", "current"];
    process.exitCode = spawnSync(path, args, { stdio: "inherit" }).status ?? 130;
  }
} catch (error) {
  if (!(error instanceof BadOption)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
