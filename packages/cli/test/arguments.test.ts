import { testPackageArguments } from "@ermine/conformance";
import { describe, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as entry from "../src/index.js";

const silent = { write: () => undefined };

testPackageArguments(
  manifest,
  {
    "@ermine/cli": {
      exports: entry,
      rows: {
        ermine: {
          run: (...args: readonly unknown[]) => entry.ermine(...(args as [never, never])),
          arguments: [
            { right: () => ["train", "none.csv", "--target", "price"], takes: [] },
            { right: () => ({ stdout: silent, stderr: silent }), takes: ["undefined"] },
          ],
        },
      },
    },
  },
  { describe, it },
);
