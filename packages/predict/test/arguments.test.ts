import { testPackageArguments, type ArgumentSpec } from "@ermine/conformance";
import { ones, useBackend } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { saveModel } from "@ermine/onnx";
import { describe, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as entry from "../src/index.js";

useBackend(reference());
const bytes = await saveModel(new Linear(2, 1), { sample: ones([1, 2]) });
const only = (right: () => unknown, ...takes: ArgumentSpec["takes"]): ArgumentSpec => ({ right, takes });

/** `predict` of a new predictor. */
async function predict(...args: readonly unknown[]): Promise<void> {
  const predictor = await entry.loadPredictor(bytes);
  try {
    await predictor.predict(...(args as [never]));
  } finally {
    predictor.dispose();
  }
}

testPackageArguments(
  manifest,
  {
    "@ermine/predict": {
      exports: entry,
      rows: {
        loadPredictor: {
          run: async (...args: readonly unknown[]) => (await entry.loadPredictor(...(args as [never, never]))).dispose(),
          arguments: [only(() => bytes), { right: () => undefined, takes: ["undefined"], options: { open: ["externalData"] } }],
        },
      },
      without: { Predictor: "is made by loadPredictor" },
      methods: { "Predictor.predict": { run: predict, arguments: [only(() => [[1, 2]])] } },
    },
  },
  { describe, it },
);
