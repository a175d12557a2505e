/** What a field of a file means. */
import type { Cell, ColumnKind } from "../table/column.js";

export const missingByDefault: readonly string[] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"];

/** A decimal number. What begins with a 0 that counts nothing ("007") is an identifier, and stays a text. */
const decimal = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** undefined: it is none. */
function numberOf(field: string): number | undefined {
  const text = field.trim();
  if (!decimal.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function booleanOf(field: string): boolean | undefined {
  const text = field.trim().toLowerCase();
  return text === "true" ? true : text === "false" ? false : undefined;
}

/** undefined: the field is none of that kind. */
export function cellFrom(field: string, kind: ColumnKind, missing: ReadonlySet<string>): Cell | undefined {
  if (missing.has(field) || (kind !== "string" && missing.has(field.trim()))) return null;
  return kind === "number" ? numberOf(field) : kind === "boolean" ? booleanOf(field) : field;
}

/** The narrowest kind that all fields have; of none that is there: "string". */
export function kindOf(fields: Iterable<string>, missing: ReadonlySet<string>): ColumnKind {
  let [numbers, booleans, present] = [true, true, false];
  for (const field of fields) {
    if (missing.has(field) || missing.has(field.trim())) continue;
    present = true;
    numbers &&= numberOf(field) !== undefined;
    booleans &&= booleanOf(field) !== undefined;
    if (!numbers && !booleans) return "string";
  }
  return !present ? "string" : numbers ? "number" : "boolean";
}

export const article: Readonly<Record<ColumnKind, string>> = { number: "number", boolean: "true or false", string: "text" };
