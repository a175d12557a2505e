/** A loss says what its targets may hold and how its outputs are read, and the trainer asks the loss, never its name. */
import { describe, expect, it } from "vitest";
import {
  abs,
  add,
  bceWithLogits,
  cast,
  crossEntropy,
  equal,
  exp,
  focal,
  greater,
  lessEqual,
  manualSeed,
  maximum,
  mean,
  mse,
  mul,
  neg,
  ones,
  reshape,
  square,
  sub,
  sum,
  tensor,
  where,
  type Loss,
  type Tensor,
} from "@ermine/core";
import { defineLoss, valueRule } from "@ermine/core/define";
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

  it.each([
    ["bceWithLogits (evaluated set): target 1 is -1", bceWithLogits, 1, floats([4, 1], 1, -1, 1, -1)],
    ["focal (evaluated set): target 2 is 2", focal, 2, classes(1, 1, 2, 1)],
    ["crossEntropy (evaluated set): target 3 is 5", crossEntropy, 2, classes(0, 1, 1, 5)],
    ["crossEntropy (evaluated set): target 1 is 3, and targets are even.", even, 1, floats([4, 1], 2, 3, 4, 6)],
  ])("evaluate: %s", async (message, loss, outputs, data) => {
    for (const compile of [true, false]) {
      const trainer = trainerOf(loss, outputs, compile);
      await expect(trainer.evaluate(data, { metrics: [] })).rejects.toThrow(message);
    }
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
  const squaredError = (output: unknown, { targets }: { targets: unknown }): Tensor =>
    square(sub(output as Tensor, targets as Tensor));

  type Compared = (prediction: Tensor, target: Tensor) => Tensor;
  const compared: readonly (readonly [string, Compared])[] = [
    ["sub", (p, y) => square(sub(p, y))],
    ["sub", (p, y) => mean(square(sub(p, y)))],
    ["sub", (p, y) => sum(square(sub(y, p)))],
    ["mul", (p, y) => neg(mean(mul(p, y)))],
    ["maximum", (p, y) => mean(maximum(p, y))],
    ["where", (p, y) => mean(where(greater(y, 0.5), p, 0))],
    ["lessEqual", (p, y) => mean(mul(cast(lessEqual(p, y), "float32"), 2))],
    ["equal", (p, y) => mean(cast(equal(cast(p, "int32"), cast(y, "int32")), "float32"))],
    ["sub", (p, y) => mean(mean(square(sub(p, y)), { axis: 1 }))],
    ["sub", (p, y) => add(mean(p), sum(abs(sub(exp(p), add(y, 1)))))],
  ];

  it.each(compared)("is refused in a function, %s of %s", async (op, loss) => {
    const trainer = trainerOf((p: Tensor, { targets }: { targets: Tensor }) => loss(p, targets), 1, compile);
    await expect(trainer.fit(flat, options)).rejects.toThrow(
      new RegExp(`^The loss function: ${op} broadcasts .* which compares each element with every other\\. Reshape`),
    );
    expect(trainer.step).toBe(0);
  });

  it.each(compared)("is refused in one part of a sum and in a definition, %s of %s", async (op, loss) => {
    const part = weightedSum([{ name: "a", loss: (p: Tensor, { targets }: { targets: Tensor }) => loss(p, targets) }] as never);
    await expect(trainerOf(part, 1, compile).fit(flat, options)).rejects.toThrow(`The loss function: ${op} broadcasts`);
    const defined = defineLoss({
      name: "own",
      link: "identity",
      inputs: [{ name: "prediction" }, { name: "target" }],
      elements: ([prediction, target]: readonly [Tensor, Tensor]) => ({ value: loss(prediction, target) }),
    });
    await expect(trainerOf(defined, 1, compile).fit(flat, options)).rejects.toThrow(`own: ${op} broadcasts`);
  });

  it("is refused between shapes of one rank where a value for each pair is left", async () => {
    const pairs = (p: Tensor, { targets }: { targets: Tensor }): Tensor => square(sub(p, reshape(targets, [1, -1])));
    await expect(trainerOf(pairs, 1, compile).fit(flat, options)).rejects.toThrow(
      /more elements than any of .*Reshape the inputs/s,
    );
  });

  it("trains where pairs are meant, and where ranks differ without pairs", async () => {
    const [all, weights] = [ones([1, 4]), tensor([1, 2])];
    const losses: readonly ((p: Tensor, y: Tensor) => Tensor)[] = [
      (p, y) => mean(square(sub(p, reshape(y, [1, -1])))),
      (p, y) => mean(square(sub(reshape(p, [-1]), y))),
      (p, y) => mean(mul(sub(mul(weights, p), reshape(y, [-1, 1])), weights)),
      (p) => mean(square(sub(reshape(p, [-1, 1, 1]), all))),
    ];
    for (const loss of losses) {
      const trainer = trainerOf((p: Tensor, { targets }: { targets: Tensor }) => loss(p, targets), 1, compile);
      await trainer.fit(flat, options);
      expect(trainer.step).toBe(2);
    }
  });

  it("trains where the shapes are equal", async () => {
    const column = dataset({ inputs, targets: { data: Float32Array.of(0, 1, 2, 3), shape: [4, 1] } });
    const losses: number[] = [];
    for (const loss of [squaredError, mse]) {
      manualSeed(3);
      const { epochs } = await trainerOf(loss, 1, compile).fit(column, { ...options, shuffle: false });
      losses.push(epochs[0]!["loss"]!);
    }
    expect(losses[0]).toBeCloseTo(losses[1]!, 6);
  });
});
