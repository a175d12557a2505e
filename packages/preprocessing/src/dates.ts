/** Dates as numbers: years, and places in the cycles of year, week and day. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, portableMath, show } from "@ermine/core/define";
import { momentOf, offsetOf, readerOf, readIso, type DateReader, type Moment } from "./calendar.js";
import { isMissing, type Cells } from "./cells.js";
import { fitted, type Step, type StepKind } from "./step.js";

/** What is taken of a date: the year as a number; the others as sine and cosine of their place in a cycle, so that December is next to January. */
export type DatePart = "year" | "month" | "dayOfYear" | "weekday" | "hour";

/** The options of `dates`. */
export interface DatesOptions {
  /** What is taken of a date, in this order. Default: year, month and weekday. */
  readonly parts?: readonly DatePart[];
  /**
   * How dates are stated: yyyy, MM or M or MMM (Jan), dd or d, HH or H, mm, ss, and what stands between them; or "seconds" or "milliseconds", numbers since 1970. Default:
   * ISO 8601.
   */
  readonly format?: string;
  /** The zone in which parts are taken, and which texts mean that state none: "UTC", or a fixed offset, "+05:30". Default "UTC". */
  readonly zone?: string;
}

interface DatesState {
  readonly parts: readonly string[];
  readonly meanYear: number;
  /** "": ISO 8601. */
  readonly format: string;
  /** Minutes ahead of UTC. */
  readonly offset: number;
}

/** So many places in a cycle, and where a date is among them. */
interface Cycle {
  readonly places: number;
  readonly placeOf: (moment: Moment) => number;
}

const cycles: Readonly<Record<Exclude<DatePart, "year">, Cycle>> = {
  month: { places: 12, placeOf: ({ month }) => month },
  dayOfYear: { places: 366, placeOf: ({ dayOfYear }) => dayOfYear },
  // Monday is 0.
  weekday: { places: 7, placeOf: ({ weekday }) => weekday },
  hour: { places: 1440, placeOf: ({ minute }) => minute },
};

/** Sine and cosine of each place of a cycle, in turn. */
function circleOf(places: number): Float64Array {
  const values = new Float64Array(2 * places);
  for (let place = 0; place < places; place++) {
    const angle = (2 * Math.PI * place) / places;
    values[2 * place] = portableMath.sin(angle);
    values[2 * place + 1] = portableMath.cos(angle);
  }
  return values;
}

/** Of formats that are numbers since 1970: how many make a minute. */
const perMinute: Readonly<Record<string, number>> = { seconds: 60, milliseconds: 60_000 };

/** Reads the cells of a column. */
class DateCells {
  readonly #read: DateReader | undefined;
  readonly #perMinute: number;
  readonly #format: string;
  readonly #offset: number;

  constructor(format: string, offset: number) {
    const isCount = Object.hasOwn(perMinute, format);
    this.#perMinute = isCount ? perMinute[format]! : Number.NaN;
    this.#read = isCount ? undefined : format === "" ? readIso : readerOf(format);
    this.#format = format;
    this.#offset = offset;
  }

