/** Metrics count samples by their weights, as scikit-learn's sample_weight does; and evaluate and fit give them those of the loss. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bceWithLogits, crossEntropy, ErmineError, manualSeed, mse, type Backend } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  averagePrecision,
  calibrationError,
  dataset,
  defineMetric,
  f1,
  logLoss,
  meanAbsoluteError,
  meanSquaredError,
  precision,
  r2,
  recall,
  rocAuc,
  sgd,
  stream,
  topKAccuracy,
  Trainer,
  unweighted,
  type HostBatch,
  type Metric,
} from "../src/index.js";

// WEIGHTED=file: more of them, by golden/generate/weighted_metrics.py.
const file = process.env["WEIGHTED"] ?? new URL("weighted.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as readonly (readonly (number | null)[])[];

interface Sample {
  readonly prediction: HostBatch;
  readonly target: HostBatch;
}

type AnyMetric = Metric<string, any>;

const averages = (sample: Sample, names: readonly ("macro" | "micro" | "weighted" | "binary")[]): [AnyMetric, Sample][] =>
  names.flatMap((average): [AnyMetric, Sample][] => [
    [precision({ average }), sample],
    [recall({ average }), sample],
    [f1({ average }), sample],
  ]);

/** The case that golden/generate/weighted_metrics.py draws from that seed: each metric with what it is of, in the file's order. */
function drawn(seed: number): { weights: Float64Array; metrics: readonly [AnyMetric, Sample][] } {
  let state = seed;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % below;
  };
  const classes = 3 + draw(3);
  const count = classes + 1 + draw(12);
  const floats = (length: number, next: (i: number) => number): Float64Array => Float64Array.from({ length }, (_, i) => next(i));
  const scores = floats(count * classes, (i) => 1 + draw(8) * classes + (i % classes));
  const labels = Int32Array.from({ length: count }, (_, i) => (i < classes ? i : draw(classes)));
  const weights = floats(count, (i) => (draw(5) + (i === 0 ? 1 : 0)) / 4);
  const answers = floats(count, () => draw(7) / 8);
  const yes = Int32Array.from({ length: count }, (_, i) => (i < 2 ? i : draw(2)));
  const many = floats(count * 3, () => draw(2));
  const predictions = floats(count * 3, () => (draw(9) + 0.5) / 9);
  const numbers = floats(count * 2, () => draw(17) / 8);
  const guesses = floats(count * 2, () => draw(17) / 8);
  const probabilities = scores.map((score, i) => {
    const row = Math.floor(i / classes) * classes;
    return score / scores.subarray(row, row + classes).reduce((a, b) => a + b, 0);
  });
  const sample = (prediction: Float64Array, target: Float64Array | Int32Array): Sample => ({
    prediction: { data: prediction, shape: prediction.length === count ? [count] : [count, prediction.length / count] },
    target: { data: target, shape: target.length === count ? [count] : [count, target.length / count] },
  });
  const [ofClasses, ofOne, ofLabels] = [sample(probabilities, labels), sample(answers, yes), sample(predictions, many)];
  const ofNumbers = sample(guesses, numbers);
  const means = ["macro", "micro", "weighted"] as const;
  return {
    weights,
    metrics: [
      [accuracy(), ofClasses],
      [topKAccuracy({ k: 2 }), ofClasses],
      [logLoss(), ofClasses],
      ...averages(ofClasses, means),
      [rocAuc(), ofClasses],
      [rocAuc({ average: "weighted" }), ofClasses],
      [accuracy(), ofOne],
      [logLoss(), ofOne],
      ...averages(ofOne, ["binary"]),
      [rocAuc(), ofOne],
      [averagePrecision(), ofOne],
      ...averages(ofLabels, means),
      [meanSquaredError(), ofNumbers],
      [meanAbsoluteError(), ofNumbers],
      [r2(), ofNumbers],
    ],
  };
}

const rows = ({ data, shape }: HostBatch, from: number, to: number): HostBatch => {
  const width = data.length / shape[0]!;
  return { data: data.slice(from * width, to * width), shape: [to - from, ...shape.slice(1)] };
};

/** Of the set in parts that end at these rows. */
function valueOf(metric: AnyMetric, { prediction, target }: Sample, weights: Float64Array, ends: readonly number[]): number {
  const states = ends.map((end, i) => {
    const from = i === 0 ? 0 : ends[i - 1]!;
    return metric.update(metric.init(), rows(prediction, from, end), rows(target, from, end), weights.slice(from, end));
  });
  return metric.compute(states.reduce((a, b) => metric.merge(a, b)));
}

