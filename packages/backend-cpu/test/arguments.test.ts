import { testArguments, type ArgumentSpec } from "@ermine/conformance";
import { defineOp } from "@ermine/core/define";
import { describe, it } from "vitest";
import * as entry from "../src/index.js";

const options: ArgumentSpec = { right: () => ({ threads: 1 }), takes: ["undefined"], options: { open: [] } };
const own = () => defineOp({ name: "own", inputs: [{ name: "x" }], infer: ([x]) => [x!] });

testArguments(
  "@ermine/backend-cpu",
  {
    exports: entry,
    rows: {
      cpu: {
        run: async (...args: readonly unknown[]) => (await entry.cpu(...(args as [never]))).dispose(),
        arguments: [options],
      },
      registerLowering: {
        run: (...args: readonly unknown[]) => entry.registerLowering(...(args as [never, never])),
        arguments: [
          { right: own, takes: [] },
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
  { describe, it },
);
