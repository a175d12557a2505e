/** Trainers and backends that were dropped without dispose() are collected, and what they held comes back. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { expectNothingLeft } from "../../conformance/test/shared/dropped.js";

const backend = { module: new URL("../dist/index.js", import.meta.url), name: "cpu", options: { threads: 1 } };

it.each(["compiled", "eager"])("of 200 trainers (%s) nothing is left", (mode) => expectNothingLeft(backend, mode, 200), 120_000);

const fixture = fileURLToPath(new URL("./droppedBackends.fixture.mjs", import.meta.url));
const uses = [
  "an op",
  "an op that is read",
  "an op in a scope",
  "a compiled function",
  "a compiled function over a variable",
  "a gradient",
  "random numbers",
  "training",
];

it.runIf(existsSync("/proc/self/task")).each(uses)(
  "of 6 backends that were dropped after %s no thread is left",
  async (use) => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", fixture, use]);
    expect(JSON.parse(stdout)).toEqual({ started: 12, left: 0, alive: 0 });
  },
  60_000,
);
