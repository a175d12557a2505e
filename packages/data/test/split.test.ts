import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sequence } from "../src/index.js";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const fractions = { training: 0.6, validation: 0.3, test: 0.1 };

const shares = async (labels: readonly string[], part: { toArray(): Promise<number[]> }): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const i of await part.toArray()) counts[labels[i]!] = (counts[labels[i]!] ?? 0) + 1;
  return counts;
};

describe("split", () => {
  const table = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 40, maxLength: 200 });

  it("parts are disjoint and complete, of the sizes that were asked for, and the same for the same seed", async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 0, max: 99 }), fc.boolean(), async (labels, seed, stratified) => {
        const items = sequence(numbers(labels.length));
        const options = { seed, ...(stratified ? { stratify: (i: number) => labels[i]! } : {}) };
        const parts = items.split(fractions, options);
        const lists = await Promise.all(Object.values(parts).map((part) => part.toArray()));
        expect(sorted(lists.flat())).toEqual(numbers(labels.length));
        Object.values(fractions).forEach((fraction, i) =>
          expect(Math.abs(lists[i]!.length - fraction * labels.length)).toBeLessThan(1),
        );
        const again = items.split(fractions, options);
        expect(await again.test.toArray()).toEqual(lists[2]);
      }),
    );
  });

  it("stratified: each class is shared out as the whole is, to less than two items", async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 0, max: 99 }), async (labels, seed) => {
        const parts = sequence(numbers(labels.length)).split(fractions, { seed, stratify: (i) => labels[i]! });
        for (const [name, fraction] of Object.entries(fractions)) {
          const counts = await shares(labels, parts[name as keyof typeof fractions]);
          for (const label of new Set(labels)) {
            const members = labels.filter((one) => one === label).length;
            expect(Math.abs((counts[label] ?? 0) - fraction * members)).toBeLessThan(2);
          }
        }
      }),
    );
  });

  it("at random: another seed gives another part", async () => {
    const items = sequence(numbers(100));
    const of = (seed: number): Promise<number[]> => items.split(fractions, { seed }).test.toArray();
    expect(await of(1)).not.toEqual(await of(2));
    expect(await of(0)).toEqual(await items.split(fractions).test.toArray());
  });

  it("by group: no group is in two parts, and all groups are there", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 19 }), { minLength: 150, maxLength: 200 }), async (groups) => {
        const parts = sequence(numbers(groups.length)).split(fractions, { group: (i) => groups[i]! });
        const seen = await Promise.all(
          Object.values(parts).map(async (part) => new Set((await part.toArray()).map((i) => groups[i]!))),
        );
        expect(seen.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(groups).size);
      }),
      { numRuns: 30 },
    );
  });

  it("by group: large groups are placed first, so that small ones even out the sizes", async () => {
    const sizes = [1, 1, 1, 1, 1, 1, 30, 30, 34];
    const groups = sizes.flatMap((size, group) => Array.from({ length: size }, () => group));
    for (const seed of numbers(10)) {
      const parts = sequence(numbers(100)).split({ a: 0.35, b: 0.35, c: 0.3 }, { seed, group: (i) => groups[i]! });
      expect(Object.values(parts).map(({ length }) => length)).toEqual([35, 35, 30]);
    }
  });

  it("by time: earlier parts are earlier, and equal times are in one part", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 100, maxLength: 200 }), async (days) => {
        const parts = sequence(numbers(days.length)).split(
          { training: 0.7, test: 0.3 },
          { time: (i) => new Date(days[i]! * 1e6) },
        );
        const [training, test] = await Promise.all([parts.training.toArray(), parts.test.toArray()]);
        expect(sorted([...training, ...test])).toEqual(numbers(days.length));
        expect(Math.max(...training.map((i) => days[i]!))).toBeLessThan(Math.min(...test.map((i) => days[i]!)));
      }),
      { numRuns: 30 },
    );
  });
});

describe("kFold", () => {
  it.each([
    ["at random", {}],
    ["stratified", { stratify: (i: number) => i % 3 }],
    ["by group", { group: (i: number) => Math.floor(i / 2) }],
  ])("%s: each item is held out once, and trained on otherwise", async (_, options) => {
    const folds = sequence(numbers(23)).kFold(4, options);
    const held = await Promise.all(folds.map(({ validation }) => validation.toArray()));
    expect(sorted(held.flat())).toEqual(numbers(23));
    for (const { training, validation } of folds)
      expect(sorted([...(await training.toArray()), ...(await validation.toArray())])).toEqual(numbers(23));
    expect(Math.max(...held.map(({ length }) => length)) - Math.min(...held.map(({ length }) => length))).toBeLessThanOrEqual(2);
  });

  it("by time: each fold trains on all that is before what it validates on", async () => {
    const folds = sequence(numbers(20)).kFold(3, { time: (i) => -i });
    const read = await Promise.all(
      folds.map(async ({ training, validation }) => [await training.toArray(), await validation.toArray()]),
    );
    expect(read.map(([training, validation]) => [training!.length, validation!.length])).toEqual([
      [5, 5],
      [10, 5],
      [15, 5],
    ]);
    for (const [training, validation] of read) expect(Math.min(...training!)).toBeGreaterThan(Math.max(...validation!));
  });
});
