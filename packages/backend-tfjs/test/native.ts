/** Tests that need TensorFlow's library: absent, they are named as not run with the remedy; in CI its absence is a failure. */
import { describe, it } from "vitest";
import { tfjsPlugin } from "../src/index.js";

const probe = await tfjsPlugin.probe();

export function describeNative(name: string, fn: () => void): void {
  if (probe.available) {
    describe(name, fn);
    return;
  }
  describe(name, () => {
    const title = "not run (needs native TensorFlow: npx ermine-tfjs install)";
    const absent = process.env["CI"] === undefined ? it.skip : it;
    absent(title, () => {
      throw new Error(`${probe.reason} ${probe.remedy}`);
    });
  });
}
