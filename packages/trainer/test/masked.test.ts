/** A query that may attend to nothing is named as what it is. */
import { describe, expect, it } from "vitest";
import { bceWithLogits, cast, mse, sum, tensor, withBackend, type Tensor } from "@ermine/core";
import { Linear, Module, MultiHeadAttention } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, sgd, Trainer } from "../src/index.js";

class Masked extends Module {
  readonly attention = new MultiHeadAttention(4, 2);
  readonly head = new Linear(4, 1);
  forward(x: Tensor, padding: Tensor): Tensor {
    return sum(this.head.forward(this.attention.forward(x, x, x, { keyPaddingMask: cast(padding, "bool") })), { axis: 1 });
  }
}

const data = (...padding: number[]) =>
  dataset({
    inputs: [
      { data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), shape: [2, 3, 4] },
      { data: Float32Array.from(padding), shape: [2, 3] },
    ],
    targets: { data: Float32Array.of(1, 2), shape: [2, 1] },
  });

describe.each([true, false])("a sample of padding alone, compile: %s", (compile) => {
  it("is refused by fit, which names the mask", async () => {
    const trainer = new Trainer({
      model: new Masked(),
      loss: mse,
      optimizer: sgd({ learningRate: 0.1 }),
      backend: reference(),
      compile,
    });
    await trainer.fit(data(0, 0, 1, 0, 1, 1), { epochs: 1, batchSize: 2 });
    await expect(trainer.fit(data(0, 0, 1, 1, 1, 1), { epochs: 1, batchSize: 2 })).rejects.toThrow(
      /of the layer attention.*does a mask \(attnMask, keyPaddingMask\) hide every key of a query\?/,
    );
  });

  it("is told by predict, once, with the sample and the mask; a class is refused", async () => {
    const notices: string[] = [];
    const notice = (message: string): void => void notices.push(message);
    const backend = reference();
    const model = new Masked();
    const trainer = new Trainer({ model, loss: mse, optimizer: sgd({ learningRate: 0.1 }), backend, compile });
    const predicted = await trainer.predict(data(0, 0, 1, 0, 1, 1), { notice });
    expect(notices).toEqual([]);
    const { data: output } = await trainer.predict(data(0, 0, 1, 1, 1, 1), { notice });
    expect([output[0], output[1]]).toEqual([predicted.data[0], Number.NaN]);
    expect(notices).toEqual([
      expect.stringMatching(
        /^predict: the output is NaN for 1 of 2 samples, the first of which is sample 1\. It was first not finite in .*layer attention.*does a mask/,
      ),
    ]);
    const classifier = new Trainer({
      model: new Masked(),
      loss: bceWithLogits,
      optimizer: sgd({ learningRate: 0.1 }),
      backend,
      compile,
    });
    await expect(classifier.predict(data(0, 0, 1, 1, 1, 1), { as: "classes" })).rejects.toThrow(
      /predict: the output is NaN .* A NaN has no class/,
    );
    expect(
      [...(await classifier.predict(data(0, 0, 1, 0, 1, 1), { as: "classes" })).data].every(
        (label) => label === 0 || label === 1,
      ),
    ).toBe(true);
    await expect(trainer.predict(data(0, 0, 1, 0, 1, 1), { notice: "console" as never })).rejects.toThrow(
      /notice is a function of a message/,
    );
    const { tensors } = backend.memory();
    await trainer.predict(data(0, 0, 1, 1, 1, 1), { notice });
    expect(backend.memory().tensors).toBe(tensors);
  });
});

it("a mask of another shape is told which there are", () => {
  withBackend(reference(), () => {
    const layer = new MultiHeadAttention(4, 2);
    const x = tensor(new Float32Array(24), { shape: [2, 3, 4] });
    const mask = (...shape: number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape });
    expect(layer.forward(x, x, x, { attnMask: mask(4, 3, 3) }).shape).toEqual([2, 3, 4]);
    expect(() => layer.forward(x, x, x, { attnMask: mask(2, 3, 3) })).toThrow(
      "attnMask is bool (true: not attended to) or float32 (added to the scores) and here [3, 3] or [4, 3, 3], (L, S) or (N · heads, L, S): for (N, L, S) repeat each sample's rows for every head; got float32[2, 3, 3].",
    );
  });
});
