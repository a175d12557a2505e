/**
 * A data set's columns in the backend's own memory, for as long as epochs go over them: a step is fed which rows it takes, and the backend
 * gathers them with all its threads. Columns of short rows stay on the host, where a batch of them is gathered in less time than it is asked for.
 */
import { bytesPerElement, ErmineError, type Backend, type Storage } from "@ermine/core";
import type { Column, Dataset } from "./dataset.js";

/** Bytes up to which a data set is copied there. */
const most = 2 ** 28;
/** Numbers in a row that are worth it. */
const shortest = 32;

export class Resident {
  readonly #backend: Backend;
  readonly #storages = new Map<Column, Storage>();

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** undefined where nothing is copied: rows are short, there are too many, or there is no room for them. */
  static of(backend: Backend, data: Dataset): Resident | undefined {
    const columns = data.namedColumns().flatMap(([, column]) => (worthIt(backend, column) ? [column] : []));
    const bytes = columns.reduce((sum, { data: numbers, dtype }) => sum + numbers.length * bytesPerElement[dtype], 0);
    if (columns.length === 0 || bytes > most) return undefined;
    const made = new Resident(backend);
    try {
      for (const column of columns) {
        if (made.#storages.has(column)) continue;
        made.#storages.set(column, backend.upload(column.elements(), column.shape, column.dtype));
      }
    } catch (error) {
      made.release();
      if (error instanceof ErmineError && error.code === "ERMINE_MEMORY") return undefined;
      throw error;
    }
    return made;
  }

  /** Where a column lies, if it does. */
  find(column: Column): Storage | undefined {
    return this.#storages.get(column);
  }

  release(): void {
    for (const storage of this.#storages.values()) this.#backend.release(storage);
    this.#storages.clear();
  }
}

const worthIt = ({ capabilities }: Backend, { rowLength, dtype }: Column): boolean =>
  rowLength >= shortest && capabilities.dtypes.includes(dtype);
