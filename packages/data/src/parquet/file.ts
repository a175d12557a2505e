/** A Parquet file that was opened: what is in it, and its rows as tables and streams. */
import { ErmineError, hashKey, shuffledIndices } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import { BadRowsPolicy } from "../badRows.js";
import type { Pass } from "../pass.js";
import { plainPass } from "../pass.js";
import type { RandomAccessSource } from "../randomAccess.js";
import { noColumn } from "../refusals.js";
import { Stream } from "../stream.js";
import { joinedColumns } from "../table/column.js";
import { Table, type TableRow } from "../table/table.js";
import { canBecome } from "./cells.js";
import type { Footer } from "./footer.js";
import type { ParquetLibrary } from "./library.js";
import { checkParquetOptions, type ParquetOptions, type ParquetTablesOptions } from "./options.js";
import { rowGroupTable, type ChosenColumn } from "./rowGroup.js";
import type { ParquetColumn } from "./schema.js";

/** What is read, with all names and numbers held against the file. */
interface Selection {
  readonly where: string;
  readonly columns: readonly ChosenColumn[];
  readonly groups: readonly number[];
  readonly badRows: ParquetOptions["badRows"];
}

/**
 * A Parquet file that was opened: `openParquet` makes it. Each reading opens the file anew, and holds one row group in memory: its values, and the bytes of one column.
 */
export class ParquetFile {
  /** What messages call it. */
  readonly name: string;
  /** Rows in it. */
  readonly length: number;
  /** Rows of each row group. */
  readonly rowGroups: readonly number[];
  /** Its columns, in order. */
  readonly columns: readonly ParquetColumn[];
  readonly #source: RandomAccessSource;
  readonly #library: ParquetLibrary;
  readonly #footer: Footer;
  readonly #size: number;

  /** @internal */
  constructor(source: RandomAccessSource, library: ParquetLibrary, footer: Footer, size: number) {
    this.name = source.name;
    this.length = footer.rows;
    this.rowGroups = footer.rowGroups.map(({ rows }) => rows);
    this.columns = footer.columns.map(({ column }) => column);
    this.#source = source;
    this.#library = library;
    this.#footer = footer;
    this.#size = size;
  }

