/** A table of a file, by what the file's name ends with. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import { jsonLines, table, type BadRow, type BadRows, type Table } from "@ermine/data";
import { readCsv } from "@ermine/data/csv";
import { file } from "@ermine/data/node";
import { openParquet, type ParquetFile } from "@ermine/data/parquet";

/** How a table is read. */
export interface ReadOptions {
  /** Rows that do not fit: an error, or left out and counted. */
  readonly badRows: "error" | "skip";
  /** Of texts, as `TextDecoder` names it. */
  readonly encoding: string;
}

interface Reading {
  readonly badRows: BadRows;
  readonly encoding: string;
}

type Read = (path: string, options: Reading, note: (message: string) => void) => Promise<Table>;

/** How files are read, by what their names end with. */
const readers: Readonly<Record<string, Read>> = {
  ".csv": (path, options) => readCsv(file(path), options),
  ".tsv": (path, options) => readCsv(file(path), { ...options, delimiter: "\t" }),
  ".txt": (path, options) => readCsv(file(path), options),
  ".jsonl": (path, options, note) => fromLines(path, options, note),
  ".ndjson": (path, options, note) => fromLines(path, options, note),
  ".json": (path, options, note) => fromJson(path, options, note),
  ".parquet": (path, options, note) => fromParquet(path, options, note),
};

/** Ends reading, in the words of the command line. */
export const refuseRow = ({ file: name, row, column, problem }: BadRow): never => {
  throw new ErmineError(
    "ERMINE_DATA",
    `${name}, row ${row}${column === undefined ? "" : `, column ${JSON.stringify(column)}`}: ${problem} Correct it, or leave such rows out: --bad-rows skip.`,
  );
};

/**
 * Reads a table whose kind its name says.
 *
 * @param note told of columns that are left out
 * @throws ErmineError ERMINE_DATA where it is not there, is no table, or has a row that does not fit
 */
export async function readTable(
  path: string,
  { badRows, encoding }: ReadOptions,
  note: (message: string) => void = () => undefined,
): Promise<Table> {
  await checkFile(path);
  const extension = extname(path).toLowerCase();
  const read = readers[extension];
  if (read !== undefined) {
    try {
      return await read(path, { badRows: badRows === "skip" ? "skip" : refuseRow, encoding }, note);
    } catch (error) {
      throw inWords(path, encoding, error);
    }
  }
  const near = nearestName(extension, Object.keys(readers));
  throw new ErmineError(
    "ERMINE_DATA",
    `${path} is of a kind that is not read: ${Object.keys(readers).join(", ")} are.${near === undefined ? "" : ` Did you mean ${near}?`}`,
  );
}

/** An error of bytes that are none of the encoding's, in the words of the command line; any other as it is. */
function inWords(path: string, encoding: string, error: unknown): unknown {
  // What TextDecoder throws.
  if (!(error instanceof ErmineError && error.code === "ERMINE_DATA" && error.cause instanceof TypeError)) return error;
  return new ErmineError(
    "ERMINE_DATA",
    `${path} has bytes that are no ${encoding}. State its encoding: --encoding windows-1252 is that of many older files, utf-16le that of some spreadsheets.`,
    { cause: error },
  );
}

/** The items; where the file has bytes that are none of the encoding's, the error says so in the words of the command line. */
export async function* inItsEncoding<T>(path: string, encoding: string, items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw inWords(path, encoding, error);
  }
}

/** @throws ErmineError ERMINE_DATA where there is no file of that name */
export async function checkFile(path: string): Promise<void> {
  const stats = await stat(path).catch((error: unknown) => {
    const isAbsent = (error as { readonly code?: string }).code === "ENOENT";
    throw new ErmineError(
      "ERMINE_DATA",
      isAbsent ? `There is no file ${path}.` : `${path} cannot be read: ${(error as Error).message}.`,
      { cause: error },
    );
  });
  if (stats.isDirectory()) throw new ErmineError("ERMINE_DATA", `${path} is a folder, and a file is needed.`);
}

