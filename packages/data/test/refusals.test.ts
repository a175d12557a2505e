import { dataset, sgd, Trainer } from "@ermine/trainer";
import { manualSeed, mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { describe, expect, it } from "vitest";
import { samples, sequence, stream } from "../src/index.js";
import { batchesOf } from "./batches.js";
import { refusal } from "./refusal.js";

const ten = sequence(Array.from({ length: 10 }, (_, i) => i));
const once = () => stream([1, 2, 3].values()).map((x) => ({ inputs: [x] }));
const columns = { inputs: { shape: [1], dtype: "float32" } } as const;

describe("what does not fit is refused with the remedy", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a sequence of nothing", () => sequence(undefined as never), /sequence takes an array.*got undefined.*stream\(…\)/],
    ["a sequence of a function", () => sequence((() => []) as never), /sequence takes an array/],
    ["two arguments", () => (sequence as (...args: unknown[]) => unknown)([1], [2]), /has 2 arguments/],
    ["a stream of a number", () => stream(3 as never), /stream takes a function/],
    ["a function that gives a number", () => stream(() => 3 as never).toArray(), /the function gave 3, which is no iterator/],
    ["an option that there is not", () => stream(() => [], { size: 3 } as never), /stream has no option "size"/],
    ["a length that is none", () => stream(() => [], { length: -1 }), /length is a whole number ≥ 0, got -1/],
    ["a map without a function", () => ten.map(3 as never), /map takes a function/],
    ["a stream's map without a function", () => stream(() => []).map(undefined as never), /map takes a function/],
    ["a filter without a function", () => ten.filter({} as never), /filter takes a function/],
    ["take of half an item", () => ten.take(1.5), /take: count is a whole number ≥ 0, got 1.5/],
    ["skip of less than none", () => stream(() => []).skip(-1), /skip: count is a whole number ≥ 0/],
    ["shuffle without a buffer", () => ten.shuffle({} as never), /buffer is a whole number ≥ 1, got undefined/],
    ["shuffle of a number", () => ten.shuffle(10 as never), /shuffle\({ buffer: 10 }\)/],
    ["no concurrency", () => ten.mapAsync(async (x) => x, { concurrency: 0 }), /concurrency is a whole number ≥ 1/],
    ["nothing read ahead", () => ten.prefetch(0), /prefetch: count is a whole number ≥ 1/],
    ["concat of an array", () => ten.concat([1, 2] as never), /argument 1 is \[1, 2\]. Write concat\(stream\(…\)\)/],
    ["an index beyond the end", () => ten.at(10), /the sequence has 10 items, 0 … 9/],
    ["half an index", () => ten.at(0.5), /at\(0.5\)/],
    ["a selection beyond the end", () => ten.select([1, 10]), /index 10 \(place 1\)/],
    ["a fractional selection", () => ten.select([0.5]), /index 0.5 \(place 0\)/],
    ["a split of one part", () => ten.split({ training: 1 }), /at least two parts/],
    ["fractions above 1", () => ten.split({ a: 0.8, b: 0.8 }), /add up to 1; got { a: 0\.8, b: 0\.8 }/],
    ["a fraction by itself", () => ten.split(0.2 as never), /Write split\({ training: 0.8/],
    ["an empty part", () => ten.split({ a: 0.99, b: 0.01 }), /"b" would be empty: 10 items/],
    [
      "two ways at once",
      () => ten.split({ a: 0.5, b: 0.5 }, { stratify: (x) => x, time: (x) => x }),
      /stratify and time were given/,
    ],
    ["fewer groups than parts", () => ten.kFold(3, { group: (x) => x % 2 }), /10 items in 2 groups.*3 parts/],
    ["a time that is none", () => ten.split({ a: 0.5, b: 0.5 }, { time: () => new Date("nonsense") }), /the time of item 0/],
    ["one fold", () => ten.kFold(1), /k is a whole number ≥ 2/],
    ["weights of other items", () => ten.weighted([1, 2]), /there are 10 items and 2 weights/],
    ["a negative weight", () => ten.weighted(Array.from({ length: 10 }, (_, i) => i - 1)), /the weight of item 0 is -1/],
    ["weights of 0", () => ten.weighted(new Float32Array(10)), /all 10 weights are 0/],
    ["samples of an array", () => samples([] as never), /samples takes a data set, got \[\]/],
    [
      "an iterator's second pass",
      () => batchesOf(twice.source({ columns })).then(() => batchesOf(twice.source({ columns }))),
      /no second pass/,
    ],
    [
      "an iterator that is taken up again",
      () => batchesOf(once().source({ columns }), { from: { samples: 0, hash: 0 } }),
      /training cannot be taken up in the middle of it. Pass a function/,
    ],
    [
      "a cursor beyond the end",
      () => batchesOf(ten.map((x) => ({ inputs: [x] })).source(), { from: { samples: 99, hash: 0, items: 99, rows: 0 } }),
      /had taken 99 items of an epoch, and there are 10/,
    ],
  ])("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});
const twice = once();

describe("a source trains", () => {
  const data = dataset({
    inputs: [
      [1, 2],
      [3, 4],
      [5, 6],
      [0, 1],
      [2, 2],
    ],
    targets: [[3], [7], [11], [1], [4]],
  });
  const trained = async (source: Parameters<Trainer["fit"]>[0]): Promise<readonly number[]> => {
    manualSeed(4);
    const model = new Linear(2, 1);
    model.loadStateDict({
      weight: { shape: [1, 2], data: Float32Array.of(0.5, -0.5) },
      bias: { shape: [1], data: Float32Array.of(0) },
    });
    const trainer = new Trainer({ model, loss: mse, optimizer: sgd({ learningRate: 0.01 }), backend: reference() });
    const history = await trainer.fit(source, { epochs: 3, batchSize: 2 });
    return history.steps;
  };

  it("as the same data in memory, in the same random order", async () => {
    const inMemory = await trained(data);
    expect(inMemory).toHaveLength(9);
    expect(await trained(samples(data).source())).toEqual(inMemory);
    expect(
      await trained(
        samples(data)
          .cache()
          .mapAsync(async (sample) => sample, { concurrency: 2 })
          .prefetch(2)
          .source(),
      ),
    ).toEqual(inMemory);
  });

  it("a stream of unknown length, which ends", async () => {
    const items = stream(() => [1, 2, 3].map((x) => ({ inputs: [x, x], targets: [x] })));
    expect(await trained(items.source())).toHaveLength(6);
  });
});
