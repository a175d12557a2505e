import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testPackageArguments, type ArgumentSpec } from "@ermine/conformance";
import { ones, useBackend } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { describe, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as entry from "../src/index.js";
import * as node from "../src/node.js";
import * as operators from "../src/operators.js";

useBackend(reference());
const only = (right: () => unknown, ...takes: ArgumentSpec["takes"]): ArgumentSpec => ({ right, takes });
const options = (right: () => unknown, ...open: readonly string[]): ArgumentSpec => ({
  right,
  takes: right() === undefined ? ["undefined"] : [],
  options: { open },
});
const row = (run: unknown, ...args: readonly ArgumentSpec[]) => ({
  run: run as (...args: readonly unknown[]) => unknown,
  arguments: args,
});

const model = () => new Linear(2, 1);
const settings = () => ({ sample: ones([1, 2]) });
const bytes = () => entry.saveModel(model(), settings());
/** What is a path is the one of a folder of the test's own. */
const at =
  (run: unknown) =>
  (first: unknown, ...rest: readonly unknown[]) =>
    (run as (...args: readonly unknown[]) => unknown)(typeof first === "string" ? path : first, ...rest);
const path = join(mkdtempSync(join(tmpdir(), "ermine-onnx-")), "model.onnx");

/** A TensorProto of two float32s. */
const tensorFile = () => Uint8Array.of(8, 2, 16, 1, 74, 8, 0, 0, 128, 63, 0, 0, 0, 64);

testPackageArguments(
  manifest,
  {
    "@ermine/onnx": {
      exports: entry,
      rows: {
        saveModel: row(entry.saveModel, only(model), options(settings, "sample")),
        loadModel: row(
          entry.loadModel,
          only(bytes),
          options(() => undefined),
        ),
        readTensorFile: row(entry.readTensorFile, only(tensorFile)),
      },
      without: { ImportedModel: "is made by loadModel" },
    },
    "@ermine/onnx/operators": {
      exports: operators,
      rows: {
        importModel: row(
          operators.importModel,
          only(bytes),
          options(() => ({})),
          options(() => ({ operators: operators.allOperators }), "external"),
        ),
      },
    },
    "@ermine/onnx/node": {
      exports: node,
      rows: {
        saveModelFile: row(
          at(node.saveModelFile),
          only(() => path, "a string"),
          only(model),
          options(settings, "sample"),
        ),
        loadModelFile: row(
          at(node.loadModelFile),
          only(async () => (await node.saveModelFile(path, model(), settings()), path), "a string"),
          options(() => undefined),
        ),
      },
    },
  },
  { describe, it },
);
