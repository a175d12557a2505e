/** Dates as texts: ISO 8601 or a stated format, as minutes since 1970 in a zone of a fixed offset. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** A day of the Gregorian calendar and a minute in it. */
export interface Moment {
  readonly year: number;
  /** 0 … 11. */
  readonly month: number;
  /** 0 … 365, from the first of January. */
  readonly dayOfYear: number;
  /** 0 … 6, from Monday. */
  readonly weekday: number;
  /** 0 … 1439. */
  readonly minute: number;
}

/** Reads a text as minutes since 1970 in UTC; NaN: it is none. `zone` is what a text that states none is in: minutes that its clock is ahead of UTC. */
export type DateReader = (text: string, zone: number) => number;

const minutesOfDay = 1440;

/** Days from 1970-01-01 to the first of March of a year, from which months have lengths that a line gives (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
function daysToMarch(year: number): number {
  const era = Math.floor(year / 400);
  const ofEra = year - 400 * era;
  return 146_097 * era + 365 * ofEra + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) - 719_468;
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** @param month 1 … 12 */
function daysSince1970(year: number, month: number, day: number): number {
  const fromMarch = (month + 9) % 12;
  return daysToMarch(month > 2 ? year : year - 1) + Math.floor((153 * fromMarch + 2) / 5) + day - 1;
}

/** Minutes since 1970; NaN where there is no such day or minute. */
function minutesOf(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const isThere =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= lengths[month - 1]! + (month === 2 && isLeap(year) ? 1 : 0) &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  return isThere ? daysSince1970(year, month, day) * minutesOfDay + hour * 60 + minute : Number.NaN;
}

/** The day and the minute of minutes since 1970. */
export function momentOf(minutes: number): Moment {
  const days = Math.floor(minutes / minutesOfDay);
  const fromMarch = days + 719_468;
  const era = Math.floor(fromMarch / 146_097);
  const ofEra = fromMarch - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const place = Math.floor((5 * ofYear + 2) / 153);
  const month = place < 10 ? place + 2 : place - 10;
  const year = yearOfEra + era * 400 + (month <= 1 ? 1 : 0);
  return {
    year,
    month,
    dayOfYear: days - daysSince1970(year, 1, 1),
    // 1970-01-01 was a Thursday.
    weekday: (((days + 3) % 7) + 7) % 7,
    minute: Math.floor(minutes) - days * minutesOfDay,
  };
}

