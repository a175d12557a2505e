/** Trainers that were dropped without dispose() are collected, and what they held on the backend comes back. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { describeNative } from "./native.js";

interface Left {
  readonly alive: number;
  readonly tensors: number;
  readonly bytes: number;
  readonly heap: number;
}

const fixture = fileURLToPath(new URL("./dropped.fixture.mjs", import.meta.url));

describeNative("TensorFlow", () => {
  it.each(["compiled", "eager"])(
    "of 60 trainers (%s) nothing is left",
    (mode) => {
      // Each loads a graph of TensorFlow's, which takes a third of a second on a busy machine.
      const count = 60;
      const text = execFileSync(process.execPath, ["--expose-gc", fixture, mode, `${count}`], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 110_000,
      });
      const [early, late] = JSON.parse(text.trim().split("\n").at(-1)!) as [Left, Left];
      expect(late.alive).toBeLessThanOrEqual(1);
      // Those of one more trainer may wait for a collection; the scalars that a backend keeps are there from the first.
      expect(late.tensors).toBeLessThanOrEqual(early.tensors + 16);
      expect(late.bytes).toBeLessThanOrEqual(early.bytes + 100_000);
      expect((late.heap - early.heap) / (0.75 * count)).toBeLessThan(30_000);
    },
    120_000,
  );
});
