/** Items that come one after the other. */
import { ErmineError, hashKey } from "@ermine/core";
import { checkArguments, checkFunction, checkOptions, requireOptions, show } from "@ermine/core/define";
import { ShuffleBuffer, type DataSource, type Resume, type StreamItem } from "@ermine/trainer";
import { concurrent, ahead } from "./concurrent.js";
import { ItemContext, plainPass, type Pass } from "./pass.js";
import { checkCount } from "./refusals.js";
import { readOnce, sourceOf, type SourceOptions } from "./source.js";
import { chained, isAsync, throughStage, type Items, type Stage } from "./stages.js";

/** What makes the items of a pass, what can be iterated again and again, or an iterator, which can be read once. */
export type ItemsSource<T> = ((pass: Pass) => Items<T>) | Items<T> | Iterator<T> | AsyncIterator<T>;

/** The options of `stream`. */
export interface StreamOptions {
  /** How many items a pass has, where that is known: progress bars and schedules ask for it. Default: unknown. */
  readonly length?: number;
}

/** The options of `shuffle`. */
export interface ShuffleOptions {
  /** Items that are held, out of which the next one is drawn. */
  readonly buffer: number;
}

/** The options of `mapAsync`. */
export interface MapAsyncOptions {
  /** Items that are worked on at a time. Default 1. */
  readonly concurrency?: number;
}

interface StreamParts<T> {
  readonly length: number | undefined;
  readonly resume: Resume;
  /** Items of a pass, without the first `skip` of them; `skip` is 0 where `resume` is not "seek". */
  iterate(pass: Pass, skip: number): Items<T>;
}

/**
 * Items that come one after the other, read lazily: nothing is opened before a pass. `stream` makes it. Each step (`map`, `filter`, …) is a stream of its own
 * and leaves the one before it as it is. What is random in a pass depends on its seed and epoch alone.
 */
export class Stream<T> {
  /** Items a pass; undefined: it is known when the pass ends. */
  readonly length: number | undefined;
  /** How training is taken up again in the middle of an epoch: "seek" goes straight there, "replay" reads again and skips, "none" cannot. */
  readonly resume: Resume;
  readonly #iterate: (pass: Pass, skip: number) => Items<T>;

  /** @internal */
  constructor({ length, resume, iterate }: StreamParts<T>) {
    this.length = length;
    this.resume = resume;
    this.#iterate = iterate;
  }

  /**
   * The items of a pass.
   *
   * @param pass default: epoch 0 in the source's own order
   * @param skip items to leave out at the beginning. Default 0
   * @throws ErmineError ERMINE_DATA where it can be read once and was, or fewer items than `skip` are there
   */
  iterate(pass: Pass = plainPass, skip = 0): Items<T> {
    if (this.length !== undefined && skip > this.length)
      throw new ErmineError(
        "ERMINE_DATA",
        `Training had taken ${skip} items of an epoch, and there are ${this.length}. Take the data that it was made with.`,
      );
    if (skip === 0 || this.resume === "seek") return this.#iterate(pass, skip);
    let left = skip;
    return throughStage(this.#iterate(pass, 0), { push: (item, emit) => void (left > 0 ? left-- : emit(item)) });
  }

  /**
   * Something else for each item.
   *
   * @param fn gets the item, and its place: epoch, seed, index, and `random()`, which is the same for the same place
   *
   * @example
   * await sequence([1, 2, 3]).map((x) => 2 * x).toArray(); // => [2, 4, 6]
   * @throws ErmineError ERMINE_USAGE where it is no function
   */
  map<U>(fn: (item: T, context: ItemContext) => U): Stream<U> {
    if (arguments.length > 1) checkArguments("map", arguments, 1);
    checkFunction("map", fn, "map((item) => …)");
    return new Stream({
      ...this.#same,
      iterate: (pass, skip) => {
        let index = skip;
        return throughStage(this.#iterate(pass, skip), {
          push: (item, emit) => emit(fn(item, new ItemContext(pass, index++))),
        });
      },
    });
  }

