/**
 * A data set's columns in the backend's own memory, for as long as epochs go over them: a step is fed which rows it takes, and the backend
 * gathers them with all its threads. Columns of short rows stay on the host, where a batch of them is gathered in less time than it is asked for.
 */
import { ErmineError, type Backend } from "@ermine/core";
import { type Feed, type Storage, bytesPerElement } from "@ermine/core/backend";
import { columnFeed } from "./batches.js";
import type { Column } from "./column.js";
import type { BatchColumn } from "./source.js";

/** Bytes up to which a data set is copied there. */
const maxBytes = 2 ** 28;
/** Elements in a row that are worth it. */
const shortestRow = 32;

export class DeviceCache {
  readonly #backend: Backend;
  readonly #storages = new Map<Column, Storage>();

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** undefined where nothing is copied: rows are short, there are too many, or there is no room for them. */
  static of(backend: Backend, data: readonly Column[]): DeviceCache | undefined {
    const columns = data.filter((column) => isProfitable(backend, column));
    const bytes = columns.reduce((sum, { data: elements, dtype }) => sum + elements.length * bytesPerElement[dtype], 0);
    if (columns.length === 0 || bytes > maxBytes) return undefined;
    const cache = new DeviceCache(backend);
    try {
      for (const column of columns) {
        if (cache.#storages.has(column)) continue;
        cache.#storages.set(column, backend.upload(column.elements(), column.shape, column.dtype));
      }
    } catch (error) {
      cache.release();
      if (error instanceof ErmineError && error.code === "ERMINE_MEMORY") return undefined;
      throw error;
    }
    return cache;
  }

  /** Feed of a column of a batch: rows of the cached column, on the device. */
  feed(size: number, column: BatchColumn): Feed {
    const storage = column.source && this.#storages.get(column.source);
    if (storage === undefined || column.rows === undefined) return columnFeed(size, column);
    return { shape: [size, ...column.shape], value: storage, rows: column.rows };
  }

  release(): void {
    for (const storage of this.#storages.values()) this.#backend.release(storage);
    this.#storages.clear();
  }
}

const isProfitable = ({ capabilities }: Backend, { rowLength, dtype }: Column): boolean =>
  rowLength >= shortestRow && capabilities.dtypes.includes(dtype);
