/** From samples, one after the other, to batches: rows are copied into arrays that are used again. */
import { ErmineError, type DType, type NumberArray, type TypedArray } from "@ermine/core";
import { allocate } from "@ermine/core/backend";
import type { Column } from "./column.js";
import { columnsOf, mapColumns, namedColumns } from "./columns.js";
import type { Dataset } from "./dataset.js";
import { ArrayColumn } from "./prefetch.js";
import type { Batch, ColumnTree, ColumnType, ColumnTypes, Cursor } from "./source.js";

interface RowType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** One row of a column: its elements in order. */
export interface Row extends RowType {
  readonly data: NumberArray;
}

const multiplier = 16777619;
const start = 0x811c9dc5;

/** A running hash (FNV-1a over words) of what was emitted: whether a stream that is read again is the same. */
class StreamHash {
  #state: number;
  readonly #float = new Float32Array(1);
  readonly #bits = new Int32Array(this.#float.buffer);

  constructor(state: number) {
    this.#state = state;
  }

  add(data: NumberArray, from: number, to: number, dtype: DType): void {
    let state = this.#state;
    for (let i = from; i < to; i++) {
      let elementBits = data[i]!;
      if (dtype === "float32") {
        this.#float[0] = elementBits;
        elementBits = this.#bits[0]!;
      }
      state = Math.imul(state ^ elementBits, multiplier);
    }
    this.#state = Math.imul(state ^ (to - from), multiplier);
  }

  get value(): number {
    return this.#state >>> 0;
  }
}

/** Position of a stream: samples taken, and the hash of all of them. */
export interface StreamCursor {
  readonly [key: string]: Cursor;
  readonly samples: number;
  readonly hash: number;
  /** Items of which all samples are taken: the samples themselves, or data sets. */
  readonly items: number;
  /** Samples taken of the item after them. */
  readonly rows: number;
}

/** Position after a sample within the items of a stream. */
export interface ItemPosition {
  readonly items: number;
  readonly rows: number;
}

class StreamBatch implements Batch {
  readonly size: number;
  readonly columns: ColumnTree<ArrayColumn>;
  readonly all: readonly ArrayColumn[];
  index = 0;
  cursor: StreamCursor = { samples: 0, hash: start, items: 0, rows: 0 };

  constructor(size: number, columns: ColumnTree<ArrayColumn>) {
    this.size = size;
    this.columns = columns;
    this.all = namedColumns(columns).map(([, column]) => column);
  }
}

/** Puts rows into batches. */
export class Collator {
  readonly #types: ColumnTypes;
  readonly #batchSize: number;
  readonly #retained: number;
  readonly #ring: StreamBatch[] = [];
  readonly #named: ReturnType<typeof namedColumns<ColumnType>>;
  readonly #hash: StreamHash;
  #filled = 0;
  #index: number;
  #samples: number;
  /** Position after the last row. */
  #position: ItemPosition = { items: 0, rows: 0 };

  /** @param after where the first row's predecessors end: rows before it are neither skipped nor hashed again */
  constructor(
    types: ColumnTypes,
    batchSize: number,
    retained: number,
    after?: { readonly samples: number; readonly hash: number },
  ) {
    this.#hash = new StreamHash(after?.hash ?? start);
    this.#samples = after?.samples ?? 0;
    this.#index = Math.floor(this.#samples / batchSize);
    this.#types = types;
    this.#named = namedColumns(types);
    this.#batchSize = batchSize;
    this.#retained = retained;
  }

  /** Samples so far. */
  get samples(): number {
    return this.#samples;
  }

  get hash(): number {
    return this.#hash.value;
  }

