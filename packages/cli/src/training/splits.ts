/** Which rows are trained on, and which are tested on. */
import { ErmineError } from "@ermine/core";
import { sequence, type Cell, type Label, type Sequence, type SplitOptions, type Table } from "@ermine/data";
import type { Configuration } from "../config/schema.js";
import type { Roles } from "../table/roles.js";

/** Rows to train on, and rows to test on. */
export interface Split {
  readonly training: Int32Array;
  readonly test: Int32Array;
}

/** When each row was: milliseconds of a date, or the number. @throws ErmineError ERMINE_DATA where a row has no time */
export function timesOf(table: Table, column: string): Float64Array {
  const { values } = table.column(column);
  return Float64Array.from({ length: table.length }, (_, row) => {
    const cell = values[row]! as Cell;
    const time = typeof cell === "string" ? Date.parse(cell) : Number(cell ?? Number.NaN);
    if (!Number.isNaN(time)) return time;
    throw new ErmineError(
      "ERMINE_DATA",
      `The column ${JSON.stringify(column)} of times is ${cell === null || typeof cell === "number" ? "missing" : JSON.stringify(cell)} in row ${row + 1}. Times are dates of ISO 8601, or numbers.`,
    );
  });
}

/** The ways to hold out rows: one, or one for each fold. @throws ErmineError ERMINE_DATA where a part would be empty */
export function splitsOf(table: Table, { split, seed }: Configuration, { target, task, time }: Roles): readonly Split[] {
  const rows = sequence(Int32Array.from({ length: table.length }, (_, row) => row));
  const labels = table.values(target) as ArrayLike<Label>;
  const times = time === null ? undefined : timesOf(table, time);
  const options: SplitOptions<number> =
    times !== undefined
      ? { time: (row) => times[row]! }
      : task === "regression"
        ? { seed }
        : { seed, stratify: (row) => labels[row]! };
  const indices = (part: Sequence<number>): Int32Array => Int32Array.from({ length: part.length }, (_, i) => part.at(i));
  const splits =
    split.folds === null
      ? [rows.split({ training: 1 - split.test, test: split.test }, options)].map(
          (parts) => [parts.training, parts.test] as const,
        )
      : rows.kFold(split.folds, options).map((fold) => [fold.training, fold.validation] as const);
  return splits.map(([training, test]) => ({ training: indices(training), test: indices(test) }));
}
