/** Models of run folders, applied to rows of files. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zeros } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { saveModel } from "@ermine/onnx";
import { beforeAll, describe, expect, it } from "vitest";
import { TableModel } from "../src/model/tableModel.js";
import { asCsv, run, shipped, shippedRows, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();
const at = (...parts: readonly string[]): string => join(folder, ...parts);
const rows = shippedRows("penguins.json");
const penguins = written(folder, "penguins.csv", asCsv(rows));
const model = at("run", "model.onnx");
const small = [
  "--backend",
  "cpu",
  "--set",
  "network.hidden=[8]",
  "--set",
  "network.members=2",
  "--set",
  "optimizer.learningRate=0.01",
];

beforeAll(async () => {
  const { err } = await run("train", penguins, "--target", "Species", "--epochs", "10", ...small, "--out", at("run"));
  expect(err).toBe("");
}, 60_000);

describe("predict", { timeout: 60_000 }, () => {
  it("writes each row with what is said of it", async () => {
    const { status, out } = await run("predict", model, penguins, "--out", at("out.csv"));
    expect([status, out]).toEqual([0, `344 rows: ${at("out.csv")}\n`]);
    const lines = readFileSync(at("out.csv"), "utf8").trim().split("\n");
    expect(lines.length).toBe(345);
    expect(lines[0]).toMatch(
      /^Species,Island,.*,predicted Species,probability of Adelie,probability of Chinstrap,probability of Gentoo$/,
    );
    const right = lines.slice(1).filter((line) => line.split(",")[0] === line.split(",")[7]);
    expect(right.length / 344).toBeGreaterThan(0.95);
  });

  it("says the same of rows of every kind of file, and of any number of them", async () => {
    const jsonLines = written(folder, "rows.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
    const json = written(folder, "rows.json", JSON.stringify(rows));
    const ten = written(folder, "ten.csv", asCsv(rows.slice(0, 10)));
    const answers = async (path: string): Promise<string[]> => {
      const { events } = await run("predict", model, path, "--json");
      return events.map(({ prediction, probabilities }) => JSON.stringify([prediction, probabilities]));
    };
    const ofCsv = await answers(penguins);
    expect(await answers(jsonLines)).toEqual(ofCsv);
    expect(await answers(json)).toEqual(ofCsv);
    expect(await answers(ten)).toEqual(ofCsv.slice(0, 10));
  });

  it("gives amounts in the target's unit", async () => {
    const out = at("cars");
    await run("train", shipped("cars.json"), "--target", "Miles_per_Gallon", "--epochs", "10", ...small, "--out", out);
    const { events } = await run("predict", join(out, "model.onnx"), shipped("cars.json"), "--json");
    const known = events.filter(({ Miles_per_Gallon: truth }) => truth !== null);
    const gaps = known.map(({ Miles_per_Gallon: truth, prediction }) => Math.abs((truth as number) - (prediction as number)));
    expect(gaps.reduce((a, b) => a + b) / gaps.length).toBeLessThan(4);
  });

  it.each<[string, number, () => readonly string[] | Promise<readonly string[]>, RegExp]>([
    [
      "a column that is not there",
      1,
      () => [model, written(folder, "lacks.csv", asCsv(rows).replace("Island", "Isle"))],
      /no column "Island"/,
    ],
    [
      "a text among numbers",
      1,
      () => [model, written(folder, "text.csv", asCsv(rows).replace("39.1", "long"))],
      /row 1, column "Beak Length \(mm\)": "long" is no number/,
    ],
    ["no row", 1, () => [model, written(folder, "none.csv", "Species,Island\n")], /no column|no row/],
    ["a model that is not there", 1, () => [at("other.onnx"), penguins], /There is no file/],
    ["a file that is no model", 1, () => [penguins, penguins], /penguins.csv/],
    [
      "a model without preprocessing",
      1,
      async () => [written(folder, "bare.onnx", await saveModel(new Linear(2, 1), { sample: zeros([1, 2]) })), penguins],
      /does not say what its inputs are made of/,
    ],
    [
      "a model whose preprocessing is damaged",
      1,
      async () => [
        written(
          folder,
          "damaged.onnx",
          await saveModel(new Linear(2, 1), { sample: zeros([1, 2]), preprocessing: { kind: "table" } }),
        ),
        penguins,
      ],
      /cannot be read/,
    ],
    ["another kind of output", 2, () => [model, penguins, "--out", at("out.xlsx")], /written as .csv or .jsonl/],
  ])("refuses %s, and leaves no file", async (_, status, args, message) => {
    const given = await args();
    const out = given.includes("--out") ? [] : ["--out", at("refused.csv")];
    const result = await run("predict", ...given, ...out);
    expect(result.err).toMatch(message);
    expect(result.status).toBe(status);
    expect(readdirSync(folder).filter((name) => /refused|partial/.test(name))).toEqual([]);
  });

  it("leaves a file that was there where the rows end with an error", async () => {
    writeFileSync(at("kept.csv"), "before");
    const bad = written(folder, "bad.csv", `${asCsv(rows)}\n1,2\n`);
    expect((await run("predict", model, bad, "--out", at("kept.csv"))).status).toBe(1);
    expect(readFileSync(at("kept.csv"), "utf8")).toBe("before");
    expect((await run("predict", model, bad, "--out", at("kept.csv"), "--bad-rows", "skip")).status).toBe(0);
    expect(readFileSync(at("kept.csv"), "utf8").trim().split("\n").length).toBe(345);
  });
});

describe("evaluate and info", { timeout: 60_000 }, () => {
  it("scores rows whose target is known", async () => {
    const some = written(folder, "some.csv", asCsv([...rows, { ...rows[0], Species: null }, { ...rows[0], Species: "Emperor" }]));
    const { events, status } = await run("evaluate", model, some, "--json");
    expect(status).toBe(0);
    expect(events.map(({ event }) => event)).toEqual(["note", "note", "end"]);
    const { metrics, rows: count } = events.at(-1) as unknown as { metrics: Record<string, number>; rows: number };
    expect(count).toBe(344);
    expect(metrics["accuracy"]).toBeGreaterThan(0.95);
  });

  it("needs the target", async () => {
    const without = written(folder, "without.csv", asCsv(rows.map(({ Species: _, ...row }) => row)));
    expect((await run("evaluate", model, without)).err).toMatch(/no column "Species"/);
    expect((await run("predict", model, without)).status).toBe(0);
  });

  it("says what a file is", async () => {
    const { out } = await run("info", model);
    expect(out).toMatch(/input +numbers: float32 \(N, \d+\)\n.*input +categories: int32/);
    expect(out).toMatch(/target +Species/);
    expect((await run("info", penguins)).status).toBe(1);
    expect(existsSync(at("out.csv"))).toBe(true);
  });

  it("knows the kinds of cells that it reads", async () => {
    const loaded = await TableModel.load(model);
    expect(loaded.columnKinds).toMatchObject({ Island: "string", "Body Mass (g)": "number" });
    loaded.dispose();
  });
});
