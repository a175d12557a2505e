/**
 * The next batch, gathered while a step runs somewhere else. Only for backends that answer later: where a step holds this thread until it
 * is done there is nothing to hide behind, and the batch is gathered straight into the backend's memory.
 */
import { allocate, type TypedArray } from "@ermine/core";
import type { Column, Dataset } from "./dataset.js";

/** What gathering ahead did. */
export interface Loading {
  /** Batches that were gathered while a step ran. */
  readonly batches: number;
  /** How long that took in all. */
  readonly milliseconds: number;
  /** So much of it cost nothing: the step was still running when it was done. */
  readonly hidden: number;
}

/** Milliseconds of waiting below which the step may have been done already. */
const noticeable = 0.05;

export class Ahead {
  readonly #columns: readonly Column[];
  readonly #ready = new Map<Column, TypedArray>();
  #rows: Int32Array | undefined;
  #batches = 0;
  #milliseconds = 0;
  #hidden = 0;

  constructor(data: Dataset) {
    this.#columns = data.namedColumns().map(([, column]) => column);
  }

  /** The gathered numbers of a column, where these rows are the ones that were gathered. */
  take(column: Column, rows: Int32Array): TypedArray | undefined {
    return rows === this.#rows ? this.#ready.get(column) : undefined;
  }

  /** Waits for a step, and gathers `next` before that. */
  async during<T>(step: Promise<T>, next: Int32Array | undefined): Promise<T> {
    if (next === undefined) return step;
    const started = performance.now();
    try {
      for (const column of this.#columns) column.gather(next, this.#room(column, next.length * column.rowLength));
    } catch (error) {
      // What runs comes to its end before anything is said.
      await step;
      throw error;
    }
    this.#rows = next;
    const gathered = performance.now();
    const result = await step;
    this.#batches++;
    this.#milliseconds += gathered - started;
    if (performance.now() - gathered > noticeable) this.#hidden += gathered - started;
    return result;
  }

  get report(): Loading {
    return { batches: this.#batches, milliseconds: this.#milliseconds, hidden: this.#hidden };
  }

  #room(column: Column, length: number): TypedArray {
    let room = this.#ready.get(column);
    if (room?.length !== length) {
      room = allocate(column.dtype, length);
      this.#ready.set(column, room);
    }
    return room;
  }
}
