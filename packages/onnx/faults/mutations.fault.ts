/** 100,000 damaged ONNX files: each is loaded within half a second and run, or refused by an error of ermine's. */
import { expect, it } from "vitest";
import { useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { tryMutated } from "../test/mutations.js";

it("none crashes the reader or keeps it busy", async ({ task }) => {
  useBackend(await reference());
  for (let from = 0; from < 100_000; from += 5_000) expect(tryMutated(1_000_000 + from, 5_000, 500).wrong).toEqual([]);
  Object.assign(task.meta, { counts: { "damaged ONNX files": 100_000 } });
});
