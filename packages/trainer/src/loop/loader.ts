/** The batches of an epoch as updates take them: whole ones, those that a layer can be measured over, the micro-batches of an update together. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";
import type { Prefetcher } from "../data/prefetch.js";
import type { Batch, BatchRequest, DataSource } from "../data/source.js";

/** Input of one update: a batch, or the micro-batches of one. */
export type UpdateBatch = Batch | readonly Batch[];

/** The micro-batches of an update; a batch by itself is the only one. */
export const microBatchesOf = (batch: UpdateBatch): readonly Batch[] => ("columns" in batch ? [batch] : batch);

export interface LoaderOptions {
  readonly batchSize: number;
  /** Leave out a last batch that is smaller. */
  readonly dropLast: boolean;
  /** Micro-batches an update. */
  readonly accumulate: number;
  /** Updates that stay as they are when the next one is made. */
  readonly retained: number;
  /** Gathers batches while a step runs, where the backend answers later. */
  readonly prefetcher: Prefetcher | undefined;
  /** May a batch have so many samples? One that may not is left out, and `skipped` is told. */
  admits(size: number): boolean;
  skipped(batch: Batch): void;
}

/** Prefetched batches. */
type Ready = { readonly update: UpdateBatch | undefined | Promise<UpdateBatch | undefined> } | { readonly error: unknown };

export class Loader {
  readonly #source: DataSource;
  readonly #options: LoaderOptions;
  #iterator: Iterator<Batch> | AsyncIterator<Batch> | undefined;
  #ready: Ready | undefined;

  constructor(source: DataSource, options: LoaderOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Begins an epoch. @param place `from`: where in the epoch */
  open(place: Pick<BatchRequest, "epoch" | "seed" | "from">): void {
    const { batchSize, accumulate, retained } = this.#options;
    const batches = this.#source.batches({ batchSize, ...place, retained: accumulate * (retained + 1) - 1 });
    if (Symbol.asyncIterator in batches) this.#iterator = batches[Symbol.asyncIterator]();
    else if (Symbol.iterator in batches) this.#iterator = batches[Symbol.iterator]();
    else throw new ErmineError("ERMINE_DATA", `fit: the source's batches() gave ${show(batches)}, which cannot be iterated.`);
    this.#ready = undefined;
  }

  /** The next update's batches, or undefined at the end; a promise only where the source answers later. */
  next(): UpdateBatch | undefined | Promise<UpdateBatch | undefined> {
    const ready = this.#ready;
    if (ready === undefined) return this.#pull();
    this.#ready = undefined;
    if ("error" in ready) throw ready.error;
    return ready.update;
  }

  /** Takes the next update's batches now, while a step runs. What goes wrong is thrown by `next`. */
  prefetch(): void {
    const { prefetcher } = this.#options;
    if (prefetcher === undefined || this.#ready !== undefined) return;
    try {
      const update = this.#pull();
      if (update instanceof Promise) {
        // It is thrown where it is awaited.
        update.catch(() => undefined);
        this.#ready = { update };
      } else this.#ready = { update: update && gathered(prefetcher, update) };
    } catch (error) {
      this.#ready = { error };
    }
  }

  /** Ends the epoch where it is. */
  async close(): Promise<void> {
    this.#ready = undefined;
    const iterator = this.#iterator;
    this.#iterator = undefined;
    await iterator?.return?.();
  }

  #pull(): UpdateBatch | undefined | Promise<UpdateBatch | undefined> {
    const { accumulate } = this.#options;
    if (accumulate === 1) return this.#one();
    const parts: Batch[] = [];
    for (;;) {
      const batch = this.#one();
      if (batch instanceof Promise) return this.#later(parts, batch);
      if (batch === undefined) return parts.length === 0 ? undefined : parts;
      parts.push(batch);
      if (parts.length === accumulate) return parts;
    }
  }

  async #later(parts: Batch[], first: Promise<Batch | undefined>): Promise<UpdateBatch | undefined> {
    for (let batch = await first; batch !== undefined; batch = await this.#one()) {
      parts.push(batch);
      if (parts.length === this.#options.accumulate) return parts;
    }
    return parts.length === 0 ? undefined : parts;
  }

  #one(): Batch | undefined | Promise<Batch | undefined> {
    for (;;) {
      const result = this.#iterator?.next();
      if (result === undefined) return undefined;
      if (result instanceof Promise) return result.then((later) => this.#accepted(later));
      if (result.done === true) return undefined;
      if (this.#takes(result.value)) return result.value;
    }
  }

  #accepted(result: IteratorResult<Batch>): Batch | undefined | Promise<Batch | undefined> {
    if (result.done === true) return undefined;
    return this.#takes(result.value) ? result.value : this.#one();
  }

  #takes(batch: Batch): boolean {
    const { batchSize, dropLast, admits, skipped } = this.#options;
    if (dropLast && batch.size < batchSize) return false;
    if (admits(batch.size)) return true;
    skipped(batch);
    return false;
  }
}

const gathered = (prefetcher: Prefetcher, update: UpdateBatch): UpdateBatch =>
  "columns" in update ? prefetcher.gather(update) : update.map((batch) => prefetcher.gather(batch));
