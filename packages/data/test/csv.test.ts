import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvRows, readCsv, type BadRow, type CsvOptions, type FileSource } from "../src/csv.js";
import { CsvReader } from "../src/csv/reader.js";
import { rowsOf } from "../src/csv/read.js";
import { jsonLines, table, type Table } from "../src/index.js";
import { file } from "../src/node.js";
import { refusal } from "./refusal.js";

const vega = fileURLToPath(new URL("../node_modules/vega-datasets/data", import.meta.url));
const blob = (text: string): Blob => new Blob([text]);
/** The bytes in parts of so many. */
const inParts = (text: string, size: number): FileSource => ({
  name: "parts.csv",
  async *open() {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  },
});
const cells = (read: Table): unknown[][] => Array.from({ length: read.length }, (_, i) => Object.values(read.row(i)));

describe("a CSV file", () => {
  it("is numbers, truth values and texts, any of which may be missing", async () => {
    const read = await readCsv(
      blob("id,price,wild,zip,note,none\n1, 1.5 ,true,01234,a,\n-2,1e3,FALSE,99999,NA,\n+.5,NaN,,10000,,NA\n"),
    );
    expect(read.names).toEqual(["id", "price", "wild", "zip", "note", "none"]);
    expect(read.names.map((name) => read.column(name).kind)).toEqual([
      "number",
      "number",
      "boolean",
      "string",
      "string",
      "string",
    ]);
    expect(cells(read)).toEqual([
      [1, 1.5, true, "01234", "a", null],
      [-2, 1000, false, "99999", null, null],
      [0.5, null, null, "10000", null, null],
    ]);
    expect(read.values("price")).toEqual(Float64Array.of(1.5, 1000, Number.NaN));
  });

  it.each<[string, string, CsvOptions, unknown[][]]>([
    ["a byte order mark", "\uFEFFa,b\n1,2\n", {}, [[1, 2]]],
    ["quoted line ends, quotes and delimiters", 'a,b\n"x\n""y"",z",2\n', {}, [['x\n"y",z', 2]]],
    [
      "mixed line ends, also within quotes",
      'a,b\r\n1,2\r3,4\n"5\r\n6",7\r\n',
      {},
      [
        ["1", 2],
        ["3", 4],
        ["5\n6", 7],
      ],
    ],
    ["no line end at the end", "a,b\n1,2", {}, [[1, 2]]],
    ["empty lines", "\na,b\n\n1,2\n\n\n", {}, [[1, 2]]],
    ["tabs", "a\tb\n1\t2,5\n", {}, [[1, "2,5"]]],
    ["semicolons", "a;b\n1;2,5\n", {}, [[1, "2,5"]]],
    ["a delimiter of one's own", "a:b,c\n1:2\n", { delimiter: ":" }, [[1, 2]]],
    [
      "no header",
      "1,2\n3,4\n",
      { header: false },
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["names in place of the header", "a,a\n1,2\n", { names: ["x", "y"] }, [[1, 2]]],
    ["some columns, in another order", "a,b,c\n1,2,3\n", { columns: ["c", "a"] }, [[3, 1]]],
    ["stated types", "a,b\n1,2\n", { types: { a: "string" } }, [["1", 2]]],
    [
      "missing values of its own",
      "a,b\n-999,?\n1,NA\n",
      { missing: ["-999", "?"] },
      [
        [null, null],
        [1, "NA"],
      ],
    ],
    ["one column", "a\n1\n2\n", {}, [[1], [2]]],
    ["another encoding", "a\nb\n", { encoding: "windows-1252" }, [["b"]]],
  ])("has %s", async (_, text, options, expected) => {
    for (const source of [blob(text), new TextEncoder().encode(text), inParts(text, 1), inParts(text, 3)])
      expect(cells(await readCsv(source, options))).toEqual(expected);
    const rows = await csvRows(inParts(text, 2), options).toArray();
    expect(rows.map((row) => Object.values(row))).toEqual(expected);
  });

  it("names what has no name by its place", async () => {
    expect((await readCsv(blob(",a, \n1,2,3\n"))).names).toEqual(["column 1", "a", "column 3"]);
    expect((await readCsv(blob("1,2\n"), { header: false })).names).toEqual(["column 1", "column 2"]);
  });

  it("of other encodings is what it says", async () => {
    expect((await readCsv(Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a), { encoding: "windows-1252" })).values("a")).toEqual(["é"]);
    const utf16 = new Uint8Array([0xff, 0xfe, ...[..."a\né\n"].flatMap((c) => [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8])]);
    expect((await readCsv(utf16, { encoding: "utf-16le" })).values("a")).toEqual(["é"]);
  });

  const field = fc.string({ unit: fc.constantFrom("a", "1", ",", '"', "\n", " ", "é", "\u{1F600}"), maxLength: 6 });
  it("is read as it was written, whatever its fields are and however it comes in parts", async () => {
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 1, max: 4 })
          .chain((width) => fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 })),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        async (rows, size, end) => {
          const names = rows[0]!.map((_, i) => `c${i}`);
          const text = [names, ...rows].map((row) => row.map(quoted).join(",")).join(end);
          const types = Object.fromEntries(names.map((name) => [name, "string" as const]));
          // A single empty field is an empty line.
          const expected = rows.filter((row) => row.length > 1 || row[0] !== "");
          if (expected.length === 0) return;
          expect(cells(await readCsv(inParts(text, size), { types, missing: [], delimiter: "," }))).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("has 100,000 columns", async () => {
    const width = 100_000;
    const names = Array.from({ length: width }, (_, i) => `feature ${i}`);
    const row = (factor: number): string => names.map((_, i) => i * factor).join(",");
    const text = [names.join(","), row(1), row(2)].join("\n");
    const read = await readCsv(blob(text));
    expect([read.length, read.names.length, read.values("feature 99999")[1]]).toEqual([2, width, 199_998]);
    expect((await refusal(() => read.column("feature 1OOO"))).message).toMatch(/Did you mean "feature 1/);
    expect(await csvRows(blob(text), { columns: ["feature 7"] }).toArray()).toEqual([{ "feature 7": 7 }, { "feature 7": 14 }]);
  });

  it("is streamed in the memory of a part and a record", async () => {
    const part = 4096;
    let parts = 0;
    const source: FileSource = {
      name: "long.csv",
      async *open() {
        yield new TextEncoder().encode("a,b\n");
        for (; parts < 2000; parts++) yield new TextEncoder().encode(`1,"${"x".repeat(90)}"\n`.repeat(Math.floor(part / 95)));
      },
    };
    const reader = new CsvReader("test", source, {});
    let rows = 0;
    for await (const { a } of rowsOf(reader, 10)) rows += a as number;
    expect(rows).toBe(2000 * Math.floor(part / 95));
    expect(reader.mostHeld).toBeLessThanOrEqual(part + 100);
  });

  it("is read no further than its rows are taken, and is closed", async () => {
    let [parts, closed] = [0, 0];
    const source: FileSource = {
      name: "endless.csv",
      async *open() {
        try {
          for (yield new TextEncoder().encode("a\n"); ; parts++) yield new TextEncoder().encode(`${parts}\n`);
        } finally {
          closed++;
        }
      },
    };
    expect(await csvRows(source, { inferFrom: 2 }).take(3).toArray()).toEqual([{ a: 0 }, { a: 1 }, { a: 2 }]);
    expect([parts, closed]).toEqual([2, 1]);
    let cancelled = 0;
    const body = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new TextEncoder().encode("a\n1\n")),
        cancel: () => void cancelled++,
      });
    const endless = Object.assign(new Blob([]), { stream: body }) as Blob;
    expect(
      await csvRows(endless, { types: { a: "string" }, inferFrom: 2 })
        .take(2)
        .toArray(),
    ).toEqual([{ a: "1" }, { a: "a" }]);
    expect(cancelled).toBe(1);
  });
});

