/**
 * Data sources. A `DataSource` makes the batches of one epoch after the other, in memory or as a stream, and says whether training can be
 * taken up again in the middle of one. A `Batch` is what one step takes; the backend pulls its elements out of it.
 */
import type { DType, Tree, TypedArray } from "@ermine/core";
import type { Column } from "./column.js";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A position within an epoch, as the source itself defines it: rows taken, a byte offset and a buffer's contents, items and a hash. */
export type Cursor = Json;

/** Type of each sample of a column: its shape (without the batch axis) and dtype. */
export interface ColumnType {
  /** The shape of one sample. */
  readonly shape: readonly number[];
  /** The dtype of the elements. */
  readonly dtype: DType;
}

/** A column or a tree of them for inputs and targets, and one for sample weights: one layout for types, for columns and for batches. */
export interface ColumnTree<C> {
  /** Inputs of the model. */
  readonly inputs: Tree<C>;
  /** Targets of the loss; undefined: none. */
  readonly targets?: Tree<C> | undefined;
  /** Weight of each sample; undefined: 1 each. */
  readonly sampleWeights?: C | undefined;
}

/** The types of a source's columns, in their tree. */
export type ColumnTypes = ColumnTree<ColumnType>;

/**
 * One column of a batch. Its elements are pulled: the backend calls `copyInto` with a view of its own memory while a step runs, so that they are
 * written once, where they are used.
 */
export interface BatchColumn extends ColumnType {
  /**
   * Writes all of the batch's rows, one after the other.
   *
   * @param target of size × row length elements, in the array type of the dtype; it is not kept
   */
  copyInto(target: TypedArray): void;
  /** The column in memory that the rows are taken from, if there is one. A backend that holds a copy of it (`DeviceCache`) gathers them itself. */
  readonly source?: Column;
  /** Of `source`: which rows, in this order. The array may be reused for the next batch. */
  readonly rows?: Int32Array;
}

/** A batch: the number of samples and their elements. Sources may reuse batches: see `BatchRequest.retained`. */
export interface Batch {
  /** Samples in it. */
  readonly size: number;
  /** Its number within the epoch, from 0. */
  readonly index: number;
  /** The position after it: a request `from` it goes on with the next batch. It may be computed when it is read. */
  readonly cursor: Cursor;
  /** The same object for as long as only elements change: what was derived from it (feeds, names) still holds. */
  readonly columns: ColumnTree<BatchColumn>;
}

/** The batches of one epoch that are asked for. */
export interface BatchRequest {
  /** Samples a batch; the last one may have fewer. */
  readonly batchSize: number;
  /** Index of the pass over the data, from 0. */
  readonly epoch: number;
  /** The order of an epoch depends on the seed and the epoch alone. undefined: the source's own order. */
  readonly seed: number | undefined;
  /** Start position: a cursor of the same epoch, seed and batch size. Default: at the beginning. */
  readonly from?: Cursor;
  /** Number of earlier batches that must stay valid when the next one is made. Default 0: a source may fill one batch again and again. */
  readonly retained?: number;
}

/**
 * Strategy for resuming in the middle of an epoch.
 * - "seek": the source starts at a cursor (rows, row groups, byte offsets).
 * - "replay": the epoch is made anew and skipped up to the cursor, whose running hash tells whether it is the same data.
 * - "none": it can be read once. A second epoch or a resumed training is an error that says to pass a function that makes the iterator.
 */
export type Resume = "seek" | "replay" | "none";

/**
 * A source of batches: a data set in memory, a stream of unknown length, or a custom source.
 *
 * @example
 * const counts: DataSource = {
 *   resume: "seek",
 *   *batches({ batchSize, from }) {
 *     for (let index = Number(from ?? 0); index < 3; index++) {
 *       const inputs = { shape: [], dtype: "float32", copyInto: (target: { fill(value: number): unknown }) => void target.fill(index) } as const;
 *       yield { size: batchSize, index, cursor: index + 1, columns: { inputs } };
 *     }
 *   },
 * };
 * [...(counts.batches({ batchSize: 2, epoch: 0, seed: undefined }) as Iterable<Batch>)].length; // => 3
 */
export interface DataSource {
  /** Samples an epoch. undefined: it is known when the epoch ends; then `stepsPerEpoch` is undefined too. */
  readonly length?: number | undefined;
  /** Types of the columns. undefined: taken from the first batch. */
  readonly columns?: ColumnTypes | undefined;
  /** Strategy for resuming in the middle of an epoch. */
  readonly resume: Resume;
  /** The batches of an epoch. Where it is synchronous, and the backend too, training awaits nothing between two steps. */
  batches(request: BatchRequest): Iterable<Batch> | AsyncIterable<Batch>;
}
