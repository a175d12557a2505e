/** Dates of ISO 8601 as numbers: years, and places in the cycles of year, week and day. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { isMissing, type Cells } from "./cells.js";
import { fitted, type Step, type StepKind } from "./step.js";

/** What is taken of a date: the year as a number; the others as sine and cosine of their place in a cycle, so that December is next to January. */
export type DatePart = "year" | "month" | "dayOfYear" | "weekday" | "hour";

/** The options of `dates`. */
export interface DatesOptions {
  /** What is taken of a date, in this order. Default: year, month and weekday. */
  readonly parts?: readonly DatePart[];
}

interface DatesState {
  readonly parts: readonly string[];
  readonly meanYear: number;
}

/** Where a date is in each cycle, 0 … 1. */
const cycles: Readonly<Record<Exclude<DatePart, "year">, (date: Date) => number>> = {
  month: (date) => date.getUTCMonth() / 12,
  dayOfYear: (date) =>
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) /
    86_400_000 /
    366,
  // Monday is 0.
  weekday: (date) => ((date.getUTCDay() + 6) % 7) / 7,
  hour: (date) => (date.getUTCHours() + date.getUTCMinutes() / 60) / 24,
};

const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** @throws ErmineError ERMINE_VALUE for what is no date */
function dateOf(row: number, cell: unknown): Date {
  const match = typeof cell === "string" ? iso.exec(cell.trim()) : null;
  if (match !== null) {
    const [year, month, day, hour = 0, minute = 0, second = 0] = match
      .slice(1, 7)
      .map((text) => (text === undefined ? undefined : Number(text))) as [number, number, number];
    const zone = match[7] === undefined || match[7] === "Z" ? "+0000" : match[7].replace(":", "");
    const offset = Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5)));
    const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
    // Years below 100 are not 19xx; 2000 is a leap year.
    date.setUTCFullYear(year);
    const isThere = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
    if (isThere) return new Date(date.getTime() - offset * 60_000);
  }
  throw new ErmineError(
    "ERMINE_VALUE",
    `dates: row ${row} is ${show(cell)}, and a date of ISO 8601 is needed: 2024-02-29, or 2024-02-29T13:45:00Z.`,
  );
}

export const datesKind: StepKind<DatesState> = {
  kind: "dates",
  fields: { parts: "strings", meanYear: "number" },
  behaviour: ({ parts, meanYear }) => {
    const width = parts.reduce((sum, part) => sum + (part === "year" ? 1 : 2), 0);
    const valuesOf = (date: Date): number[] =>
      parts.flatMap((part) => {
        if (part === "year") return [date.getUTCFullYear() - meanYear];
        const angle = 2 * Math.PI * cycles[part as keyof typeof cycles](date);
        return [Math.sin(angle), Math.cos(angle)];
      });
    return {
      allowsNext: false,
      names: (column) =>
        parts.flatMap((part) => (part === "year" ? [`${column}.year`] : [`${column}.${part}.sin`, `${column}.${part}.cos`])),
      apply: (cells) => {
        const values = new Float64Array(cells.length * width);
        for (let row = 0; row < cells.length; row++)
          if (!isMissing(cells[row])) values.set(valuesOf(dateOf(row, cells[row])), row * width);
        return { values, width, dtype: "float32" };
      },
      invert: (values) => Array.from({ length: values.length / width }, () => null),
    };
  },
};

/**
 * Dates of ISO 8601, in UTC where they state no zone: the year less the training part's mean, and of month, day of the year, weekday and hour the sine and cosine of their place
 * in the cycle. A missing date is 0 in all of them. It cannot be inverted.
 *
 * @example
 * dates({ parts: ["year", "month"] }).fit(["2020-01-01", "2022-04-01"]).apply(["2023-04-15", null]).values; // => [2, 1, 0, 0, 0, 0]
 * @throws ErmineError ERMINE_OPTION for a part that there is not
 */
export function dates(options: DatesOptions = {}): Step {
  if (arguments.length > 1) checkArguments("dates", arguments, 1);
  checkOptions<DatesOptions>("dates", options, { parts: "list" });
  const { parts = ["year", "month", "weekday"] } = options;
  const wrong = parts.find((part) => part !== "year" && !Object.hasOwn(cycles, part));
  if (wrong !== undefined || parts.length === 0)
    throw new ErmineError("ERMINE_OPTION", `dates: parts are of year, ${Object.keys(cycles).join(", ")}, got ${show(parts)}.`);
  return {
    kind: "dates",
    fit(cells: Cells) {
      const years = Array.from(cells).flatMap((cell, row) => (isMissing(cell) ? [] : [dateOf(row, cell).getUTCFullYear()]));
      if (years.length === 0) throw new ErmineError("ERMINE_DATA", "dates: the training part has no date. Leave the column out.");
      return fitted(datesKind, { parts: [...parts], meanYear: years.reduce((a, b) => a + b, 0) / years.length });
    },
  };
}