describe("bad rows", () => {
  const text = 'a,b\n1,2\n3\n4,5,6\nx,7\n8,9\n"10"x",11\n12,13\n';
  const types = { a: "number" } as const;

  it.each([
    ["too few fields", "a,b\n1,2\n3\n", /^bad\.csv, row 2: it has 1 fields, and the header 2\. .*badRows: "skip"/],
    ["a value of another type", "a,b\n1,2\nx,3\n", /^bad\.csv, row 2, column "a": "x" is no number/],
    ["a quote within quotes", 'a,b\n1,2\n3,"4"5"\n', /^bad\.csv, row 2: a quote within a quoted field is not doubled/],
    ["a quote that is not closed", 'a,b\n1,2\n3,"4\n', /^bad\.csv, row 2: a quote/],
  ])("are errors with file, row and column: %s", async (_, content, message) => {
    const source = { ...(inParts(content, 5) as { open(): AsyncIterable<Uint8Array> }), name: "bad.csv" };
    expect((await refusal(() => readCsv(source, { types }))).message).toMatch(message);
    expect((await refusal(() => csvRows(source, { types }).toArray())).message).toMatch(message);
  });

  it("are left out and counted, and told of one by one", async () => {
    const skipped = await readCsv(blob(text), { types, badRows: "skip" });
    expect(cells(skipped)).toEqual([
      [1, 2],
      [8, 9],
      [12, 13],
    ]);
    expect(skipped.skippedRows).toBe(4);
    for (const size of [1, 4, 1000]) {
      const told: BadRow[] = [];
      const rows = await csvRows(inParts(text, size), { types, badRows: (row) => void told.push(row) }).toArray();
      expect(rows.map(({ a }) => a)).toEqual([1, 8, 12]);
      expect(told.map(({ row, column }) => [row, column])).toEqual([
        [2, undefined],
        [3, undefined],
        [4, "a"],
        [6, undefined],
      ]);
    }
  });

  it("are values in a stream that the first rows did not show", async () => {
    const source = blob("a\n1\n2\nthree\n4\n");
    const error = await refusal(() => csvRows(source, { inferFrom: 2 }).toArray());
    expect(error.message).toMatch(
      /row 3, column "a": "three" is no number, which the first 2 rows have there.*types: { "a": "string" }/,
    );
    expect(await csvRows(source, { inferFrom: 2, badRows: "skip" }).toArray()).toHaveLength(3);
    expect(await csvRows(source).toArray()).toEqual([{ a: "1" }, { a: "2" }, { a: "three" }, { a: "4" }]);
  });
});

