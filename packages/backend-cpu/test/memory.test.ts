import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

interface Report {
  readonly [name: string]: unknown;
  readonly heapGrowth: number;
  readonly slope: number;
}

// The young generation is held at one size: its growth to the size V8 likes is no leak, and larger than one.
it(
  "20,000 steps through fit, 100,000 more, then 1,000,000 eager ops, leave memory as it was",
  { retry: 3, timeout: 120_000 },
  async () => {
    const fixture = fileURLToPath(new URL("steps.fixture.mjs", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "--max-semi-space-size=2", fixture, "20000"]);
    const report = JSON.parse(stdout) as Report;
    expect(report["after"]).toEqual(report["before"]);
    expect(report["eagerAfter"]).toEqual(report["eagerBefore"]);
    expect(report.heapGrowth).toBeLessThan(1 << 20);
    expect(report.slope).toBeLessThan(0.1);
  },
);
