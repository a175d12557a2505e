import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { asCsv, run, shippedRows, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();
const penguins = shippedRows("penguins.json");
const asParquet = (rows: readonly Readonly<Record<string, unknown>>[]): Uint8Array => {
  const columnData = Object.keys(rows[0]!).map((name): ColumnSource => ({
    name,
    data: rows.map((row) => row[name] ?? null),
    ...(name === "tags" ? { type: "VARIANT" } : { nullable: true }),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 100 }));
};
const parquet = written(folder, "penguins.parquet", asParquet(penguins));
const csv = written(folder, "penguins.csv", asCsv(penguins));
const settings = ["--target", "Species", "--epochs", "3", "--backend", "cpu", "--json"];

describe("a Parquet file", () => {
  it("is trained on, evaluated and predicted as the same table of another format is", async () => {
    const ofParquet = await run("train", parquet, ...settings, "--out", join(folder, "parquet"));
    const ofCsv = await run("train", csv, ...settings, "--out", join(folder, "csv"));
    expect([ofParquet.status, ofCsv.status]).toEqual([0, 0]);
    const metricsOf = ({ events }: typeof ofCsv) => events.at(-1)!["metrics"];
    expect(metricsOf(ofParquet)).toEqual(metricsOf(ofCsv));
    const model = join(folder, "parquet", "model.onnx");
    for (const command of [["evaluate", "--json"], ["predict"]]) {
      const [name, ...options] = command as [string, ...string[]];
      const answers = await Promise.all([parquet, csv].map((data) => run(name, model, data, ...options)));
      expect(answers[0]!.status).toBe(0);
      expect(answers[0]!.out).toEqual(answers[1]!.out);
    }
  }, 60_000);
  it("leaves out columns whose values are no cells, and says so", async () => {
    const rows = penguins.map((row, i) => ({ ...row, tags: [i, i + 1] }));
    const path = written(folder, "tags.parquet", asParquet(rows));
    const { status, events } = await run("train", path, ...settings, "--out", join(folder, "tags"));
    expect(status).toBe(0);
    expect(events.filter(({ event }) => event === "note").map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/"tags" is left out: its values are of the type variant/),
    );
  }, 60_000);
  it("that cannot be read is an error, and nothing is written", async () => {
    const bytes = readFileSync(parquet);
    const short = await run("train", written(folder, "short.parquet", bytes.subarray(0, 2000)), ...settings);
    expect([short.status, short.err]).toEqual([1, expect.stringMatching(/short\.parquet is cut short/)]);
    const encoding = await run("train", parquet, ...settings, "--encoding", "windows-1252");
    expect([encoding.status, encoding.err]).toEqual([2, expect.stringMatching(/UTF-8. Leave --encoding windows-1252 out/)]);
    const lists = written(folder, "lists.parquet", asParquet([{ tags: [1] }]));
    const only = await run("train", lists, ...settings);
    expect([only.status, only.err]).toEqual([1, expect.stringMatching(/has no column of numbers, texts, dates or truth values/)]);
    const lacking = await run("predict", join(folder, "parquet", "model.onnx"), lists);
    expect([lacking.status, lacking.err]).toEqual([1, expect.stringMatching(/has no column/)]);
  });
});

describe("JSON", () => {
  it("takes --encoding, and leaves out what is no row where that is asked for", async () => {
    const rows = penguins.map((row) => ({ ...row, note: "Zürich" }));
    const utf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "utf16le"));
    const whole = written(folder, "utf16.json", utf16(JSON.stringify([...rows, "no row", 3])));
    const lines = written(folder, "utf16.jsonl", utf16([...rows, "no row", 3].map((row) => JSON.stringify(row)).join("\n")));
    for (const path of [whole, lines]) {
      const wrong = await run("train", path, ...settings);
      expect([wrong.status, wrong.err]).toEqual([1, expect.stringMatching(/utf-8|no JSON/)]);
      const refused = await run("train", path, ...settings, "--encoding", "utf-16le");
      expect([refused.status, refused.err]).toEqual([1, expect.stringMatching(/row 344 is "no row"/)]);
      const taken = await run("train", path, ...settings, "--encoding", "utf-16le", "--bad-rows", "skip", "--out", `${path}-run`);
      expect(taken.status).toBe(0);
      expect(taken.events.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^2 rows of utf16/));
    }
    const none = await run("train", whole, ...settings, "--encoding", "utf-33");
    expect([none.status, none.err]).toEqual([2, expect.stringMatching(/there is no encoding "utf-33"/)]);
  }, 60_000);
});
