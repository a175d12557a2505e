// Runs one package's vitest suite: readable on the screen, and as a report for the sum that `pnpm test` prints; ERMINE_REPORT names another than .report/vitest.json.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { reportPath } from "./suite.mjs";

const require = createRequire(join(process.cwd(), "package.json"));
const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
const report = reportPath(process.env["ERMINE_REPORT"]);
rmSync(report, { force: true });
mkdirSync(dirname(report), { recursive: true });
// A slow machine, or one with much else to do, is no failure.
const patience = ["--testTimeout=60000", "--hookTimeout=120000"];
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", "--passWithNoTests", ...patience, ...reporters, ...process.argv.slice(2)],
  {
    stdio: "inherit",
    env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" },
  },
);
process.exit(status ?? 1);
