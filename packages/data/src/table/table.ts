/** A table in memory, by columns. */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, nearestName, show } from "@ermine/core/define";
import { checkFractions, foldIndices, partition, type SplitOptions } from "../partition.js";
import { checkCount } from "../refusals.js";
import { Sequence } from "../sequence.js";
import { cellOf, columnOf, selectRows, sliceOf, type Cell, type TableColumn } from "./column.js";

/** A row by its columns' names; null where a cell is missing. */
export type TableRow = Readonly<Record<string, Cell>>;

/** One of k ways to hold out rows. */
export interface TableFold {
  /** What is trained on. */
  readonly training: Table;
  /** What is held out. */
  readonly validation: Table;
}

/** A table in memory, by columns: `readCsv` and `table` make it. */
export class Table {
  /** Rows. */
  readonly length: number;
  /** Rows of the file that were left out, where that was asked for. */
  readonly skippedRows: number;
  readonly #columns: ReadonlyMap<string, TableColumn>;

  /** @internal */
  constructor(columns: ReadonlyMap<string, TableColumn>, length: number, skippedRows = 0) {
    this.#columns = columns;
    this.length = length;
    this.skippedRows = skippedRows;
  }

  /** The columns' names, in order. */
  get names(): readonly string[] {
    return [...this.#columns.keys()];
  }

  /**
   * A column: its kind, and its values.
   *
   * @throws ErmineError ERMINE_DATA where there is none of that name, with the nearest
   */
  column(name: string): TableColumn {
    if (arguments.length > 1) checkArguments("column", arguments, 1);
    const column = this.#columns.get(name);
    if (column !== undefined) return column;
    const near = nearestName(String(name), this.names);
    const hint =
      near === undefined
        ? `It has: ${this.names.slice(0, 20).join(", ")}${this.names.length > 20 ? `, … (${this.names.length} columns)` : ""}.`
        : `Did you mean ${JSON.stringify(near)}?`;
    throw new ErmineError("ERMINE_DATA", `The table has no column ${show(name)}. ${hint}`);
  }

  /**
   * The values of a column: a Float64Array with NaN where a number is missing, else a list with null.
   *
   * @example
   * const cars = table({ name: ["a", "b"], weight: [900, null] });
   * cars.values("weight"); // => [900, NaN]
   * @throws ErmineError ERMINE_DATA where there is none of that name
   */
  values(name: string): TableColumn["values"] {
    if (arguments.length > 1) checkArguments("values", arguments, 1);
    return this.column(name).values;
  }

  /** A row by its columns' names. @throws ErmineError ERMINE_VALUE where there is none */
  row(index: number): TableRow {
    if (arguments.length > 1) checkArguments("row", arguments, 1);
    if (Number.isInteger(index) && index >= 0 && index < this.length)
      return Object.fromEntries(Array.from(this.#columns, ([name, column]) => [name, cellOf(column, index)]));
    throw new ErmineError("ERMINE_VALUE", `row(${show(index)}): the table has ${this.length} rows, 0 … ${this.length - 1}.`);
  }

  /** The rows, made when they are asked for. */
  rows(): Sequence<TableRow> {
    return new Sequence(this.length, (index) => this.row(index));
  }

  /**
   * The rows with these indices, copied, in that order.
   *
   * @throws ErmineError ERMINE_VALUE for an index that there is not
   */
  select(indices: ArrayLike<number>): Table {
    if (arguments.length > 1) checkArguments("select", arguments, 1);
    const rows = Int32Array.from(indices);
    for (let i = 0; i < rows.length; i++) {
      if (Number.isInteger(indices[i]!) && rows[i]! >= 0 && rows[i]! < this.length) continue;
      throw new ErmineError(
        "ERMINE_VALUE",
        `select: index ${show(indices[i])} (place ${i}) is not one of the table's ${this.length} rows.`,
      );
    }
    return new Table(new Map(Array.from(this.#columns, ([name, column]) => [name, selectRows(column, rows)])), rows.length);
  }

  /**
   * The rows from `start` to `end`, copied, as `slice` of an array.
   *
   * @param start the first row. Default 0; a negative one counts from the end
   * @param end the row after the last. Default: all that follow
   *
   * @example
   * table({ weight: [900, 1100, 1200] }).slice(1).values("weight"); // => [1100, 1200]
   * @throws ErmineError ERMINE_USAGE for what is no whole number
   */
  slice(start = 0, end = this.length): Table {
    if (arguments.length > 2) checkArguments("slice", arguments, 2);
    checkArgument("slice(start, end)", "start", start, "integer");
    checkArgument("slice(start, end)", "end", end, "integer");
    const place = (row: number): number => Math.min(this.length, Math.max(0, row < 0 ? this.length + row : row));
    const [from, to] = [place(start), Math.max(place(start), place(end))];
    return new Table(new Map(Array.from(this.#columns, ([name, column]) => [name, sliceOf(column, from, to)])), to - from);
  }

  /**
   * The rows for which the function is true.
   *
   * @example
   * table({ weight: [900, null, 1200] }).filter(({ weight }) => weight !== null).length; // => 2
   */
  filter(keep: (row: TableRow) => boolean): Table {
    if (arguments.length > 1) checkArguments("filter", arguments, 1);
    return this.select(Array.from({ length: this.length }, (_, i) => i).filter((i) => keep(this.row(i))));
  }

  /**
   * Parts by name that share all rows out among them: at random, with the same mix of classes (`stratify`), whole groups (`group`), or the earliest first
   * (`time`).
   *
   * @example
   * const { training, test } = table({ x: [1, 2, 3, 4, 5] }).split({ training: 0.8, test: 0.2 });
   * [training.length, test.length]; // => [4, 1]
   * @throws ErmineError ERMINE_OPTION where fractions or options do not fit, ERMINE_DATA where a part would be empty
   */
  split<K extends string>(fractions: Readonly<Record<K, number>>, options?: SplitOptions<TableRow>): Record<K, Table> {
    const named = checkFractions("split", fractions);
    const parts = partition("split", this.length, (i) => this.row(i), named, options);
    return Object.fromEntries([...named.keys()].map((name, i) => [name, this.select(parts[i]!)])) as Record<K, Table>;
  }

  /**
   * k pairs of training and validation rows; each row is in one validation part.
   *
   * @throws ErmineError ERMINE_OPTION where `k` is no whole number ≥ 2 or an option does not fit, ERMINE_DATA where a part would be empty
   */
  kFold(k: number, options?: SplitOptions<TableRow>): TableFold[] {
    if (arguments.length > 2) checkArguments("kFold", arguments, 2);
    checkCount("kFold", "k", k, 2);
    return foldIndices("kFold", this.length, (i) => this.row(i), k, options).map(([training, validation]) => ({
      training: this.select(training),
      validation: this.select(validation),
    }));
  }
}

/**
 * A table of columns, or of rows (what a JSON file of objects holds). A row that lacks a column has it missing.
 *
 * @example
 * table([{ name: "a", weight: 900 }, { name: "b" }]).values("weight"); // => [900, NaN]
 * @throws ErmineError ERMINE_DATA where columns have different lengths, or cells are of two kinds
 */
export function table(
  source: Readonly<Record<string, ArrayLike<unknown>>> | readonly Readonly<Record<string, unknown>>[],
): Table {
  if (arguments.length > 1) checkArguments("table", arguments, 1);
  if (typeof source !== "object" || source === null)
    throw new ErmineError(
      "ERMINE_DATA",
      `table takes columns by name, or a list of rows, got ${show(source)}. Write table({ x: [1, 2], y: [3, 4] }).`,
    );
  const columns = new Map<string, ArrayLike<unknown>>(Array.isArray(source) ? byColumns(source) : Object.entries(source));
  let length: number | undefined;
  const kept = new Map<string, TableColumn>();
  for (const [name, cells] of columns) {
    if (typeof cells !== "object" || cells === null || !Number.isInteger(cells.length))
      throw new ErmineError("ERMINE_DATA", `table: "${name}" is ${show(cells)}: a column is a list or a typed array.`);
    length ??= cells.length;
    if (cells.length !== length)
      throw new ErmineError("ERMINE_DATA", `table: "${name}" has ${cells.length} rows, and the columns before it ${length}.`);
    kept.set(name, columnOf(name, cells));
  }
  if (length === undefined) throw new ErmineError("ERMINE_DATA", "table: there is no column.");
  return new Table(kept, length);
}

function byColumns(rows: readonly unknown[]): Map<string, unknown[]> {
  const columns = new Map<string, unknown[]>();
  rows.forEach((row, i) => {
    if (typeof row !== "object" || row === null || Array.isArray(row))
      throw new ErmineError("ERMINE_DATA", `table: row ${i} is ${show(row)}: a row is an object, { name: value }.`);
    for (const [name, cell] of Object.entries(row)) {
      let cells = columns.get(name);
      if (cells === undefined) columns.set(name, (cells = rows.map<unknown>(() => null)));
      cells[i] = cell;
    }
  });
  return columns;
}
