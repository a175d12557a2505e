/** Feeds of the trainer's entries: a batch's columns, which the backend pulls, the counters of random numbers, and the optimizers' scalars. */
import type { Feed } from "@ermine/core/backend";
import { columnFeed, feedsWith } from "../data/batches.js";
import type { DeviceCache } from "../data/deviceCache.js";
import type { Batch, ColumnTree } from "../data/source.js";
import { updateEntries } from "./entries.js";
import type { EntryFeeds } from "./engine.js";
import type { TrainingState } from "./state.js";
import type { Training } from "./training.js";

/** Feeds of a batch. */
interface Bound {
  readonly columns: ColumnTree<unknown>;
  readonly feeds: EntryFeeds;
}

/**
 * The feeds of one step after the other. They are made once for the columns of a batch; a source that fills its batches again gets the same ones, so
 * that nothing is made or looked up for a step.
 */
export class StepFeeds {
  readonly #cache: DeviceCache | undefined;
  readonly #groups: TrainingState["groups"];
  readonly #capacity: number;
  readonly #time: RunTime;
  readonly #rest: Record<string, Feed> = {};
  readonly #bound: Bound[] = [];
  #next = 0;
  #accepted = 0;

  /**
   * @param cache the columns that the backend holds itself
   * @param batches how many are in use at a time, which have their feeds made once
   */
  constructor(state: TrainingState, cache: DeviceCache | undefined, batches: number) {
    this.#cache = cache;
    this.#groups = state.groups;
    this.#capacity = batches;
    this.#time = { counters: new Int32Array(3), scalars: new Float32Array(state.scalarCount), accepted: new Int32Array(1) };
    addTime(this.#rest, this.#time);
  }

  /** Are they of the groups that there are now? */
  fits(state: TrainingState): boolean {
    return this.#groups === state.groups;
  }

  /**
   * The update that is next begins: from here on its runs are fed.
   *
   * @throws ErmineError ERMINE_NOT_FINITE where a rate is not finite
   */
  begin(state: TrainingState): void {
    const { counters, scalars, accepted } = this.#time;
    state.writeScalars(scalars);
    state.checkScalars(scalars);
    counters[0] = state.batch;
    accepted[0] = this.#accepted = state.accepted;
  }

  /** The feeds of the update's batch, where it has one; they hold until the next call. */
  of(batch: Batch): EntryFeeds {
    const { columns } = batch;
    for (const bound of this.#bound) if (bound.columns === columns) return bound.feeds;
    return this.#bind(batch);
  }

  /**
   * The feeds of one of several runs of the update.
   *
   * @param run how many runs of the update there were before it
   * @param microBatch how many micro-batches there were before it
   * @param first samples in these
   */
  ofMicroBatch(batch: Batch, run: number, microBatch: number, first: number): EntryFeeds {
    const { counters, accepted } = this.#time;
    counters[1] = microBatch;
    counters[2] = first;
    accepted[0] = this.#accepted + run;
    return this.of(batch);
  }

  /** The feeds of a run that has no batch, after so many others. */
  withoutBatch(run: number): EntryFeeds {
    const { counters, accepted } = this.#time;
    counters[1] = counters[2] = 0;
    accepted[0] = this.#accepted + run;
    return this.#rest;
  }

  #bind(batch: Batch): EntryFeeds {
    const feeds = columnFeeds(batch, this.#cache);
    addTime(feeds, this.#time);
    this.#bound[this.#next++ % this.#capacity] = { columns: batch.columns, feeds };
    return feeds;
  }
}

type Columns = Pick<Batch, "size" | "columns">;

/** Feeds of an entry over a batch. `first`: samples of the update in earlier micro-batches; `run`: its runs before. */
export function feedsOf({ state }: Training, batch: Columns, microBatch = 0, first = 0, run = 0): EntryFeeds {
  const feeds = columnFeeds(batch, undefined);
  addTime(feeds, timeOf(state, microBatch, first, run));
  return feeds;
}

/** The batch's columns: gathered by the backend where the cache has them, else pulled by it. */
const columnFeeds = (batch: Columns, cache: DeviceCache | undefined): Record<string, Feed> =>
  feedsWith(batch, cache === undefined ? columnFeed : (size, column) => cache.feed(size, column));

/** A call of an entry. */
export interface EntryRun {
  readonly entry: string;
  readonly feeds: EntryFeeds;
  /** Samples; 0 where it has no batch. */
  readonly size: number;
}

/** The calls that an update over these micro-batches is. */
export function updateRuns(training: Training, parts: readonly Batch[]): EntryRun[] {
  const { state } = training;
  state.checkScalars(state.scalars());
  const runs: EntryRun[] = [];
  for (const entry of updateEntries(training)) {
    if (entry === "apply") {
      const feeds: Record<string, Feed> = {};
      addTime(feeds, timeOf(state, 0, 0, runs.length));
      runs.push({ entry, feeds, size: 0 });
      continue;
    }
    let first = 0;
    for (const [microBatch, batch] of parts.entries()) {
      runs.push({ entry, feeds: feedsOf(training, batch, microBatch, first, runs.length), size: batch.size });
      first += batch.size;
    }
  }
  return runs;
}

/** Feeds of a run other than its batch. */
interface RunTime {
  readonly counters: Int32Array;
  readonly scalars: Float32Array;
  readonly accepted: Int32Array;
}

const timeOf = (state: TrainingState, microBatch: number, first: number, run: number): RunTime => ({
  counters: Int32Array.of(state.batch, microBatch, first),
  scalars: state.scalars(),
  accepted: Int32Array.of(state.accepted + run),
});

function addTime(feeds: Record<string, Feed>, time: RunTime): void {
  for (const name of ["counters", "scalars", "accepted"] as const)
    feeds[name] = { shape: [time[name].length], value: time[name] };
}
