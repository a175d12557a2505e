/** Metrics that a call of `evaluate` brings, and those of the training data. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { crossEntropy, manualSeed, square, sub, sum } from "@ermine/core";
import { Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, adam, dataset, earlyStopping, stream, topKAccuracy, Trainer } from "../src/index.js";
import { refusal } from "./refusal.js";

const inputs = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(i * 2)]);
const targets = Int32Array.from({ length: 12 }, (_, i) => i % 3);
const data = dataset({ inputs, targets });
const make = (options: { compile?: boolean } = {}) => {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 8), new ReLU(), new Dropout(0.5), new Linear(8, 3));
  return new Trainer({ model, loss: crossEntropy, optimizer: adam({ learningRate: 0.05 }), backend: reference(), ...options });
};
const withAccuracy = () => {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 8), new ReLU(), new Dropout(0.5), new Linear(8, 3));
  return new Trainer({
    model,
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.05 }),
    backend: reference(),
    metrics: [accuracy()],
  });
};

describe.each([true, false])("compile: %s", (compile) => {
  it("evaluate takes metrics of its own, in place of the trainer's", async () => {
    const trainer = make({ compile });
    await trainer.fit(data, { epochs: 3 });
    const scores = await trainer.evaluate(data, { metrics: [accuracy(), topKAccuracy({ k: 2 })], batchSize: 5 });
    expectTypeOf(scores).toEqualTypeOf<{ loss: number } & { accuracy: number; topKAccuracy: number }>();
    const { data: classes } = await trainer.predict(data, { as: "classes" });
    expect(scores.accuracy).toBeCloseTo([...classes].filter((c, i) => c === targets[i]).length / 12, 12);
    expect(scores.topKAccuracy).toBeGreaterThanOrEqual(scores.accuracy);
    const plain = await trainer.evaluate(data);
    expect(Object.keys(plain)).toEqual(["loss"]);
    expect(plain.loss).toBeCloseTo(scores.loss, 6);
    // Training goes on with the same state.
    await trainer.fit(data, { epochs: 1 });
    expect(await trainer.evaluate(data, { metrics: [] })).toEqual(await trainer.evaluate(data));
  });
});

it("the trainer's own metrics are left out where others are given", async () => {
  const trainer = withAccuracy();
  const only = await trainer.evaluate(data, { metrics: [topKAccuracy({ k: 1 })] });
  expect(Object.keys(only)).toEqual(["loss", "topKAccuracy"]);
  expect(only.topKAccuracy).toBeCloseTo((await trainer.evaluate(data)).accuracy, 12);
});

it("refuses what is no list of metrics, names that clash, and data without targets", async () => {
  const trainer = make();
  const message = async (metrics: unknown, source = data): Promise<string> =>
    (await refusal(() => trainer.evaluate(source, { metrics: metrics as never }))).message;
  expect(await message(accuracy())).toMatch(/^evaluate: metrics is a list/);
  expect(await message([accuracy])).toMatch(/^evaluate: the metric accuracy is a function/);
  expect(await message([accuracy(), accuracy()])).toMatch(/^evaluate: "accuracy" would name two logs/);
  expect(await message([{ ...accuracy(), name: "loss" }])).toMatch(/"loss" would name two logs/);
  const encoder = new Trainer({
    model: new Linear(2, 2),
    loss: (outputs, { inputs: x }) => sum(square(sub(outputs, x as never)), { axis: 1 }),
    optimizer: adam(),
    backend: reference(),
  });
  const unlabelled = dataset({ inputs });
  expect((await refusal(() => encoder.evaluate(unlabelled, { metrics: [accuracy()] }))).message).toMatch(/the data have none/);
  expect((await encoder.evaluate(unlabelled)).loss).toBeGreaterThan(0);
});

describe("trainMetrics", () => {
  it("are those of the whole training set after the epoch, without dropout", async () => {
    const trainer = withAccuracy();
    const batchLengths: number[] = [];
    const history = await trainer.fit(data, {
      epochs: 3,
      batchSize: 5,
      trainMetrics: true,
      callbacks: [{ name: "compare", onEpochEnd: async ({ logs }) => void batchLengths.push(logs["accuracy"]!) }],
    });
    expect(history.epochs.map((logs) => logs["accuracy"])).toEqual(batchLengths);
    expect(batchLengths.at(-1)).toBe((await trainer.evaluate(data)).accuracy);
    expect(Object.keys(history.epochs[0]!)).not.toContain("valAccuracy");
  });

  it("change no bit of the training, and stand next to those of validation data of other columns", async () => {
    const [plain, watched] = [withAccuracy(), withAccuracy()];
    const validation = dataset({ inputs, targets, sampleWeights: new Float32Array(12).fill(2) });
    const a = await plain.fit(data, { epochs: 3, batchSize: 5 });
    const b = await watched.fit(data, { epochs: 3, batchSize: 5, trainMetrics: true, validation });
    expect(b.steps).toEqual(a.steps);
    for (const logs of b.epochs) expect(logs["valAccuracy"]).toBe(logs["accuracy"]);
  });

  it("are followed by callbacks that know which way is better", async () => {
    const trainer = withAccuracy();
    const stop = earlyStopping({ monitor: "accuracy", patience: 1, minDelta: 2 });
    const history = await trainer.fit(data, { epochs: 9, trainMetrics: true, callbacks: [stop] });
    expect(history.epochs).toHaveLength(2);
    expect(history.stopped).toMatch(/^accuracy has not improved/);
    const message = (await refusal(() => withAccuracy().fit(data, { epochs: 9, callbacks: [stop] }))).message;
    expect(message).toMatch(/follows "accuracy"/);
  });

  it("need metrics, and data that can be read again", async () => {
    expect((await refusal(() => make().fit(data, { epochs: 1, trainMetrics: true }))).message).toMatch(/it has none/);
    const samples = () => inputs.map((row, i) => ({ inputs: row, targets: Int32Array.of(targets[i]!) }));
    const columns = { inputs: { shape: [2], dtype: "float32" }, targets: { shape: [], dtype: "int32" } } as const;
    const once = stream(samples()[Symbol.iterator](), { columns });
    expect((await refusal(() => withAccuracy().fit(once, { epochs: 1, trainMetrics: true }))).message).toMatch(/read once/);
    const trainer = withAccuracy();
    const { epochs } = await trainer.fit(stream(samples, { columns }), { epochs: 1, trainMetrics: true });
    expect(epochs[0]!["accuracy"]).toBe((await trainer.evaluate(data)).accuracy);
    const kind = await refusal(() => withAccuracy().fit(data, { epochs: 1, trainMetrics: "yes" as never }));
    expect(kind.message).toMatch(/trainMetrics/);
  });
});
