/** `@ermine/data/csv`: tables from CSV and TSV files. */
export { csvRows, readCsv } from "./csv/read.js";
export type { CsvOptions, CsvStreamOptions } from "./csv/options.js";
export type { BadRow, BadRows } from "./badRows.js";
export type { ByteSource, FileSource } from "./bytes.js";
export type { Cell, ColumnKind, ColumnOf, TableColumn } from "./table/column.js";
export type { Table, TableRow } from "./table/table.js";
export type { Stream } from "./stream.js";
