/** Mini-batches: which rows, in which order. The order of an epoch depends on the seed and its number alone. */
import { ErmineError, hashKey, shuffledIndices, type Feed } from "@ermine/core";
import type { Ahead } from "./ahead.js";
import type { Dataset } from "./dataset.js";
import type { Resident } from "./resident.js";

/** @throws ErmineError ERMINE_OPTION where the size is not a whole number ≥ 1 */
export function checkBatchSize(batchSize: number): number {
  if (Number.isInteger(batchSize) && batchSize >= 1) return batchSize;
  throw new ErmineError("ERMINE_OPTION", `batchSize must be a whole number ≥ 1, got ${String(batchSize)}.`);
}

/**
 * The rows of each batch of an epoch; the last is smaller where the size does not divide.
 *
 * @param dropLast leave out a last batch that is smaller; default false
 */
export function batches(
  length: number,
  batchSize: number,
  order?: {
    /** What the order is drawn from. */
    seed: number;
    /** Which pass it is, from 0; each has an order of its own. */
    epoch: number;
  },
  dropLast = false,
): Int32Array[] {
  const rows = order === undefined ? Int32Array.from({ length }, (_, i) => i) : shuffled(length, order);
  const list: Int32Array[] = [];
  const end = dropLast ? length - (length % batchSize) : length;
  for (let start = 0; start < end; start += batchSize) list.push(rows.subarray(start, Math.min(start + batchSize, length)));
  return list;
}

const shuffled = (length: number, { seed, epoch }: { seed: number; epoch: number }): Int32Array =>
  shuffledIndices(length, hashKey(seed, "shuffle", epoch));

/** Makes an epoch's batches those of another one: of small batches the views cost as much as the order. */
export function reorder(list: readonly Int32Array[], order: { seed: number; epoch: number }): void {
  const rows = new Int32Array(list[0]!.buffer);
  rows.set(shuffled(rows.length, order));
}

/** The rows of a batch; another batch of the same size may take its place. */
export interface Rows {
  rows: Int32Array;
  /** Where they may lie gathered already. */
  ahead?: Ahead | undefined;
}

/**
 * Feeds that write the batch's rows straight into the backend's memory, or say which they are where the column lies there. Names are
 * those of `Dataset.namedColumns`.
 */
export function batchFeeds(data: Dataset, batch: Rows, resident?: Resident): Record<string, Feed> {
  const feeds: Record<string, Feed> = {};
  for (const [name, column] of data.namedColumns()) {
    const shape = [batch.rows.length, ...column.shape.slice(1)];
    const storage = resident?.find(column);
    feeds[name] =
      storage === undefined
        ? {
            shape,
            value: {
              copyInto(target) {
                const ready = batch.ahead?.take(column, batch.rows);
                if (ready === undefined) column.gather(batch.rows, target);
                else target.set(ready);
              },
            },
          }
        : {
            shape,
            value: storage,
            get rows() {
              return batch.rows;
            },
          };
  }
  return feeds;
}
