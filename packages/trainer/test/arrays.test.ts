import { describe, expect, it } from "vitest";
import { bceWithLogits, manualSeed, mse, tensor, type NumberArray } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, dataset, sgd, Trainer, type Column, type ColumnSource } from "../src/index.js";
import { metrics } from "../src/catalog.js";

const coded = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });
const inputsOf = (inputs: unknown) => {
  const column = dataset({ inputs: inputs as ColumnSource }).inputs as Column;
  return [column.dtype, column.shape, Array.from(column.select([0, 1]).data as ArrayLike<number>)];
};

describe("a column is", () => {
  it.each<[string, unknown, unknown]>([
    ["rows of Float32Arrays", [Float32Array.of(1, 2), Float32Array.of(3, 4)], ["float32", [2, 2], [1, 2, 3, 4]]],
    ["a bare typed array", Float32Array.of(1, 2), ["float32", [2], [1, 2]]],
    ["bytes", Uint8Array.of(51, 255), ["int32", [2], [51, 255]]],
    ["clamped bytes and their shape", { data: Uint8ClampedArray.of(51, 255), shape: [2, 1] }, ["int32", [2, 1], [51, 255]]],
    ["booleans", [true, false], ["bool", [2], [1, 0]]],
    ["bytes said to be bool", { data: Uint8Array.of(0, 255), shape: [2], dtype: "bool" }, ["bool", [2], [0, 1]]],
    ["bytes said to be float32", { data: Uint8Array.of(7, 255), shape: [2], dtype: "float32" }, ["float32", [2], [7, 255]]],
    ["a flat list and its shape", { data: [1, 2], shape: [2, 1] }, ["float32", [2, 1], [1, 2]]],
    ["64-bit integers", BigInt64Array.of(1n, -2n), ["int32", [2], [1, -2]]],
    ["a bool tensor", tensor([true, false]), ["bool", [2], [1, 0]]],
  ])("%s", (_, inputs, expected) => expect(inputsOf(inputs)).toEqual(expected));

  it("bytes that are not copied", () => {
    const bytes = Uint8Array.of(1, 2);
    expect((dataset({ inputs: bytes }).inputs as Column).data).toBe(bytes);
  });

  it.each<[string, unknown, string, RegExp]>([
    [
      "sizes below 0",
      { data: [1, 2], shape: [-1, -2] },
      "ERMINE_SHAPE",
      /inputs: a shape is an array of whole numbers.*\[-1, -2\]/,
    ],
    ["halves", { data: [1, 2], shape: [0.5, 4] }, "ERMINE_SHAPE", /\[0\.5, 4\]/],
    ["NaN", { data: [1, 2], shape: [NaN] }, "ERMINE_SHAPE", /\[NaN\]/],
    ["too many", { data: [1, 2], shape: [2 ** 16, 2 ** 16] }, "ERMINE_MEMORY", /more than a tensor can have/],
    ["beyond int32", Uint32Array.of(2 ** 31), "ERMINE_DTYPE", /inputs: element 0 is 2147483648, and the column holds int32/],
    ["a buffer", new ArrayBuffer(8), "ERMINE_DATA", /new Float32Array\(buffer\)/],
    ["another dtype", { data: [1], shape: [1], dtype: "int64" }, "ERMINE_DTYPE", /no dtype "int64"/],
  ])("not %s", (_, inputs, code, message) =>
    expect(() => dataset({ inputs: inputs as ColumnSource })).toThrow(coded(code, message)),
  );

  it("not an array that was detached before, or after", async () => {
    const [before, after] = [Float32Array.of(1, 2), Float32Array.of(1, 2)];
    const data = dataset({ inputs: { data: after, shape: [2, 1] }, targets: [[1], [2]] });
    for (const { buffer } of [before, after]) structuredClone(buffer, { transfer: [buffer] });
    expect(() => dataset({ inputs: before })).toThrow(coded("ERMINE_RELEASED", /inputs: the array's buffer is detached/));
    const trainer = new Trainer({ model: new Linear(1, 1), loss: mse, optimizer: sgd(), backend: reference() });
    await expect(trainer.fit(data, { epochs: 1 })).rejects.toThrow(
      coded("ERMINE_DATA", /inputs: .* had 2 elements and has 0.*detached/),
    );
    expect(trainer.step).toBe(0);
  });
});

/** Arrays of these elements in memory of every sort; halves only where the engine has them. */
const half = (globalThis as { Float16Array?: typeof Float32Array }).Float16Array;
const resizable = (values: readonly number[]): Float32Array => {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: { maxByteLength: number }) => ArrayBuffer;
  const data = new Float32Array(new Resizable(4 * values.length, { maxByteLength: 8 * values.length }));
  data.set(values);
  return data;
};
const memories: Readonly<Record<string, (values: readonly number[]) => NumberArray>> = {
  "a buffer of its own": (values) => Float32Array.from(values),
  "a resizable buffer": resizable,
  ...(half === undefined ? {} : { "a buffer of halves": (values: readonly number[]) => half.from(values) as NumberArray }),
};

/** Every method that takes arrays, with what it gives for these inputs. */
const doors: Readonly<Record<string, (data: NumberArray) => Promise<unknown>>> = {
  "inputs of a data set": async (data) => withTrainer((t) => t.predict(dataset({ inputs: { data, shape: [3, 1] } }))),
  "targets of a data set": async (data) =>
    withTrainer((t) => t.evaluate(dataset({ inputs: [[1], [2], [3]], targets: { data, shape: [3, 1] } }))),
  "weights of a data set": async (data) =>
    withTrainer((t) => t.evaluate(dataset({ inputs: [[1], [2], [3]], targets: [[1], [2], [4]], sampleWeights: data }))),
  predict: async (data) => withTrainer((t) => t.predict({ data, shape: [3, 1] })),
};

async function withTrainer<T>(run: (trainer: Trainer) => Promise<T>): Promise<T> {
  manualSeed(1);
  const trainer = new Trainer({ model: new Linear(1, 1), loss: mse, optimizer: sgd(), backend: reference() });
  try {
    return await run(trainer);
  } finally {
    trainer.dispose();
  }
}

describe.each(Object.entries(doors))("%s: an array", (_, take) => {
  const values = [1.5, 2, 0.25];
  it.each(Object.entries(memories))("in %s", async (__, make) => {
    expect(await take(make(values))).toEqual(await take(values as never));
  });

  it("of which the memory is gone is refused", async () => {
    for (const data of [Float32Array.from(values), resizable(values)]) {
      structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
      await expect(take(data)).rejects.toThrow(coded("ERMINE_RELEASED", /detached.*or was resized/));
    }
  });
});

it.each([true, false])("targets and weights train in every dtype alike (compile: %s)", async (compile) => {
  const losses = [];
  for (const [targets, sampleWeights] of [
    [Float32Array.of(1, 0, 1, 1), Float32Array.of(1, 2, 1, 3)],
    [Uint8Array.of(1, 0, 1, 1), Int32Array.of(1, 2, 1, 3)],
    [[true, false, true, true], Uint8Array.of(1, 2, 1, 3)],
  ]) {
    manualSeed(1);
    const options = { loss: bceWithLogits, optimizer: sgd(), backend: reference(), compile, metrics: [accuracy()] };
    const trainer = new Trainer({ model: new Linear(2, 1), ...options });
    const column = (data: unknown) => (Array.isArray(data) ? data.map((value: boolean) => [value]) : { data, shape: [4, 1] });
    const data = dataset({
      inputs: [
        [1, 2],
        [3, 4],
        [-1, 0],
        [2, 2],
      ],
      targets: column(targets) as ColumnSource,
      sampleWeights: sampleWeights as never,
    });
    const { epochs } = await trainer.fit(data, { epochs: 2, batchSize: 3, validation: data });
    losses.push(epochs);
  }
  expect(losses[1]).toEqual(losses[0]);
  expect(losses[2]).toEqual(losses[0]);
});

it.each(Object.keys(metrics))("the metric %s is the same for targets of every dtype", (name) => {
  const kinds = [Float32Array, Float64Array, Int32Array, Uint8Array];
  const scores = { data: Float32Array.of(0.7, 0.2, 0.1, 0.1, 0.3, 0.6), shape: [2, 3], domain: "probabilities" } as const;
  const pair = { data: Float32Array.of(0.7, 0.2), shape: [2], domain: "probabilities" } as const;
  for (const [prediction, target, shape] of [
    [scores, [0, 2], [2]],
    [scores, [1, 0, 0, 0, 0, 1], [2, 3]],
    [pair, [1, 0], [2]],
  ] as const) {
    const values = kinds.map((Kind) => {
      const metric = metrics[name]!({});
      try {
        return metric.compute(metric.update(metric.init(), prediction, { data: Kind.from(target), shape }));
      } catch (error) {
        return (error as Error).message;
      }
    });
    for (const value of values) expect(value).toEqual(values[0]);
  }
});
