import { describe, expect, it } from "vitest";
import {
  crossEntropy,
  indexAdd,
  manualSeed,
  mean,
  mul,
  setRows,
  sumRows,
  tensor,
  Variable,
  zeros,
  type Backend,
  type Tensor,
  type TypedArray,
} from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adadelta,
  adagrad,
  adamw,
  dataset,
  nadam,
  sgd,
  sparseAdam,
  Trainer,
  type Optimizer,
  type OptimizerSetup,
} from "@ermine/trainer";
import { expectRowsScaledToNorm } from "../../conformance/test/shared/maxNorm.js";
import { cpu } from "../src/index.js";

class Bag extends Module {
  readonly words = new Embedding(1000, 8);
  readonly out = new Linear(8, 3);
  forward(text: Tensor): Tensor {
    return this.out.forward(mean(this.words.forward(text), { axis: 1 }));
  }
}
const tokens = Int32Array.from({ length: 40 * 6 }, (_, i) => (i * i * 31) % 997);
const data = dataset({
  inputs: { data: tokens, shape: [40, 6] },
  targets: { data: Int32Array.from({ length: 40 }, (_, i) => i % 3), shape: [40] },
});

async function trained(backend: Backend, optimizer: OptimizerSetup, accumulate = 1): Promise<Float32Array> {
  manualSeed(4);
  const model = new Bag();
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, clipGradNorm: 0.5, accumulate });
  await trainer.fit(data, { epochs: 4, batchSize: 16 });
  const table = Float32Array.from(await model.words.weight.data());
  trainer.dispose();
  return table;
}

const optimizers: Readonly<Record<string, () => OptimizerSetup>> = {
  sgd: () => sgd({ learningRate: 0.5 }),
  adagrad: () => adagrad({ learningRate: 0.2 }),
  "lazy adamw": () => [
    { parameters: (name) => name === "words.weight", optimizer: adamw({ learningRate: 0.05 }), lazy: true },
    { parameters: () => true, optimizer: sgd({ learningRate: 0.1 }) },
  ],
  sparseAdam: () => [
    { parameters: (name) => name === "words.weight", optimizer: sparseAdam({ learningRate: 0.05 }) },
    { parameters: () => true, optimizer: sgd({ learningRate: 0.1 }) },
  ],
};

describe.each(["fast", "portable"] as const)("tables trained by rows on cpu, %s", (numerics) => {
  it.each(Object.keys(optimizers))("%s: the reference's numbers, and rows that never occur as they were", async (name) => {
    const backend = await cpu({ numerics, threads: 1 });
    const [weights, expected] = [await trained(backend, optimizers[name]!()), await trained(reference(), optimizers[name]!())];
    weights.forEach((value, i) =>
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i]!))),
    );
    manualSeed(4);
    const start = await new Bag().words.weight.data();
    const occurring = new Set(tokens);
    for (let row = 0; row < 1000; row++) {
      const same = weights.slice(8 * row, 8 * row + 8).every((value, k) => value === start[8 * row + k]);
      expect(same, `row ${row}`).toBe(!occurring.has(row));
    }
    backend.dispose();
  });
  it.each([1, 2])(
    "a lazy group's sums over %i micro-batches, and whole steps of adamw: the reference's numbers",
    async (accumulate) => {
      const backend = await cpu({ numerics, threads: 1 });
      for (const optimizer of [optimizers["lazy adamw"]!(), adamw({ learningRate: 0.05, weightDecay: 0.1 })]) {
        const weights = await trained(backend, optimizer, accumulate);
        const expected = await trained(reference(), optimizer, accumulate);
        weights.forEach((value, i) =>
          expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-4 * Math.max(1, Math.abs(expected[i]!))),
        );
      }
      backend.dispose();
    },
  );
});

it("an update of rows is written into the table where it lies: no copy of it anywhere", async () => {
  const backend = await cpu({ threads: 1 });
  const [rows, width] = [20_000, 64];
  const table = new Variable(zeros([rows, width]), { name: "table" });
  const { graph } = traceEntry("step", (trace) => {
    const indices = trace.feed("indices", { shape: [3], dtype: "int32", domain: "real" });
    const values = trace.feed("values", { shape: [3, width], dtype: "float32", domain: "real" });
    const { sums } = sumRows(indices, values, rows);
    table.value = setRows(table.value, indices, mul(sums, 2));
    return sums;
  });
  const program = compileModule(backend, graphModule({ step: graph }));
  const before = backend.memory().bytes;
  const feeds = {
    indices: { shape: [3], value: Int32Array.of(7, 19_999, 7) },
    values: { shape: [3, width], value: Float32Array.from({ length: 3 * width }, (_, i) => 1 + Math.floor(i / width)) },
  };
  for (let i = 0; i < 2; i++) for (const storage of program.run("step", feeds)) backend.release(storage);
  // The arena has the batch's rows and an index a row of the table; a second table would be 5 MB.
  expect(backend.memory().bytes - before).toBeLessThan(rows * width);
  const numbers = await table.data();
  expect([numbers[7 * width], numbers[19_999 * width], numbers[8 * width]]).toEqual([8, 4, 0]);
  expect(Array.from(numbers).reduce((a, b) => a + b, 0)).toBe((8 + 4) * width);
  program.dispose();
  backend.dispose();
});

it.each(["fast", "portable"] as const)(
  "C2: rows that are looked up in two lookups are scaled down to the norm, to float32's last digits: %s",
  async (numerics) => {
    const backend = await cpu({ numerics });
    expectRowsScaledToNorm(backend);
    backend.dispose();
  },
);

const bitsOf = ({ buffer, byteOffset, byteLength }: TypedArray): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");

