import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bceWithLogits, mse } from "@ermine/core";
import { Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  bestThreshold,
  calibrationError,
  dataset,
  logLoss,
  precision,
  rocAuc,
  sgd,
  Trainer,
  type AnyLoss,
  type HostBatch,
  type Metric,
} from "../src/index.js";
import { metrics } from "../src/catalog.js";

const part = ({ data, shape }: HostBatch, from: number, to: number): HostBatch => {
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  return { data: data.slice(from * width, to * width), shape: [to - from, ...shape.slice(1)] };
};

const classes = 3;
const binary = new Set(["rocAuc", "averagePrecision"]);
const regression = new Set(["meanSquaredError", "meanAbsoluteError", "r2"]);

/** A set that the metric takes: probabilities of classes, of yes or no, or numbers. */
function setFor(name: string, numbers: readonly number[]): { prediction: HostBatch; target: HostBatch } {
  const n = Math.floor(numbers.length / classes);
  const labels = Int32Array.from({ length: n }, (_, i) => Math.floor(numbers[i]! * 97) % (binary.has(name) ? 2 : classes));
  const target = { data: labels, shape: [n] };
  if (binary.has(name)) return { prediction: { data: Float32Array.from(numbers.slice(0, n)), shape: [n] }, target };
  if (regression.has(name)) {
    const y = { data: Float32Array.from(numbers.slice(n, 2 * n)), shape: [n] };
    return { prediction: { data: Float32Array.from(numbers.slice(0, n)), shape: [n] }, target: y };
  }
  const rows = Float32Array.from(numbers.slice(0, n * classes));
  for (let i = 0; i < n; i++) {
    const total = rows.slice(i * classes, (i + 1) * classes).reduce((a, b) => a + b, 0.001);
    for (let k = 0; k < classes; k++) rows[i * classes + k]! /= total;
  }
  return { prediction: { data: rows, shape: [n, classes] }, target };
}

describe("any split into batches gives the number of the whole set", () => {
  it.each(Object.keys(metrics))("%s", (name) => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 90 }),
        fc.array(fc.nat(30), { maxLength: 5 }),
        (numbers, cuts) => {
          const metric = metrics[name]!(name === "topKAccuracy" ? { k: 2 } : {}) as Metric;
          const { prediction, target } = setFor(name, numbers);
          const n = target.shape[0]!;
          const valueAtOnce = metric.compute(metric.update(metric.init(), prediction, target));
          const bounds = [0, ...cuts.map((cut) => cut % (n + 1)).sort((a, b) => a - b), n];
          let state = metric.init();
          for (let i = 1; i < bounds.length; i++) {
            const [from, to] = [bounds[i - 1]!, bounds[i]!];
            state = metric.update(state, part(prediction, from, to), part(target, from, to));
          }
          const parts = metric.compute(state);
          if (Number.isNaN(valueAtOnce)) expect(parts).toBeNaN();
          else expect(Math.abs(parts - valueAtOnce)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(valueAtOnce)));
        },
      ),
      { numRuns: 50 },
    );
  });
});

const of = (data: number[]): HostBatch => ({ data: Float32Array.from(data), shape: [data.length] });
const value = (metric: Metric<string, never>, prediction: HostBatch, target: HostBatch): number =>
  metric.compute(metric.update(metric.init(), prediction, target));