describe("weighted samples", () => {
  it(`are scikit-learn's, whole and in parts, in ${golden.length} cases`, () => {
    for (const [seed, expected] of golden.entries()) {
      const { weights, metrics } = drawn(seed);
      expect(metrics).toHaveLength(expected.length);
      for (const [i, [metric, sample]] of metrics.entries()) {
        const expectedValue = expected[i] ?? NaN;
        for (const ends of [
          [weights.length],
          [2, weights.length],
          weights.length > 5 ? [1, 3, 4, weights.length] : [1, weights.length],
        ]) {
          const value = valueOf(metric, sample, weights, ends);
          const isRight = Number.isNaN(expectedValue)
            ? Number.isNaN(value)
            : Math.abs(value - expectedValue) < 1e-7 * Math.max(1, Math.abs(expectedValue));
          if (!isRight)
            throw new Error(
              `${metric.name} (value ${i}) of seed ${seed} in ${ends.length} parts is ${value}, and not ${expectedValue}`,
            );
        }
      }
    }
  });

  it("of calibration: the mean over bins, by weights", () => {
    const prediction = { data: Float64Array.of(0.75, 0.75, 0.25), shape: [3], domain: "probabilities" } as const;
    const target = { data: Int32Array.of(1, 0, 0), shape: [3] };
    const metric = calibrationError({ bins: 2 });
    // One bin of confidence 0.75, in which 3 + 2 of 3 + 1 + 2 are right.
    expect(metric.compute(metric.update(metric.init(), prediction, target, [3, 1, 2]))).toBeCloseTo(5 / 6 - 0.75, 12);
  });

  it("that count for nothing at all leave nothing to say", () => {
    const { metrics, weights } = drawn(3);
    for (const [metric, sample] of metrics) {
      if (["precision", "recall", "f1"].includes(metric.name)) continue;
      expect(
        valueOf(
          metric,
          sample,
          weights.map(() => 0),
          [weights.length],
        ),
      ).toBeNaN();
    }
  });

  it("are refused where there are too few, and where one is negative or not finite", () => {
    for (const [metric, { prediction, target }] of drawn(3).metrics) {
      const weights = drawn(3).weights;
      const code = (batchWeights: ArrayLike<number>): string => {
        try {
          metric.update(metric.init(), prediction, target, batchWeights);
          return "none";
        } catch (error) {
          return error instanceof ErmineError ? error.code : String(error);
        }
      };
      expect(code(weights)).toBe("none");
      expect(code(weights.slice(1))).toBe("ERMINE_SHAPE");
      for (const wrong of [-1, NaN, Infinity]) expect(code(weights.map((w, i) => (i === 1 ? wrong : w)))).toBe("ERMINE_VALUE");
    }
  });
});