  /**
   * Something else for each item, by a function that takes its time (decoding, a request). The order stays.
   *
   * @example
   * await sequence(["a", "b"]).mapAsync(async (name) => name.toUpperCase(), { concurrency: 2 }).toArray(); // => ["A", "B"]
   * @throws ErmineError ERMINE_USAGE where it is no function, ERMINE_OPTION for a concurrency that is no whole number ≥ 1
   */
  mapAsync<U>(fn: (item: T, context: ItemContext) => Promise<U>, options: MapAsyncOptions = {}): Stream<U> {
    if (arguments.length > 2) checkArguments("mapAsync", arguments, 2);
    checkFunction("mapAsync", fn, "mapAsync(async (item) => …)");
    checkOptions<MapAsyncOptions>("mapAsync", options, { concurrency: "number" }, "fn");
    const { concurrency = 1 } = options;
    checkCount("mapAsync", "concurrency", concurrency, 1);
    return new Stream({
      ...this.#same,
      iterate: (pass, skip) =>
        concurrent(this.#iterate(pass, skip), (item, index) => fn(item, new ItemContext(pass, index)), concurrency, skip),
    });
  }

  /**
   * The items for which the function is true.
   *
   * @example
   * await stream([3, 4, 5]).filter((x) => x > 3).toArray(); // => [4, 5]
   * @throws ErmineError ERMINE_USAGE where it is no function
   */
  filter(keep: (item: T) => boolean): Stream<T> {
    if (arguments.length > 1) checkArguments("filter", arguments, 1);
    checkFunction("filter", keep, "filter((item) => …)");
    return this.#stage(undefined, () => ({ push: (item, emit) => void (keep(item) && emit(item)) }));
  }

  /**
   * The first items of each pass.
   *
   * @throws ErmineError ERMINE_OPTION where `count` is no whole number ≥ 0
   */
  take(count: number): Stream<T> {
    if (arguments.length > 1) checkArguments("take", arguments, 1);
    checkCount("take", "count", count, 0);
    return new Stream({
      ...this.#same,
      length: this.length === undefined ? undefined : Math.min(count, this.length),
      iterate: (pass, skip) => {
        let left = count - skip;
        return throughStage(this.#iterate(pass, skip), {
          push: (item, emit) => {
            left--;
            emit(item);
          },
          get isDone() {
            return left <= 0;
          },
        });
      },
    });
  }

  /**
   * All but the first items of each pass.
   *
   * @throws ErmineError ERMINE_OPTION where `count` is no whole number ≥ 0
   */
  skip(count: number): Stream<T> {
    if (arguments.length > 1) checkArguments("skip", arguments, 1);
    checkCount("skip", "count", count, 0);
    const length = this.length === undefined ? undefined : Math.max(0, this.length - count);
    if (this.resume === "seek")
      return new Stream({
        ...this.#same,
        length,
        iterate: (pass, skip) =>
          this.#iterate(pass, this.length === undefined ? count + skip : Math.min(this.length, count + skip)),
      });
    return this.#stage(length, () => {
      let left = count;
      return { push: (item, emit) => void (left > 0 ? left-- : emit(item)) };
    });
  }

  /** The items of this one, then those of the others. */
  concat(...others: readonly Stream<T>[]): Stream<T> {
    const all = [this as Stream<T>, ...others];
    all.forEach((one, i) => {
      if (!(one instanceof Stream))
        throw new ErmineError(
          "ERMINE_USAGE",
          `concat takes streams and sequences; argument ${i} is ${show(one)}. Write concat(stream(…)).`,
        );
    });
    return new Stream({
      length: all.reduce<number | undefined>(
        (sum, { length }) => (sum === undefined || length === undefined ? undefined : sum + length),
        0,
      ),
      resume: all.some(({ resume }) => resume === "none") ? "none" : "replay",
      iterate: (pass) => chained(all.map((one) => one.iterate(pass))),
    });
  }

  /**
   * The items in another order: so many are held, and a random one of them is next, by seed and epoch. A pass without a seed has the order it had. A
   * sequence needs none: an epoch with a seed takes its items in random order anyway.
   *
   * @throws ErmineError ERMINE_OPTION where `buffer` is no whole number ≥ 1
   */
  shuffle(options: ShuffleOptions): Stream<T> {
    if (arguments.length > 1) checkArguments("shuffle", arguments, 1);
    requireOptions<ShuffleOptions>("shuffle", options, { buffer: "number" });
    const { buffer } = options;
    checkCount("shuffle", "buffer", buffer, 1);
    return new Stream({
      length: this.length,
      resume: this.resume === "none" ? "none" : "replay",
      iterate: (pass) => {
        const items = this.#iterate(pass, 0);
        if (pass.seed === undefined) return items;
        const held = new ShuffleBuffer<{ readonly item: T }>(buffer, hashKey(pass.seed, "shuffle buffer", pass.epoch));
        return throughStage(items, {
          push: (item, emit) => {
            const drawn = held.exchange({ item });
            if (drawn !== undefined) emit(drawn.item);
          },
          finish: (emit) => {
            for (const { item } of held.drain()) emit(item);
          },
        });
      },
    });
  }

  /**
   * Keeps all items in memory when a pass over them has ended: later passes read nothing and compute nothing that is before it. What is random before
   * it is so once: it is told of epoch 0 and no seed in every pass.
   */
  cache(): Stream<T> {
    let kept: readonly T[] | undefined;
    return new Stream({
      length: this.length,
      resume: this.resume === "none" ? "replay" : this.resume,
      iterate: (_, skip) => {
        if (kept !== undefined) return kept.slice(skip);
        if (skip > 0) return this.#iterate(plainPass, skip);
        const items: T[] = [];
        return throughStage(this.#iterate(plainPass, 0), {
          push: (item, emit) => {
            items.push(item);
            emit(item);
          },
          finish: () => void (kept ??= items),
        });
      },
    });
  }

  /**
   * Reads ahead while a training step runs, where items take their time (`mapAsync`, files). What is there at once is not read ahead.
   *
   * @param count items that are read ahead
   * @throws ErmineError ERMINE_OPTION where `count` is no whole number ≥ 1
   */
  prefetch(count: number): Stream<T> {
    if (arguments.length > 1) checkArguments("prefetch", arguments, 1);
    checkCount("prefetch", "count", count, 1);
    return new Stream({
      ...this.#same,
      iterate: (pass, skip) => {
        const items = this.#iterate(pass, skip);
        return isAsync(items) ? ahead(items, count) : items;
      },
    });
  }

  /**
   * The batches of these samples, for `fit`, `evaluate` and `predict`.
   *
   * @example
   * const samples = sequence([[1, 2], [3, 4], [5, 6]]).map(([a, b]) => ({ inputs: [a!, b!], targets: [a! + b!] }));
   * const trainer = new Trainer({ model: new Linear(2, 1), loss: mse, optimizer: sgd({ learningRate: 0.01 }), backend: await cpu() });
   * const history = await trainer.fit(samples.source(), { epochs: 2, batchSize: 2 });
   * history.steps.length; // => 4
   * @throws ErmineError ERMINE_OPTION for options that there are not
   */
  source(this: Stream<StreamItem>, options?: SourceOptions): DataSource {
    return sourceOf(this, options);
  }

  /** All items of a pass. */
  async toArray(pass: Pass = plainPass): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this.iterate(pass)) items.push(item);
    return items;
  }

  get #same(): { readonly length: number | undefined; readonly resume: Resume } {
    return { length: this.length, resume: this.resume };
  }

  /** A stage that changes which items there are: it is replayed, for it does not know where an item came from. */
  #stage(length: number | undefined, make: () => Stage<T, T>): Stream<T> {
    return new Stream({
      length,
      resume: this.resume === "none" ? "none" : "replay",
      iterate: (pass) => throughStage(this.#iterate(pass, 0), make()),
    });
  }
}

