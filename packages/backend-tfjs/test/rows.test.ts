/** Tables that are looked up in, trained: rows summed and set by TensorFlow's own ops give the reference's numbers. */
import { expect, it } from "vitest";
import { crossEntropy, manualSeed, mean, type Backend, type Tensor } from "@ermine/core";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, sgd, sparseAdam, Trainer, type Optimizer, type OptimizerSetup } from "@ermine/trainer";
import { backend as home } from "./agreement.js";
import { describeNative } from "./native.js";

const [words, width] = [50, 8];

class Bag extends Module {
  readonly words = new Embedding(words, width);
  readonly out = new Linear(width, 3);
  forward(text: Tensor): Tensor {
    return this.out.forward(mean(this.words.forward(text), { axis: 1 }));
  }
}

// Words from 41 on never occur.
const tokens = Int32Array.from({ length: 40 * 6 }, (_, i) => (i * i * 31) % 41);
const data = dataset({
  inputs: { data: tokens, shape: [40, 6] },
  targets: { data: Int32Array.from({ length: 40 }, (_, i) => i % 3), shape: [40] },
});

const alone = (optimizer: Optimizer, lazy: boolean): OptimizerSetup => [
  { parameters: (name) => name === "words.weight", optimizer, lazy },
  { parameters: () => true, optimizer: sgd({ learningRate: 0.1 }) },
];

async function trained(backend: Backend, optimizer: OptimizerSetup, accumulate: number): Promise<Float32Array> {
  manualSeed(4);
  const model = new Bag();
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, clipGradNorm: 0.5, accumulate });
  await trainer.fit(data, { epochs: 3, batchSize: 16 });
  const table = Float32Array.from(await model.words.weight.data());
  trainer.dispose();
  return table;
}

const setups: Readonly<Record<string, () => OptimizerSetup>> = {
  adamw: () => adamw({ learningRate: 0.05, weightDecay: 0.1 }),
  "sgd, momentum": () => sgd({ learningRate: 0.5, momentum: 0.9 }),
  sgd: () => sgd({ learningRate: 0.5 }),
  "lazy adamw": () => alone(adamw({ learningRate: 0.05, weightDecay: 0.1 }), true),
  sparseAdam: () => alone(sparseAdam({ learningRate: 0.05 }), false),
};

describeNative("tables trained by rows on TensorFlow", () => {
  it.each(Object.keys(setups).flatMap((name) => [1, 2].map((accumulate) => [name, accumulate] as const)))(
    "%s, %i micro-batches",
    async (name, accumulate) => {
      const weights = await trained(await home(), setups[name]!(), accumulate);
      const expected = await trained(reference(), setups[name]!(), accumulate);
      weights.forEach((value, i) => expect(Math.abs(value - expected[i]!), `element ${i}`).toBeLessThan(2e-4));
      manualSeed(4);
      const start = (await new Bag().words.weight.data()).slice(41 * width);
      const moves = name === "adamw";
      expect(weights.slice(41 * width).every((value, i) => value === start[i])).toBe(!moves);
    },
  );
});
