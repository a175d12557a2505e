import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { describeNative } from "./native.js";

interface Counts {
  readonly numTensors: number;
  readonly native: number;
  readonly models: number;
  readonly tensors: number;
  readonly bytes: number;
}
interface Report extends Record<"atFirst" | "before" | "after" | "unused" | "atLast", Counts> {
  readonly slope: number;
  readonly flagsKept: boolean;
}

const fixture = fileURLToPath(new URL("steps.fixture.mjs", import.meta.url));

describeNative("20,000 steps and more", () => {
  // The young generation is held at one size: its growth to the size V8 likes is no leak, and larger than one.
  // The allocators' own pools fill before the second half: on Node 24 that takes some 40,000 compiled steps.
  it.each([
    ["compiled", "100000"],
    ["eager", "20000"],
  ])("%s leave memory as it was, and disposal gives all back", { retry: 3, timeout: 240_000 }, async (mode, steps) => {
    const options = ["--expose-gc", "--max-semi-space-size=2", fixture, mode, steps];
    const { stdout } = await promisify(execFile)(process.execPath, options);
    const report = JSON.parse(stdout) as Report;
    const nothing = { numTensors: 0, native: 0, models: 0, tensors: 0, bytes: 0 };
    expect(report.atFirst).toEqual(nothing);
    expect(report.before.tensors).toBeGreaterThan(0);
    expect(report.after).toEqual(report.before);
    expect(report.unused.models).toBe(0);
    expect(report.atLast).toEqual(nothing);
    expect(report.slope).toBeLessThan(0.1);
    // Nothing of the application's tfjs is changed.
    expect(report.flagsKept).toBe(true);
  });
});
