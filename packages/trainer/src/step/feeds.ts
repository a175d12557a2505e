/** What the trainer's entries are fed: a batch's columns, which the backend pulls, the counters of random numbers, and the optimizers' scalars. */
import type { Feed } from "@ermine/core/backend";
import { columnFeed, feedsWith } from "../data/batches.js";
import type { DeviceCache } from "../data/deviceCache.js";
import type { Batch, ColumnTree } from "../data/source.js";
import { updateEntries } from "./entries.js";
import type { EntryFeeds } from "./engine.js";
import type { TrainingState } from "./state.js";
import type { Training } from "./training.js";

/** How many batches' feeds are kept: those of the whole ones in turn, and of the last one. */
const kept = 16;

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
  readonly #counters = new Int32Array(3);
  readonly #scalars: Float32Array;
  readonly #accepted = new Int32Array(1);
  readonly #bound: Bound[] = [];
  #next = 0;

  /** @param cache the columns that the backend holds itself */
  constructor(state: TrainingState, cache: DeviceCache | undefined) {
    this.#cache = cache;
    this.#groups = state.groups;
    this.#scalars = new Float32Array(state.scalarCount);
  }

  /** Are they of the groups that there are now? */
  fits(state: TrainingState): boolean {
    return this.#groups === state.groups;
  }

  /**
   * The feeds of the update that is next; they hold until the next call.
   *
   * @throws ErmineError ERMINE_NOT_FINITE where a rate is not finite
   */
  of(state: TrainingState, batch: Batch): EntryFeeds {
    state.writeScalars(this.#scalars);
    state.checkScalars(this.#scalars);
    this.#counters[0] = state.batch;
    this.#accepted[0] = state.accepted;
    const { columns } = batch;
    for (const bound of this.#bound) if (bound.columns === columns) return bound.feeds;
    return this.#bind(batch);
  }

  #bind(batch: Batch): EntryFeeds {
    const feeds = columnFeeds(batch, this.#cache);
    addTime(feeds, { counters: this.#counters, scalars: this.#scalars, accepted: this.#accepted });
    this.#bound[this.#next++ % kept] = { columns: batch.columns, feeds };
    return feeds;
  }
}

type Columns = Pick<Batch, "size" | "columns">;

/** What an entry over a batch is fed. `first`: samples of the update in earlier micro-batches. */
export function feedsOf({ state }: Training, batch: Columns, microBatch = 0, first = 0, cache?: DeviceCache): EntryFeeds {
  const feeds = columnFeeds(batch, cache);
  addTime(feeds, timeOf(state, microBatch, first));
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
export function updateRuns(training: Training, parts: readonly Batch[], cache?: DeviceCache): EntryRun[] {
  const { state } = training;
  state.checkScalars(state.scalars());
  const calls: Omit<EntryRun, "entry">[] = [];
  let first = 0;
  for (const [microBatch, batch] of parts.entries()) {
    calls.push({ feeds: feedsOf(training, batch, microBatch, first, cache), size: batch.size });
    first += batch.size;
  }
  return updateEntries(training).flatMap((entry): EntryRun[] => {
    if (entry !== "apply") return calls.map((call) => ({ entry, ...call }));
    const feeds: Record<string, Feed> = {};
    addTime(feeds, timeOf(state, 0, 0));
    return [{ entry, feeds, size: 0 }];
  });
}

/** What a run is fed next to its batch. */
interface RunTime {
  readonly counters: Int32Array;
  readonly scalars: Float32Array;
  readonly accepted: Int32Array;
}

const timeOf = (state: TrainingState, microBatch: number, first: number): RunTime => ({
  counters: Int32Array.of(state.batch, microBatch, first),
  scalars: state.scalars(),
  accepted: Int32Array.of(state.accepted),
});

function addTime(feeds: Record<string, Feed>, time: RunTime): void {
  for (const name of ["counters", "scalars", "accepted"] as const)
    feeds[name] = { shape: [time[name].length], value: time[name] };
}
