/** Targets that are no classes are refused by every metric over classes: they would count as wrong, or as another class. */
import { describe, expect, it } from "vitest";
import * as trainer from "../src/index.js";
import type { Metric } from "../src/index.js";

const { accuracy, averagePrecision, calibrationError, f1, logLoss, precision, recall, rocAuc, topKAccuracy } = trainer;
const ofClasses: readonly Metric[] = [
  accuracy(),
  topKAccuracy({ k: 2 }),
  logLoss(),
  precision(),
  recall(),
  f1(),
  calibrationError(),
];
const ofLabels: readonly Metric[] = [
  accuracy(),
  precision(),
  recall(),
  f1(),
  rocAuc(),
  averagePrecision(),
  calibrationError(),
  logLoss(),
];

const rows = { data: Float32Array.of(0.75, 0.25, 0.5, 0.5, 0.25, 0.75), shape: [3, 2], domain: "probabilities" } as const;
const column = { data: Float32Array.of(0.75, 0.25, 0.5), shape: [3, 1], domain: "probabilities" } as const;
const value = (metric: Metric, prediction: typeof rows | typeof column, targets: readonly number[], shape: readonly number[]) =>
  metric.compute(metric.update(metric.init(), prediction as never, { data: Float32Array.from(targets), shape } as never));

describe.each(ofClasses.map((metric) => [metric.name, metric] as const))("%s of classes", (name, metric) => {
  it.each([
    [[0, 7, 1], 1, 7],
    [[-1, 0, 1], 0, -1],
    [[0, 1, 0.5], 2, 0.5],
  ])("refuses %j", (targets, at, truth) => {
    expect(() => value(metric, rows, targets, [3])).toThrow(`${name}: target ${at} is ${truth}, and classes are 0 … 1.`);
  });
  it("leaves out what is to be ignored, and is NaN of a NaN", () => {
    expect(Number.isFinite(value(metric, rows, [0, -100, 1], [3]))).toBe(true);
    expect(value(metric, rows, [0, NaN, 1], [3])).toBeNaN();
  });
});

describe.each(ofLabels.map((metric) => [metric.name, metric] as const))("%s of labels", (name, metric) => {
  it.each([
    [[0, 7, 1], 1, 7],
    [[1, -1, 1], 1, -1],
  ])("refuses %j", (targets, at, truth) => {
    expect(() => value(metric, column, targets, [3, 1])).toThrow(
      `${name}: target ${at} is ${truth}, and classes are 0 … 1. Write labels`,
    );
  });
  it("takes 0 and 1, and is NaN of a NaN", () => {
    expect(Number.isFinite(value(metric, column, [1, 0, 1], [3, 1]))).toBe(true);
    expect(value(metric, column, [1, NaN, 1], [3, 1])).toBeNaN();
  });
});
