/** No activation or loss is less accurate than docs/accuracy.md says. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { accuracyFaults, accuracyRows, accuracyTable, measureAccuracy } from "@ermine/conformance";
import { cpu } from "../src/index.js";

const golden = new URL("../../conformance/golden/accuracy/", import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, golden), "utf8"));
const table = accuracyTable(read);

describe.each([
  ["cpu", "fast"],
  ["cpu portable", "portable"],
] as const)("%s", async (name, numerics) => {
  const backend = await cpu({ numerics, threads: 1 });
  it.each(accuracyRows)("$name", async (row) => {
    expect(accuracyFaults(table, name, row.name, await measureAccuracy(row, backend))).toEqual([]);
  });
});
