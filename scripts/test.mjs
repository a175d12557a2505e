// `pnpm test`: every suite of every package, then what must hold of the packages as published. Last line: N passed, N failed.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkPackages } from "./check-packages.mjs";
import { root, turboAloud } from "./run.mjs";
import { printSum, reportPath, rowOf } from "./suite.mjs";

const filters = process.argv.slice(2);
const folders = ["packages", "apps"].flatMap((group) =>
  existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => join(group, name)) : [],
);
for (const single of ["benchmarks", "examples", "environments"])
  if (existsSync(join(root, single, "package.json"))) folders.push(single);
const suites = folders.filter((folder) => existsSync(join(root, folder, "package.json")) && hasTests(folder));
for (const folder of suites) rmSync(join(root, folder, ".report"), { recursive: true, force: true });

const status = turboAloud("test", "--continue", "--output-logs=errors-only", ...filters);
// Where some are asked for, those that were left out are no failures; one that ran and left no report is turbo's.
const asked = suites.filter((folder) => filters.length === 0 || existsSync(join(root, folder, reportPath())));
const rows = asked.map((folder) => rowOf(folder));
if (filters.length === 0) rows.push(...(await checkPackages()));
process.exit(printSum(rows, status === 0) ? 0 : 1);

function hasTests(folder) {
  return "test" in (JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).scripts ?? {});
}
