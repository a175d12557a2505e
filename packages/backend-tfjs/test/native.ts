/** Tests that need TensorFlow's library. Where it is absent they are named, with the remedy: `pnpm test` prints that, and in CI it fails. */
import { describe, it } from "vitest";
import { tfjsPlugin } from "../src/index.js";

const { available } = await tfjsPlugin.probe();

export function describeNative(name: string, fn: () => void): void {
  if (available) describe(name, fn);
  else it("not run (needs native TensorFlow: npx ermine-tfjs install)", () => {});
}
