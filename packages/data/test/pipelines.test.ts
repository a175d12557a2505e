import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cursor } from "@ermine/trainer";
import { sequence, stream, type Items, type Sequence, type Stream } from "../src/index.js";
import { batchesOf } from "./batches.js";

const counts = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** Roots of every kind over 0 … count − 1; all can be read again. */
const roots: Readonly<Record<string, (count: number) => Stream<number>>> = {
  "a sequence": (count) => sequence(counts(count)),
  "a sequence of a typed array": (count) => sequence(Float64Array.from(counts(count))),
  "a function": (count) => stream(() => counts(count)),
  "a function of known length": (count) => stream(() => counts(count), { length: count }),
  "an asynchronous function": (count) =>
    stream(async function* () {
      for (const item of counts(count)) yield await Promise.resolve(item);
    }),
};

/** Steps after which each item is still there once. */
const steps: Readonly<Record<string, (items: Stream<number>) => Stream<number>>> = {
  map: (items) => items.map((x) => x),
  mapAsync: (items) => items.mapAsync(async (x) => x, { concurrency: 3 }),
  filter: (items) => items.filter(() => true),
  "take all": (items) => items.take(1000),
  "skip none": (items) => items.skip(0),
  "take and skip": (items) => items.take(3).concat(items.skip(3)),
  "concat nothing": (items) => items.concat(stream(() => [])),
  shuffle: (items) => items.shuffle({ buffer: 5 }),
  cache: (items) => items.cache(),
  prefetch: (items) => items.prefetch(2),
};

const pipeline = fc.record({
  root: fc.constantFrom(...Object.keys(roots)),
  chosen: fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 4 }),
  count: fc.integer({ min: 1, max: 30 }),
  seed: fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }),
  epoch: fc.integer({ min: 0, max: 3 }),
});

const build = ({ root, chosen, count }: { root: string; chosen: readonly string[]; count: number }): Stream<number> =>
  chosen.reduce((items, name) => steps[name]!(items), roots[root]!(count));

describe("any chain of steps over any root", () => {
  it("gives every item once an epoch, in an order that seed and epoch determine, also when it is built again", async () => {
    await fc.assert(
      fc.asyncProperty(pipeline, async ({ seed, epoch, ...parts }) => {
        const items = build(parts);
        const first = await items.toArray({ seed, epoch });
        expect(sorted(first)).toEqual(counts(parts.count));
        expect(await items.toArray({ seed, epoch })).toEqual(first);
        expect(await build(parts).toArray({ seed, epoch })).toEqual(first);
        if (items.length !== undefined) expect(items.length).toBe(parts.count);
      }),
      { numRuns: 200 },
    );
  });

  it("goes on from any cursor with the rest of the epoch, by a source that is made anew", async () => {
    await fc.assert(
      fc.asyncProperty(pipeline, fc.integer({ min: 1, max: 7 }), async ({ seed, epoch, ...parts }, batchSize) => {
        const source = () =>
          build(parts)
            .map((x) => ({ inputs: [x, -x] }))
            .source();
        const whole = await batchesOf(source(), { seed, epoch, batchSize });
        expect(sorted(whole.flatMap(({ elements }) => elements.filter((_, i) => i % 2 === 0)))).toEqual(counts(parts.count));
        for (const [i, { cursor }] of whole.entries())
          expect(
            await batchesOf(source(), { seed, epoch, batchSize, from: JSON.parse(JSON.stringify(cursor)) as never }),
          ).toEqual(whole.slice(i + 1));
      }),
      { numRuns: 100 },
    );
  });

  it("has another order in another epoch and for another seed, where something shuffles", async () => {
    const shuffled: Stream<number>[] = [sequence(counts(50)), stream(() => counts(50)).shuffle({ buffer: 20 })];
    for (const items of shuffled) {
      const orders = await Promise.all(
        [
          { seed: 1, epoch: 0 },
          { seed: 1, epoch: 1 },
          { seed: 2, epoch: 0 },
        ].map((pass) => items.toArray(pass)),
      );
      expect(new Set(orders.map((order) => order.join())).size).toBe(3);
      expect(await items.toArray()).toEqual(counts(50));
    }
  });
});

