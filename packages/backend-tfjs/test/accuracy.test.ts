/** No activation or loss is less accurate than docs/accuracy.md says. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { accuracyFaults, accuracyRows, accuracyTable, measureAccuracy } from "@ermine/conformance";
import { tfjs } from "../src/index.js";
import { describeNative } from "./native.js";

const golden = new URL("../../conformance/golden/accuracy/", import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, golden), "utf8"));
const table = accuracyTable(read);

describeNative("TensorFlow", () => {
  const backend = tfjs();
  it.each(accuracyRows)("$name", async (row) => {
    // TensorFlow reads and writes subnormal numbers as 0.
    const measured = await measureAccuracy(row, await backend, { subnormals: false });
    expect(accuracyFaults(table, "tfjs", row.name, measured)).toEqual([]);
  });
});
