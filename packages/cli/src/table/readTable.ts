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

type Read = (path: string, options: Reading) => Promise<Table>;

/** How files are read, by what their names end with. */
const readers: Readonly<Record<string, Read>> = {
  ".csv": (path, options) => readCsv(file(path), options),
  ".tsv": (path, options) => readCsv(file(path), { ...options, delimiter: "\t" }),
  ".txt": (path, options) => readCsv(file(path), options),
  ".jsonl": (path, options) => fromLines(path, options),
  ".ndjson": (path, options) => fromLines(path, options),
  ".json": (path) => fromJson(path),
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
 * @throws ErmineError ERMINE_DATA where it is not there, is no table, or has a row that does not fit
 */
export async function readTable(path: string, { badRows, encoding }: ReadOptions): Promise<Table> {
  await checkFile(path);
  const extension = extname(path).toLowerCase();
  const read = readers[extension];
  if (read !== undefined) {
    try {
      return await read(path, { badRows: badRows === "skip" ? "skip" : refuseRow, encoding });
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

const fromLines: Read = async (path, { badRows }) => rowsAsTable(path, await jsonLines(file(path), { badRows }).toArray());

async function fromJson(path: string): Promise<Table> {
  const parts: Uint8Array[] = [];
  for await (const part of file(path).open()) parts.push(part);
  let rows: unknown;
  try {
    rows = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch (error) {
    throw new ErmineError(
      "ERMINE_DATA",
      `${basename(path)} is no JSON: ${(error as Error).message}. The name of a file with a value on each line ends with .jsonl.`,
      { cause: error },
    );
  }
  return rowsAsTable(path, rows);
}

function rowsAsTable(path: string, rows: unknown): Table {
  const name = basename(path);
  if (!Array.isArray(rows) || rows.length === 0)
    throw new ErmineError("ERMINE_DATA", `${name} holds no rows: a list of objects is needed, [{ "column": value }, …].`);
  try {
    return table(withTexts(rows) as readonly Readonly<Record<string, unknown>>[]);
  } catch (error) {
    throw error instanceof ErmineError ? error.at(name) : error;
  }
}

/** What a cell cannot hold (lists, objects) is its JSON, and a column of several kinds has texts. */
function withTexts(rows: readonly unknown[]): unknown[] {
  const isRow = (row: unknown): row is object => typeof row === "object" && row !== null && !Array.isArray(row);
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
