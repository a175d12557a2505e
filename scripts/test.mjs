// `pnpm test`: every suite of every package, then what must hold of the packages as published. Last line: N passed, N failed.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkPackages } from "./check-packages.mjs";
import { root, turboAloud } from "./run.mjs";

const filters = process.argv.slice(2);
const folders = ["packages", "apps"].flatMap((group) =>
  existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => join(group, name)) : [],
);
for (const single of ["benchmarks", "examples", "environments"])
  if (existsSync(join(root, single, "package.json"))) folders.push(single);
const suites = folders.filter((folder) => existsSync(join(root, folder, "package.json")) && hasTests(folder));
for (const folder of suites) rmSync(join(root, folder, ".report"), { recursive: true, force: true });

const status = turboAloud("test", "--continue", "--output-logs=errors-only", ...filters);
const rows = suites.map(read);
if (filters.length === 0) rows.push(...(await checkPackages()));

console.log("");
let passed = 0;
let failed = 0;
for (const row of rows) {
  passed += row.passed;
  failed += row.failed;
  const notRun = row.notRun.map((reason) => `; ${reason}`).join("");
  console.log(`${row.name.padEnd(40)} ${row.passed} passed, ${row.failed} failed${notRun}`);
}
if (status !== 0 && failed === 0) failed = 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function hasTests(folder) {
  return "test" in (JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).scripts ?? {});
}

/** One package's report. A suite that left none, or a file that did not load, has failed. */
function read(folder) {
  const path = join(root, folder, ".report", "vitest.json");
  if (!existsSync(path)) return { name: folder, passed: 0, failed: 1, notRun: ["its tests did not run"] };
  const report = JSON.parse(readFileSync(path, "utf8"));
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((t) => t.status !== "failed"),
  );
  const names = report.testResults.flatMap((file) => file.assertionResults.map((t) => t.title));
  const absent = [...new Set(names.flatMap((title) => title.match(/not run \(needs .*\)/) ?? []))];
  const passed = report.numPassedTests - names.filter((title) => title.startsWith("not run (needs")).length;
  const failed = report.numFailedTests + broken.length + (process.env.CI === "true" ? absent.length : 0);
  return { name: folder, passed, failed, notRun: absent };
}
