import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed, mean, mul, setRows, sumRows, Variable, zeros, type Backend, type Tensor } from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adagrad, dataset, sgd, sparseAdam, Trainer, type OptimizerSetup } from "@ermine/trainer";
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

async function trained(backend: Backend, optimizer: OptimizerSetup): Promise<Float32Array> {
  manualSeed(4);
  const model = new Bag();
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, clipGradNorm: 0.5 });
  await trainer.fit(data, { epochs: 4, batchSize: 16 });
  const table = Float32Array.from(await model.words.weight.data());
  trainer.dispose();
  return table;
}

const optimizers: Readonly<Record<string, () => OptimizerSetup>> = {
  sgd: () => sgd({ learningRate: 0.5 }),
  adagrad: () => adagrad({ learningRate: 0.2 }),
  sparseAdam: () => [
    { parameters: (name) => name === "words.weight", optimizer: sparseAdam({ learningRate: 0.05 }) },
    { parameters: () => true, optimizer: sgd({ learningRate: 0.1 }) },
  ],
};

describe.each(["fast", "portable"] as const)("tables trained by rows on cpu, %s", (numerics) => {
  it.each(Object.keys(optimizers))("%s: the reference's numbers, and rows that never occur as they were", async (name) => {
    const backend = await cpu({ numerics, threads: 1 });
    const [own, expected] = [await trained(backend, optimizers[name]!()), await trained(reference(), optimizers[name]!())];
    own.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i]!))));
    manualSeed(4);
    const start = await new Bag().words.weight.data();
    const seen = new Set(tokens);
    for (let row = 0; row < 1000; row++) {
      const same = own.slice(8 * row, 8 * row + 8).every((value, k) => value === start[8 * row + k]);
      expect(same, `row ${row}`).toBe(!seen.has(row));
    }
    backend.dispose();
  });
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
