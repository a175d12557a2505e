/** Mini-batches of a data set in memory. The order of an epoch depends on the seed and its number alone; a batch is filled again and again. */
import { checkArguments, requireOptions, show } from "@ermine/core/define";
import { ErmineError, hashKey, shuffledIndices, type DType, type TypedArray } from "@ermine/core";
import type { Feed } from "@ermine/core/backend";
import type { Column } from "./column.js";
import { mapColumns, namedColumns } from "./columns.js";
import type { Batch, BatchColumn, BatchRequest, ColumnTree } from "./source.js";

/** @throws ErmineError ERMINE_OPTION where the size is not a whole number ≥ 1 */
export function checkBatchSize(batchSize: number): number {
  if (Number.isInteger(batchSize) && batchSize >= 1) return batchSize;
  throw new ErmineError("ERMINE_OPTION", `batchSize must be a whole number ≥ 1, got ${show(batchSize)}.`);
}

/** @throws ErmineError ERMINE_OPTION for a request that is none */
export function checkRequest(request: BatchRequest): void {
  requireOptions("batches", request, {
    batchSize: "number",
    epoch: "integer",
    seed: "integer",
    from: "any",
    retained: "integer",
  });
}

/** Rows of a column in memory. */
class RowsColumn implements BatchColumn {
  readonly source: Column;
  readonly rows: Int32Array;
  readonly shape: readonly number[];
  readonly dtype: DType;

  constructor(source: Column, rows: Int32Array) {
    this.source = source;
    this.rows = rows;
    this.shape = source.shape.slice(1);
    this.dtype = source.dtype;
  }

  copyInto(target: TypedArray): void {
    this.source.gather(this.rows, target);
  }
}

/** A batch of rows; the columns share the list of them. */
export class RowsBatch implements Batch {
  readonly size: number;
  readonly rows: Int32Array;
  readonly columns: ColumnTree<RowsColumn>;
  index = 0;
  cursor = 0;

  constructor(columns: ColumnTree<Column>, size: number) {
    this.size = size;
    this.rows = new Int32Array(size);
    this.columns = mapColumns(columns, (column) => new RowsColumn(column, this.rows));
  }
}

/** Columns of so many rows each. */
export interface Rows extends ColumnTree<Column> {
  readonly length: number;
}

/**
 * The batch that an epoch has filled again and again and does not need any more: the next epoch goes on with it, so that what was made of it
 * (feeds, the program for its size) is found again.
 */
const spare = /* @__PURE__ */ new WeakMap<Rows, RowsBatch>();

/** The batches of an epoch over a data set. Nothing is made for a batch of the same size as an earlier one. */
export class DatasetBatches implements IterableIterator<Batch> {
  readonly #data: Rows;
  readonly #request: BatchRequest;
  readonly #order: Int32Array | undefined;
  /** Filled in turn, so that as many earlier ones as were asked for stay as they are. */
  readonly #ring: RowsBatch[] = [];
  /** The next row. */
  #at: number;
  #result: { done: boolean; value: Batch } = { done: false, value: undefined as unknown as Batch };

  constructor(data: Rows, request: BatchRequest) {
    checkBatchSize(request.batchSize);
    this.#data = data;
    this.#request = request;
    this.#order =
      request.seed === undefined ? undefined : shuffledIndices(data.length, hashKey(request.seed, "shuffle", request.epoch));
    this.#at = positionOf(data, request);
    const batch = spare.get(data);
    if (batch?.size !== request.batchSize || (request.retained ?? 0) > 0) return;
    spare.delete(data);
    this.#ring.push(batch);
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Batch> {
    const { length } = this.#data;
    const start = this.#at;
    if (start >= length) return this.#end();
    const size = Math.min(this.#request.batchSize, length - start);
    const index = Math.floor(start / this.#request.batchSize);
    const batch = this.#batch(size, index);
    const { rows } = batch;
    const order = this.#order;
    for (let i = 0; i < size; i++) rows[i] = order === undefined ? start + i : order[start + i]!;
    batch.index = index;
    batch.cursor = this.#at = start + size;
    this.#result.value = batch;
    return this.#result;
  }

  #end(): IteratorReturnResult<undefined> {
    const [batch] = this.#ring.splice(0);
    if (batch !== undefined && (this.#request.retained ?? 0) === 0) spare.set(this.#data, batch);
    return { done: true, value: undefined };
  }

  #batch(size: number, index: number): RowsBatch {
    // The last one may be smaller; then it is the only one of its size.
    if (size < this.#request.batchSize) return new RowsBatch(this.#data, size);
    return (this.#ring[index % ((this.#request.retained ?? 0) + 1)] ??= new RowsBatch(this.#data, size));
  }
}

/** @throws ErmineError ERMINE_DATA for a cursor that is none of this data set's */
function positionOf({ length }: Rows, { from = null, batchSize }: BatchRequest): number {
  if (from === null) return 0;
  if (
    typeof from === "number" &&
    Number.isInteger(from) &&
    from >= 0 &&
    from <= length &&
    (from % batchSize === 0 || from === length)
  )
    return from;
  throw new ErmineError(
    "ERMINE_DATA",
    `The cursor ${JSON.stringify(from)} is no place between two batches of ${batchSize} in this data set of ${length} samples. Take the data set, ` +
      "the batchSize and the seed that it was made with.",
  );
}

/** Feed of one column: the backend pulls it. */
export const columnFeed = (size: number, column: BatchColumn): Feed => ({ shape: [size, ...column.shape], value: column });

/**
 * The feeds of a compiled function over batches, by the columns' names ("inputs", "targets.mask", "sampleWeights"): the backend pulls the batch's
 * rows straight into its own memory. For loops of one's own.
 *
 * @example
 * const [batch] = dataset({ inputs: [[1, 2], [3, 4], [5, 6]] }).batches({ batchSize: 2, epoch: 0, seed: undefined });
 * batchFeeds(batch!)["inputs"]!.shape; // => [2, 2]
 */
export function batchFeeds(batch: Pick<Batch, "size" | "columns">): Record<string, Feed> {
  if (arguments.length > 1) checkArguments("batchFeeds", arguments, 1);
  if (typeof batch?.columns !== "object" || batch.columns === null)
    throw new ErmineError("ERMINE_USAGE", `batchFeeds takes a batch of a source, got ${show(batch)}.`);
  return feedsWith(batch, columnFeed);
}

/** The same, each column fed as `feed` says. */
export function feedsWith(
  { size, columns }: Pick<Batch, "size" | "columns">,
  feed: (size: number, column: BatchColumn) => Feed,
): Record<string, Feed> {
  const feeds: Record<string, Feed> = {};
  // Added and not spread: a spread makes a hidden class each step, which stays until the next full collection.
  for (const [name, column] of namedColumns(columns)) feeds[name] = feed(size, column);
  return feeds;
}
