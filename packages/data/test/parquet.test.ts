import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import { afterAll, describe, expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { dataset, type Batch, type BatchColumn } from "@ermine/trainer";
import { file } from "../src/node.js";
import { openParquet, readParquet, type BadRow, type ByteSource, type FileSource, type Table } from "../src/parquet.js";
import { refusal } from "./refusal.js";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const golden = at("../golden");
const flightsPath = at("../node_modules/vega-datasets/data/flights-3m.parquet");
const expected = JSON.parse(readFileSync(join(golden, "parquet.json"), "utf8")) as Readonly<Record<string, readonly unknown[]>>;
const files = readdirSync(golden).filter((name) => name.endsWith(".parquet"));
const cellsOf = (table: Table): Record<string, unknown[]> => {
  const rows = Array.from({ length: table.length }, (_, i) => table.row(i));
  return Object.fromEntries(table.names.map((name) => [name, rows.map((row) => row[name])]));
};
const columns = Object.keys(expected);

/** Bytes of a file with these columns; `rows` of a group. */
const bytesOf = (columnData: ColumnSource[], rows: number | number[] = 1000): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: rows }));
const counted = (count: number, rows: number | number[] = 10): Uint8Array =>
  bytesOf([{ name: "n", data: Int32Array.from({ length: count }, (_, i) => i) }], rows);

