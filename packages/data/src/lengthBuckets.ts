/** Sequences of different lengths, padded to few: each length is a program of its own. */
import { ErmineError, tensor, type DType, type Tensor } from "@ermine/core";
import {
  checkArgument,
  checkArguments,
  checkFunction,
  checkOptions,
  portableMath,
  requireOptions,
  show,
} from "@ermine/core/define";
import { checkCount } from "./refusals.js";
import { throughStage, type Stage } from "./stages.js";
import { stream, Stream } from "./stream.js";

/** The options of `lengthBuckets`. */
export interface LengthBucketOptions {
  /** How many lengths at most. Default 8. */
  readonly most?: number;
  /** What each is a multiple of. Default 16. */
  readonly multiple?: number;
}

/** The options of `batchByLength`. */
export interface BatchByLengthOptions<T> {
  /** How many steps an item has. */
  readonly length: (item: T) => number;
  /** To which lengths items are padded, ascending: `lengthBuckets` chooses them. */
  readonly buckets: readonly number[];
  /** Items a batch. */
  readonly batchSize: number;
  /** Leave out batches of fewer items at the end of a pass? Default false. */
  readonly dropLast?: boolean;
}

/** The options of `padSequences`. */
export interface PadSequencesOptions {
  /** To which lengths they may be padded, ascending: the first one that the longest fits in. Default: the longest's own length. */
  readonly buckets?: readonly number[];
  /** What stands in the padding. Default 0. */
  readonly value?: number;
  /** The dtype of the elements: "int32" for tokens. Default "float32". */
  readonly dtype?: DType;
}

/** One sequence: a number for each step, or so many numbers for each step. */
export type SequenceElements = ArrayLike<number> | readonly ArrayLike<number>[];

/** Sequences of one batch. */
export interface PaddedSequences {
  /** [sequences, steps], or [sequences, steps, features]. */
  readonly values: Tensor;
  /** How many steps each one has: int32 [sequences]. Recurrent layers, attention, `sequenceMask` and poolings over sequences take it. */
  readonly lengths: Tensor;
}

/**
 * At most so many lengths, multiples of 16, to which sequences of these lengths are padded with the least padding. A program is compiled for each length that
 * it is given: with buckets there are as many as buckets, whatever lengths the data have.
 *
 * @param lengths of the sequences in the data; or, where they are not known beforehand, the longest one's: then each bucket is longer than the one before by the same factor
 * @returns the lengths, ascending; the last one holds the longest sequence
 * @throws ErmineError ERMINE_VALUE for a length that is no whole number ≥ 0, or where there are none, ERMINE_OPTION for an option that does not fit
 * @example
 * lengthBuckets([3, 5, 30, 31, 120], { most: 3 }); // => [16, 32, 128]
 * lengthBuckets(256, { most: 3 }); // => [16, 64, 256]
 */
export function lengthBuckets(lengths: ArrayLike<number> | number, options: LengthBucketOptions = {}): number[] {
  if (arguments.length > 2) checkArguments("lengthBuckets", arguments, 2);
  checkOptions<LengthBucketOptions>("lengthBuckets", options, { most: "number", multiple: "number" }, "lengths");
  const { most = 8, multiple = 16 } = options;
  checkCount("lengthBuckets", "most", most, 1);
  checkCount("lengthBuckets", "multiple", multiple, 1);
  const longest = typeof lengths === "number";
  if (!longest && !Array.isArray(lengths) && !ArrayBuffer.isView(lengths))
    checkArgument("lengthBuckets(lengths)", "lengths", lengths, "list");
  const all = longest ? [lengths] : Array.from(lengths);
  const wrong = all.find((length) => !Number.isInteger(length) || length < 0);
  if (wrong !== undefined)
    throw new ErmineError("ERMINE_VALUE", `lengthBuckets: a length is a whole number ≥ 0, got ${show(wrong)}.`);
  if (all.length === 0)
    throw new ErmineError("ERMINE_VALUE", "lengthBuckets: there are no lengths. Give the longest one: lengthBuckets(512).");
  const roundedUp = (length: number): number => Math.max(1, Math.ceil(length / multiple)) * multiple;
  return longest ? geometric(roundedUp(lengths), most, multiple) : leastPadding(all.map(roundedUp), most);
}

