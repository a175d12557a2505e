/** `@ermine/data/parquet`: tables from Parquet files. */
export { openParquet, readParquet } from "./parquet/read.js";
export { ParquetFile } from "./parquet/file.js";
export type { ParquetColumn } from "./parquet/schema.js";
export type { ParquetOptions, ParquetTablesOptions } from "./parquet/options.js";
export type { BadRow, BadRows } from "./badRows.js";
export type { ByteSource, FileSource, RandomAccess } from "./bytes.js";
export type { Cell, ColumnKind, ColumnOf, TableColumn } from "./table/column.js";
export type { Table, TableRow } from "./table/table.js";
export type { Stream } from "./stream.js";
