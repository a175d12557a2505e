// One package's vitest suite: where its report is, and what that says.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/** The report of a suite, in the package's folder; `name` tells suites of the same package apart. */
export const reportPath = (name = "vitest") => join(".report", `${name}.json`);

/** A row for the sum: what passed, what failed, what was not run, and how long it took. A suite that left no report, or a file that did not load, has failed. */
export function rowOf(folder, { name = folder, report: reportName } = {}) {
  const path = join(root, folder, reportPath(reportName));
  if (!existsSync(path)) return { name, passed: 0, failed: 1, notRun: ["its tests did not run"] };
  const report = JSON.parse(readFileSync(path, "utf8"));
  const files = report.testResults;
  const broken = files.filter((file) => file.status === "failed" && file.assertionResults.every((t) => t.status !== "failed"));
  const titles = files.flatMap((file) => file.assertionResults.map((t) => t.title));
  const absent = [...new Set(titles.flatMap((title) => title.match(/not run \(needs .*\)/) ?? []))];
  const passed = report.numPassedTests - titles.filter((title) => title.startsWith("not run (needs")).length;
  const failed = report.numFailedTests + broken.length + (process.env.CI === "true" ? absent.length : 0);
  const seconds = (Math.max(...files.map((file) => file.endTime)) - report.startTime) / 1000;
  return { name, passed, failed, notRun: absent, ...(Number.isFinite(seconds) ? { seconds } : {}) };
}

/** Prints the rows, and as the last line their sum: N passed, N failed. @returns whether none failed; `ok` false is a failure that no row has */
export function printSum(rows, ok = true) {
  console.log("");
  for (const { name, passed, failed, seconds, notRun = [] } of rows) {
    const time = seconds === undefined ? "" : `, ${seconds.toFixed(0)} s`;
    console.log(`${name.padEnd(40)} ${passed} passed, ${failed} failed${time}${notRun.map((reason) => `; ${reason}`).join("")}`);
  }
  const passed = rows.reduce((sum, row) => sum + row.passed, 0);
  const failed = rows.reduce((sum, row) => sum + row.failed, 0) || (ok ? 0 : 1);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0;
}
