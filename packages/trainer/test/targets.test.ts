/** A loss says what its targets may hold and how its outputs are read, and the trainer asks the loss, never its name. */
import { describe, expect, it } from "vitest";
import {
  bceWithLogits,
  crossEntropy,
  defineLoss,
  focal,
  manualSeed,
  mse,
  mul,
  square,
  sub,
  valueRule,
  type Loss,
  type Tensor,
} from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, dataset, sgd, Trainer, weightedSum, type Dataset } from "../src/index.js";

const backend = reference();
const inputs = { data: Float32Array.of(1, 0, 0, 1, 1, 1, 0, 0), shape: [4, 2] };
const floats = (shape: readonly number[], ...values: number[]): Dataset =>
  dataset({ inputs, targets: { data: Float32Array.from(values), shape } });
const classes = (...values: number[]): Dataset => dataset({ inputs, targets: { data: Int32Array.from(values), shape: [4] } });
const trainerOf = (loss: unknown, outputs = 2, compile = true) =>
  new Trainer({
    model: new Linear(2, outputs),
    loss: loss as Loss,
    optimizer: sgd({ learningRate: 0.1 }),
    metrics: [accuracy()],
    backend,
    compile,
  });
const options = { epochs: 1, batchSize: 2 };

describe("targets are checked before the first step", () => {
  const even = defineLoss({
    name: "crossEntropy",
    link: "identity",
    inputs: [{ name: "prediction" }, { name: "target", values: valueRule("targets are even", (value) => value % 2 === 0) }],
    elements: ([prediction, target]: readonly [Tensor, Tensor]) => ({ value: square(sub(prediction, target)) }),
  });

  it.each([
    [
      "bceWithLogits (training set): target 1 is -1, and labels and probabilities are in [0, 1]. These are labels of ±1",
      bceWithLogits,
      1,
      floats([4, 1], 1, -1, 1, -1),
    ],
    [
      "bceWithLogits (training set): target 0 is 255, and labels and probabilities are in [0, 1]. These look like bytes",
      bceWithLogits,
      1,
      floats([4, 1], 255, 0, 255, 0),
    ],
    [
      "focal (training set): target 2 is 2, and classes are whole numbers from 0 to 1. Do the labels start at 1?",
      focal,
      2,
      classes(1, 1, 2, 1),
    ],
    ["focal (training set): target 3 is 2, and labels and probabilities are in [0, 1].", focal, 1, floats([4, 1], 0, 1, 0, 2)],
    ["crossEntropy (training set): target 3 is 5, and classes", crossEntropy, 2, classes(0, 1, 1, 5)],
    ["crossEntropy (training set): target 1 is 3, and targets are even.", even, 1, floats([4, 1], 2, 3, 4, 6)],
    ["focal (training set): target 0 is 7", weightedSum([{ name: "a", loss: focal }]), 2, classes(7, 1, 0, 1)],
  ])("%s", async (message, loss, outputs, data) => {
    const trainer = trainerOf(loss, outputs);
    const before = Array.from(await trainer.model.parameters()[0]!.value.data());
    await expect(trainer.fit(data, options)).rejects.toThrow(message);
    expect(Array.from(await trainer.model.parameters()[0]!.value.data())).toEqual(before);
    expect(trainer.step).toBe(0);
  });

  it("in the validation set too", async () => {
    const good = floats([4, 1], 0, 1, 0, 1);
    await expect(trainerOf(bceWithLogits, 1).fit(good, { ...options, validation: floats([4, 1], 0, 1, 0, -1) })).rejects.toThrow(
      "bceWithLogits (validation set): target 3 is -1",
    );
  });
});

describe("focal is read as its targets say", () => {
  it("by softmax of class indices, by sigmoid of labels, with accuracy", async () => {
    const byClass = trainerOf(focal);
    await byClass.fit(classes(0, 1, 0, 1), { ...options, validation: classes(0, 1, 0, 1) });
    const rows = await byClass.predict(dataset({ inputs }), { as: "probabilities" });
    for (let i = 0; i < 4; i++) expect(rows.data[2 * i]! + rows.data[2 * i + 1]!).toBeCloseTo(1, 6);
    expect((await byClass.evaluate(classes(0, 1, 0, 1))).accuracy).toBeGreaterThanOrEqual(0);

    const byLabel = trainerOf(focal, 1);
    const { accuracy: share } = await byLabel.evaluate(floats([4, 1], 0, 1, 0, 1));
    const { data } = await byLabel.predict(dataset({ inputs }), { as: "probabilities" });
    expect(share).toBe([0, 1, 0, 1].filter((y, i) => (data[i]! >= 0.5 ? 1 : 0) === y).length / 4);
  });

  it("is not guessed before there was a target", async () => {
    const fresh = trainerOf(focal);
    await expect(fresh.predict(dataset({ inputs }), { as: "classes" })).rejects.toThrow(
      /depends on the targets.*Call fit or evaluate first/,
    );
    await fresh.predict(dataset({ inputs }), { as: "output" });
    await fresh.evaluate(classes(0, 1, 0, 1));
    expect((await fresh.predict(dataset({ inputs }), { as: "classes" })).shape).toEqual([4]);
  });
});

describe.each([true, false])("a function that broadcasts (N, 1) against (N), compile: %s", (compile) => {
  const flat = dataset({ inputs, targets: { data: Float32Array.of(0, 1, 2, 3), shape: [4] } });
  const own = (output: unknown, { targets }: { targets: unknown }): Tensor => square(sub(output as Tensor, targets as Tensor));

  it("is refused, as in a definition", async () => {
    await expect(trainerOf(own, 1, compile).fit(flat, options)).rejects.toThrow(
      /more elements than any of .*Reshape the inputs/s,
    );
    const defined = defineLoss({
      name: "own",
      link: "identity",
      inputs: [{ name: "prediction" }, { name: "target" }],
      elements: ([prediction, target]: readonly [Tensor, Tensor]) => ({ value: mul(sub(prediction, target), 2) }),
    });
    await expect(trainerOf(defined, 1, compile).fit(flat, options)).rejects.toThrow(/own: the value is .*more elements than any/);
  });

  it("trains where the shapes are equal", async () => {
    const column = dataset({ inputs, targets: { data: Float32Array.of(0, 1, 2, 3), shape: [4, 1] } });
    const losses: number[] = [];
    for (const loss of [own, mse]) {
      manualSeed(3);
      const { epochs } = await trainerOf(loss, 1, compile).fit(column, { ...options, shuffle: false });
      losses.push(epochs[0]!["loss"]!);
    }
    expect(losses[0]).toBeCloseTo(losses[1]!, 6);
  });
});
