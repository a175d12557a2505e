#!/usr/bin/env node
/** `ermine-conformance`: every golden case and every law on every backend that is asked for, and the sum at the end. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ErmineError } from "@ermine/core";
import { readOptions, usage, type CommandOptions } from "./command/options.js";
import {
  count,
  countLaws,
  describeBrokenLaw,
  describeCounts,
  describeFailure,
  describeKinds,
  describeLaws,
  describeSkipped,
  sumOf,
  type Counts,
} from "./command/report.js";
import { findTargets } from "./command/targets.js";
import { runGolden } from "./golden/run.js";
import type { GoldenFile } from "./golden/schema.js";
import { runLaws } from "./laws/run.js";

/** @throws ErmineError ERMINE_DATA where the folder has none of the kinds */
function readFiles({ golden, kinds }: CommandOptions): readonly GoldenFile[] {
  if (golden === undefined) return [];
  const names = existsSync(golden) ? readdirSync(golden).filter((name) => name.endsWith(".json")) : [];
  const files = names.map((name) => JSON.parse(readFileSync(join(golden, name), "utf8")) as GoldenFile);
  const selected = kinds.flatMap((kind) => files.filter((file) => file.kind === kind));
  if (selected.length === 0)
    throw new ErmineError("ERMINE_DATA", `${golden} has no golden files of the kinds ${kinds.join(", ")}.`);
  return selected;
}

async function main(): Promise<number> {
  const cwd = process.env["INIT_CWD"] ?? process.cwd();
  const options = readOptions(process.argv.slice(2), cwd);
  if (options === "help") {
    console.log(usage);
    return 0;
  }
  const files = readFiles(options);
  const { backend: name, numerics, plugins, modes } = options;
  const targets = await findTargets({ backend: name, numerics, plugins, cwd, notice: (message) => console.log(message) });
  const all: Counts[] = [];
  for (const { label, create } of targets) {
    const backend = await create();
    if (files.length > 0) {
      const outcomes = await runGolden({
        backend,
        files,
        modes,
        onOutcome(outcome) {
          const failure = describeFailure(label, outcome);
          if (failure !== undefined) console.log(failure);
        },
      });
      console.log(`${label} (${modes.join(", ")})\n${[...describeKinds(outcomes), ...describeSkipped(outcomes)].join("\n")}`);
      all.push(count(outcomes));
    }
    if (options.laws) {
      const outcomes = await runLaws({
        backend,
        onOutcome(outcome) {
          const failure = describeBrokenLaw(label, outcome);
          if (failure !== undefined) console.log(failure);
        },
      });
      console.log(`${label}, laws\n${describeLaws(outcomes).join("\n")}`);
      all.push(countLaws(outcomes));
    }
    backend.dispose();
  }
  const counts = sumOf(all);
  console.log(describeCounts(counts));
  return counts.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ErmineError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