/** Three steps of an optimizer on a table of which some rows have a gradient. @param shown is the gradient of the whole table read by somebody else too? */
async function tableSteps(
  backend: Backend,
  optimizer: Optimizer,
  [size, width, lookups]: readonly [size: number, width: number, lookups: number],
  shown: boolean,
): Promise<{ readonly elements: readonly string[]; readonly bytes: number }> {
  const draw = (count: number, salt: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9 + salt));
  const shape = [size, width];
  const parameter = new Variable(tensor(draw(size * width, 0), { shape }), { name: "table" });
  const slots = Object.entries(optimizer.slots(shape)).map(
    ([name]) => new Variable(tensor(draw(size * width, 3).map(Math.abs), { shape }), { name }),
  );
  const { graph } = traceEntry("step", (trace) => {
    const indices = trace.feed("indices", { shape: [lookups], dtype: "int32", domain: "real" });
    const rows = trace.feed("rows", { shape: [lookups, width], dtype: "float32", domain: "real" });
    const scalars = trace.feed("scalars", { shape: [optimizer.scalarCount], dtype: "float32", domain: "real" });
    const gradient = setRows(zeros(shape), indices, sumRows(indices, rows, size).sums);
    const state = { parameters: [parameter.value], slots: [slots.map((slot) => slot.value)] };
    const next = optimizer.update(state, [gradient], scalars);
    parameter.value = next.parameters[0]!;
    slots.forEach((slot, i) => (slot.value = next.slots[0]![i]!));
    return [shown ? gradient : rows];
  });
  const program = compileModule(backend, graphModule({ step: graph }));
  const before = backend.memory().bytes;
  for (let step = 0; step < 3; step++) {
    const feeds = {
      // The first row, the last one, and some several times.
      indices: {
        shape: [lookups],
        value: Int32Array.from({ length: lookups }, (_, i) => (i === 1 ? size - 1 : (i * i * (step + 1)) % size)),
      },
      rows: { shape: [lookups, width], value: draw(lookups * width, step + 5) },
      scalars: { shape: [optimizer.scalarCount], value: Float32Array.from(optimizer.scalars({ step, epoch: 0 })) },
    };
    for (const storage of program.run("step", feeds)) backend.release(storage);
  }
  const bytes = backend.memory().bytes - before;
  const elements = await Promise.all([parameter, ...slots].map(async (variable) => bitsOf(await variable.data())));
  program.dispose();
  return { elements, bytes };
}

describe.each(["fast", "portable"] as const)("a step on the whole of a table that was looked up in, %s", (numerics) => {
  const withKernels: Readonly<Record<string, Optimizer>> = {
    "no slots": sgd({ learningRate: 0.1, weightDecay: 0.01 }),
    "one slot": sgd({ learningRate: 0.1, momentum: 0.9 }),
    "two slots": adamw({ learningRate: 0.1 }),
    "two slots, other scalars": nadam({ learningRate: 0.1 }),
    "two slots, of roots": adadelta(),
  };
  it.each(Object.keys(withKernels))(
    "%s: the bits of a step whose gradient is made, with one thread and with two",
    async (name) => {
      const optimizer = withKernels[name]!;
      const [one, two] = [await cpu({ numerics, threads: 1 }), await cpu({ numerics, threads: 2 })];
      for (const sizes of [
        [1, 1, 1],
        [5, 1, 3],
        [7, 3, 9],
        [300, 5, 40],
        [19, 64, 25],
        [2, 2500, 3],
        [3000, 8, 300],
      ] as const) {
        const { elements: expected } = await tableSteps(one, optimizer, sizes, true);
        for (const backend of [one, two]) {
          const { elements } = await tableSteps(backend, optimizer, sizes, false);
          expect(
            elements.map((bits, i) => bits === expected[i]),
            sizes.join(" × "),
          ).not.toContain(false);
        }
      }
      one.dispose();
      two.dispose();
    },
  );
});

it("no gradient of the whole table is made where only the step reads it", async () => {
  const backend = await cpu({ threads: 1 });
  const sizes = [4000, 64, 10] as const;
  const table = 4 * sizes[0] * sizes[1];
  expect((await tableSteps(backend, adamw(), sizes, true)).bytes).toBeGreaterThan(table);
  // The batch's rows, and an index a row of the table.
  expect((await tableSteps(backend, adamw(), sizes, false)).bytes).toBeLessThan(table / 10);
  backend.dispose();
});

it("what is added to a table by index is added where it lies", async () => {
  const backend = await cpu({ threads: 1 });
  const [rows, width] = [20_000, 64];
  const table = new Variable(zeros([rows, width]), { name: "table" });
  const { graph } = traceEntry("add", (trace) => {
    const indices = trace.feed("indices", { shape: [3], dtype: "int32", domain: "real" });
    const values = trace.feed("values", { shape: [3, width], dtype: "float32", domain: "real" });
    table.value = indexAdd(table.value, 0, indices, values);
    return values;
  });
  const program = compileModule(backend, graphModule({ add: graph }));
  const before = backend.memory().bytes;
  const feeds = {
    indices: { shape: [3], value: Int32Array.of(7, 19_999, 7) },
    values: { shape: [3, width], value: Float32Array.from({ length: 3 * width }, (_, i) => 1 + Math.floor(i / width)) },
  };
  for (let i = 0; i < 2; i++) for (const storage of program.run("add", feeds)) backend.release(storage);
  expect(backend.memory().bytes - before).toBeLessThan(rows * width);
  const elements = await table.data();
  expect([elements[7 * width], elements[19_999 * width], elements[8 * width]]).toEqual([8, 4, 0]);
  program.dispose();
  backend.dispose();
});
