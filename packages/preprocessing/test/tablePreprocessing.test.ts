import { describe, expect, it } from "vitest";
import {
  columns,
  columnsFrom,
  embeddingIds,
  impute,
  missing,
  standardize,
  tablePreprocessing,
  tablePreprocessingFrom,
  targetClasses,
} from "../src/index.js";
import { refusal } from "./refusal.js";

const rows = { mass: [150, null, 20], kind: ["a", "b", null], species: ["ermine", "mouse", "mouse"] };

const numbers = columns({ mass: [impute(), standardize()], massIsMissing: { column: "mass", steps: missing() } }).fit(rows);
const table = tablePreprocessing({
  inputs: { numbers, ids: columns({ kind: embeddingIds() }).fit(rows) },
  outputs: { output: targetClasses(rows.species), size: columns({ mass: [impute(), standardize()] }).fit(rows) },
});

describe("several features of one column", () => {
  it("stand next to each other, under their own names", () => {
    expect(numbers.names).toEqual(["mass", "massIsMissing"]);
    expect(numbers.columns).toEqual(["mass"]);
    const { data } = numbers.apply(rows);
    expect([data[1], data[3], data[5]]).toEqual([0, 1, 0]);
  });

  it("are the same after JSON, and read the column that they are of", () => {
    const restored = columnsFrom(JSON.parse(JSON.stringify(numbers)));
    expect(restored.apply({ mass: rows.mass })).toEqual(numbers.apply(rows));
    expect(Object.keys(restored.invert(numbers.apply(rows)))).toEqual(["mass", "massIsMissing"]);
  });

  it("name the column in errors", async () => {
    expect((await refusal(() => numbers.apply({ mass: ["heavy"] }))).message).toMatch(/^column "mass".*row 0 is "heavy"/s);
  });
});

describe("a table's preprocessing", () => {
  it("gives each input of rows, in which columns may lack", () => {
    expect(table.columns).toEqual(["mass", "kind"]);
    const { numbers: ofRows, ids } = table.applyRows([{ mass: 85 }, { kind: "b", other: 3 }]);
    expect(Array.from(ofRows!.data)).toEqual([0, 0, 0, 1]);
    expect(ids).toEqual({ data: Int32Array.of(0, 2), shape: [2, 1], dtype: "int32" });
  });

  it("takes no column from an object's prototype", () => {
    const of = tablePreprocessing({ inputs: { x: columns({ constructor: missing() }).fit({ constructor: [1] }) }, outputs: {} });
    expect(Array.from(of.applyRows([{}])["x"]!.data)).toEqual([1]);
  });

  it("is the same after JSON", () => {
    const restored = tablePreprocessingFrom(JSON.parse(JSON.stringify(table)));
    expect(restored.apply(rows)).toEqual(table.apply(rows));
    expect(JSON.stringify(restored)).toBe(JSON.stringify(table));
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "an input that is not fitted",
      () => tablePreprocessing({ inputs: { x: columns({ a: missing() }) as never }, outputs: {} }),
      /"x" is/,
    ],
    ["an output that is none", () => tablePreprocessing({ inputs: { numbers }, outputs: { y: 3 as never } }), /"y" is 3/],
    ["no input", () => tablePreprocessing({ inputs: {}, outputs: {} }), /a model has an input/],
    ["a misspelt part", () => tablePreprocessing({ input: {}, outputs: {} } as never), /Did you mean "inputs"/],
    ["JSON of something else", () => tablePreprocessingFrom({ kind: "columns" }), /not that of a table/],
    ["JSON of no inputs", () => tablePreprocessingFrom({ kind: "table", inputs: {}, outputs: {} }), /not that of a table/],
    [
      "JSON of a damaged output",
      () => tablePreprocessingFrom({ ...(JSON.parse(JSON.stringify(table)) as object), outputs: { y: null } }),
      /no target classes/,
    ],
    [
      "JSON of a feature whose column is none",
      () => columnsFrom({ kind: "columns", columns: [{ name: "x", column: 3, steps: [{ kind: "missing" }] }] }),
      /a column of it is/,
    ],
  ])("refuses %s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});
