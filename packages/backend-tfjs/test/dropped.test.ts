/** Trainers that were dropped without dispose() are collected, and what they held on the backend comes back. */
import { it } from "vitest";
import { expectNothingLeft } from "../../conformance/test/shared/dropped.js";
import { describeNative } from "./native.js";

const backend = { module: new URL("../dist/index.js", import.meta.url), name: "tfjs" };

describeNative("TensorFlow", () => {
  // Each loads a graph of TensorFlow's, which takes a third of a second on a busy machine.
  it.each(["compiled", "eager"])("of 60 trainers (%s) nothing is left", (mode) => expectNothingLeft(backend, mode, 60), 120_000);
});
