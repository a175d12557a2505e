import { testPackageArguments, type ArgumentSpec } from "@ermine/conformance";
import { defineOp } from "@ermine/core/define";
import { describe, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as entry from "../src/index.js";

const options: ArgumentSpec = { right: () => ({ threads: 1 }), takes: ["undefined"], options: { open: [] } };
const doubled = () => defineOp({ name: "doubled", inputs: [{ name: "x" }], infer: ([x]) => [x!] });

testPackageArguments(
  manifest,
  {
    "@ermine/backend-cpu": {
      exports: entry,
      rows: {
        cpu: {
          run: async (...args: readonly unknown[]) => (await entry.cpu(...(args as [never]))).dispose(),
          arguments: [options],
        },
        registerLowering: {
          run: (...args: readonly unknown[]) => entry.registerLowering(...(args as [never, never])),
          arguments: [
            { right: doubled, takes: [] },
            { right: () => ({ dtypes: ["float32"], emit: () => undefined }), takes: [] },
          ],
        },
      },
      without: Object.fromEntries(
        ["broadcastStrides", "collapse", "contiguous", "floatBits", "sizeOf", "splitRange"].map((name) => [
          name,
          "arithmetic for lowerings, with what the emitter gives",
        ]),
      ),
    },
  },
  { describe, it },
);