describe("how it resumes", () => {
  const at = (items: Stream<number>): string => items.resume;
  const numbers = sequence(counts(10));
  it.each<[string, Stream<number>, string]>([
    ["a sequence", numbers, "seek"],
    [
      "its steps",
      numbers
        .map((x) => x)
        .filter((x) => x > 2)
        .take(5)
        .skip(1)
        .cache(),
      "seek",
    ],
    [
      "a sequence, mapped asynchronously, read ahead",
      numbers
        .mapAsync(async (x) => x)
        .take(4)
        .prefetch(2),
      "seek",
    ],
    ["sequences, one after the other", numbers.concat(numbers), "seek"],
    ["a shuffle buffer", numbers.shuffle({ buffer: 3 }), "replay"],
    ["a function", stream(() => counts(3)), "replay"],
    ["an iterable", stream(new Set([1, 2])), "replay"],
    ["a sequence and a stream", numbers.concat(stream(() => counts(2))), "replay"],
    ["an iterator", stream(counts(3).values()), "none"],
    [
      "steps after an iterator",
      stream(counts(3).values())
        .map((x) => x)
        .shuffle({ buffer: 2 })
        .take(1),
      "none",
    ],
    ["a kept iterator", stream(counts(3).values()).cache(), "replay"],
  ])("%s: %s", (_, items, resume) => {
    expect(at(items)).toBe(resume);
  });

  it.each<[string, () => Stream<number>]>([
    ["take", () => numbers.mapAsync(async (x) => x).take(7)],
    ["skip", () => numbers.mapAsync(async (x) => x).skip(3)],
    ["an index", () => numbers.mapAsync(async (x) => x).map((x, { index }) => x + 100 * index)],
    ["an asynchronous index", () => numbers.prefetch(2).mapAsync(async (x, { index }) => x + 100 * index)],
    ["random numbers", () => numbers.prefetch(2).map((x, context) => x + context.random())],
    ["a cache", () => numbers.prefetch(2).cache()],
  ])("in the middle of %s", async (_, make) => {
    const source = (items: Stream<number>) => items.map((x) => ({ inputs: [x] })).source();
    const once = source(make());
    expect(once.resume).toBe("seek");
    const whole = await batchesOf(once, { batchSize: 2, seed: 5 });
    for (const again of [once, source(make())])
      for (const [i, { cursor }] of whole.entries())
        expect(await batchesOf(again, { batchSize: 2, seed: 5, from: cursor })).toEqual(whole.slice(i + 1));
  });

  it("what is replayed is checked to be the same data", async () => {
    const source = (first: number) =>
      stream(() => [first, 2, 3, 4])
        .map((x) => ({ inputs: [x] }))
        .source();
    const [, { cursor }] = (await batchesOf(source(1), { batchSize: 1 })) as [unknown, { cursor: Cursor }];
    expect(await batchesOf(source(1), { batchSize: 1, from: cursor })).toHaveLength(2);
    await expect(batchesOf(source(9), { batchSize: 1, from: cursor })).rejects.toThrow(
      /The first 2 samples of the stream are not those/,
    );
  });

  it("seeking makes only the items that are wanted", async () => {
    const made: number[] = [];
    const items = numbers
      .map((x) => {
        made.push(x);
        return x;
      })
      .mapAsync(async (x) => ({ inputs: [x] }));
    const [, second] = await batchesOf(items.source(), { batchSize: 2, seed: 3 });
    made.length = 0;
    await batchesOf(items.source(), { batchSize: 2, seed: 3, from: second!.cursor });
    expect(made).toHaveLength(6);
  });
});

