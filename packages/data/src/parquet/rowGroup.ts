/** One row group as a table. */
import { ErmineError } from "@ermine/core";
import type { Compressors } from "hyparquet";
import type { BadRowsPolicy } from "../badRows.js";
import type { RandomAccess } from "../bytes.js";
import { wholeRange } from "../randomAccess.js";
import type { TableColumn, ColumnKind } from "../table/column.js";
import { Table } from "../table/table.js";
import { ColumnBuilder, parsersFor, type Refuse } from "./cells.js";
import { damaged, messageOf, type Footer } from "./footer.js";
import { compressorsFor, type ParquetLibrary } from "./library.js";
import { inOrder, pagesOf, unzipped } from "./pages.js";
import type { Conversion } from "./schema.js";

/** A column that is read, and what it becomes. */
export interface ChosenColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly conversion: Conversion;
  /** May values be missing? */
  readonly isOptional: boolean;
}

/** A file that is open. */
export interface OpenFile {
  readonly name: string;
  readonly library: ParquetLibrary;
  readonly footer: Footer;
  readonly access: RandomAccess;
}

/**
 * The rows of a group, column after column, each in the memory of its bytes and its values. Rows with values that are no cells are left out where the policy says so.
 *
 * @throws ErmineError ERMINE_DATA where the file is damaged, or has such a row and that is an error; ERMINE_UNSUPPORTED where a codec is not installed
 */
export async function rowGroupTable(
  file: OpenFile,
  group: number,
  columns: readonly ChosenColumn[],
  badRows: BadRowsPolicy,
): Promise<Table> {
  const { start, rows, chunks } = file.footer.rowGroups[group]!;
  const compressors = await compressorsFor(columns.map(({ name }) => chunks.get(name)!.codec));
  const problems = new Map<number, { readonly column: string; readonly problem: string }>();
  const read = new Map<string, TableColumn>();
  for (const column of columns) {
    const refuse: Refuse = (row, problem) => {
      if (!problems.has(row)) problems.set(row, { column: column.name, problem });
    };
    read.set(column.name, await columnOf(file, group, column, compressors, refuse));
  }
  const table = new Table(read, rows);
  if (problems.size === 0) return table;
  for (const row of [...problems.keys()].sort((a, b) => a - b))
    badRows.refuse({ file: file.name, row: start + row + 1, ...problems.get(row)! });
  return table.select(Array.from({ length: rows }, (_, row) => row).filter((row) => !problems.has(row)));
}

async function columnOf(
  { name: file, library, footer, access }: OpenFile,
  group: number,
  { name, kind, conversion, isOptional }: ChosenColumn,
  compressors: Compressors,
  refuse: Refuse,
): Promise<TableColumn> {
  const { start, rows, chunks } = footer.rowGroups[group]!;
  const { from, to, codec } = chunks.get(name)!;
  const bytes = wholeRange(file, await access.read(from, to), from, to);
  const builder = new ColumnBuilder(conversion, kind, rows, refuse);
  const where = `row group ${group}, column ${JSON.stringify(name)}`;
  try {
    const pages = pagesOf(library, bytes, rows);
    await library.parquetRead({
      file: {
        byteLength: access.size,
        slice: (first, end = access.size) => bytes.slice(first - from, end - from).buffer as ArrayBuffer,
      },
      metadata: footer.metadata,
      columns: [name],
      rowStart: start,
      rowEnd: start + rows,
      compressors: codec === "GZIP" ? { GZIP: inOrder(await unzipped(bytes, pages)) } : compressors,
      parsers: parsersFor(conversion, kind),
      geoparquet: false,
      onChunk: ({ columnData }) => builder.add(columnData),
    });
  } catch (error) {
    throw error instanceof ErmineError ? error : damaged(file, `${where} cannot be read (${messageOf(error)})`, error);
  }
  if (builder.length !== rows) throw damaged(file, `${where} has ${builder.length} values, and the group ${rows} rows`);
  if (builder.missing > 0 && !isOptional)
    throw damaged(file, `${where} lacks ${builder.missing} of its values, and it is said to have all of them`);
  return builder.column;
}
