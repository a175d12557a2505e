/** Items of a known number, any of which can be had by its index. */
import { ErmineError, hashKey, shuffledIndices, type AnyTypedArray } from "@ermine/core";
import { checkArgument, checkArguments, checkFunction, checkOptions, isTypedArray, show } from "@ermine/core/define";
import { checkFractions, foldIndices, partition, type SplitOptions } from "./partition.js";
import { ItemContext, plainPass, type Pass } from "./pass.js";
import { checkCount } from "./refusals.js";
import { Stream } from "./stream.js";
import { cumulativeWeights, draws } from "./weights.js";

/** Anything with a length and items by index. */
export interface IndexedItems<T> {
  /** How many there are. */
  readonly length: number;
  /** The item with this index, 0 … length − 1. */
  at(index: number): T | undefined;
}

/**
 * Items of a known number, any of which can be had by its index: `sequence` makes it. An epoch with a seed takes them in random order (`fit` gives one
 * unless `shuffle: false`), each once; training that is taken up again starts right at its place. Steps are lazy, but `filter` looks at each item once.
 */
export class Sequence<T> extends Stream<T> {
  declare readonly length: number;
  readonly #get: (index: number, pass: Pass) => T;

  /** @internal */
  constructor(length: number, get: (index: number, pass: Pass) => T) {
    super({ length, resume: "seek", iterate: (pass, skip) => inOrder(length, get, pass, skip) });
    this.#get = get;
  }

  /**
   * One item.
   *
   * @param index from 0; a negative one counts from the end
   * @param pass for steps that depend on it. Default: epoch 0 without a seed
   * @throws ErmineError ERMINE_VALUE where there is none
   */
  at(index: number, pass: Pass = plainPass): T {
    if (arguments.length > 2) checkArguments("at", arguments, 2);
    checkArgument("at(index)", "index", index, "number");
    const place = index < 0 ? this.length + index : index;
    if (Number.isInteger(place) && place >= 0 && place < this.length) return this.#get(place, pass);
    throw new ErmineError("ERMINE_VALUE", `at(${show(index)}): the sequence has ${this.length} items, 0 … ${this.length - 1}.`);
  }

