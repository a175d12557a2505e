/** A query that may attend to nothing is named as what it is. */
import { describe, expect, it } from "vitest";
import { cast, mse, sum, tensor, withBackend, type Tensor } from "@ermine/core";
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
