/** The options of reading Parquet. */
import { ErmineError } from "@ermine/core";
import { checkOptions, show, type OptionKinds } from "@ermine/core/define";
import type { BadRows } from "../badRows.js";
import { checkCount } from "../refusals.js";
import type { ColumnKind } from "../table/column.js";

/** What is read of a Parquet file. */
export interface ParquetOptions {
  /** The columns that are read; no byte of the others is. Default: all. */
  readonly columns?: readonly string[];
  /**
   * What columns become, where that is not what the file says: "string" gives numbers as texts (all digits of an int64), "number" gives texts as decimal numbers
   * and timestamps, dates as milliseconds since 1970, "boolean" gives texts as truth values. Default: what the file says; timestamps and dates are texts of ISO 8601.
   */
  readonly types?: Readonly<Record<string, ColumnKind>>;
  /** The row groups that are read, by their numbers from 0, in this order. Default: all. */
  readonly rowGroups?: readonly number[];
  /** What is done with rows that have a value which is no cell: an int64 beyond 2⁵³, bytes that are no text. Default "error". */
  readonly badRows?: BadRows;
}

/** What is read of a Parquet file, and how many rows at a time. */
export interface ParquetTablesOptions extends ParquetOptions {
  /** Most rows of a table; a table has rows of one row group. Default 65536. */
  readonly rows?: number;
}

const kinds: OptionKinds<ParquetTablesOptions> = {
  columns: "list",
  types: "object",
  rowGroups: "list",
  badRows: "any",
  rows: "number",
};

/** @throws ErmineError ERMINE_OPTION */
export function checkParquetOptions(
  where: string,
  options: ParquetTablesOptions,
  takesRows: boolean,
  position: readonly string[] = [],
): void {
  const { rows: _, ...ofFiles } = kinds;
  checkOptions<ParquetTablesOptions>(where, options, takesRows ? kinds : (ofFiles as typeof kinds), position);
  const { rows, types = {} } = options;
  if (rows !== undefined) checkCount(where, "rows", rows, 1);
  for (const [name, kind] of Object.entries(types)) {
    if (kind === "number" || kind === "string" || kind === "boolean") continue;
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: the type of ${JSON.stringify(name)} is "number", "string" or "boolean", got ${show(kind)}.`,
    );
  }
}