/**
 * A stream of items: of a function that makes an iterator for each pass, of what can be iterated again and again, or of an iterator, which can be read once.
 * Iterators may be asynchronous.
 *
 * @example
 * const rows = stream(async function* () {
 *   yield "1,2";
 *   yield "3,4";
 * });
 * await rows.map((row) => row.split(",").map(Number)).toArray(); // => [[1, 2], [3, 4]]
 * @throws ErmineError ERMINE_DATA where it is no function, iterable or iterator; ERMINE_OPTION where an option does not fit
 */
export function stream<T>(source: ItemsSource<T>, options: StreamOptions = {}): Stream<T> {
  if (arguments.length > 2) checkArguments("stream", arguments, 2);
  checkOptions<StreamOptions>("stream", options, { length: "number" }, "source");
  const { length } = options;
  if (length !== undefined) checkCount("stream", "length", length, 0);
  const { open, isOnce } = opener(source);
  let opened = false;
  return new Stream({
    length,
    resume: isOnce ? "none" : "replay",
    iterate: (pass) => {
      if (isOnce && opened) throw readOnce("there is no second pass");
      opened = true;
      const items: unknown = open(pass);
      if (isIterable(items)) return items as Items<T>;
      throw new ErmineError(
        "ERMINE_DATA",
        `stream: the function gave ${show(items)}, which is no iterator. Write stream(function* () { … }).`,
      );
    },
  });
}

const isIterable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);

function opener<T>(source: ItemsSource<T>): { open(pass: Pass): Items<T>; readonly isOnce: boolean } {
  if (typeof source === "function") return { open: source, isOnce: false };
  const isIterator = typeof source === "object" && source !== null && "next" in source && typeof source.next === "function";
  if (isIterable(source)) return { open: () => source as Items<T>, isOnce: isIterator };
  if (isIterator) return { open: () => ({ [Symbol.asyncIterator]: () => awaited(source as Iterator<T>) }), isOnce: true };
  throw new ErmineError(
    "ERMINE_DATA",
    `stream takes a function that makes an iterator, an iterable or an iterator, got ${show(source)}.`,
  );
}

// Whether it is asynchronous is known when it was asked; awaiting takes either.
const awaited = <T>(iterator: Iterator<T> | AsyncIterator<T>): AsyncIterator<T> => ({
  next: async () => iterator.next(),
  return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
});