describe("a Parquet file", () => {
  it.each(files)("of any writer's choices is the same table: %s", async (name) => {
    const opened = await openParquet(file(join(golden, name)));
    const read = cellsOf(await opened.table({ columns }));
    const wanted: Record<string, readonly unknown[]> = { ...expected };
    if (name === "int96.parquet")
      // These have no zone, and nanoseconds.
      for (const column of ["milliseconds", "microseconds, UTC"])
        wanted[column] = expected[column]!.map((cell) => (cell as string | null)?.replace("Z", "") ?? null);
    expect(read).toEqual(wanted);
    expect(opened.length).toBe(7);
  });
  it("says its columns and row groups", async () => {
    const opened = await openParquet(new Uint8Array(readFileSync(join(golden, "zstd.parquet"))));
    expect(opened.rowGroups).toEqual([3, 3, 1]);
    const typeOf = Object.fromEntries(opened.columns.map(({ name, kind, type }) => [name, [kind, type]]));
    expect(typeOf).toMatchObject({
      bool: ["boolean", "bool"],
      uint8: ["number", "int32"],
      int64: ["number", "int64"],
      float16: ["number", "float16"],
      decimal: ["number", "decimal"],
      text: ["string", "text"],
      category: ["string", "text"],
      day: ["string", "date"],
      nanoseconds: ["string", "timestamp"],
      "time in µs": ["string", "time"],
      list: [undefined, "list"],
      structure: [undefined, "structure"],
      map: [undefined, "map"],
      fixed: [undefined, "bytes of a fixed length"],
    });
  });
  it("gives other kinds of cells where they are stated", async () => {
    const types = {
      int64: "string",
      bool: "string",
      float32: "string",
      "microseconds, UTC": "number",
      nanoseconds: "number",
      day: "number",
    } as const;
    const read = cellsOf(await readParquet(file(join(golden, "snappy.parquet")), { columns: Object.keys(types), types }));
    expect(read["int64"]).toEqual(expected["int64"]!.map((cell) => (cell === null ? null : String(cell))));
    expect(read["bool"]!.slice(0, 3)).toEqual(["true", "false", null]);
    expect(read["float32"]!.slice(0, 3)).toEqual(["0.5", String(Math.fround(-3e38)), null]);
    for (const name of ["microseconds, UTC", "day"])
      expect(read[name]).toEqual(expected[name]!.map((cell) => (cell === null ? null : Date.parse(cell as string))));
    expect(read["nanoseconds"]).toEqual([1e-6, 1000 + 1e-5, null, 1e-6, 1000 + 1e-5, -1e-6, 1e-6]);
    const texts = bytesOf([
      { name: "n", data: ["1.5", "-2e3", "NA"] },
      { name: "b", data: ["true", "FALSE", ""] },
    ]);
    expect(cellsOf(await readParquet(texts, { types: { n: "number", b: "boolean" } }))).toEqual({
      n: [1.5, -2000, null],
      b: [true, false, null],
    });
  });
  it("reads nothing of the columns that are not chosen", async () => {
    const bytes = bytesOf([
      { name: "wide", data: Float64Array.from({ length: 5000 }, Math.random) },
      { name: "narrow", data: Int32Array.from({ length: 5000 }, (_, i) => i) },
    ]);
    let taken = 0;
    const source: ByteSource = {
      name: "counted.parquet",
      open: () => {
        throw new Error("It is read by its places.");
      },
      access: async () => ({
        size: bytes.length,
        read: async (start, end) => {
          taken += end - start;
          return bytes.subarray(start, end);
        },
        close: async () => undefined,
      }),
    };
    const opened = await openParquet(source);
    expect((await opened.table({ columns: ["narrow"] })).values("narrow")).toHaveLength(5000);
    expect(taken).toBeLessThan(bytes.length - 5000 * 7);
  });
  it("is what its row groups are, in the order that is asked for", async () => {
    const opened = await openParquet(counted(25));
    expect(opened.rowGroups).toEqual([10, 10, 5]);
    expect(cellsOf(await opened.table({ rowGroups: [2, 0] }))["n"]).toEqual([20, 21, 22, 23, 24, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
  it("of 3,000,000 flights has eleven groups, of which one is read", async () => {
    const flights = await openParquet(file(flightsPath));
    expect([flights.length, flights.rowGroups.length, Math.max(...flights.rowGroups)]).toEqual([3_000_000, 11, 272_730]);
    const last = await flights.table({ rowGroups: [10] });
    expect(last.row(last.length - 1)).toEqual({
      date: "2001-07-01T00:00:00",
      delay: 33,
      distance: 373,
      origin: "ATL",
      destination: "CVG",
    });
  });
});

describe("rows that are no cells", () => {
  const bytes = bytesOf(
    [
      { name: "id", data: BigInt64Array.of(1n, 2n ** 53n, 3n, -(2n ** 60n)) },
      { name: "text", data: [[0x61], [0x62], [0xff, 0xfe], [0x64]].map((codes) => Uint8Array.from(codes)), type: "BYTE_ARRAY" },
    ],
    2,
  );
  it("are errors with file, row and column", async () => {
    const wide = await refusal(() => readParquet(bytes, { columns: ["id"] }));
    expect(wide.code).toBe("ERMINE_DATA");
    expect(wide.message).toMatch(/row 2, column "id": 9007199254740992 is beyond ±2⁵³.*"string"/);
    expect((await refusal(() => readParquet(bytes, { columns: ["text"] }))).message).toMatch(
      /row 3, column "text": its bytes are no UTF-8 text/,
    );
    expect(cellsOf(await readParquet(bytes, { columns: ["id"], types: { id: "string" } }))["id"]).toEqual([
      "1",
      "9007199254740992",
      "3",
      "-1152921504606846976",
    ]);
  });
  it("are left out and counted where that is asked for", async () => {
    const seen: BadRow[] = [];
    const read = await readParquet(bytes, { badRows: (row) => void seen.push(row) });
    expect([cellsOf(read), read.skippedRows]).toEqual([{ id: [1], text: ["a"] }, 3]);
    expect(seen.map(({ row, column }) => [row, column])).toEqual([
      [2, "id"],
      [3, "text"],
      [4, "id"],
    ]);
    const opened = await openParquet(bytes);
    const rows = opened.rows({ badRows: "skip" });
    expect([rows.resume, rows.length, await rows.toArray()]).toEqual(["replay", undefined, [{ id: 1, text: "a" }]]);
    expect(await opened.tables({ badRows: "skip", rows: 1 }).toArray()).toHaveLength(1);
  });
});

describe("a stream of a Parquet file", () => {
  const numbers = async (count: number, sizes: number | number[]) => openParquet(counted(count, sizes));
  const ofTables = (tables: readonly Table[]): number[][] => tables.map((part) => Array.from(part.values("n") as Float64Array));

  it("has the file's order, or a random one of groups and of rows within them", async () => {
    const opened = await numbers(40, 10);
    const inOrder = Array.from({ length: 40 }, (_, i) => i);
    expect((await opened.rows().toArray()).map(({ n }) => n)).toEqual(inOrder);
    expect(ofTables(await opened.tables({ rows: 4 }).toArray()).map(({ length }) => length)).toEqual([
      4, 4, 2, 4, 4, 2, 4, 4, 2, 4, 4, 2,
    ]);
    const shuffled = ofTables(await opened.tables({ rows: 100 }).toArray({ epoch: 0, seed: 3 }));
    expect(shuffled.flat().sort((a, b) => a - b)).toEqual(inOrder);
    for (const part of shuffled) {
      expect(new Set(part.map((n) => Math.floor(n / 10))).size).toBe(1);
      expect(part).not.toEqual(part.toSorted((a, b) => a - b));
    }
    const firsts = shuffled.map((part) => Math.floor(part[0]! / 10));
    const again = ofTables(await opened.tables({ rows: 100 }).toArray({ epoch: 0, seed: 3 }));
    const later = ofTables(await opened.tables({ rows: 100 }).toArray({ epoch: 1, seed: 3 }));
    expect([again, firsts.toSorted()]).toEqual([shuffled, [0, 1, 2, 3]]);
    expect(later).not.toEqual(shuffled);
    expect(await opened.rows().toArray({ epoch: 0, seed: 3 })).toEqual(shuffled.flat().map((n) => ({ n })));
  });
  it.each([undefined, 5])("goes on from any place as if it had not been left: seed %s", async (seed) => {
    const opened = await numbers(23, [7, 1, 10, 5]);
    const pass = { epoch: 2, seed };
    const whole = await opened.rows().toArray(pass);
    expect([opened.rows().resume, opened.rows().length]).toEqual(["seek", 23]);
    for (let skip = 0; skip <= 23; skip++) {
      const rest: unknown[] = [];
      for await (const row of opened.rows().iterate(pass, skip)) rest.push(row);
      expect(rest).toEqual(whole.slice(skip));
    }
    const tables = opened.tables({ rows: 3 });
    const parts = ofTables(await tables.toArray(pass));
    for (let skip = 0; skip <= parts.length; skip++) {
      const rest: Table[] = [];
      for await (const part of tables.iterate(pass, skip)) rest.push(part);
      expect(ofTables(rest)).toEqual(parts.slice(skip));
    }
  });
  it("makes batches that a training takes up again anywhere, in the group where it was", async () => {
    const opened = await numbers(50, 9);
    const source = opened
      .tables({ rows: 4 })
      .map((part) => dataset({ inputs: Float32Array.from(part.values("n") as Float64Array) }))
      .source({ length: opened.length });
    expect([source.length, source.resume]).toEqual([50, "seek"]);
    const from = async (cursor?: Batch["cursor"]) => {
      const batches: { readonly cursor: Batch["cursor"]; readonly values: number[] }[] = [];
      const request = { batchSize: 6, epoch: 1, seed: 2, ...(cursor === undefined ? {} : { from: cursor }) };
      for await (const { size, cursor: after, columns: taken } of source.batches(request)) {
        const values = new Float32Array(size);
        (taken.inputs as BatchColumn).copyInto(values);
        batches.push({ cursor: after, values: Array.from(values) });
      }
      return batches;
    };
    const whole = await from();
    expect(whole.flatMap(({ values }) => values).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    for (const [i, { cursor }] of whole.entries()) expect(await from(cursor)).toEqual(whole.slice(i + 1));
  });
  it("holds one row group, and the bytes of one column", async () => {
    const bytes = counted(100_000, 10_000);
    let [open, largest] = [0, 0];
    const opened = await openParquet({
      name: "watched.parquet",
      open: async function* () {},
      access: async () => {
        open++;
        return {
          size: bytes.length,
          read: async (start, end) => {
            largest = Math.max(largest, end - start);
            return bytes.subarray(start, end);
          },
          close: async () => void open--,
        };
      },
    });
    let rows = 0;
    for await (const part of opened.tables().iterate()) {
      expect(part.length).toBe(10_000);
      rows += part.length;
      if (rows === 30_000) break;
    }
    expect([rows, open]).toEqual([30_000, 0]);
    expect(largest).toBeLessThan(bytes.length / 5);
  });
});

describe("where a Parquet file comes from", () => {
  const bytes = counted(30);
  const served: string[] = [];
  const listening = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { url = "", method = "", headers } = request;
    served.push(`${method} ${headers.range ?? ""}`);
    if (url === "/none") return void response.writeHead(404, "Not here").end();
    if (url === "/whole" || (url === "/noHead" && method === "HEAD"))
      return void response.writeHead(method === "HEAD" ? 405 : 200).end(method === "HEAD" ? undefined : bytes);
    const etag = url === "/changing" && headers.range !== undefined ? `"${served.length}"` : '"same"';
    if (method === "HEAD") return void response.writeHead(200, { "content-length": bytes.length, etag }).end();
    const [, from = "0", to = ""] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    if (url === "/noRanges" || headers.range === undefined) return void response.writeHead(200, { etag }).end(bytes);
    const end = url === "/short" ? Number(to) : Number(to) + 1;
    return void response.writeHead(206, { etag }).end(bytes.subarray(Number(from), end));
  }).listen(0, "127.0.0.1");
  afterAll(() => void listening.close());
  const address = (path: string): URL => new URL(path, `http://127.0.0.1:${(listening.address() as AddressInfo).port}`);

  it.each<[string, () => FileSource]>([
    ["bytes", () => bytes],
    ["a Blob", () => new Blob([bytes as Uint8Array<ArrayBuffer>])],
    [
      "a source that only opens",
      () => ({
        name: "parts",
        open: async function* () {
          yield* [bytes.subarray(0, 50), bytes.subarray(50)];
        },
      }),
    ],
    ["an address", () => address("/file")],
    ["a server without HEAD", () => address("/noHead")],
    ["a server without ranges", () => address("/noRanges")],
    ["a server that gives all of it", () => address("/whole")],
  ])("%s", async (_, source) => {
    expect((await readParquet(source())).length).toBe(30);
  });
  it("an address is asked for the parts that are read", async () => {
    served.length = 0;
    const opened = await openParquet(address("/file"));
    await opened.table({ rowGroups: [1] });
    expect(served.filter((one) => one === "GET ")).toEqual([]);
    expect(served.length).toBeGreaterThan(3);
  });
  it("what cannot be fetched, is another than before or short is an error", async () => {
    expect((await refusal(() => openParquet(address("/none")))).message).toMatch(
      /none cannot be fetched: the server answered 404/,
    );
    expect((await refusal(() => readParquet(address("/changing")))).message).toMatch(/has changed while it was read/);
    expect((await refusal(() => readParquet(address("/short")))).message).toMatch(/gave \d+ of the \d+ bytes from 0 on/);
    expect((await refusal(() => openParquet(new URL("http://127.0.0.1:1/x")))).message).toMatch(/cannot be fetched/);
    expect((await refusal(() => openParquet(file("/none.parquet")))).message).toMatch(/cannot be read: ENOENT/);
    expect((await refusal(() => openParquet(file(golden)))).message).toMatch(/cannot be read|is no Parquet file/);
    expect((await refusal(() => openParquet("cars.parquet" as never))).message).toMatch(/file\(path\)/);
  });
  it("a file that becomes another after it was opened is an error", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ermine-parquet-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "rows.parquet");
    writeFileSync(path, bytes);
    const opened = await openParquet(file(path));
    writeFileSync(path, bytes.subarray(0, 100));
    expect((await refusal(() => opened.table())).message).toMatch(/had \d+ bytes when it was opened, and has 100/);
  });
});

describe("a file that is none, or lies", () => {
  const bytes = new Uint8Array(readFileSync(join(golden, "snappy.parquet")));
  it("is told apart", async () => {
    const messageOf = async (given: Uint8Array): Promise<string> => (await refusal(() => openParquet(given))).message;
    expect(await messageOf(new Uint8Array(0))).toMatch(/is no Parquet file: it has 0 bytes/);
    expect(await messageOf(new TextEncoder().encode("a,b\n1,2\n"))).toMatch(/is no Parquet file/);
    expect(await messageOf(new TextEncoder().encode("PARE and more"))).toMatch(/is encrypted/);
    for (const length of [4, 11, 100, bytes.length - 1])
      expect(await messageOf(bytes.subarray(0, length))).toMatch(/is cut short/);
    const longer = bytes.slice();
    new DataView(longer.buffer).setUint32(bytes.length - 8, bytes.length, true);
    expect(await messageOf(longer)).toMatch(/is cut short/);
  });
  it("with a bit changed in a page is found by the page's checksum", async () => {
    const changed = bytes.slice();
    const opened = await openParquet(changed);
    // Within the first column's page.
    changed[50]! ^= 1;
    expect((await refusal(() => opened.table({ columns }))).message).toMatch(
      /damaged: row group 0, column "bool" cannot be read/,
    );
  });
  it("whatever is changed in its directory and the headers of its pages, is an ErmineError or a table", async () => {
    const all = await Promise.all(files.map(async (name) => new Uint8Array(readFileSync(join(golden, name)))));
    let [refused, taken] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(all.length - 1),
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (which, changes, isInDirectory) => {
          const changed = all[which]!.slice();
          const directory = new DataView(changed.buffer).getUint32(changed.length - 8, true);
          for (const [place, byte] of changes)
            changed[isInDirectory ? changed.length - 9 - (place % directory) : 4 + (place % 16)] = byte;
          try {
            await readParquet(changed, { columns });
            taken++;
          } catch (error) {
            if (!(error instanceof ErmineError)) throw error;
            refused++;
          }
        },
      ),
      { numRuns: 400, seed: 1 },
    );
    expect(Math.min(refused, taken)).toBeGreaterThan(20);
  }, 60_000);
  it("and gzip that is damaged ends", async () => {
    const gzip = new Uint8Array(readFileSync(join(golden, "gzip.parquet")));
    const opened = await openParquet(gzip);
    let refused = 0;
    for (let place = 30; place < 2500; place += 7) {
      const kept = gzip[place]!;
      gzip[place] = kept ^ 0x55;
      for (const column of ["int16", "text", "float64"])
        await opened.table({ columns: [column] }).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ErmineError);
          refused++;
        });
      gzip[place] = kept;
    }
    expect(refused).toBeGreaterThan(20);
  }, 60_000);
});