  /** Leaves out samples that were trained on already; they count and are hashed. */
  skip(rows: readonly Row[]): void {
    this.#check(rows);
    rows.forEach(({ data, dtype }) => this.#hash.add(data, 0, data.length, dtype));
    this.#samples++;
    if (this.#samples % this.#batchSize === 0) this.#index++;
  }

  /** @returns a batch where the sample fills it */
  add(rows: readonly Row[], position: ItemPosition): Batch | undefined {
    this.#check(rows);
    this.#position = position;
    const batch = this.#current();
    rows.forEach(({ data, dtype }, i) => {
      batch.all[i]!.data.set(data as TypedArray, this.#filled * data.length);
      this.#hash.add(data, 0, data.length, dtype);
    });
    this.#samples++;
    return ++this.#filled === this.#batchSize ? this.#emit(batch) : undefined;
  }

  /**
   * Rows of a data set that follow one another, as many as the batch has room for.
   *
   * @param positionOf where the item stands when the data set's rows up to that one are taken
   * @returns how many were taken, and the batch where they fill it
   */
  addRows(
    data: Dataset,
    from: number,
    positionOf: (end: number) => ItemPosition,
  ): { readonly takenRows: number; readonly batch: Batch | undefined } {
    const columns = columnsOfRows(data);
    this.#check(columns.map(rowType));
    const batch = this.#current();
    const takenRows = Math.min(this.#batchSize - this.#filled, data.length - from);
    columns.forEach(({ data: elements, rowLength }, i) => {
      const target = batch.all[i]!.data;
      const end = (from + takenRows) * rowLength;
      for (let place = from * rowLength, to = this.#filled * rowLength; place < end; place++) target[to++] = elements[place]!;
    });
    this.#hashRows(columns, from, from + takenRows);
    this.#samples += takenRows;
    this.#filled += takenRows;
    this.#position = positionOf(from + takenRows);
    return { takenRows, batch: this.#filled === this.#batchSize ? this.#emit(batch) : undefined };
  }

  /** Leaves out rows of a data set as `skip` does. */
  skipRows(data: Dataset, from: number, end: number): void {
    const columns = columnsOfRows(data);
    this.#check(columns.map(rowType));
    this.#hashRows(columns, from, end);
    const before = Math.floor(this.#samples / this.#batchSize);
    this.#samples += end - from;
    this.#index += Math.floor(this.#samples / this.#batchSize) - before;
  }

  /** The last batch, which is smaller; undefined where nothing is left. */
  finish(): Batch | undefined {
    if (this.#filled === 0) return undefined;
    const { columns } = this.#current();
    const size = this.#filled;
    const part = mapColumns(columns, ({ data, shape, dtype }) => {
      const width = shape.reduce((a, b) => a * b, 1);
      return new ArrayColumn(size, shape, dtype, data.slice(0, size * width));
    });
    return this.#emit(new StreamBatch(size, part));
  }

  #emit(batch: StreamBatch): Batch {
    batch.index = this.#index++;
    batch.cursor = { samples: this.#samples, hash: this.#hash.value, ...this.#position };
    this.#filled = 0;
    return batch;
  }

  /** Sample by sample, so that the hash is the same whatever the items are. */
  #hashRows(columns: readonly Column[], from: number, end: number): void {
    const all = columns.map(({ data, rowLength, dtype }) => ({ data, rowLength, dtype }));
    for (let row = from; row < end; row++)
      for (const { data, rowLength, dtype } of all) this.#hash.add(data, row * rowLength, (row + 1) * rowLength, dtype);
  }

  #current(): StreamBatch {
    const place = this.#index % (this.#retained + 1);
    return (this.#ring[place] ??= new StreamBatch(
      this.#batchSize,
      mapColumns(this.#types, ({ shape, dtype }) => new ArrayColumn(this.#batchSize, shape, dtype)),
    ));
  }

  #check(rows: readonly RowType[]): void {
    const types = this.#named;
    if (rows.length !== types.length) {
      throw new ErmineError(
        "ERMINE_DATA",
        `Sample ${this.#samples} of the stream has ${rows.length} columns, and the ones before it ${types.length}: ${types.map(([name]) => name).join(", ")}.`,
      );
    }
    rows.forEach(({ shape, dtype }, i) => {
      const [name, type] = types[i]!;
      if (dtype === type.dtype && shape.length === type.shape.length && shape.every((size, k) => size === type.shape[k])) return;
      throw new ErmineError(
        "ERMINE_DATA",
        `Sample ${this.#samples} of the stream: ${name} is ${dtype}[${shape.join(", ")}], and the stream's is ${type.dtype}[${type.shape.join(", ")}].`,
      );
    });
  }
}

const columnsOfRows = (data: Dataset): Column[] => [
  ...columnsOf(data.inputs),
  ...columnsOf(data.targets),
  ...columnsOf(data.sampleWeights),
];

const rowType = ({ shape, dtype }: Column): RowType => ({ shape: shape.slice(1), dtype });

/** The rows of one sample of a data set, in the order of its columns. */
export function rowsOfSample(data: Dataset, sample: number): Row[] {
  return columnsOfRows(data).map((column) => {
    const elements = allocate(column.dtype, column.rowLength);
    column.gather([sample], elements);
    return { data: elements, ...rowType(column) };
  });
}
