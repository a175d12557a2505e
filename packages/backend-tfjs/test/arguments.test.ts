import { testPackageArguments, type ArgumentSpec } from "@ermine/conformance";
import { ones } from "@ermine/core";
import { describe, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as entry from "../src/index.js";

const options: ArgumentSpec = { right: () => undefined, takes: ["undefined"], options: { open: ["device"] } };
/** A tensor of tfjs', as far as these functions look. */
const theirs = () => ({ shape: [1], dtype: "float32", dataSync: () => Float32Array.of(1), toArray: undefined });
const module = () => ({ tensor: () => theirs() });
const model = () => ({ layers: [] });
const only = (right: () => unknown): ArgumentSpec => ({ right, takes: [] });
const row = (run: unknown, ...args: readonly ArgumentSpec[]) => ({
  run: run as (...args: readonly unknown[]) => unknown,
  arguments: args,
});

testPackageArguments(
  manifest,
  {
    "@ermine/backend-tfjs": {
      exports: entry,
      rows: {
        tfjs: row(async (...args: [never]) => (await entry.tfjs(...args)).dispose(), options),
        fromTfjs: row(entry.fromTfjs, only(theirs)),
        toTfjs: row(entry.toTfjs, only(module), {
          right: () => ones([1]),
          takes: ["a float32 tensor", "an int32 tensor", "a bool tensor"],
        }),
        fromLayersModel: row(entry.fromLayersModel, only(model)),
        toLayersModel: row(
          entry.toLayersModel,
          only(module),
          only(model),
          only(() => ({})),
        ),
      },
    },
  },
  { describe, it },
);
