/** The rows of a file for a model that exists: some at a time, in the kinds of cells that it was trained with. */
import { basename, extname } from "node:path";
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import { jsonLines, type BadRows, type Cell, type ColumnKind, type Stream, type TableRow } from "@ermine/data";
import { csvRows } from "@ermine/data/csv";
import { file } from "@ermine/data/node";
import { checkFile, inItsEncoding, openTable, readTable, refuseRow, type ReadOptions } from "../table/readTable.js";

/** Rows that are held at a time. */
const batchSize = 4096;

/**
 * The rows, some at a time; of CSV and JSON lines no more are in memory, of Parquet a row group.
 *
 * @param kinds the columns that the model reads, and the kind of their cells
 * @throws ErmineError ERMINE_DATA where the file cannot be read, lacks a column, or has a row that does not fit
 */
export async function* rowBatches(
  path: string,
  kinds: Readonly<Record<string, ColumnKind>>,
  read: ReadOptions,
): AsyncGenerator<readonly TableRow[]> {
  await checkFile(path);
  let batch: TableRow[] = [];
  let isChecked = false;
  const check = (row: TableRow): void => {
    if (!isChecked) checkColumns(path, Object.keys(row), kinds);
    isChecked = true;
  };
  for await (const row of inItsEncoding(path, read.encoding, rowsOf(path, kinds, read))) {
    check(row);
    batch.push(row);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
  else if (!isChecked) throw new ErmineError("ERMINE_DATA", `${path} has no row that can be read.`);
}

async function* rowsOf(path: string, kinds: Readonly<Record<string, ColumnKind>>, read: ReadOptions): AsyncGenerator<TableRow> {
  const badRows = read.badRows === "skip" ? "skip" : refuseRow;
  const extension = extname(path).toLowerCase();
  if ([".csv", ".tsv", ".txt"].includes(extension)) {
    const delimiter = extension === ".tsv" ? { delimiter: "\t" } : {};
    yield* csvRows(file(path), {
      ...delimiter,
      badRows,
      encoding: read.encoding,
      types: kinds,
    }).iterate() as AsyncIterable<TableRow>;
    return;
  }
  if ([".jsonl", ".ndjson"].includes(extension)) {
    let row = 0;
    for await (const value of (jsonLines(file(path), { badRows, encoding: read.encoding }) as Stream<unknown>).iterate()) {
      row++;
      if (typeof value === "object" && value !== null && !Array.isArray(value)) yield value as TableRow;
      else
        throw new ErmineError("ERMINE_DATA", `${basename(path)}: value ${row} is no object, and a row is { "column": value }.`);
    }
    return;
  }
  if (extension === ".parquet") {
    yield* parquetRows(path, kinds, badRows, read.encoding);
    return;
  }
  const table = await readTable(path, read);
  for (let i = 0; i < table.length; i++) yield asKinds(table.row(i), kinds);
}

async function* parquetRows(
  path: string,
  kinds: Readonly<Record<string, ColumnKind>>,
  badRows: BadRows,
  encoding: string,
): AsyncGenerator<TableRow> {
  const opened = await openTable(path, encoding);
  const names = opened.columns.flatMap(({ name, kind }) => (kind === undefined ? [] : [name]));
  checkColumns(path, names, kinds);
  const types = Object.fromEntries(
    opened.columns.flatMap(({ name, kind }): [string, ColumnKind][] => {
      const wanted = Object.hasOwn(kinds, name) ? kinds[name]! : kind;
      return wanted === undefined || wanted === kind ? [] : [[name, wanted]];
    }),
  );
  yield* opened.rows({ columns: names, types, badRows }).iterate() as AsyncIterable<TableRow>;
}

/** Texts where the model knows texts, whatever other rows of the column are. */
const asKinds = (row: TableRow, kinds: Readonly<Record<string, ColumnKind>>): TableRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, cell]): [string, Cell] => [
      name,
      kinds[name] === "string" && cell !== null ? String(cell) : cell,
    ]),
  );

/** @throws ErmineError ERMINE_DATA where a column is not there, with the nearest */
function checkColumns(path: string, names: readonly string[], kinds: Readonly<Record<string, ColumnKind>>): void {
  const lacking = Object.keys(kinds).find((name) => !names.includes(name));
  if (lacking === undefined) return;
  const near = nearestName(lacking, names);
  throw new ErmineError(
    "ERMINE_DATA",
    `${path} has no column ${JSON.stringify(lacking)}, which the model was trained with. ${near === undefined ? `It has: ${names.slice(0, 20).join(", ")}.` : `Is ${JSON.stringify(near)} meant?`}`,
  );
}
