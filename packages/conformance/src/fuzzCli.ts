#!/usr/bin/env node
/** `ermine-fuzz`: programs at random on every backend that is asked for, what differs as small as it still does, and counts at the end. */
import { ErmineError } from "@ermine/core";
import { findTargets, type Target, type Variants } from "./command/targets.js";
import { fuzzUsage, readFuzzOptions, type FuzzCommand } from "./fuzz/command.js";
import type { FuzzTarget } from "./fuzz/judge.js";
import { plantedFaults } from "./fuzz/planted.js";
import { fuzzInProcesses } from "./fuzz/processes.js";
import { countsOf, describeFuzz, describeFuzzDifference, discardsTooMany, sumOfCounts, type FuzzCounts } from "./fuzz/report.js";
import { fuzz } from "./fuzz/run.js";

const variants: Variants = {
  cpu: [
    { numerics: "fast", threads: 1 },
    { numerics: "portable", threads: 1 },
    { numerics: "fast", threads: 2 },
  ],
};

/** Backends over native libraries. */
const apart: ReadonlySet<string> = new Set(["tfjs"]);

async function targetsOf({ backends, plugins }: FuzzCommand, cwd: string): Promise<readonly Target[]> {
  const notice = (message: string): void => console.log(message);
  const request = { plugins, cwd, variants, notice };
  if (backends.length === 0) return findTargets(request);
  return (await Promise.all(backends.map((backend) => findTargets({ ...request, backend })))).flat();
}

const secondsOf = ({ minutes }: FuzzCommand): number | undefined => (minutes === undefined ? undefined : 60 * minutes);

async function runHere(command: FuzzCommand, targets: readonly Target[]): Promise<FuzzCounts> {
  const { seed, programs, differences, json } = command;
  const seconds = secondsOf(command);
  const backends = await Promise.all(
    targets.map(async ({ label, options, create }): Promise<FuzzTarget> => ({
      label,
      backend: await create(),
      // Eagerly the reference is what the others are compared with.
      ...(label === "reference" ? { modes: ["compiled"] } : {}),
      largeOnly: (options?.threads ?? 1) > 1,
    })),
  );
  const report = await fuzz({
    targets: backends,
    seed,
    differences,
    ...(programs === undefined ? {} : { programs }),
    ...(seconds === undefined ? {} : { seconds }),
    onDifference: (difference) => console.log(describeFuzzDifference(difference)),
    onProgress({ programs: done, differences: differencesSoFar }) {
      if (!json && done % 5000 === 0) console.log(`${done} programs, ${differencesSoFar.length} differences`);
    },
  });
  for (const { backend } of backends) backend.dispose();
  return countsOf(report);
}

async function runPlanted({ seed, programs = 2000 }: FuzzCommand): Promise<number> {
  let missed = 0;
  for (const { name, create } of plantedFaults) {
    const { programs: count, differences } = await fuzz({
      targets: [{ label: name, backend: create() }],
      seed,
      programs,
      tries: 200,
    });
    const [difference] = differences;
    if (difference === undefined) missed++;
    console.log(
      difference === undefined
        ? `✗ ${name}: not found within ${count} programs`
        : `✓ ${name}: found by program ${count}, ${difference.difference}`,
    );
  }
  console.log(
    `${plantedFaults.length - missed} of ${plantedFaults.length} planted faults found within ${programs} programs each`,
  );
  return missed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const started = performance.now();
  const command = readFuzzOptions(process.argv.slice(2));
  if (command === "help") {
    console.log(fuzzUsage);
    return 0;
  }
  if (command.planted) return runPlanted(command);
  const targets = await targetsOf(command, process.env["INIT_CWD"] ?? process.cwd());
  if (command.json) {
    console.log(JSON.stringify(await runHere(command, targets)));
    return 0;
  }
  const here = targets.filter(({ label }) => !apart.has(label));
  const elsewhere = targets.filter(({ label }) => apart.has(label));
  const groups = elsewhere.length + (here.length > 0 ? 1 : 0);
  const share = command.minutes === undefined ? command : { ...command, minutes: command.minutes / groups };
  const all: FuzzCounts[] = [];
  const tell = (labels: readonly string[], counts: FuzzCounts, since: number): void => {
    all.push(counts);
    console.log(describeFuzz(labels, command.seed, counts, (performance.now() - since) / 1000));
  };
  if (here.length > 0)
    tell(
      here.map(({ label }) => label),
      await runHere(share, here),
      started,
    );
  for (const { label } of elsewhere) {
    const since = performance.now();
    const { seed, programs, differences, plugins } = command;
    const counts = await fuzzInProcesses({
      script: process.argv[1]!,
      backend: label,
      plugins,
      seed,
      programs,
      seconds: secondsOf(share),
      differences,
    });
    tell([label], sumOfCounts(counts), since);
  }
  const counts = sumOfCounts(all);
  if (all.length > 1) console.log(describeFuzz(["all"], command.seed, counts, (performance.now() - started) / 1000));
  return counts.differences > 0 || discardsTooMany(counts) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ErmineError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
