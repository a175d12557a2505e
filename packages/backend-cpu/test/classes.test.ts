import { describe, expect, it } from "vitest";
import {
  add,
  compile,
  crossEntropy,
  focal,
  grad,
  logSoftmax,
  multiMargin,
  nll,
  sum,
  tensor,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, sgd, Trainer } from "@ermine/trainer";
import { cpu } from "../src/index.js";

type Each = (z: Tensor, y: Tensor) => Tensor;

const losses: readonly (readonly [string, Each])[] = [
  ["crossEntropy", (z, y) => crossEntropy(z, y, { reduction: "none" })],
  [
    "crossEntropy with weights and smoothing",
    (z, y) => crossEntropy(z, y, { reduction: "none", labelSmoothing: 0.1, weight: tensor([1, 2, 3]) }),
  ],
  ["nll", (z, y) => nll(logSoftmax(z), y, { reduction: "none" })],
  ["nll with weights", (z, y) => nll(logSoftmax(z), y, { reduction: "none", weight: tensor([1, 2, 3]) })],
  ["focal", (z, y) => focal(z, y, { reduction: "none" })],
  ["multiMargin", (z, y) => multiMargin(z, y, { reduction: "none" })],
  ["multiMargin with weights", (z, y) => multiMargin(z, y, { reduction: "none", weight: tensor([1, 2, 3]) })],
];

describe("a class index that is none, and is not on the host", async () => {
  const backends: readonly (readonly [string, Backend])[] = [
    ["reference", reference()],
    ["cpu", await cpu({ threads: 1 })],
  ];
  const logits = (): Tensor =>
    tensor([
      [1, 2, 3],
      [0, 1, 0],
      [2, 0, 1],
      [1, 1, 0],
    ]);
  // 0, 2, then one above and one below the classes.
  const computed = (): Tensor => add(tensor(Int32Array.of(-1, 1, 2, -2)), 1);

  describe.each(losses)("%s", (_, each) => {
    it.each(backends)("is NaN, value and gradient, and touches no other row: %s", (__, backend) => {
      withBackend(backend, () => {
        const value = (z: Tensor): Tensor => each(z, computed());
        const slope = grad((z: Tensor) => sum(each(z, computed())));
        for (const run of [
          { value, slope },
          { value: compile(value), slope: compile(slope) },
        ]) {
          expect(Array.from(run.value(logits()).dataSync(), Number.isNaN)).toEqual([false, false, true, true]);
          const rows = Array.from(run.slope(logits()).dataSync(), Number.isNaN);
          expect(rows).toEqual([...Array<boolean>(6).fill(false), ...Array<boolean>(6).fill(true)]);
        }
      });
    });
  });

  it.each(backends)("is what a trainer names: %s", async (_, backend) => {
    const trainer = new Trainer({
      model: new Linear(2, 3),
      loss: (output, { targets }) => crossEntropy(output as Tensor<"real">, add(targets as Tensor, 1)),
      optimizer: sgd({ learningRate: 0.1 }),
      backend,
    });
    const data = dataset({
      inputs: { data: new Float32Array(8).fill(1), shape: [4, 2] },
      targets: { data: Int32Array.of(0, 1, 2, 0), shape: [4] },
    });
    await expect(trainer.fit(data, { epochs: 1, batchSize: 4, shuffle: false })).rejects.toThrow(
      /first in crossEntropyElements\. Nothing of it was kept\. crossEntropyElements: target 2 is 3, and classes are whole numbers from 0 to 2\. Do the labels start at 1/,
    );
    trainer.dispose();
  });
});