  /** @throws ErmineError ERMINE_VALUE for what is no date */
  moment(row: number, cell: unknown): Moment {
    const minutes =
      this.#read === undefined
        ? Math.floor(Number(typeof cell === "number" ? cell : Number.NaN) / this.#perMinute)
        : typeof cell === "string"
          ? this.#read(cell, this.#offset)
          : Number.NaN;
    if (Math.abs(minutes) <= mostMinutes) return momentOf(minutes + this.#offset);
    const wanted =
      this.#format === ""
        ? "a date of ISO 8601 is needed: 2024-02-29, or 2024-02-29T13:45:00Z. State another format: dates({ format })"
        : this.#read === undefined
          ? `a number of ${this.#format} since 1970 is needed`
          : `a date of the format ${this.#format} is needed`;
    throw new ErmineError("ERMINE_VALUE", `dates: row ${row} is ${show(cell)}, and ${wanted}.`);
  }
}

/** As far as a `Date` goes: 100 million days on either side of 1970. */
const mostMinutes = 1.44e11;

export const datesKind: StepKind<DatesState> = {
  kind: "dates",
  fields: { parts: "strings", meanYear: "number", format: "text", offset: "number" },
  behaviour: ({ parts, meanYear, format, offset }) => {
    const width = parts.reduce((sum, part) => sum + (part === "year" ? 1 : 2), 0);
    const cells = new DateCells(format, offset);
    const taken = parts.map((part) => {
      const cycle = part === "year" ? undefined : cycles[part as keyof typeof cycles];
      return cycle === undefined ? undefined : { placeOf: cycle.placeOf, circle: circleOf(cycle.places) };
    });
    return {
      allowsNext: false,
      names: (column) =>
        parts.flatMap((part) => (part === "year" ? [`${column}.year`] : [`${column}.${part}.sin`, `${column}.${part}.cos`])),
      apply: (column) => {
        const values = new Float64Array(column.length * width);
        for (let row = 0; row < column.length; row++) {
          const cell = column[row];
          if (isMissing(cell)) continue;
          const moment = cells.moment(row, cell);
          let at = row * width;
          for (const part of taken) {
            if (part === undefined) {
              values[at++] = moment.year - meanYear;
              continue;
            }
            const place = 2 * part.placeOf(moment);
            values[at++] = part.circle[place]!;
            values[at++] = part.circle[place + 1]!;
          }
        }
        return { values, width, dtype: "float32" };
      },
      invert: (values) => Array.from({ length: values.length / width }, () => null),
    };
  },
};

/**
 * Dates, of ISO 8601 or a stated format: the year less the training part's mean, and of month, day of the year, weekday and hour the sine and cosine of their place
 * in the cycle. They are taken in UTC unless a zone is stated. A missing date is 0 in all parts. It cannot be inverted.
 *
 * @example
 * dates({ parts: ["year", "month"] }).fit(["2020-01-01", "2022-04-01"]).apply(["2023-04-15", null]).values; // => [2, 1, 0, 0, 0, 0]
 * dates({ parts: ["year"], format: "d.M.yyyy" }).fit(["3.12.2020"]).apply(["24.12.2021"]).values; // => [1]
 * @throws ErmineError ERMINE_OPTION for a part that there is not, a format that says no date, or a zone that is none
 */
export function dates(options: DatesOptions = {}): Step {
  if (arguments.length > 1) checkArguments("dates", arguments, 1);
  checkOptions<DatesOptions>("dates", options, { parts: "list", format: "string", zone: "string" });
  const { parts = ["year", "month", "weekday"], format = "", zone = "UTC" } = options;
  const wrong = parts.find((part) => part !== "year" && !Object.hasOwn(cycles, part));
  if (wrong !== undefined || parts.length === 0)
    throw new ErmineError("ERMINE_OPTION", `dates: parts are of year, ${Object.keys(cycles).join(", ")}, got ${show(parts)}.`);
  if (options.format !== undefined && !Object.hasOwn(perMinute, format)) readerOf(format);
  const offset = offsetOf(zone);
  if (Number.isNaN(offset))
    throw new ErmineError(
      "ERMINE_OPTION",
      `dates: zone is "UTC" or a fixed offset, "+05:30", got ${show(zone)}. Names of places have rules that change from engine to engine.`,
    );
  return {
    kind: "dates",
    fit(column: Cells) {
      const cells = new DateCells(format, offset);
      let [sum, count] = [0, 0];
      for (let row = 0; row < column.length; row++) {
        const cell = column[row];
        if (isMissing(cell)) continue;
        sum += cells.moment(row, cell).year;
        count++;
      }
      if (count === 0) throw new ErmineError("ERMINE_DATA", "dates: the training part has no date. Leave the column out.");
      return fitted(datesKind, { parts: [...parts], meanYear: sum / count, format, offset });
    },
  };
}