describe("options of a Parquet file", () => {
  const opened = openParquet(file(join(golden, "plain.parquet")));
  it.each<[object, string, RegExp]>([
    [{ columns: ["texts"] }, "ERMINE_DATA", /has no column "texts". Did you mean "text"\?/],
    [{ types: { texts: "string" } }, "ERMINE_DATA", /Did you mean "text"\?/],
    [
      { columns: ["list"] },
      "ERMINE_DATA",
      /"list" is of the type list, whose values are no cells. Choose of the others: \{ columns: \["bool"/,
    ],
    [{}, "ERMINE_DATA", /whose values are no cells/],
    [{ columns: [] }, "ERMINE_OPTION", /columns is empty/],
    [{ columns: ["text", "text"] }, "ERMINE_OPTION", /"text" twice/],
    [{ columns: "text" }, "ERMINE_OPTION", /columns/],
    [{ columns: ["bool"], types: { bool: "number" } }, "ERMINE_OPTION", /of the type bool, of which no number is made/],
    [{ columns: ["bool"], types: { bool: "int32" } }, "ERMINE_OPTION", /"number", "string" or "boolean", got "int32"/],
    [{ columns: ["bool"], rowGroups: [1] }, "ERMINE_OPTION", /has 1 row groups, 0 … 0; rowGroups has 1/],
    [{ columns: ["bool"], badRows: "warn" }, "ERMINE_OPTION", /badRows/],
    [{ colums: ["bool"] }, "ERMINE_OPTION", /columns/],
  ])("%j", async (options, code, message) => {
    const parquet = await opened;
    for (const act of [() => parquet.table(options), () => parquet.tables(options), () => parquet.rows(options)]) {
      const error = await refusal(act);
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    }
  });
  it("rows of a table", async () => {
    const parquet = await opened;
    expect((await refusal(() => parquet.tables({ columns: ["bool"], rows: 0 }))).message).toMatch(/rows is a whole number ≥ 1/);
    expect((await refusal(() => parquet.table({ rows: 3 } as never))).message).toMatch(/rows/);
  });
});