  override map<U>(fn: (item: T, context: ItemContext) => U): Sequence<U> {
    if (arguments.length > 1) checkArguments("map", arguments, 1);
    checkFunction("map", fn, "map((item) => …)");
    return new Sequence(this.length, (index, pass) => fn(this.#get(index, pass), new ItemContext(pass, index)));
  }

  override filter(keep: (item: T) => boolean): Sequence<T> {
    if (arguments.length > 1) checkArguments("filter", arguments, 1);
    checkFunction("filter", keep, "filter((item) => …)");
    const indices: number[] = [];
    for (let i = 0; i < this.length; i++) if (keep(this.#get(i, plainPass))) indices.push(i);
    return this.select(indices);
  }

  override take(count: number): Sequence<T> {
    if (arguments.length > 1) checkArguments("take", arguments, 1);
    checkCount("take", "count", count, 0);
    return new Sequence(Math.min(count, this.length), this.#get);
  }

  override skip(count: number): Sequence<T> {
    if (arguments.length > 1) checkArguments("skip", arguments, 1);
    checkCount("skip", "count", count, 0);
    return new Sequence(Math.max(0, this.length - count), (index, pass) => this.#get(index + count, pass));
  }

  override concat(...others: readonly Sequence<T>[]): Sequence<T>;
  override concat(...others: readonly Stream<T>[]): Stream<T>;
  override concat(...others: readonly Stream<T>[]): Stream<T> {
    if (!others.every((one) => one instanceof Sequence)) return super.concat(...others);
    const all: readonly Sequence<T>[] = [this, ...(others as readonly Sequence<T>[])];
    const ends: number[] = [];
    for (const { length } of all) ends.push((ends.at(-1) ?? 0) + length);
    return new Sequence(ends.at(-1)!, (index, pass) => {
      const part = ends.findIndex((end) => index < end);
      return all[part]!.#get(index - (ends[part - 1] ?? 0), pass);
    });
  }

  override cache(): Sequence<T> {
    const kept = new Map<number, T>();
    return new Sequence(this.length, (index) => {
      if (!kept.has(index)) kept.set(index, this.#get(index, plainPass));
      return kept.get(index)!;
    });
  }

  /**
   * The items with these indices, in that order; an index may be there more than once.
   *
   * @example
   * await sequence(["a", "b", "c"]).select([2, 0]).toArray(); // => ["c", "a"]
   * @throws ErmineError ERMINE_VALUE for an index that there is not
   */
  select(indices: ArrayLike<number>): Sequence<T> {
    if (arguments.length > 1) checkArguments("select", arguments, 1);
    if (!Array.isArray(indices) && !ArrayBuffer.isView(indices)) checkArgument("select(indices)", "indices", indices, "list");
    const chosen = Int32Array.from(indices);
    for (let i = 0; i < chosen.length; i++) {
      const index = indices[i]!;
      if (Number.isInteger(index) && index >= 0 && index < this.length) continue;
      throw new ErmineError(
        "ERMINE_VALUE",
        `select: index ${show(index)} (place ${i}) is not one of the sequence's ${this.length} items.`,
      );
    }
    return new Sequence(chosen.length, (index, pass) => this.#get(chosen[index]!, pass));
  }

  /**
   * Parts by name that share all items out among them: at random, with the same mix of classes (`stratify`), whole groups (`group`), or the earliest first
   * (`time`).
   *
   * @param fractions of each part; they add up to 1
   *
   * @example
   * const { training, test } = sequence([1, 2, 3, 4, 5]).split({ training: 0.8, test: 0.2 }, { seed: 1 });
   * [training.length, test.length]; // => [4, 1]
   * @throws ErmineError ERMINE_OPTION where fractions or options do not fit, ERMINE_DATA where a part would be empty, ERMINE_VALUE for a time that is none
   */
  split<K extends string>(fractions: Readonly<Record<K, number>>, options?: SplitOptions<T>): Record<K, Sequence<T>> {
    const named = checkFractions("split", fractions);
    const parts = partition("split", this.length, (i) => this.#get(i, plainPass), named, options);
    return Object.fromEntries([...named.keys()].map((name, i) => [name, this.select(parts[i]!)])) as Record<K, Sequence<T>>;
  }

  /**
   * k pairs of training and validation parts; each item is in one validation part. With `time`, each validates on what follows its training, and the earliest
   * part is only trained on.
   *
   * @example
   * sequence([1, 2, 3, 4, 5, 6]).kFold(3).map(({ training, validation }) => [training.length, validation.length]); // => [[4, 2], [4, 2], [4, 2]]
   * @throws ErmineError ERMINE_OPTION where `k` is no whole number ≥ 2 or an option does not fit, ERMINE_DATA where a part would be empty
   */
  kFold(k: number, options?: SplitOptions<T>): Fold<T>[] {
    if (arguments.length > 2) checkArguments("kFold", arguments, 2);
    checkCount("kFold", "k", k, 2);
    return foldIndices("kFold", this.length, (i) => this.#get(i, plainPass), k, options).map(([training, validation]) => ({
      training: this.select(training),
      validation: this.select(validation),
    }));
  }

  /**
   * Items drawn with replacement, each as often as its weight says: for classes of unequal size. Which ones are drawn depends on seed and epoch.
   *
   * @param weights one for each item; they need no sum
   *
   * @example
   * const labels = ["rare", "common", "common", "common"];
   * const even = sequence(labels).weighted(labels.map((label) => (label === "rare" ? 3 : 1)));
   * even.length; // => 4
   * @throws ErmineError ERMINE_DATA for another number of weights, ERMINE_VALUE for weights below 0 or a sum of 0, ERMINE_OPTION
   */
  weighted(weights: ArrayLike<number>, options: WeightedOptions = {}): Sequence<T> {
    if (arguments.length > 2) checkArguments("weighted", arguments, 2);
    checkOptions<WeightedOptions>("weighted", options, { length: "number" }, "weights");
    const { length = this.length } = options;
    checkCount("weighted", "length", length, 0);
    const sums = cumulativeWeights(weights, this.length);
    let drawn: { readonly pass: Pass; readonly indices: Int32Array } | undefined;
    return new Sequence(length, (index, pass) => {
      if (drawn?.pass.epoch !== pass.epoch || drawn.pass.seed !== pass.seed) drawn = { pass, indices: draws(sums, length, pass) };
      return this.#get(drawn.indices[index]!, pass);
    });
  }
}

/** The options of `weighted`. */
export interface WeightedOptions {
  /** Items an epoch. Default: as many as there are. */
  readonly length?: number;
}

/** One of k ways to hold out a part. */
export interface Fold<T> {
  /** What is trained on. */
  readonly training: Sequence<T>;
  /** What is held out. */
  readonly validation: Sequence<T>;
}

function* inOrder<T>(length: number, get: (index: number, pass: Pass) => T, pass: Pass, skip: number): Generator<T> {
  const order = pass.seed === undefined ? undefined : shuffledIndices(length, hashKey(pass.seed, "shuffle", pass.epoch));
  for (let i = skip; i < length; i++) yield get(order === undefined ? i : order[i]!, pass);
}

/**
 * A sequence of an array's items, of a typed array's elements, or of anything with a length and `at(index)`.
 *
 * @example
 * const files = sequence(["a.png", "b.png", "c.png"]);
 * const labelled = files.map((name, { index }) => ({ name, index }));
 * labelled.at(-1); // => { name: "c.png", index: 2 }
 * @throws ErmineError ERMINE_DATA where it is none of these
 */
export function sequence<T>(items: readonly T[] | IndexedItems<T>): Sequence<T>;
export function sequence(items: AnyTypedArray): Sequence<number>;
export function sequence(items: unknown): Sequence<unknown> {
  if (arguments.length > 1) checkArguments("sequence", arguments, 1);
  if (items instanceof Sequence) return items as Sequence<unknown>;
  if (Array.isArray(items) || isTypedArray(items)) {
    const list = items as ArrayLike<unknown>;
    return new Sequence(list.length, (index) => list[index]);
  }
  const { length, at } = (items ?? {}) as Partial<IndexedItems<unknown>>;
  if (typeof items === "object" && typeof at === "function" && Number.isInteger(length) && length! >= 0)
    return new Sequence(length!, (index) => (items as IndexedItems<unknown>).at(index));
  throw new ErmineError(
    "ERMINE_DATA",
    `sequence takes an array, a typed array, or an object with length and at(index), got ${show(items)}. Of an iterator write stream(…).`,
  );
}
