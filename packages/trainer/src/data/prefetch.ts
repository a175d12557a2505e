/**
 * The next batch, gathered while a step runs somewhere else. Only for backends that answer later: where a step holds this thread until it
 * is done there is nothing to hide behind, and the batch is gathered straight into the backend's memory.
 */
import { type DType, type TypedArray } from "@ermine/core";
import { allocate } from "@ermine/core/backend";
import { mapColumns, namedColumns } from "./columns.js";
import type { Batch, BatchColumn, ColumnTree, Cursor } from "./source.js";

/** Prefetching statistics. */
export interface PrefetchStats {
  /** Batches that were gathered while a step ran. */
  readonly batches: number;
  /** Total time of that. */
  readonly milliseconds: number;
  /** So much of it cost nothing: the step was still running when it was done. */
  readonly hidden: number;
}

/** Milliseconds of waiting below which the step may have been done already. */
const noticeable = 0.05;

const elementCount = (size: number, shape: readonly number[]): number => shape.reduce((a, b) => a * b, size);

/** Rows in an array of their own. */
export class ArrayColumn implements BatchColumn {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;

  constructor(size: number, shape: readonly number[], dtype: DType, data = allocate(dtype, elementCount(size, shape))) {
    this.data = data;
    this.shape = shape;
    this.dtype = dtype;
  }

  copyInto(target: TypedArray): void {
    target.set(this.data);
  }
}

/** A batch in arrays of its own. */
class GatheredBatch implements Batch {
  readonly size: number;
  readonly columns: ColumnTree<ArrayColumn>;
  readonly #all: readonly ArrayColumn[];
  index = 0;
  cursor: Cursor = null;

  constructor({ size, columns }: Batch) {
    this.size = size;
    this.columns = mapColumns(columns, ({ shape, dtype }) => new ArrayColumn(size, shape, dtype));
    this.#all = namedColumns(this.columns).map(([, column]) => column);
  }

  gather({ index, cursor, columns }: Batch): this {
    this.index = index;
    this.cursor = cursor;
    namedColumns(columns).forEach(([, column], i) => column.copyInto(this.#all[i]!.data));
    return this;
  }
}

export class Prefetcher {
  /** Of each size, filled in turn. */
  readonly #rings = new Map<number, GatheredBatch[]>();
  readonly #retained: number;
  #taken = 0;
  #batches = 0;
  #milliseconds = 0;
  #hidden = 0;
  /** When the last gathering was done, and how long it took. */
  #last: { readonly at: number; readonly took: number } | undefined;

  /** @param retained how many earlier batches stay as they are */
  constructor(retained: number) {
    this.#retained = retained;
  }

  /** A copy of the batch: its rows are gathered now. */
  gather(batch: Batch): Batch {
    const started = performance.now();
    const ring = this.#rings.get(batch.size) ?? [];
    this.#rings.set(batch.size, ring);
    const place = this.#taken++ % (this.#retained + 1);
    const gathered = (ring[place] ??= new GatheredBatch(batch)).gather(batch);
    const at = performance.now();
    this.#batches++;
    this.#milliseconds += at - started;
    this.#last = { at, took: at - started + (this.#last?.took ?? 0) };
    return gathered;
  }

  /** The step that ran meanwhile is done. */
  stepDone(): void {
    if (this.#last !== undefined && performance.now() - this.#last.at > noticeable) this.#hidden += this.#last.took;
    this.#last = undefined;
  }

  get stats(): PrefetchStats {
    return { batches: this.#batches, milliseconds: this.#milliseconds, hidden: this.#hidden };
  }
}
