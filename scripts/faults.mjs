// `pnpm faults [name…]`: what takes minutes. A name is a folder of the workspace that has a folder `faults`, whose *.fault.ts are vitest files; default: all.
// They run one after the other, for some of them measure or need much memory. What a test has tried it says as `task.meta.counts` ({ "mutated files": 1000 }); the
// last line has the sums and the number of tests that failed. The exit status is 1 where one did.
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { startVitest } from "vitest/node";
import { root, turboQuietly } from "./run.mjs";

const folders = ["packages", "apps"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
  .concat("benchmarks", "examples", "environments")
  .filter((folder) => existsSync(join(root, folder, "faults")));
const names = process.argv.slice(2);
const unknown = names.find((name) => !folders.some((folder) => basename(folder) === name));
if (unknown !== undefined) {
  console.error(`There are no faults of "${unknown}". Names: ${folders.map((folder) => basename(folder)).join(", ")}.`);
  process.exit(1);
}

if (turboQuietly("build") !== 0) process.exit(1);
let failed = 0;
/** What was tried → how often. */
const counts = new Map();
for (const folder of folders.filter((candidate) => names.length === 0 || names.includes(basename(candidate)))) {
  console.log(`\n${folder}`);
  const vitest = await startVitest("test", [], {
    root: join(root, folder),
    include: ["faults/**/*.fault.ts"],
    run: true,
    watch: false,
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 10 * 60_000,
  });
  const files = vitest.state.getTestModules();
  for (const file of files) {
    for (const test of file.children.allTests()) {
      if (!test.ok()) failed++;
      for (const [what, times] of Object.entries(test.meta().counts ?? {})) counts.set(what, (counts.get(what) ?? 0) + times);
    }
    if (file.errors().length > 0) failed++;
  }
  if (files.length === 0 || vitest.state.getUnhandledErrors().length > 0) failed++;
  await vitest.close();
}
const tried = [...counts].map(([what, times]) => `${times.toLocaleString("en")} ${what}`);
console.log(`\n${[...tried, `${failed} violation${failed === 1 ? "" : "s"}`].join(", ")}`);
process.exit(failed === 0 ? 0 : 1);