describe("evaluate and fit", () => {
  const n = 11;
  const inputs = { data: Float32Array.from({ length: n * 2 }, (_, i) => Math.sin(3 * i)), shape: [n, 2] };
  const labels = Int32Array.from({ length: n }, (_, i) => (i * 5) % 3);
  const weights = Float32Array.from({ length: n }, (_, i) => (i * 3) % 4);
  const weighted = dataset({ inputs, targets: labels, sampleWeights: weights });
  /** Each sample as often as its weight says. */
  const repeated = weighted.select(Array.from(weights).flatMap((weight, i) => Array<number>(weight).fill(i)));
  const plain = dataset({
    inputs: repeated.inputs as never,
    targets: repeated.targets as never,
  });
  const trainer = (metrics: readonly Metric<"it", any>[], options: { backend?: Backend; compile?: boolean } = {}) => {
    manualSeed(0);
    return new Trainer({
      model: new Linear(2, 3),
      loss: crossEntropy,
      optimizer: sgd(),
      backend: reference(),
      metrics,
      ...options,
    });
  };
  const named = <S>(metric: Metric<string, S>): Metric<"it", S> => ({ ...metric, name: "it" });

  it.each([accuracy(), logLoss(), f1(), rocAuc(), calibrationError()] as AnyMetric[])(
    "$name: a weight is that many samples, in any batches, as the loss's is",
    async (metric) => {
      const allAtOnce = await trainer([named(metric)]).evaluate(plain);
      for (const options of [{}, { compile: false }, { backend: reference({ late: true }) }]) {
        for (const batchSize of [1, 4, 256]) {
          const values = await trainer([named(metric)], options).evaluate(weighted, { batchSize });
          expect(values.loss).toBeCloseTo(allAtOnce.loss, 6);
          expect(values.it).toBeCloseTo(allAtOnce.it, 6);
        }
      }
    },
  );

  it("the same over validation data, over training data, and over streams", async () => {
    const { it: expected } = await trainer([named(accuracy())]).evaluate(plain);
    const one = trainer([named(accuracy())]);
    const still = { epochs: 1, batchSize: n, trainMetrics: true, callbacks: [] } as const;
    const fitted = new Trainer({
      model: one.model as Linear,
      loss: crossEntropy,
      optimizer: sgd({ learningRate: 0 }),
      backend: reference(),
      metrics: [named(accuracy())],
    });
    one.dispose();
    const [logs] = (await fitted.fit(weighted, { ...still, validation: weighted })).epochs;
    expect([logs!.it, logs!.valIt]).toEqual([expected, expected]);
    const streamed = stream(() => [weighted.select([0, 1, 2, 3]), weighted.select([4, 5, 6, 7, 8, 9, 10])]);
    expect((await fitted.evaluate(streamed, { batchSize: 3 })).it).toBeCloseTo(expected, 12);
  });

  it("count all samples alike for a metric that is asked to", async () => {
    const unweightedData = dataset({ inputs, targets: labels });
    const { it: expected } = await trainer([named(accuracy())]).evaluate(unweightedData);
    const values = await trainer([unweighted(named(accuracy()))]).evaluate(weighted, { batchSize: 2 });
    expect(values.it).toBe(expected);
    expect(values.it).not.toBeCloseTo((await trainer([named(accuracy())]).evaluate(weighted)).it, 3);
    expect(() => unweighted("accuracy" as never)).toThrow(/Call the function/);
  });

  it("refuse a metric that takes none with the reason, before anything is done", async () => {
    const counting = defineMetric({ name: "it", better: "higher", sums: 1, count: () => [1], compute: ([a]) => a! });
    for (const [metric, message] of [
      [counting, /metric it does not take them\. One that counts samples by their weights states weighted: true/],
      [
        named(rocAuc({ multiClass: "ovo" })),
        /metric it does not take them\. A mean over pairs of classes .* Take "ovr"\. To count all/,
      ],
    ] as const) {
      const one = trainer([metric]);
      await expect(one.evaluate(weighted)).rejects.toThrow(message);
      await expect(one.fit(weighted, { epochs: 1, validation: weighted })).rejects.toThrow(message);
      await expect(one.fit(weighted, { epochs: 1, trainMetrics: true })).rejects.toThrow(message);
      expect(one.step).toBe(0);
      // Weights of the loss alone are nothing to the metric.
      await one.fit(weighted, { epochs: 1, validation: dataset({ inputs, targets: labels }) });
      expect(await one.evaluate(dataset({ inputs, targets: labels }))).toHaveProperty("it");
    }
    expect(() => trainer([{ ...counting, weighted: 3 as never }])).toThrow(/weighted of the metric it is true, or why/);
  });

  it("give a metric of sums the weights", async () => {
    const total = defineMetric({
      name: "it",
      better: "higher",
      weighted: true,
      sums: 1,
      count: (_, __, given) => [Array.from(given ?? [NaN]).reduce((a, b) => a + b, 0)],
      compute: ([sum]) => sum!,
    });
    expect((await trainer([total]).evaluate(weighted, { batchSize: 3 })).it).toBe(weights.reduce((a, b) => a + b, 0));
  });

  it("weigh a sample's positions, labels and outputs all alike", async () => {
    const targets = { data: Float32Array.from({ length: n * 3 }, (_, i) => Number(i % 4 > 1)), shape: [n, 3] };
    const data = dataset({ inputs, targets, sampleWeights: weights });
    const twice = data.select(Array.from(weights).flatMap((weight, i) => Array<number>(weight).fill(i)));
    const all = dataset({ inputs: twice.inputs as never, targets: twice.targets as never });
    for (const [loss, metric] of [
      [bceWithLogits, accuracy()],
      [bceWithLogits, recall()],
      [mse, meanAbsoluteError()],
      [mse, r2()],
    ] as const) {
      manualSeed(0);
      const one = new Trainer({
        model: new Linear(2, 3),
        loss,
        optimizer: sgd(),
        backend: reference(),
        metrics: [named(metric as AnyMetric)],
      });
      expect((await one.evaluate(data, { batchSize: 4 })).it).toBeCloseTo((await one.evaluate(all)).it, 6);
    }
  });
});
