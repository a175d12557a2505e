import { describe, expect, it } from "vitest";
import { add, compile, crossEntropy, Dim, indexSelect, mean, sub, tensor, withBackend, type Tensor } from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import { dataset, sgd, Trainer } from "@ermine/trainer";
import { cpu } from "../src/index.js";

class Words extends Module {
  readonly table = new Embedding(5, 3);
  readonly out = new Linear(3, 2);

  forward(tokens: Tensor): Tensor<"real"> {
    return this.out.forward(mean(this.table.forward(sub(add(tokens, 1), 1)), { axis: 1 }));
  }
}

const tokens = (bad?: number) => {
  const inputs = Int32Array.from({ length: 80 }, (_, i) => i % 5);
  if (bad !== undefined) inputs[79] = bad;
  return dataset({ inputs: { data: inputs, shape: [40, 2] }, targets: { data: new Int32Array(40), shape: [40] } });
};

const settings = (["fast", "portable"] as const).flatMap((numerics) => [1, 2].map((threads) => ({ numerics, threads })));

describe.each(settings)("an index outside of its axis, $numerics, $threads threads", (setting) => {
  it("refuses the step and names op and layer, on resident columns too", async () => {
    const backend = await cpu(setting);
    const trainer = new Trainer({ model: new Words(), loss: crossEntropy, optimizer: sgd({ learningRate: 0.1 }), backend });
    await expect(trainer.fit(tokens(9), { epochs: 2, batchSize: 20, shuffle: false })).rejects.toMatchObject({
      code: "ERMINE_VALUE",
      message: "step: indexSelect of the layer table: the index 9 is not in 0 … 4.",
    });
    expect(trainer.step).toBe(1);
    await expect(trainer.predict(tokens(-1))).rejects.toThrow(
      "predict: indexSelect of the layer table: the index -1 is not in 0 … 4.",
    );
    await expect(trainer.evaluate(tokens(5))).rejects.toThrow(
      "evaluate: indexSelect of the layer table: the index 5 is not in 0 … 4.",
    );
    await trainer.fit(tokens(), { epochs: 2, batchSize: 20 });
    trainer.dispose();
    backend.dispose();
  });

  it("refuses a row that a resident storage does not have", async () => {
    const backend = await cpu(setting);
    const { graph } = traceEntry("f", (trace) => [
      add(trace.feed("x", { shape: [Dim.symbol("N"), 1000], dtype: "float32", domain: "real" }), 1),
    ]);
    const program = compileModule(backend, graphModule({ f: graph }));
    const value = backend.upload(new Float32Array(3000), [3, 1000], "float32");
    const run = (row: number): unknown =>
      program.runSync!("f", { x: { shape: [40, 1000], value, rows: new Int32Array(40).fill(row, 39) } });
    expect(() => run(3)).toThrow("the index 3 is not in 0 … 2");
    expect(() => run(-1)).toThrow("the index -1 is not in 0 … 2");
    expect((run(2) as Float32Array[])[0]!.every((x) => x === 1)).toBe(true);
    program.dispose();
    backend.dispose();
  });

  it("leaks nothing", async () => {
    const backend = await cpu(setting);
    const x = tensor([1, 2, 3]);
    const bad = tensor(Int32Array.of(0, 3));
    const look = compile((i: Tensor) => indexSelect(x, 0, add(i, 0)), { backend });
    const once = (): void => {
      expect(() => look(bad)).toThrow("the index 3 is not in 0 … 2");
      const moved = withBackend(backend, () => add(bad, 0));
      expect(() => withBackend(backend, () => indexSelect(x, 0, moved))).toThrow("indexSelect: the index 3 is not in 0 … 2.");
      moved.dispose();
    };
    once();
    const held = backend.memory();
    once();
    expect(backend.memory()).toEqual(held);
    look.dispose();
    backend.dispose();
  });
});
