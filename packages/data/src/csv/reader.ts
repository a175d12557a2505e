/** A CSV file, read once: rows of fields, without those that are left out. */
import { ErmineError } from "@ermine/core";
import { BadRowsPolicy } from "../badRows.js";
import { byteSource, type ByteSource, type FileSource } from "../bytes.js";
import { TextDecoding } from "../text.js";
import { article, cellFrom, missingByDefault } from "./cells.js";
import { headerOf, type Header } from "./header.js";
import type { CsvOptions } from "./options.js";
import { RecordParser, type CsvRecord } from "./records.js";

/** The kept fields of a row, and its number. */
export interface FieldRow {
  readonly fields: readonly string[];
  readonly row: number;
}

export class CsvReader {
  readonly file: string;
  readonly missing: ReadonlySet<string>;
  readonly badRows: BadRowsPolicy;
  readonly #source: ByteSource;
  readonly #options: CsvOptions;
  readonly #decoding: TextDecoding;
  readonly #parser: RecordParser;
  #header: Header | undefined;
  #row = 0;
  #mostHeld = 0;

  constructor(where: string, source: FileSource, options: CsvOptions) {
    const { missing = missingByDefault, encoding = "utf-8", maxRecordLength = 2 ** 22 } = options;
    this.#source = byteSource(where, source);
    this.file = this.#source.name;
    this.missing = new Set(missing);
    this.badRows = new BadRowsPolicy(where, options.badRows);
    this.#options = options;
    this.#decoding = new TextDecoding(where, this.file, encoding);
    this.#parser = new RecordParser(this.file, options.delimiter, maxRecordLength);
  }

  /** Set when the first rows come. @throws ErmineError ERMINE_DATA where the file is empty */
  get header(): Header {
    if (this.#header !== undefined) return this.#header;
    throw new ErmineError("ERMINE_DATA", `${this.file} is empty: there is no record in it.`);
  }

  /** Most characters that were held at a time: a part of the file, and what may be a part of a record. */
  get mostHeld(): number {
    return this.#mostHeld;
  }

  /** The rows, as many at a time as end in a part of the file. */
  async *rows(): AsyncGenerator<FieldRow[]> {
    for await (const bytes of this.#source.open()) {
      const rows = this.#read(bytes);
      if (rows.length > 0) yield rows;
    }
    const rows = this.#read(undefined);
    if (rows.length > 0) yield rows;
  }

  #read(bytes: Uint8Array | undefined): FieldRow[] {
    const text = this.#decoding.decode(bytes);
    this.#mostHeld = Math.max(this.#mostHeld, this.#parser.held + text.length);
    const rows: FieldRow[] = [];
    for (const record of this.#parser.push(text, bytes === undefined)) {
      const fields = this.#kept(record);
      if (fields !== undefined) rows.push({ fields, row: this.#row });
    }
    return rows;
  }

  /** undefined: it is the header, or left out. */
  #kept({ fields, isDamaged }: CsvRecord): readonly string[] | undefined {
    if (this.#header === undefined) {
      this.#header = headerOf(this.file, fields, this.#options);
      if (this.#options.header !== false) return undefined;
    }
    this.#row++;
    const { fields: expected, places } = this.#header;
    if (isDamaged) return this.refuse(this.#row, undefined, "a quote within a quoted field is not doubled.");
    if (fields.length !== expected)
      return this.refuse(this.#row, undefined, `it has ${fields.length} fields, and the header ${expected}.`);
    const kept = places.map((place) => fields[place]!);
    return this.#fits(kept) ? kept : undefined;
  }

  /** Do the values have the kinds that were stated? */
  #fits(fields: readonly string[]): boolean {
    const { kinds, names } = this.#header!;
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i];
      if (kind === undefined || kind === "string" || cellFrom(fields[i]!, kind, this.missing) !== undefined) continue;
      this.refuse(this.#row, names[i], `${JSON.stringify(fields[i])} is no ${article[kind]}, as its type was stated.`);
      return false;
    }
    return true;
  }

  /** Leaves a row out. @throws ErmineError ERMINE_DATA where that is an error */
  refuse(row: number, column: string | undefined, problem: string): undefined {
    this.badRows.refuse({ file: this.file, row, column, problem });
  }
}