/** SHA-256 of a file's bytes. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array);
  return hash.digest("hex");
}

const fromLines: Read = async (path, { badRows, encoding }, note) => {
  let skipped = 0;
  const policy = badRows === "skip" ? () => void skipped++ : badRows;
  const rows = await jsonLines(file(path), { badRows: policy, encoding }).toArray();
  return rowsAsTable(path, rows, badRows, note, skipped);
};

const fromJson: Read = async (path, { badRows, encoding }, note) => {
  const parts: Uint8Array[] = [];
  for await (const part of file(path).open()) parts.push(part);
  const text = decoderOf(encoding).decode(Buffer.concat(parts));
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (error) {
    throw new ErmineError(
      "ERMINE_DATA",
      `${basename(path)} is no JSON: ${(error as Error).message}. The name of a file with a value on each line ends with .jsonl.`,
      { cause: error },
    );
  }
  return rowsAsTable(path, rows, badRows, note);
};

/** @throws ErmineError ERMINE_OPTION for an encoding that there is not */
function decoderOf(encoding: string): { decode(bytes: Uint8Array): string } {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch (error) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `--encoding: there is no encoding ${JSON.stringify(encoding)}. Others are windows-1252 and utf-16le.`,
      { cause: error },
    );
  }
  return {
    decode(bytes) {
      try {
        return decoder.decode(bytes);
      } catch (error) {
        throw new ErmineError("ERMINE_DATA", `There are bytes that are no ${encoding}.`, { cause: error });
      }
    },
  };
}

const fromParquet: Read = async (path, { badRows, encoding }, note) => {
  const opened = await openTable(path, encoding);
  const [cells, others] = [
    opened.columns.filter(({ kind }) => kind !== undefined),
    opened.columns.filter(({ kind }) => kind === undefined),
  ];
  for (const { name, type } of others) note(`${JSON.stringify(name)} is left out: its values are of the type ${type}.`);
  if (cells.length === 0)
    throw new ErmineError("ERMINE_DATA", `${basename(path)} has no column of numbers, texts, dates or truth values.`);
  return opened.table({ badRows, columns: cells.map(({ name }) => name) });
};

/** @throws ErmineError ERMINE_OPTION where an encoding is stated, as `openParquet` */
export function openTable(path: string, encoding: string): Promise<ParquetFile> {
  if (encoding.toLowerCase() !== "utf-8")
    throw new ErmineError(
      "ERMINE_OPTION",
      `${basename(path)}: the texts of a Parquet file are UTF-8. Leave --encoding ${encoding} out.`,
    );
  return openParquet(file(path));
}

/** @param skipped values that were left out before */
function rowsAsTable(path: string, rows: unknown, badRows: BadRows, note: (message: string) => void, skipped = 0): Table {
  const name = basename(path);
  if (!Array.isArray(rows) || rows.length === 0)
    throw new ErmineError("ERMINE_DATA", `${name} holds no rows: a list of objects is needed, [{ "column": value }, …].`);
  const kept = badRows === "skip" ? rows.filter(isRow) : rows;
  if (kept.length === 0)
    throw new ErmineError(
      "ERMINE_DATA",
      `${name} holds no rows that can be read: none of its ${rows.length} values is an object.`,
    );
  const leftOut = skipped + rows.length - kept.length;
  if (leftOut > 0) note(`${leftOut} rows of ${name} cannot be read, and are left out.`);
  try {
    return table(withTexts(kept) as readonly Readonly<Record<string, unknown>>[]);
  } catch (error) {
    throw error instanceof ErmineError ? error.at(name) : error;
  }
}

const isRow = (row: unknown): row is object => typeof row === "object" && row !== null && !Array.isArray(row);

/** What a cell cannot hold (lists, objects) is its JSON, and a column of several kinds has texts. */
function withTexts(rows: readonly unknown[]): unknown[] {
  const kinds = new Map<string, Set<string>>();
  for (const row of rows) {
    if (!isRow(row)) continue;
    for (const [name, cell] of Object.entries(row) as [string, unknown][]) {
      if (cell === null) continue;
      if (!kinds.has(name)) kinds.set(name, new Set());
      kinds.get(name)!.add(typeof cell === "object" ? "string" : typeof cell);
    }
  }
  const textOf = (name: string, cell: unknown): unknown => {
    if (cell === null) return null;
    if (typeof cell === "object") return JSON.stringify(cell);
    return kinds.get(name)!.size > 1 ? String(cell) : cell;
  };
  return rows.map((row) =>
    isRow(row) ? Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, textOf(name, cell)])) : row,
  );
}