  /**
   * All rows that are chosen, as a table.
   *
   * @example
   * const flights = await openParquet(flightsFile); // file("flights.parquet")
   * (await flights.table({ columns: ["origin"], rowGroups: [1] })).values("origin"); // => ["BOS", null]
   * @throws ErmineError (the promise rejects) ERMINE_OPTION; ERMINE_DATA where a column is not there or holds no cells, the file is damaged or has changed, or has a bad row
   */
  async table(options: ParquetOptions = {}): Promise<Table> {
    if (arguments.length > 1) checkArguments("table", arguments, 1);
    checkParquetOptions("table", options, false);
    const selection = this.#selection("table", options);
    const badRows = new BadRowsPolicy("table", options.badRows);
    const parts: Table[] = [];
    for await (const part of this.#groups(selection, plainPass, 0, badRows)) parts.push(part);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length === 0)
      throw new ErmineError("ERMINE_DATA", `${this.name} has ${this.columns.length} columns and no row that can be read.`);
    return new Table(
      new Map(selection.columns.map(({ name }) => [name, joinedColumns(parts.map((part) => part.column(name)))])),
      length,
      badRows.count,
    );
  }

  /**
   * The rows that are chosen, so many at a time, as tables: for trainings that take what a table's columns become by `dataset`. A pass with a seed (`fit` gives one unless
   * `shuffle: false`) takes the row groups, and the rows within each, in random order. Training that is taken up again starts in the row group where it was.
   *
   * @example
   * const flights = await openParquet(flightsFile); // file("flights.parquet")
   * const features = columns({ distance: standardize() }).fit(await flights.table({ rowGroups: [0] }));
   * const target = columns({ delay: [impute(), standardize()] }).fit(await flights.table({ rowGroups: [0] }));
   * const parts = flights.tables({ columns: ["distance", "delay"] });
   * const source = parts.map((part) => dataset({ inputs: features.apply(part), targets: target.apply(part) })).source({ length: flights.length });
   * const trainer = new Trainer({ model: new Linear(1, 1), loss: huber, optimizer: sgd({ learningRate: 0.01 }), backend: await cpu() });
   * (await trainer.fit(source, { epochs: 1, batchSize: 2 })).steps.length; // => 3
   * @throws ErmineError ERMINE_OPTION, ERMINE_DATA where a column is not there or holds no cells; when it is read, as `table`
   */
  tables(options: ParquetTablesOptions = {}): Stream<Table> {
    if (arguments.length > 1) checkArguments("tables", arguments, 1);
    checkParquetOptions("tables", options, true);
    const { rows = 65_536 } = options;
    const selection = this.#selection("tables", options);
    const cutInTables = async function* (parts: AsyncIterable<Table>): AsyncGenerator<Table> {
      for await (const part of parts)
        for (let start = 0; start < part.length; start += rows)
          yield part.length <= rows ? part : part.slice(start, start + rows);
    };
    return new Stream({
      // Batches ask a source for its samples, and these are tables.
      length: undefined,
      resume: seeks(options) ? "seek" : "replay",
      iterate: (pass, skip) => cutInTables(this.#groups(selection, pass, this.#rowsBefore(selection, pass, rows, skip))),
    });
  }

  /**
   * The rows that are chosen, one after the other. A pass with a seed takes the row groups, and the rows within each, in random order. Training that is taken up again starts in
   * the row group where it was.
   *
   * @example
   * const flights = await openParquet(flightsFile); // file("flights.parquet")
   * await flights.rows({ columns: ["delay"] }).filter(({ delay }) => Number(delay) > 0).toArray(); // => [{ delay: 12 }, { delay: 45 }]
   * @throws ErmineError ERMINE_OPTION, ERMINE_DATA where a column is not there or holds no cells; when it is read, as `table`
   */
  rows(options: ParquetOptions = {}): Stream<TableRow> {
    if (arguments.length > 1) checkArguments("rows", arguments, 1);
    checkParquetOptions("rows", options, false);
    const selection = this.#selection("rows", options);
    const oneByOne = async function* (parts: AsyncIterable<Table>): AsyncGenerator<TableRow> {
      for await (const part of parts) for (let row = 0; row < part.length; row++) yield part.row(row);
    };
    return new Stream({
      length: seeks(options) ? selection.groups.reduce((sum, group) => sum + this.rowGroups[group]!, 0) : undefined,
      resume: seeks(options) ? "seek" : "replay",
      iterate: (pass, skip) => oneByOne(this.#groups(selection, pass, skip)),
    });
  }

  /** Rows that so many tables have at the beginning of a pass. */
  #rowsBefore(selection: Selection, pass: Pass, rows: number, tables: number): number {
    let [before, left] = [0, tables];
    for (const group of orderOf(selection, pass)) {
      const there = this.rowGroups[group]!;
      const count = Math.ceil(there / rows);
      if (left < count) return before + left * rows;
      before += there;
      left -= count;
    }
    return before;
  }

  /** Group after group, in the order of the pass, without the first `skip` rows. */
  async *#groups(
    selection: Selection,
    pass: Pass,
    skip: number,
    badRows = new BadRowsPolicy(selection.where, selection.badRows),
  ): AsyncGenerator<Table> {
    const access = await this.#source.access();
    try {
      if (access.size !== this.#size)
        throw new ErmineError(
          "ERMINE_DATA",
          `${this.name} had ${this.#size} bytes when it was opened, and has ${access.size}. Open it again.`,
        );
      const file = { name: this.name, library: this.#library, footer: this.#footer, access };
      let left = skip;
      for (const group of orderOf(selection, pass)) {
        const rows = this.rowGroups[group]!;
        if (rows <= left) {
          left -= rows;
          continue;
        }
        const table = await rowGroupTable(file, group, selection.columns, badRows);
        const ordered = pass.seed === undefined ? table : table.select(shuffledIndices(table.length, rowsKey(pass, group)));
        if (ordered.length > 0) yield left === 0 ? ordered : ordered.slice(left);
        left = 0;
      }
    } finally {
      await access.close();
    }
  }

  #selection(where: string, { columns, types = {}, rowGroups, badRows }: ParquetOptions): Selection {
    // Refuses a policy that is none.
    new BadRowsPolicy(where, badRows);
    const schemas = this.#footer.columns;
    const names = schemas.map(({ column }) => column.name);
    const chosen = columns ?? names;
    for (const name of [...chosen, ...Object.keys(types)]) if (!names.includes(name)) throw noColumn(this.name, name, names);
    if (chosen.length === 0) throw new ErmineError("ERMINE_OPTION", `${where}: columns is empty. Leave it out to read all.`);
    const twice = chosen.find((name, i) => chosen.indexOf(name) !== i);
    if (twice !== undefined) throw new ErmineError("ERMINE_OPTION", `${where}: columns has ${JSON.stringify(twice)} twice.`);
    const groups = rowGroups ?? [...this.rowGroups.keys()];
    return {
      where,
      badRows,
      columns: chosen.map((name) => this.#chosen(where, name, types)),
      groups: groups.map((group) => {
        if (Number.isInteger(group) && group >= 0 && group < this.rowGroups.length) return group;
        throw new ErmineError(
          "ERMINE_OPTION",
          `${where}: ${this.name} has ${this.rowGroups.length} row groups, 0 … ${this.rowGroups.length - 1}; rowGroups has ${show(group)}.`,
        );
      }),
    };
  }

  #chosen(where: string, name: string, types: NonNullable<ParquetOptions["types"]>): ChosenColumn {
    const { column, conversion, isOptional } = this.#footer.columns.find((one) => one.column.name === name)!;
    if (conversion === undefined) {
      const others = this.columns.flatMap((one) => (one.kind === undefined ? [] : [JSON.stringify(one.name)]));
      throw new ErmineError(
        "ERMINE_DATA",
        `${this.name}: the column ${JSON.stringify(name)} is of the type ${column.type}, whose values are no cells. Choose of the others: { columns: [${others.slice(0, 20).join(", ")}${others.length > 20 ? ", …" : ""}] }.`,
      );
    }
    const kind = Object.hasOwn(types, name) ? types[name]! : column.kind!;
    if (kind !== column.kind && !canBecome(conversion, kind))
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: the column ${JSON.stringify(name)} of ${this.name} is of the type ${column.type}, of which no ${kind} is made.`,
      );
    return { name, kind, conversion, isOptional };
  }
}

/** Is it known which rows come at a place? Not where some of them are left out. */
const seeks = ({ badRows = "error" }: ParquetOptions): boolean => badRows === "error";

/** The row groups in the order of a pass. */
const orderOf = ({ groups }: Selection, { epoch, seed }: Pass): readonly number[] =>
  seed === undefined
    ? groups
    : Array.from(shuffledIndices(groups.length, hashKey(seed, "row groups", epoch)), (place) => groups[place]!);

const rowsKey = ({ epoch, seed = 0 }: Pass, group: number): ReturnType<typeof hashKey> =>
  hashKey(seed, "rows of a row group", epoch, group);
