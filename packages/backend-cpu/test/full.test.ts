/** Memory that does not grow any more: what can be made again is given back, and ending needs none. */
import { compile, mean, mse, mul, ones, tensor, withBackend, type Tensor } from "@ermine/core";
import { Linear, Sequential } from "@ermine/core/nn";
import { dataset, sgd, Trainer } from "@ermine/trainer";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cpu } from "../src/index.js";

const page = 65_536;

/** From now on memory grows by so many pages altogether. */
function limitGrowth(pages: number): void {
  let left = pages;
  const { grow } = WebAssembly.Memory.prototype;
  vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(function (this: WebAssembly.Memory, by: number) {
    if (by > left) throw new RangeError("WebAssembly.Memory.grow(): Maximum memory size exceeded");
    left -= by;
    return grow.call(this, by);
  });
}
afterEach(() => void vi.restoreAllMocks());

describe("a memory that is full", () => {
  it("D1: takes back what a compiled function holds for sizes that it ran before", async () => {
    const backend = await cpu({ threads: 1 });
    const centred = compile((x: Tensor) => mean(mul(mul(x, x), x)), { backend });
    const run = (rows: number): number =>
      withBackend(backend, () => {
        const x = ones([rows, 1024]);
        const result = centred(x);
        const value = result.item();
        result.dispose();
        x.dispose();
        return value;
      });
    expect(run(64)).toBe(1);
    // Room for the largest run and half of it again; what all twelve sizes hold together is more than twice as much.
    limitGrowth(Math.ceil((1.5 * 3 * 4 * 1024 * 1024) / page));
    for (let rows = 80; rows <= 1024; rows += 80) expect(run(rows)).toBe(1);
    centred.dispose();
    backend.dispose();
  });

  it("D2: predicts, gives the parameters back and ends a trainer", async () => {
    const backend = await cpu({ threads: 1 });
    const side = 512;
    const model = new Sequential(new Linear(side, side), new Linear(side, side));
    const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });
    const trainer = new Trainer({ model, loss: mse, optimizer, backend });
    const inputs = tensor(new Float32Array(4 * side).fill(0.1), { shape: [4, side] });
    const data = dataset({ inputs, targets: tensor(new Float32Array(4 * side), { shape: [4, side] }) });
    await trainer.fit(data, { epochs: 1, batchSize: 2 });
    const { data: before } = await trainer.predict(data);
    limitGrowth(0);
    const { data: after } = await trainer.predict(data);
    expect(after).toEqual(before);
    trainer.dispose();
    const state = await model.stateDict();
    expect(Object.values(state).every(({ data: values }) => values.every((value) => Number.isFinite(value)))).toBe(true);
    expect(state["0.weight"]!.data.length).toBe(side * side);
    backend.dispose();
  });
});