describe("steps", () => {
  const each = async (check: (make: (items: number[]) => Stream<number>) => Promise<void>): Promise<void> => {
    await check((items) => sequence(items));
    await check((items) => stream(() => items));
    await check((items) =>
      stream(async function* () {
        yield* items;
      }),
    );
  };

  it("map, filter, take, skip and concat do what arrays do", () =>
    each(async (make) => {
      const items = make([1, 2, 3, 4, 5]);
      expect(await items.map((x, { index }) => x * 10 + index).toArray()).toEqual([10, 21, 32, 43, 54]);
      expect(await items.filter((x) => x % 2 === 1).toArray()).toEqual([1, 3, 5]);
      expect(await items.take(2).toArray()).toEqual([1, 2]);
      expect(await items.take(0).toArray()).toEqual([]);
      expect(await items.skip(3).toArray()).toEqual([4, 5]);
      expect(await items.skip(9).toArray()).toEqual([]);
      expect(
        await items
          .skip(1)
          .take(2)
          .concat(make([9]), make([]))
          .toArray(),
      ).toEqual([2, 3, 9]);
    }));

  it("an asynchronous part in the middle of a chain of synchronous ones", async () => {
    const late = stream(async function* () {
      yield 2;
    });
    expect(
      await sequence([1])
        .concat(late, sequence([3]))
        .toArray(),
    ).toEqual([1, 2, 3]);
  });

  it("take closes what it takes from, and reads no further", async () => {
    let [read, closed] = [0, 0];
    const endless = stream(function* () {
      try {
        for (;;) yield read++;
      } finally {
        closed++;
      }
    });
    expect(await endless.take(3).toArray()).toEqual([0, 1, 2]);
    expect([read, closed]).toEqual([3, 1]);
    expect(
      await endless
        .prefetch(4)
        .mapAsync(async (x) => x, { concurrency: 2 })
        .take(1)
        .toArray(),
    ).toEqual([3]);
    expect(closed).toBe(2);
  });

  it("random() of an item is the same for seed, epoch and index, in whatever order items are asked for", async () => {
    const drawn = sequence(counts(40)).map((item, context) => ({ item, numbers: counts(40).map(() => context.random()) }));
    const byItem = async (pass: { seed: number; epoch: number }): Promise<readonly (readonly number[])[]> =>
      (await drawn.toArray(pass)).sort((a, b) => a.item - b.item).map(({ numbers }) => numbers);
    const first = await byItem({ seed: 1, epoch: 0 });
    expect(drawn.at(7, { seed: 1, epoch: 0 }).numbers).toEqual(first[7]);
    expect(new Set(first.flat()).size).toBeGreaterThan(1590);
    for (const other of [await byItem({ seed: 1, epoch: 1 }), await byItem({ seed: 2, epoch: 0 })])
      expect(other.flat().filter((value, i) => value === first.flat()[i]).length).toBeLessThan(4);
  });

  it("cache computes once, for a sequence by item and for a stream by pass; a pass that was left does not count", async () => {
    for (const make of [(items: number[]): Stream<number> => sequence(items), (items: number[]) => stream(() => items)]) {
      let computed = 0;
      const items = make(counts(6))
        .map((x) => {
          computed++;
          return x;
        })
        .cache();
      expect(await items.take(2).toArray()).toEqual([0, 1]);
      const early = computed;
      expect(early).toBe(2);
      expect(sorted(await items.toArray({ seed: 1, epoch: 1 }))).toEqual(counts(6));
      expect(sorted(await items.toArray({ seed: 1, epoch: 2 }))).toEqual(counts(6));
      expect(computed - early).toBe(items.resume === "seek" ? 4 : 6);
    }
    const random = stream(() => counts(6))
      .map((_, context) => context.random())
      .cache();
    expect(await random.toArray({ seed: 1, epoch: 1 })).toEqual(await random.toArray({ seed: 9, epoch: 2 }));
  });

  it("mapAsync keeps the order, has at most so many under way, and ends with the first that fails", async () => {
    let [running, most] = [0, 0];
    const started: number[] = [];
    const work = async (x: number): Promise<number> => {
      started.push(x);
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, x % 3));
      running--;
      if (x === 7) throw new RangeError("The seventh.");
      return x;
    };
    expect(await sequence(counts(7)).mapAsync(work, { concurrency: 3 }).toArray()).toEqual(counts(7));
    expect(most).toBe(3);
    await expect(sequence(counts(30)).mapAsync(work, { concurrency: 3 }).toArray()).rejects.toThrow("The seventh.");
    expect([running, started.at(-1)]).toEqual([0, 9]);
  });

  it("prefetch asks for items before they are wanted, and no more than it may", async () => {
    let asked = 0;
    const items = stream(async function* () {
      for (const item of counts(20)) {
        asked++;
        yield item;
      }
    }).prefetch(3);
    const iterator = (items.iterate() as AsyncIterable<number>)[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((done) => setTimeout(done, 1));
    expect(asked).toBe(5);
    await iterator.return!();
  });

  it("weighted draws as often as the weights say, never what has weight 0, and other items each epoch", async () => {
    const items = sequence(["a", "b", "c", "d"]).weighted([1, 0, 3, 0], { length: 4000 });
    const draws = await items.toArray({ seed: 1, epoch: 0 });
    expect(new Set(draws)).toEqual(new Set(["a", "c"]));
    const share = draws.filter((item) => item === "c").length / 4000;
    // Six standard deviations of a binomial share.
    expect(Math.abs(share - 0.75)).toBeLessThan(6 * Math.sqrt((0.75 * 0.25) / 4000));
    expect(await items.toArray({ seed: 1, epoch: 0 })).toEqual(draws);
    expect(await items.toArray({ seed: 1, epoch: 1 })).not.toEqual(draws);
  });

  it("at and select take any index", () => {
    const items: Sequence<string> = sequence(["a", "b", "c"]);
    expect([items.at(0), items.at(-1), items.select([2, 2, 0]).at(1)]).toEqual(["a", "c", "c"]);
  });

  it("iterators that are no iterables are read once", async () => {
    let i = 0;
    const bare = { next: () => (i < 3 ? { done: false as const, value: i++ } : { done: true as const, value: undefined }) };
    expect(await stream(bare as Iterator<number>).toArray()).toEqual([0, 1, 2]);
    const items: Items<number> = counts(2).values();
    expect(await stream(items).toArray()).toEqual([0, 1]);
  });
});