describe("what cannot be read is refused", () => {
  const good = blob("alpha,beta\n1,2\n");
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["an empty file", () => readCsv(blob("")), /the blob is empty/],
    ["a stream of an empty file", () => csvRows(blob("\n\n")).toArray(), /the blob is empty/],
    ["a header by itself", () => readCsv(blob("a,b\n")), /2 columns and no row/],
    ["a column twice", () => readCsv(blob("a,b,a\n1,2,3\n")), /"a" twice, at places 1 and 3. Give names/],
    ["a column that is not there", () => readCsv(good, { columns: ["bata"] }), /no column "bata". Did you mean "beta"/],
    ["a type of no column", () => readCsv(good, { types: { gamma99: "number" } }), /no column "gamma99". It has: alpha, beta\./],
    ["too few names", () => readCsv(good, { names: ["a"] }), /2 columns, and 1 names/],
    [
      "a record without end",
      () => readCsv(inParts(`a,b\n1,"${"x\n".repeat(200)}`, 50), { maxRecordLength: 100 }),
      /more than 100 characters: is a quote not closed\?/,
    ],
    [
      "a first record without end",
      () => readCsv(inParts("x".repeat(500), 50), { maxRecordLength: 100 }),
      /more than 100 characters/,
    ],
    ["bytes of another encoding", () => readCsv(Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a)), /is not utf-8.*windows-1252/],
    ["half a character at the end", () => readCsv(Uint8Array.of(0x61, 0x0a, 0xc3)), /is not utf-8/],
    ["a path", () => readCsv("cars.csv" as never), /readCsv reads a file, got "cars.csv".*file\(path\)/],
    ["nothing", () => readCsv(undefined as never), /readCsv reads a file, got undefined/],
    ["an option that there is not", () => readCsv(good, { seperator: ";" } as never), /no option "seperator"/],
    ["an option of streams", () => readCsv(good, { inferFrom: 3 } as never), /no option "inferFrom"/],
    ["a long delimiter", () => readCsv(good, { delimiter: "||" }), /delimiter is one character/],
    ["a type that there is not", () => readCsv(good, { types: { alpha: "date" as never } }), /the type of "alpha" is "number"/],
    ["an encoding that there is not", () => readCsv(good, { encoding: "utf-9" }), /no encoding "utf-9"/],
    ["what to do with bad rows", () => readCsv(good, { badRows: "ignore" as never }), /badRows is "error", "skip" or a function/],
    ["no limit", () => readCsv(good, { maxRecordLength: 0 }), /maxRecordLength is a whole number ≥ 1/],
    ["a file that is not there", () => readCsv(file("/nowhere/cars.csv")), /cars\.csv cannot be read: ENOENT/],
    ["a folder", () => readCsv(file("/")), /cannot be read: EISDIR/],
    ["no path", async () => file(new URL("https://example.com/a.csv")), /file takes a path/],
    ["a line that is no JSON", () => jsonLines(blob('{"a":1}\n\n{a}\n')).toArray(), /the blob, row 3: it is no JSON/],
    [
      "a line without end",
      () => jsonLines(inParts(`{"a":"${"x".repeat(500)}`, 50), { maxLineLength: 100 }).toArray(),
      /row 1 has more than 100 characters/,
    ],
  ])("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});

describe("where files are", () => {
  it("on the disk, and behind an address", async () => {
    const path = join(vega, "seattle-weather.csv");
    const weather = await readCsv(file(path));
    expect([weather.length, weather.names]).toEqual([1461, ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"]]);
    expect(weather.row(0)).toEqual({
      date: "2012-01-01",
      precipitation: 0,
      temp_max: 12.8,
      temp_min: 5,
      wind: 4.7,
      weather: "drizzle",
    });
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/weather.csv" ? 200 : 404;
      response.end(response.statusCode === 200 ? readFileSync(path) : "gone");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    try {
      expect(cells(await readCsv(new URL(`http://127.0.0.1:${port}/weather.csv`)))).toEqual(cells(weather));
      expect((await refusal(() => readCsv(new URL(`http://127.0.0.1:${port}/other.csv`)))).message).toMatch(
        /the server answered 404/,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect((await refusal(() => readCsv(new URL(`http://127.0.0.1:${port}/weather.csv`)))).message).toMatch(/cannot be fetched/);
  });

  it("TSV is told by its tabs", async () => {
    const read = await readCsv(file(join(vega, "unemployment.tsv")));
    expect([read.names, read.column("rate").kind]).toEqual([["id", "rate"], "number"]);
  });

  it("JSON lines give their values, however they come in parts", async () => {
    const lines = '{"a":"é\\n"}\r\n[1,2]\n\n3\r';
    for (const size of [1, 2, 1000]) expect(await jsonLines(inParts(lines, size)).toArray()).toEqual([{ a: "é\n" }, [1, 2], 3]);
    expect(await jsonLines(blob("1\n{\n2"), { badRows: "skip" }).toArray()).toEqual([1, 2]);
  });
});

describe("a table", () => {
  const rows = JSON.parse(readFileSync(join(vega, "penguins.json"), "utf8")) as Record<string, unknown>[];
  const penguins = table(rows);

  it("is made of rows and of columns", () => {
    expect([penguins.length, penguins.column("Species").kind, penguins.column("Body Mass (g)").kind]).toEqual([
      344,
      "string",
      "number",
    ]);
    expect(penguins.row(3)["Beak Length (mm)"]).toBeNull();
    expect(cells(table({ x: Float32Array.of(1, 2), ok: [true, null], none: [null, undefined] }))).toEqual([
      [1, true, null],
      [2, null, null],
    ]);
  });

  it("is split and folded as its rows are", async () => {
    const { training, test } = penguins.split({ training: 0.8, test: 0.2 }, { seed: 3, stratify: ({ Species }) => Species! });
    expect([training.length, test.length]).toEqual([275, 69]);
    const share = (part: Table): number => part.filter(({ Species }) => Species === "Adelie").length / part.length;
    expect(Math.abs(share(training) - share(test))).toBeLessThan(0.03);
    const all = [...cells(training), ...cells(test)].map((row) => row.join()).sort();
    expect(all).toEqual(
      cells(penguins)
        .map((row) => row.join())
        .sort(),
    );
    const folds = penguins.kFold(5);
    expect(folds.reduce((sum, { validation }) => sum + validation.length, 0)).toBe(344);
    expect(await penguins.rows().take(1).toArray()).toEqual([penguins.row(0)]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["cells of two kinds", () => table({ x: [1, "a"] }), /"x" has numbers, and row 1 is "a"/],
    ["a cell of no kind", () => table({ x: [{}] }), /row 0 of "x" is an object/],
    ["columns of two lengths", () => table({ x: [1], y: [1, 2] }), /"y" has 2 rows/],
    ["a column that is none", () => table({ x: 3 as never }), /"x" is 3/],
    ["no column", () => table({}), /there is no column/],
    ["rows that are none", () => table([1] as never), /row 0 is 1/],
    ["no table", () => table(null as never), /got null/],
    ["a column that is not there", () => penguins.values("Specis"), /no column "Specis". Did you mean "Species"/],
    ["a row that is not there", () => penguins.row(344), /344 rows, 0 … 343/],
    ["a selection beyond the end", () => penguins.select([0, 400]), /index 400 \(place 1\)/],
  ])("refuses %s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});
