/** An index that TensorFlow refuses is an error in ermine's words: which op, of which layer, which index. */
import {
  add,
  compile,
  crossEntropy,
  gather,
  indexSelect,
  mean,
  oneHot,
  sub,
  tensor,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import { dataset, sgd, Trainer } from "@ermine/trainer";
import { expect, test } from "vitest";
import { backend } from "./agreement.js";
import { describeNative } from "./native.js";

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

describeNative("an index outside of its axis", () => {
  test("refuses the step and names op and layer", async () => {
    const model = new Words();
    const trainer = new Trainer({ model, loss: crossEntropy, optimizer: sgd({ learningRate: 0.1 }), backend: await backend() });
    await expect(trainer.fit(tokens(9), { epochs: 2, batchSize: 20, shuffle: false })).rejects.toMatchObject({
      code: "ERMINE_VALUE",
      message: "step: indexSelect of the layer table: the index 9 is not in 0 … 4.",
    });
    expect(trainer.step).toBe(1);
    await expect(trainer.predict(tokens(-1))).rejects.toThrow("predict: indexSelect of the layer table: the index -1");
    await trainer.fit(tokens(), { epochs: 1, batchSize: 20 });
    trainer.dispose();
  });

  const computed: readonly (readonly [string, (i: Tensor) => Tensor])[] = [
    ["indexSelect", (i) => indexSelect(tensor([1, 2, 3]), 0, add(i, 0))],
    ["gather", (i) => gather(tensor([1, 2, 3]), 0, add(i, 0))],
    ["indexSelect", (i) => oneHot(add(i, 0), 3)],
  ];
  test.each(computed)("op by op and compiled: %s", async (op, look) => {
    const tf = await backend();
    const bad = tensor(Int32Array.of(0, 7));
    expect(() => withBackend(tf, () => look(bad).dataSync())).toThrow(`${op}: the index 7 is not in 0 … 2.`);
    const compiled = compile(look, { backend: tf, name: "look" });
    expect(() => compiled(bad).dataSync()).toThrow(`look 1: ${op}: the index 7 is not in 0 … 2.`);
    const good = tensor(Int32Array.of(0, 2));
    expect(compiled(good).dataSync()).toEqual(withBackend(tf, () => look(good).dataSync()));
    compiled.dispose();
  });
});