/** From one multiple to the longest, each longer by the same factor. */
function geometric(longest: number, most: number, multiple: number): number[] {
  const ratio = longest / multiple;
  const buckets = Array.from({ length: most }, (_, i) =>
    i === most - 1 ? longest : Math.ceil(portableMath.pow(ratio, i / (most - 1)) - 1e-9) * multiple,
  );
  return [...new Set(buckets)];
}

/** The cheapest partition of the sorted lengths into so many runs, each padded to its longest. */
function leastPadding(lengths: readonly number[], most: number): number[] {
  const counts = new Map<number, number>();
  for (const length of lengths) counts.set(length, (counts.get(length) ?? 0) + 1);
  const distinct = [...counts.keys()].sort((a, b) => a - b);
  const before = [0];
  for (const length of distinct) before.push(before.at(-1)! + counts.get(length)!);
  /** Steps in all where the first `end` distinct lengths are in so many buckets, and where the last of those begins. */
  let steps: number[] = distinct.map((length, i) => length * before[i + 1]!);
  const begins: number[][] = [distinct.map(() => 0)];
  for (let buckets = 2; buckets <= Math.min(most, distinct.length); buckets++) {
    const begin: number[] = [];
    steps = distinct.map((length, end) => {
      let [least, at] = [steps[end]!, begins.at(-1)![end]!];
      let isNew = false;
      for (let from = 1; from <= end; from++) {
        const total = steps[from - 1]! + length * (before[end + 1]! - before[from]!);
        if (total < least) [least, at, isNew] = [total, from, true];
      }
      begin.push(isNew ? at : -1);
      return least;
    });
    begins.push(begin);
  }
  const chosen: number[] = [];
  let end = distinct.length - 1;
  for (let level = begins.length - 1; end >= 0; level--) {
    const from = begins[level]![end]!;
    if (from < 0) continue;
    chosen.unshift(distinct[end]!);
    end = from - 1;
  }
  return chosen;
}