describe("edge cases", () => {
  it("rocAuc: 1 where all is in order, ½ where all is equal, NaN for one class alone", () => {
    expect(value(rocAuc() as never, of([0.1, 0.4, 0.8]), of([0, 0, 1]))).toBe(1);
    expect(value(rocAuc() as never, of([0.5, 0.5, 0.5]), of([0, 1, 1]))).toBe(0.5);
    expect(value(rocAuc() as never, of([0.1, 0.4]), of([1, 1]))).toBeNaN();
  });

  it("precision is 0 where nothing was said", () => {
    expect(value(precision() as never, of([0.1, 0.2]), of([1, 0]))).toBe(0);
  });

  it("calibration: 0 where the share that is right is the confidence, its distance otherwise", () => {
    expect(value(calibrationError() as never, of([0.75, 0.75, 0.75, 0.75]), of([1, 1, 1, 0]))).toBeCloseTo(0, 6);
    expect(value(calibrationError() as never, of([1, 1]), of([1, 0]))).toBeCloseTo(0.5, 6);
  });

  it("calibration reads the class axis of (N, K, d), and leaves ignored targets out", () => {
    // Two places of one sample: 0.9 right, 0.6 wrong; a third is ignored.
    const prediction = { data: Float32Array.of(0.9, 0.4, 0.5, 0.1, 0.6, 0.5), shape: [1, 2, 3] };
    const target = { data: Int32Array.of(0, 0, -100), shape: [1, 3] };
    expect(value(calibrationError() as never, prediction, target)).toBeCloseTo((0.1 + 0.6) / 2, 6);
  });

  it("labels are labels in every batch, also in one where each sample has one of them", () => {
    const prediction = { data: Float32Array.of(0.9, 0.8, 0.2, 0.7, 0.6, 0.1), shape: [2, 3] };
    const target = { data: Float32Array.of(1, 0, 0, 1, 1, 0), shape: [2, 3] };
    for (const metric of [precision(), precision({ average: "micro" }), accuracy()] as Metric<string, never>[]) {
      const valueAtOnce = value(metric, prediction, target);
      const first = metric.update(metric.init(), part(prediction, 0, 1), part(target, 0, 1));
      expect(metric.compute(metric.update(first, part(prediction, 1, 2), part(target, 1, 2)))).toBeCloseTo(valueAtOnce, 12);
    }
    expect(value(precision({ average: "micro" }) as never, prediction, target)).toBe(0.75);
  });

  it("r2 of several outputs is their mean (scikit-learn's uniform average), in any split", () => {
    const prediction = { data: Float32Array.of(1, 10, 2, 30, 3, 20, 5, 40), shape: [4, 2] };
    const target = { data: Float32Array.of(1, 12, 2, 28, 4, 22, 4, 42), shape: [4, 2] };
    const metric = metrics["r2"]!() as Metric<string, never>;
    const column = (k: number) => ({
      prediction: of([...prediction.data].filter((_, i) => i % 2 === k)),
      target: of([...target.data].filter((_, i) => i % 2 === k)),
    });
    const mean = [0, 1].reduce((total, k) => total + value(metric, column(k).prediction, column(k).target) / 2, 0);
    expect(value(metric, prediction, target)).toBeCloseTo(mean, 12);
    const halves = metric.merge(
      metric.update(metric.init(), part(prediction, 0, 1), part(target, 0, 1)),
      metric.update(metric.init(), part(prediction, 1, 4), part(target, 1, 4)),
    );
    expect(metric.compute(halves)).toBeCloseTo(mean, 12);
  });

  it("bestThreshold: by F1, or by a cost", () => {
    const probabilities = [0.1, 0.3, 0.35, 0.8];
    const labels = [0, 1, 0, 1];
    expect(bestThreshold(probabilities, labels)).toEqual({ threshold: 0.3, score: 0.8 });
    expect(bestThreshold(probabilities, labels, (_, fp, fn) => -(10 * fp + fn))).toEqual({ threshold: 0.8, score: -1 });
    expect(() => bestThreshold([0.1], [])).toThrow(/as many of both/);
  });
});

describe("a metric that reads probabilities", () => {
  const yesNo = dataset({
    inputs: { data: Float32Array.of(-2, -1, 1, 2), shape: [4, 1] },
    targets: { data: Float32Array.of(0, 0, 1, 1), shape: [4, 1] },
  });
  const trained = (loss: AnyLoss, metric: Metric<"it">) => {
    const model = new Sequential(new Linear(1, 1));
    model.loadStateDict({
      "0.weight": { shape: [1, 1], data: Float32Array.of(1) },
      "0.bias": { shape: [1], data: Float32Array.of(0) },
    });
    return new Trainer({ model, loss, optimizer: sgd(), backend: reference(), metrics: [metric] });
  };
  const named = (metric: Metric): Metric<"it"> => ({ ...metric, name: "it" });

  it.each([
    ["accuracy", accuracy()],
    ["precision", precision()],
    ["logLoss", logLoss()],
    ["calibrationError", calibrationError()],
  ])("%s takes them from a loss of logits, and refuses plain numbers", async (name, metric) => {
    expect(await trained(bceWithLogits, named(metric)).evaluate(yesNo)).toHaveProperty("it", expect.any(Number));
    await expect(trained(mse, named(metric)).evaluate(yesNo)).rejects.toThrow(
      new RegExp(`^${name} reads probabilities, and the loss says of the model's output only that it is numbers\\.`),
    );
  });

  it("takes plain numbers where it is told from where on the answer is 1", async () => {
    expect(await trained(mse, named(accuracy({ threshold: 0 }))).evaluate(yesNo)).toHaveProperty("it", 1);
    expect(await trained(mse, named(accuracy({ threshold: 1.5 }))).evaluate(yesNo)).toHaveProperty("it", 0.75);
  });
});
