/** From text to records: papaparse finds the fields, a part of the file at a time. */
import { ErmineError } from "@ermine/core";
import Papa from "papaparse";

/** The fields of one record. */
export interface CsvRecord {
  readonly fields: readonly string[];
  /** Its quotes are wrong. */
  readonly isDamaged: boolean;
}

interface Parsed {
  readonly data: readonly string[][];
  readonly errors: readonly { readonly row?: number }[];
  readonly meta: { readonly cursor: number };
}

const delimiters = [",", "\t", ";", "|"];

const parse = (text: string, delimiter: string, isLast: boolean): Parsed =>
  (
    new Papa.Parser({ delimiter, newline: "\n", quoteChar: '"' }) as {
      parse(text: string, base: number, ignoreLastRow: boolean): Parsed;
    }
  ).parse(text, 0, !isLast);

export class RecordParser {
  readonly #name: string;
  readonly #limit: number;
  #delimiter: string | undefined;
  /** What may be a part of a record. */
  #rest = "";

  /** @param delimiter undefined: the one that makes the most fields of the first record */
  constructor(name: string, delimiter: string | undefined, limit: number) {
    this.#name = name;
    this.#delimiter = delimiter;
    this.#limit = limit;
  }

  /** Characters that are held between two parts. */
  get held(): number {
    return this.#rest.length;
  }

  /** The records that end in this part; empty lines are none. @throws ErmineError ERMINE_DATA where one is longer than the limit */
  push(text: string, isLast: boolean): CsvRecord[] {
    this.#rest += text;
    if (this.#delimiter === undefined) {
      // The first record must be whole to be told apart; how long that takes is limited below.
      const [best] = delimiters
        .map((delimiter) => ({ delimiter, fields: parse(this.#rest, delimiter, isLast).data[0]?.length ?? 0 }))
        .sort((a, b) => b.fields - a.fields);
      if (best!.fields > 0) this.#delimiter = best!.delimiter;
    }
    const { data, errors, meta } = parse(this.#rest, this.#delimiter ?? ",", isLast);
    this.#rest = isLast ? "" : this.#rest.slice(meta.cursor);
    if (this.#rest.length > this.#limit)
      throw new ErmineError(
        "ERMINE_DATA",
        `${this.#name} has a record of more than ${this.#limit} characters: is a quote not closed? It begins ${JSON.stringify(this.#rest.slice(0, 60))}. ` +
          "If records are so long, set maxRecordLength.",
      );
    const damaged = new Set(errors.map(({ row }) => row));
    return data.flatMap((fields, i) => (fields.length === 1 && fields[0] === "" ? [] : [{ fields, isDamaged: damaged.has(i) }]));
  }
}
