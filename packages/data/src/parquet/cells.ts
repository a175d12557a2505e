/** Values as hyparquet gives them, as cells of a table. */
import type { ParquetParsers } from "hyparquet";
import { article, cellFrom, missingByDefault } from "../csv/cells.js";
import type { ColumnKind, TableColumn } from "../table/column.js";
import type { Conversion } from "./schema.js";

/** In place of a value that is no cell: why it is none. */
export class NoCell {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/** Told of a value that is no cell. @param row from 0, within the row group */
export type Refuse = (row: number, problem: string) => void;

/** What a value of a file may be: one from `parsersFor`, or a plain one. */
type Raw = number | bigint | boolean | string | NoCell | null | undefined;

const missingTexts = new Set(missingByDefault);

/** May a column that is converted so become one of that kind? */
export const canBecome = ({ to }: Conversion, kind: ColumnKind): boolean =>
  kind === "string" || (kind === "number" ? to !== "boolean" && to !== "time" : to === "boolean" || to === "text");

/** How hyparquet makes values of bytes and counts. */
export function parsersFor(conversion: Conversion, kind: ColumnKind): Partial<ParquetParsers> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const text = (bytes: Uint8Array | undefined): Raw => {
    if (bytes === undefined) return undefined;
    try {
      return decoder.decode(bytes);
    } catch {
      return new NoCell("its bytes are no UTF-8 text.");
    }
  };
  const isUtc = conversion.to === "timestamp" && conversion.isUtc;
  const since = (perSecond: bigint) => (count: bigint) =>
    kind === "number" ? milliseconds(count, perSecond) : timeStamp(count, perSecond, isUtc);
  return {
    stringFromBytes: text,
    jsonFromBytes: text,
    timestampFromMilliseconds: since(1_000n),
    timestampFromMicroseconds: since(1_000_000n),
    timestampFromNanoseconds: since(1_000_000_000n),
    dateFromDays: (days) => (kind === "number" ? days * 86_400_000 : day(days)),
  };
}

/** Whole seconds before or at the count, and the rest. */
function split(count: bigint, perSecond: bigint): readonly [seconds: bigint, rest: bigint] {
  const rest = ((count % perSecond) + perSecond) % perSecond;
  return [(count - rest) / perSecond, rest];
}

const milliseconds = (count: bigint, perSecond: bigint): number => Number(count) / (Number(perSecond) / 1000);

function timeStamp(count: bigint, perSecond: bigint, isUtc: boolean): Raw {
  const [seconds, rest] = split(count, perSecond);
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return new NoCell(`its timestamp is ${seconds} seconds from 1970, which is no date.`);
  return `${date.toISOString().slice(0, -5)}${fraction(rest, perSecond)}${isUtc ? "Z" : ""}`;
}

/** ".25", or nothing. */
const fraction = (rest: bigint, perSecond: bigint): string =>
  rest === 0n
    ? ""
    : `.${String(rest)
        .padStart(String(perSecond).length - 1, "0")
        .replace(/0+$/, "")}`;

function day(days: number): Raw {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime())
    ? new NoCell(`its date is ${days} days from 1970, which is none.`)
    : date.toISOString().replace(/T.*/, "");
}

function timeOfDay(count: bigint, perSecond: bigint): Raw {
  const [seconds, rest] = split(count, perSecond);
  if (count < 0n || seconds >= 86_400n) return new NoCell(`its time is ${seconds} seconds from midnight, which is not in a day.`);
  return `${new Date(Number(seconds) * 1000).toISOString().slice(11, 19)}${fraction(rest, perSecond)}`;
}

/** Puts the values of a row group's column together, part by part. */
export class ColumnBuilder {
  readonly #conversion: Conversion;
  readonly #kind: ColumnKind;
  readonly #refuse: Refuse;
  readonly #numbers: Float64Array | undefined;
  readonly #cells: (string | boolean | null)[] = [];
  #length = 0;
  /** Values that are not there. */
  missing = 0;

  constructor(conversion: Conversion, kind: ColumnKind, rows: number, refuse: Refuse) {
    this.#conversion = conversion;
    this.#kind = kind;
    this.#refuse = refuse;
    if (kind === "number") this.#numbers = new Float64Array(rows);
  }

  /** Rows so far. */
  get length(): number {
    return this.#length;
  }

  add(values: ArrayLike<unknown>): void {
    const numbers = this.#numbers;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as Raw;
      if (numbers === undefined) this.#cells.push(this.#cell(value));
      else numbers[this.#length] = this.#number(value);
      this.#length++;
    }
  }

  get column(): TableColumn {
    if (this.#numbers !== undefined) return { kind: "number", values: this.#numbers };
    return { kind: this.#kind, values: this.#cells } as TableColumn;
  }

  #number(value: Raw): number {
    if (typeof value === "number") return value;
    if (typeof value === "bigint") {
      const number = Number(value);
      if (Number.isSafeInteger(number)) return number;
      this.#refuse(
        this.#length,
        `${value} is beyond ±2⁵³, where numbers are not exact. Read the column as texts: { types: { …: "string" } }.`,
      );
      return Number.NaN;
    }
    if (value === undefined || value === null) {
      this.missing++;
      return Number.NaN;
    }
    if (typeof value === "string") {
      const cell = cellFrom(value, "number", missingTexts);
      if (typeof cell === "number") return cell;
      if (cell === undefined)
        this.#refuse(this.#length, `${JSON.stringify(value)} is no ${article.number}, as its type was stated.`);
      return Number.NaN;
    }
    this.#refuse(this.#length, value instanceof NoCell ? value.problem : `${String(value)} is no number.`);
    return Number.NaN;
  }

  #cell(value: Raw): string | boolean | null {
    if (value === undefined || value === null) {
      this.missing++;
      return null;
    }
    if (value instanceof NoCell) {
      this.#refuse(this.#length, value.problem);
      return null;
    }
    if (this.#kind === "boolean") {
      if (typeof value === "boolean") return value;
      const cell = cellFrom(String(value), "boolean", missingTexts);
      if (cell === undefined)
        this.#refuse(this.#length, `${JSON.stringify(String(value))} is no ${article.boolean}, as its type was stated.`);
      return (cell ?? null) as boolean | null;
    }
    if (typeof value === "string") return value;
    if (this.#conversion.to !== "time") return typeof value === "number" && Number.isNaN(value) ? null : String(value);
    const time = timeOfDay(BigInt(value), this.#conversion.perSecond);
    if (typeof time === "string") return time;
    this.#refuse(this.#length, (time as NoCell).problem);
    return null;
  }
}