/** Reads digits of a text one after the other. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** A number of so many digits; NaN where there are others. */
  digits(least: number, most = least): number {
    let [value, count] = [0, 0];
    for (; count < most; count++) {
      const digit = this.#text.charCodeAt(this.#at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      value = 10 * value + digit;
      this.#at++;
    }
    return count >= least ? value : Number.NaN;
  }

  /** Is one of these characters next? It is passed. */
  takes(characters: string): boolean {
    const isNext = !this.isAtEnd && characters.includes(this.#text[this.#at]!);
    if (isNext) this.#at++;
    return isNext;
  }

  /** Which of these words is next, whatever its letters' case? It is passed; −1: none is. */
  word(words: readonly string[]): number {
    const position = words.findIndex((word) => this.#text.slice(this.#at, this.#at + word.length).toLowerCase() === word);
    if (position >= 0) this.#at += words[position]!.length;
    return position;
  }
}

/** Minutes ahead of UTC: "Z", "+01:00", "-0530"; NaN: it is none. */
function zoneAt(cursor: Cursor): number {
  if (cursor.takes("Z")) return 0;
  const isBehind = cursor.takes("-");
  if (!isBehind && !cursor.takes("+")) return Number.NaN;
  const hours = cursor.digits(2);
  cursor.takes(":");
  const minutes = cursor.digits(2);
  return (isBehind ? -1 : 1) * (hours < 24 && minutes < 60 ? 60 * hours + minutes : Number.NaN);
}

/** "2024-02-29", "2024-02-29T13:45", "2024-02-29 13:45:10.5+01:00". */
export const readIso: DateReader = (text, zone) => {
  const cursor = new Cursor(text.trim());
  const year = cursor.digits(4);
  if (!cursor.takes("-")) return Number.NaN;
  const month = cursor.digits(2);
  if (!cursor.takes("-")) return Number.NaN;
  const day = cursor.digits(2);
  if (cursor.isAtEnd) return minutesOf(year, month, day, 0, 0, 0) - zone;
  if (!cursor.takes("T ")) return Number.NaN;
  const hour = cursor.digits(2);
  if (!cursor.takes(":")) return Number.NaN;
  const minute = cursor.digits(2);
  let second = 0;
  if (cursor.takes(":")) {
    second = cursor.digits(2);
    if (cursor.takes(".,") && Number.isNaN(cursor.digits(1, 20))) return Number.NaN;
  }
  const stated = cursor.isAtEnd ? zone : zoneAt(cursor);
  return cursor.isAtEnd ? minutesOf(year, month, day, hour, minute, second) - stated : Number.NaN;
};

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

type Field = "year" | "month" | "day" | "hour" | "minute" | "second";

/** What letters of a format stand for: a number of so many digits. */
const tokens: Readonly<Record<string, readonly [field: Field, least: number, most: number]>> = {
  yyyy: ["year", 4, 4],
  MM: ["month", 2, 2],
  M: ["month", 1, 2],
  dd: ["day", 2, 2],
  d: ["day", 1, 2],
  HH: ["hour", 2, 2],
  H: ["hour", 1, 2],
  mm: ["minute", 2, 2],
  ss: ["second", 2, 2],
};

/**
 * A reader of the format: yyyy, MM or M or MMM (Jan), dd or d, HH or H, mm, ss, and what stands between them.
 *
 * @throws ErmineError ERMINE_OPTION for letters that stand for nothing, or without year, month and day
 */
export function readerOf(format: string): DateReader {
  const parts: ((cursor: Cursor, fields: Record<Field, number>) => boolean)[] = [];
  const named = new Set<Field>();
  const refuse = (problem: string): never => {
    throw new ErmineError(
      "ERMINE_OPTION",
      `dates: format is ${show(format)}: ${problem}. It is made of yyyy, MM, M, MMM, dd, d, HH, H, mm, ss and what stands between them: "dd.MM.yyyy HH:mm".`,
    );
  };
  const isLetter = (character: string): boolean => character.toLowerCase() !== character.toUpperCase();
  const name = (field: Field): void => {
    if (named.has(field)) refuse(`the ${field} is there twice`);
    named.add(field);
  };
  for (let at = 0; at < format.length;) {
    const letter = format[at]!;
    let end = at + 1;
    while (isLetter(letter) && format[end] === letter) end++;
    const token = format.slice(at, end);
    at = end;
    // What is between a date and a time.
    if (!isLetter(letter) || token === "T") {
      parts.push((cursor) => cursor.takes(token));
    } else if (token === "MMM") {
      name("month");
      parts.push((cursor, fields) => (fields.month = cursor.word(months) + 1) > 0);
    } else {
      const [field, least, most] =
        (Object.hasOwn(tokens, token) ? tokens[token] : undefined) ?? refuse(`${token} stands for nothing`);
      name(field);
      parts.push((cursor, fields) => !Number.isNaN((fields[field] = cursor.digits(least, most))));
    }
  }
  for (const field of ["year", "month", "day"] as const) if (!named.has(field)) refuse(`it has no ${field}`);
  return (text, zone) => {
    const cursor = new Cursor(text.trim());
    const fields: Record<Field, number> = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    if (!parts.every((part) => part(cursor, fields)) || !cursor.isAtEnd) return Number.NaN;
    return minutesOf(fields.year, fields.month, fields.day, fields.hour, fields.minute, fields.second) - zone;
  };
}

/** Minutes that "UTC" or "+05:30" is ahead of UTC; NaN: it is neither. */
export function offsetOf(zone: string): number {
  if (zone === "UTC") return 0;
  const cursor = new Cursor(zone);
  const offset = zoneAt(cursor);
  return cursor.isAtEnd ? offset : Number.NaN;
}
