/** CSV as a table in memory, and as a stream of rows. */
import { ErmineError } from "@ermine/core";
import { checkArguments } from "@ermine/core/define";
import { byteSource, type FileSource } from "../bytes.js";
import { Stream } from "../stream.js";
import type { ColumnKind, TableColumn } from "../table/column.js";
import { Table, type TableRow } from "../table/table.js";
import { article, cellFrom, kindOf } from "./cells.js";
import { checkCsvOptions, type CsvOptions, type CsvStreamOptions } from "./options.js";
import { CsvReader, type FieldRow } from "./reader.js";

/**
 * Reads a CSV or TSV file into a table. Fields may be quoted, quoted ones have line ends and doubled quotes; a byte order mark is left out; line ends may be
 * of any kind, also mixed, and become "\\n" within fields; empty lines are left out. A column without a name is "column 3", by its place.
 *
 * @param source an address (`new URL`), a `Blob`, bytes, or `file(path)` of `@ermine/data/node`
 *
 * @example
 * const table = await readCsv(new Blob(['name,weight,wild\nermine,150,true\n"mouse, grey",NA,true\n']));
 * table.row(1); // => { name: "mouse, grey", weight: null, wild: true }
 * @throws ErmineError (the promise rejects) ERMINE_DATA where the file cannot be read, is empty, has a column twice or not at all, or has a bad row;
 * ERMINE_OPTION
 */
export async function readCsv(source: FileSource, options: CsvOptions = {}): Promise<Table> {
  if (arguments.length > 2) checkArguments("readCsv", arguments, 2);
  checkCsvOptions("readCsv", options, false);
  const reader = new CsvReader("readCsv", source, options);
  let columns: string[][] | undefined;
  let length = 0;
  for await (const rows of reader.rows()) {
    columns ??= reader.header.names.map(() => []);
    length += rows.length;
    for (const { fields } of rows) for (let i = 0; i < fields.length; i++) columns[i]!.push(fields[i]!);
  }
  const { names, kinds } = reader.header;
  if (columns === undefined)
    throw new ErmineError("ERMINE_DATA", `${reader.file} has ${names.length} columns and no row that can be read.`);
  const table = new Map<string, TableColumn>();
  names.forEach((name, i) => {
    table.set(name, columnFrom(columns[i]!, kinds[i], reader.missing));
    // The texts are not needed any more.
    columns[i] = [];
  });
  return new Table(table, length, reader.badRows.count);
}

function columnFrom(fields: readonly string[], stated: ColumnKind | undefined, missing: ReadonlySet<string>): TableColumn {
  const kind = stated ?? kindOf(fields, missing);
  const cells = fields.map((field) => cellFrom(field, kind, missing)!);
  if (kind === "number")
    return { kind, values: Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : (cell as number))) };
  return { kind, values: cells } as TableColumn;
}

/**
 * The rows of a CSV or TSV file, one after the other, in the memory of a part of it. The file is opened for each epoch; training that is taken up again reads
 * it again up to its place. What a column holds is stated, or told by the first rows; a later value that does not fit is a bad row.
 *
 * @param source as `readCsv` takes it
 *
 * @example
 * const rows = csvRows(new Blob(["a,b\n1,2\n3,4\n"]));
 * await rows.map(({ a, b }) => Number(a) + Number(b)).toArray(); // => [3, 7]
 * @throws ErmineError ERMINE_OPTION, ERMINE_DATA where the source is none; when it is read, as `readCsv`
 */
export function csvRows(source: FileSource, options: CsvStreamOptions = {}): Stream<TableRow> {
  if (arguments.length > 2) checkArguments("csvRows", arguments, 2);
  checkCsvOptions("csvRows", options, true);
  byteSource("csvRows", source);
  return new Stream({
    length: undefined,
    resume: "replay",
    iterate: () => rowsOf(new CsvReader("csvRows", source, options), options.inferFrom ?? 1000),
  });
}

/** @internal */
export async function* rowsOf(reader: CsvReader, inferFrom: number): AsyncGenerator<TableRow> {
  let first: FieldRow[] = [];
  let kinds: readonly ColumnKind[] | undefined;
  for await (const rows of reader.rows()) {
    if (kinds !== undefined) {
      yield* cellsOf(reader, rows, kinds, inferFrom);
      continue;
    }
    first.push(...rows);
    if (first.length < inferFrom) continue;
    kinds = inferred(reader, first.slice(0, inferFrom));
    yield* cellsOf(reader, first, kinds, inferFrom);
    first = [];
  }
  if (first.length > 0) yield* cellsOf(reader, first, inferred(reader, first), inferFrom);
  // An empty file is an error, also where nothing is asked for.
  void reader.header;
}

const inferred = ({ header, missing }: CsvReader, rows: readonly FieldRow[]): ColumnKind[] =>
  header.kinds.map(
    (kind, i) =>
      kind ??
      kindOf(
        rows.map(({ fields }) => fields[i]!),
        missing,
      ),
  );

function* cellsOf(
  reader: CsvReader,
  rows: readonly FieldRow[],
  kinds: readonly ColumnKind[],
  inferFrom: number,
): Generator<TableRow> {
  const { names } = reader.header;
  for (const { fields, row } of rows) {
    const cells = fields.map((field, i) => cellFrom(field, kinds[i]!, reader.missing));
    const wrong = cells.indexOf(undefined);
    if (wrong < 0) yield Object.fromEntries(names.map((name, i) => [name, cells[i]!]));
    else {
      const kind = kinds[wrong]!;
      const why = `is no ${article[kind]}, which the first ${inferFrom} rows have there. If it is right, state { types: { ${JSON.stringify(names[wrong])}: "string" } }.`;
      reader.refuse(row, names[wrong], `${JSON.stringify(fields[wrong])} ${why}`);
    }
  }
}
