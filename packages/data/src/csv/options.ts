/** The options of reading CSV. */
import { ErmineError } from "@ermine/core";
import { type OptionKinds, checkOptions, show } from "@ermine/core/define";
import type { BadRows } from "../badRows.js";
import { checkCount } from "../refusals.js";
import type { ColumnKind } from "../table/column.js";

/** How a CSV file is read. */
export interface CsvOptions {
  /** What is between two fields. Default: that of comma, tab, semicolon and | which makes the most fields of the first record. */
  readonly delimiter?: string;
  /** Does the first record name the columns? Default true. */
  readonly header?: boolean;
  /** The columns' names, in place of the header's. Default: the header's; without one "column 1", "column 2", … */
  readonly names?: readonly string[];
  /** The columns that are kept. Default: all. */
  readonly columns?: readonly string[];
  /** What columns hold. Default: "number" where all values that are there are decimal numbers, "boolean" where all are true or false, else "string". */
  readonly types?: Readonly<Record<string, ColumnKind>>;
  /** What stands for a missing value. Default: nothing, NA, N/A, NaN, nan, null and NULL. */
  readonly missing?: readonly string[];
  /** What is done with rows that have another number of fields, wrong quotes, or a value that is none of its column's type. Default "error". */
  readonly badRows?: BadRows;
  /** The file's encoding, as `TextDecoder` names it. Default "utf-8"; a byte order mark is left out. */
  readonly encoding?: string;
  /** Most characters of one record, so that a quote that is not closed is found. Default 2²² (4 Mi). */
  readonly maxRecordLength?: number;
}

/** How a CSV file is read row by row. */
export interface CsvStreamOptions extends CsvOptions {
  /** Rows by which the types of columns are told that `types` does not state. Default 1000. */
  readonly inferFrom?: number;
}

const kinds: OptionKinds<CsvStreamOptions> = {
  delimiter: "string",
  header: "boolean",
  names: "list",
  columns: "list",
  types: "object",
  missing: "list",
  badRows: "any",
  encoding: "string",
  maxRecordLength: "number",
  inferFrom: "number",
};

/** @throws ErmineError ERMINE_OPTION */
export function checkCsvOptions(where: string, options: CsvStreamOptions, isStream: boolean): void {
  const { inferFrom: _, ...ofTables } = kinds;
  checkOptions<CsvStreamOptions>(where, options, isStream ? kinds : (ofTables as typeof kinds), ["source"]);
  const { delimiter, maxRecordLength, inferFrom, types = {} } = options;
  if (delimiter !== undefined && (delimiter.length !== 1 || delimiter === '"' || delimiter === "\n" || delimiter === "\r"))
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: delimiter is one character, no quote and no line end, got ${show(delimiter)}.`,
    );
  if (maxRecordLength !== undefined) checkCount(where, "maxRecordLength", maxRecordLength, 1);
  if (inferFrom !== undefined) checkCount(where, "inferFrom", inferFrom, 1);
  for (const [name, kind] of Object.entries(types)) {
    if (kind === "number" || kind === "string" || kind === "boolean") continue;
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: the type of ${JSON.stringify(name)} is "number", "string" or "boolean", got ${show(kind)}.`,
    );
  }
}
