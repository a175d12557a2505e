/** Length buckets: the least padding, few programs, and losses and gradients that are those of each sequence by itself. */
import {
  add,
  compile,
  div,
  manualSeed,
  sequenceMean,
  mul,
  normal,
  square,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "@ermine/core";
import { GRU, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { beforeEach, describe, expect, it } from "vitest";
import { batchByLength, lengthBuckets, padSequences, sequence, stream } from "../src/index.js";

beforeEach(() => {
  useBackend(reference());
  manualSeed(4);
});

const numbers = (t: Tensor): number[] => Array.from(t.dataSync());
const paddingOf = (lengths: readonly number[], buckets: readonly number[]): number =>
  lengths.reduce((total, length) => total + buckets.find((bucket) => bucket >= length)! - length, 0);

/** All sets of so many multiples that end with the longest. */
function* choices(multiples: readonly number[], most: number): Generator<number[]> {
  const last = multiples.at(-1)!;
  for (let set = 0; set < 2 ** (multiples.length - 1); set++) {
    const chosen = multiples.filter((length, i) => length === last || (set >> i) % 2 === 1);
    if (chosen.length <= most) yield chosen;
  }
}

describe("lengthBuckets", () => {
  it("has the least padding of all choices", () => {
    let state = 7;
    const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
    for (let trial = 0; trial < 60; trial++) {
      const most = 1 + random(4);
      const lengths = Array.from({ length: 1 + random(12) }, () => random(trial % 2 === 0 ? 160 : 40) + 1);
      const buckets = lengthBuckets(lengths, { most });
      const last = Math.ceil(Math.max(...lengths) / 16) * 16;
      const multiples = Array.from({ length: last / 16 }, (_, i) => 16 * (i + 1));
      const least = Math.min(...[...choices(multiples, most)].map((chosen) => paddingOf(lengths, chosen)));
      expect(paddingOf(lengths, buckets), `${lengths.join()} in ${most}: ${buckets.join()}`).toBe(least);
      expect(buckets.length).toBeLessThanOrEqual(most);
      expect(buckets.at(-1)).toBe(last);
    }
  });

  it("has at most 8 multiples of 16, also of 10,000 lengths and of none known beforehand", () => {
    for (const buckets of [
      lengthBuckets(Array.from({ length: 10_000 }, (_, i) => i)),
      lengthBuckets(10_000),
      lengthBuckets(100),
    ]) {
      expect(buckets.length).toBeLessThanOrEqual(8);
      expect(buckets.every((bucket, i) => bucket % 16 === 0 && bucket > (buckets[i - 1] ?? 0))).toBe(true);
    }
    expect(lengthBuckets(10_000).at(-1)).toBe(10_000);
    expect(lengthBuckets(2048)).toEqual([16, 32, 64, 128, 256, 512, 1024, 2048]);
  });

  it("of one length, of none but 0, and with another multiple", () => {
    expect(lengthBuckets([5])).toEqual([16]);
    expect(lengthBuckets([0, 0])).toEqual([16]);
    expect(lengthBuckets(Int32Array.of(5, 6, 9), { multiple: 1, most: 2 })).toEqual([6, 9]);
    expect(lengthBuckets(50, { most: 1 })).toEqual([64]);
  });
});

describe("batchByLength", () => {
  it("takes each item once, those of a bucket together, in an order of their own", async () => {
    const items = Array.from({ length: 103 }, (_, i) => ({ i, steps: (i * 37) % 61 }));
    const options = { length: ({ steps }: { steps: number }) => steps, buckets: [16, 32, 64], batchSize: 8 };
    const batches = await batchByLength(sequence(items), options).toArray();
    expect(
      batches
        .flat()
        .map(({ i }) => i)
        .sort((a, b) => a - b),
    ).toEqual(items.map(({ i }) => i));
    for (const batch of batches) {
      const buckets = new Set(batch.map(({ steps }) => options.buckets.findIndex((bucket) => bucket >= steps)));
      expect(buckets.size).toBe(1);
      expect(batch.length).toBeLessThanOrEqual(8);
    }
    expect(await batchByLength(stream(items), options).toArray()).toEqual(batches);
    const whole = await batchByLength(sequence(items), { ...options, dropLast: true }).toArray();
    expect(whole).toEqual(batches.filter(({ length }) => length === 8));
  });
});

/** A classifier of sequences: what it makes of a batch depends on the lengths. */
class Classifier extends Module {
  readonly encoder = new GRU(2, 3, { bidirectional: true });
  readonly head = new Linear(6, 1);

  forward(x: Tensor, lengths: Tensor): Tensor {
    return this.head.forward(sequenceMean(this.encoder.forward(x, { lengths }), lengths));
  }
}

describe("padding", () => {
  const drawn = (steps: number): number[][] => normal([steps, 2]).toArray() as number[][];

  it("is exact: loss and gradients are those of each sequence by itself", async () => {
    const model = new Classifier();
    const parameters = model.parameters();
    const items = [3, 17, 5, 16, 30, 1, 9].map(drawn);
    const lossOf = (batch: readonly (readonly number[])[][], buckets?: readonly number[]): Tensor => {
      const { values, lengths } = padSequences(batch as number[][][], buckets === undefined ? {} : { buckets });
      return sum(square(model.forward(values, lengths)));
    };
    const alone = valueAndGrad(() => items.map((item) => lossOf([item])).reduce((a, b) => add(a, b)), parameters);
    const buckets = lengthBuckets(items.map(({ length }) => length));
    const batches = await batchByLength(sequence(items), { length: ({ length }) => length, buckets, batchSize: 3 }).toArray();
    const padded = valueAndGrad(
      () => batches.map((batch) => lossOf(batch as number[][][], buckets)).reduce((a, b) => add(a, b)),
      parameters,
    );
    expect(Math.abs(alone.value.item() - padded.value.item())).toBeLessThan(1e-6);
    padded.grads.forEach((gradient, p) =>
      numbers(gradient).forEach((value, i) => expect(Math.abs(value - numbers(alone.grads[p]!)[i]!)).toBeLessThan(1e-6)),
    );
  });

  it("a run over 200 lengths makes at most 8 programs", async () => {
    const lengths = Array.from({ length: 200 }, (_, i) => i + 1);
    let traces = 0;
    const step = compile((values: Tensor, given: Tensor) => {
      traces++;
      return div(sum(mul(values, values)), sum(given));
    });
    const buckets = lengthBuckets(lengths);
    const batches = batchByLength(sequence(lengths), { length: (each) => each, buckets, batchSize: 4, dropLast: true });
    let count = 0;
    for (const batch of await batches.toArray()) {
      const { values, lengths: given } = padSequences(
        batch.map((steps) => new Float32Array(steps).fill(2)),
        { buckets },
      );
      expect(step(values, given).item()).toBeCloseTo(4, 6);
      count += batch.length;
    }
    expect(count).toBeGreaterThan(160);
    // Each program is traced twice, to be compared.
    expect(traces).toBeLessThanOrEqual(2 * 8);
    step.dispose();
  });

  it("pads numbers, rows, and tokens", () => {
    const rows = padSequences(
      [
        [[1, 2]],
        [],
        [
          [3, 4],
          [5, 6],
        ],
      ],
      { value: -1 },
    );
    expect(rows.values.toArray()).toEqual([
      [
        [1, 2],
        [-1, -1],
      ],
      [
        [-1, -1],
        [-1, -1],
      ],
      [
        [3, 4],
        [5, 6],
      ],
    ]);
    expect(numbers(rows.lengths)).toEqual([1, 0, 2]);
    const tokens = padSequences([Int32Array.of(4, 5), [6]], { dtype: "int32", buckets: [1, 3] });
    expect([tokens.values.dtype, tokens.lengths.dtype]).toEqual(["int32", "int32"]);
    expect(tokens.values.toArray()).toEqual([
      [4, 5, 0],
      [6, 0, 0],
    ]);
    expect(padSequences([[], []], { buckets: [2] }).values.toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(tensor([0]).dtype).toBe("float32");
  });
});

describe("refusals", () => {
  const options = { length: (x: number[]) => x.length, buckets: [2], batchSize: 2 };
  it.each<[string, () => unknown, RegExp]>([
    ["no lengths", () => lengthBuckets([]), /there are no lengths.*lengthBuckets\(512\)/],
    ["half a step", () => lengthBuckets([1, 2.5]), /whole number ≥ 0, got 2\.5/],
    ["a longest one that is none", () => lengthBuckets(NaN), /got NaN/],
    ["text", () => lengthBuckets("3" as never), /lengths/],
    ["no buckets", () => lengthBuckets([3], { most: 0 }), /most is a whole number ≥ 1/],
    ["a multiple of 0", () => lengthBuckets([3], { multiple: 0 }), /multiple is a whole number ≥ 1/],
    ["another option", () => lengthBuckets([3], { buckets: 3 } as never), /buckets/],
    ["a list of items", () => batchByLength([[1]] as never, options), /batchByLength\(sequence\(items\), …\)/],
    ["no options", () => batchByLength(sequence([[1]]), undefined as never), /batchByLength/],
    ["descending buckets", () => batchByLength(sequence([[1]]), { ...options, buckets: [3, 2] }), /ascending.*\[3, 2\]/],
    ["no batch size", () => batchByLength(sequence([[1]]), { ...options, batchSize: 0 }), /batchSize is a whole number ≥ 1/],
    ["no sequences", () => padSequences([]), /there are no sequences/],
    ["one that is too long", () => padSequences([[1, 2, 3]], { buckets: [2] }), /has 3 steps, and the longest bucket 2/],
    ["steps of different sizes", () => padSequences([[[1, 2]], [[3]]]), /step 0 of sequence 1 has 1, and the first step 2/],
    ["numbers and rows", () => padSequences([[[1]], [3]] as never), /one number without a list/],
  ])("%s", (_, run, message) => {
    expect(run).toThrow(expect.objectContaining({ name: "ErmineError", message: expect.stringMatching(message) as string }));
  });

  it("an item that no bucket holds, when it comes", async () => {
    const batches = batchByLength(sequence([[1], [1, 2, 3]]), options);
    await expect(batches.toArray()).rejects.toThrow(/has 3 steps, and the longest bucket 2/);
    await expect(batchByLength(sequence([[1]]), { ...options, length: () => -1 }).toArray()).rejects.toThrow(/got -1/);
  });
});
