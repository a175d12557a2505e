/** Columns of a table: numbers, texts or truth values, any of which may be missing. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** What a cell holds; null: it is missing. */
export type Cell = string | number | boolean | null;

/** What a column holds. */
export type ColumnKind = "number" | "string" | "boolean";

/** A column of one kind. */
export interface ColumnOf<K extends ColumnKind, V> {
  /** What it holds. */
  readonly kind: K;
  /** Its values, row by row. */
  readonly values: V;
}

/** A column: numbers, where NaN is a missing one, or texts or truth values, where null is. */
export type TableColumn =
  | ColumnOf<"number", Float64Array>
  | ColumnOf<"string", readonly (string | null)[]>
  | ColumnOf<"boolean", readonly (boolean | null)[]>;

/** The cell of a row. */
export function cellOf({ kind, values }: TableColumn, row: number): Cell {
  const value = values[row]!;
  return kind === "number" && Number.isNaN(value) ? null : (value as Cell);
}

/** The rows with these indices. */
export function selectRows(column: TableColumn, rows: Int32Array): TableColumn {
  const { kind, values } = column;
  const chosen: Float64Array | (string | boolean | null)[] = kind === "number" ? new Float64Array(rows.length) : [];
  for (let i = 0; i < rows.length; i++) chosen[i] = values[rows[i]!]!;
  return { kind, values: chosen } as TableColumn;
}

/** The rows from `start` to `end`, which is not among them. */
export const sliceOf = ({ kind, values }: TableColumn, start: number, end: number): TableColumn =>
  ({ kind, values: values.slice(start, end) }) as TableColumn;

/** Columns of one kind, one after the other. */
export function joinedColumns(parts: readonly TableColumn[]): TableColumn {
  const { kind } = parts[0]!;
  if (kind !== "number")
    return { kind, values: parts.flatMap(({ values }) => values as readonly (string | null)[]) } as TableColumn;
  const all = new Float64Array(parts.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { values } of parts) {
    all.set(values as Float64Array, at);
    at += values.length;
  }
  return { kind, values: all };
}

/** @throws ErmineError ERMINE_DATA for cells of two kinds, or of none */
export function columnOf(name: string, cells: ArrayLike<unknown>): TableColumn {
  if (ArrayBuffer.isView(cells)) return { kind: "number", values: Float64Array.from(cells, Number) };
  let kind: ColumnKind | undefined;
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (cell === null || cell === undefined) continue;
    const type = typeof cell;
    if (type !== "number" && type !== "string" && type !== "boolean")
      throw new ErmineError(
        "ERMINE_DATA",
        `table: row ${row} of "${name}" is ${show(cell)}: cells are numbers, texts, true, false or null.`,
      );
    kind ??= type;
    if (type !== kind)
      throw new ErmineError(
        "ERMINE_DATA",
        `table: "${name}" has ${kind}s, and row ${row} is ${show(cell)}. Make them of one kind, or null where one is missing.`,
      );
  }
  if (kind === "number")
    return {
      kind,
      values: Float64Array.from({ length: cells.length }, (_, i) => (cells[i] as number | null | undefined) ?? Number.NaN),
    };
  return { kind: kind ?? "string", values: Array.from({ length: cells.length }, (_, i) => cells[i] ?? null) } as TableColumn;
}