/** @throws ErmineError ERMINE_OPTION where they are no ascending lengths */
function checkBuckets(where: string, buckets: unknown): asserts buckets is readonly number[] {
  const isAscending =
    Array.isArray(buckets) &&
    buckets.length > 0 &&
    buckets.every(
      (bucket: unknown, i) => Number.isInteger(bucket) && (bucket as number) > (i === 0 ? 0 : (buckets[i - 1] as number)),
    );
  if (!isAscending)
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: buckets are ascending whole numbers > 0, got ${show(buckets)}. Write buckets: lengthBuckets(lengths).`,
    );
}

/** @throws ErmineError ERMINE_VALUE where no bucket is as long */
function bucketOf(where: string, length: number, buckets: readonly number[]): number {
  const bucket = buckets.find((each) => each >= length);
  if (bucket !== undefined) return bucket;
  throw new ErmineError(
    "ERMINE_VALUE",
    `${where}: a sequence has ${length} steps, and the longest bucket ${buckets.at(-1)}. Choose the buckets from all lengths, or cut the sequence.`,
  );
}

/**
 * Batches of items whose lengths are in the same bucket: a batch comes as soon as a bucket has `batchSize` items, and what is left at the end of the pass comes as
 * smaller batches. The order depends on that of the items alone.
 *
 * @throws ErmineError ERMINE_VALUE for an item that no bucket is long enough for, or whose length is no whole number ≥ 0, ERMINE_OPTION for an option that does not fit
 * @example
 * const words = stream(["a", "bbb", "cc", "dddd"]);
 * await batchByLength(words, { length: (word) => word.length, buckets: [2, 4], batchSize: 2 }).toArray(); // => [["a", "cc"], ["bbb", "dddd"]]
 */
export function batchByLength<T>(items: Stream<T>, options: BatchByLengthOptions<T>): Stream<readonly T[]> {
  if (arguments.length > 2) checkArguments("batchByLength", arguments, 2);
  if (!(items instanceof Stream))
    throw new ErmineError(
      "ERMINE_USAGE",
      `batchByLength takes a stream or a sequence, got ${show(items)}. Write batchByLength(sequence(items), …).`,
    );
  requireOptions<BatchByLengthOptions<T>>(
    "batchByLength",
    options,
    { length: "any", buckets: "any", batchSize: "number", dropLast: "boolean" },
    "items",
  );
  const { length, buckets, batchSize, dropLast = false } = options;
  checkFunction("batchByLength", length, "batchByLength(items, { length: (item) => item.tokens.length, … })");
  checkBuckets("batchByLength", buckets);
  checkCount("batchByLength", "batchSize", batchSize, 1);
  const stage = (): Stage<T, readonly T[]> => {
    const waiting = new Map<number, T[]>(buckets.map((bucket) => [bucket, []]));
    return {
      push(item, emit) {
        const steps = length(item);
        if (!Number.isInteger(steps) || steps < 0)
          throw new ErmineError("ERMINE_VALUE", `batchByLength: a length is a whole number ≥ 0, got ${show(steps)}.`);
        const batch = waiting.get(bucketOf("batchByLength", steps, buckets))!;
        batch.push(item);
        if (batch.length === batchSize) emit(batch.splice(0));
      },
      finish(emit) {
        if (!dropLast) for (const batch of waiting.values()) if (batch.length > 0) emit(batch);
      },
    };
  };
  return stream((pass) => throughStage(items.iterate(pass), stage()));
}

/**
 * Sequences of different lengths as one tensor, and how long each one is. Layers and losses that are given the lengths compute the same as of each sequence by itself.
 *
 * @throws ErmineError ERMINE_VALUE where there are none, or one is longer than the last bucket, ERMINE_SHAPE where steps have different sizes, ERMINE_OPTION for an option that does not fit
 * @example
 * const { values, lengths } = padSequences([[1, 2, 3], [4]], { buckets: [4] });
 * values; // => [[1, 2, 3, 0], [4, 0, 0, 0]]
 * lengths; // => [3, 1]
 */
export function padSequences(sequences: readonly SequenceElements[], options: PadSequencesOptions = {}): PaddedSequences {
  if (arguments.length > 2) checkArguments("padSequences", arguments, 2);
  checkArgument("padSequences(sequences)", "sequences", sequences, "list");
  checkOptions<PadSequencesOptions>("padSequences", options, { buckets: "any", value: "number", dtype: "any" }, "sequences");
  const { buckets, value = 0, dtype = "float32" } = options;
  if (buckets !== undefined) checkBuckets("padSequences", buckets);
  if (sequences.length === 0)
    throw new ErmineError("ERMINE_VALUE", "padSequences: there are no sequences, and a batch has one at least.");
  const lengths = Int32Array.from(sequences, ({ length }) => length);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const steps = buckets === undefined ? longest : bucketOf("padSequences", longest, buckets);
  const first = sequences.find(({ length }) => length > 0)?.[0];
  const features = typeof first === "object" ? first.length : undefined;
  const width = features ?? 1;
  const data = new Float64Array(sequences.length * steps * width).fill(value);
  sequences.forEach((elements, n) => {
    for (let t = 0; t < elements.length; t++) {
      const step = elements[t]!;
      const size = typeof step === "object" ? step.length : undefined;
      if (size !== features)
        throw new ErmineError(
          "ERMINE_SHAPE",
          `padSequences: step ${t} of sequence ${n} has ${size ?? "one number without a list"}, and the first step ${features ?? "one number without a list"}: each step has as many numbers.`,
        );
      data.set(typeof step === "object" ? step : [step], (n * steps + t) * width);
    }
  });
  const shape = features === undefined ? [sequences.length, steps] : [sequences.length, steps, features];
  return {
    values: tensor(data, { shape, dtype }),
    lengths: tensor(lengths, { dtype: "int32" }),
  };
}
