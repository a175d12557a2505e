import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { rawRowBits } from "./rawRows.js";

const golden = JSON.parse(readFileSync(new URL("../golden/bits.json", import.meta.url), "utf8")) as Record<string, string>;

// Node 20 and 24 run this test; `environments` runs the same rows in Chromium.
it("200 rows of every type of column become the same bits, whatever the engine is", () => {
  expect(rawRowBits()).toEqual(golden);
});
