/** The columns of a file by their names. */
import { ErmineError } from "@ermine/core";
import { noColumn } from "../refusals.js";
import type { ColumnKind } from "../table/column.js";
import type { CsvOptions } from "./options.js";

/** The columns that are kept, and where each is in a record. */
export interface Header {
  /** Fields of a whole record. */
  readonly fields: number;
  readonly names: readonly string[];
  readonly places: readonly number[];
  /** What was stated; undefined: to be inferred. */
  readonly kinds: readonly (ColumnKind | undefined)[];
}

/**
 * @param first the first record
 * @throws ErmineError ERMINE_DATA for names that are there twice, or that options name and the file does not have
 */
export function headerOf(
  file: string,
  first: readonly string[],
  { header = true, names: given, columns, types = {} }: CsvOptions,
): Header {
  if (given !== undefined && given.length !== first.length)
    throw new ErmineError("ERMINE_DATA", `${file} has ${first.length} columns, and ${given.length} names were given.`);
  const all = given ?? first.map((name, i) => (header && name.trim() !== "" ? name.trim() : `column ${i + 1}`));
  const places = new Map<string, number>();
  all.forEach((name, i) => {
    const earlier = places.get(name);
    if (earlier !== undefined)
      throw new ErmineError(
        "ERMINE_DATA",
        `${file} has the column ${JSON.stringify(name)} twice, at places ${earlier + 1} and ${i + 1}. Give names of your own: { names: […] }.`,
      );
    places.set(name, i);
  });
  for (const name of [...(columns ?? []), ...Object.keys(types)]) if (!places.has(name)) throw noColumn(file, name, all);
  const kept = columns ?? all;
  return {
    fields: first.length,
    names: kept,
    places: kept.map((name) => places.get(name)!),
    kinds: kept.map((name) => (Object.hasOwn(types, name) ? types[name] : undefined)),
  };
}
