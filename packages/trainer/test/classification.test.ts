/** Reports and areas under curves of classifiers are scikit-learn's, on hundreds of random cases. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { classificationReport, rocAuc, type ClassScores, type HostBatch, type Metric } from "../src/index.js";

interface Golden {
  readonly plain: readonly number[];
  readonly sampleWeights: readonly number[];
  /** ovr macro, ovr weighted, ovo macro, ovo weighted. */
  readonly auc: readonly number[];
}

const golden = JSON.parse(readFileSync(new URL("classification.json", import.meta.url), "utf8")) as readonly Golden[];

/** The case that golden/generate/classification.py draws from that seed. */
function drawn(seed: number): { prediction: HostBatch; target: HostBatch; weights: Float64Array } {
  let state = seed;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % below;
  };
  const classes = 2 + draw(4);
  const count = classes + draw(12);
  const scores = Float64Array.from({ length: count * classes }, () => 1 + draw(8));
  const labels = Int32Array.from({ length: count }, (_, i) => (i < classes ? i : draw(classes)));
  const weights = Float64Array.from({ length: count }, () => draw(5) + 1);
  const data = scores.map((score, at) => {
    const row = Math.floor(at / classes) * classes;
    return score / scores.subarray(row, row + classes).reduce((a, b) => a + b, 0);
  });
  return { prediction: { data, shape: [count, classes] }, target: { data: labels, shape: [count] }, weights };
}

function numbersOf({ classes, macro, weighted, accuracy, matrix }: ReturnType<typeof classificationReport>): number[] {
  const keys = ["precision", "recall", "f1"] as const;
  const of = (scores: ClassScores): number[] => keys.map((key) => scores[key]);
  return [
    ...keys.flatMap((key) => classes.map((scores) => scores[key])),
    ...of(macro),
    ...of(weighted),
    accuracy,
    ...matrix.flat(),
  ];
}

const area = (metric: Metric, parts: readonly (readonly [HostBatch, HostBatch])[]): number =>
  metric.compute(parts.reduce((state, [prediction, target]) => metric.update(state, prediction, target), metric.init()));

const slice = ({ data, shape }: HostBatch, from: number, to: number): HostBatch => {
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  return { data: data.slice(from * width, to * width), shape: [to - from, ...shape.slice(1)] };
};

const worst = (actual: readonly number[], expected: readonly number[]): number =>
  Math.max(
    Math.abs(actual.length - expected.length),
    ...actual.map((value, i) => Math.abs(value - expected[i]!) / Math.max(1, expected[i]!)),
  );

describe("scikit-learn's values of 400 random cases", () => {
  it("are those of classificationReport, with and without weights", () => {
    expect(golden).toHaveLength(400);
    const errors = golden.map(({ plain, sampleWeights }, seed) => {
      const { prediction, target, weights } = drawn(seed);
      const weighted = classificationReport(prediction, target, { sampleWeights: weights });
      return Math.max(
        worst(numbersOf(classificationReport(prediction, target)), plain),
        worst(numbersOf(weighted), sampleWeights),
      );
    });
    expect(Math.max(...errors)).toBeLessThan(1e-8);
  });

  it("are those of rocAuc, one against the rest and one against one, whole and in batches", () => {
    const options = (["ovr", "ovo"] as const).flatMap((multiClass) =>
      (["macro", "weighted"] as const).map((average) => ({ multiClass, average })),
    );
    const errors = golden.map(({ auc }, seed) => {
      const { prediction, target } = drawn(seed);
      const half = Math.floor(target.shape[0]! / 2);
      const parts = [0, half].map((from) => {
        const to = from === 0 ? half : target.shape[0]!;
        return [slice(prediction, from, to), slice(target, from, to)] as const;
      });
      const values = options.flatMap((one) => {
        const metric = rocAuc(one) as Metric;
        return [area(metric, [[prediction, target]]), area(metric, parts)];
      });
      return worst(
        values,
        auc.flatMap((value) => [value, value]),
      );
    });
    expect(Math.max(...errors)).toBeLessThan(1e-8);
  });
});

const cats: HostBatch = { data: Float32Array.of(2, 0, 1, 3, 1, 0), shape: [3, 2] };

describe("classificationReport", () => {
  it("prints names, scores and the matrix", () => {
    const report = classificationReport(cats, { data: Int32Array.of(0, 0, 1), shape: [3] }, { labels: ["cat", "dog"] });
    expect(String(report)).toBe(
      [
        "          precision  recall     f1  support",
        "cat           0.500   0.500  0.500        2",
        "dog           0.000   0.000  0.000        1",
        "accuracy                     0.333        3",
        "macro         0.250   0.250  0.250        3",
        "weighted      0.333   0.333  0.333        3",
        "",
        "truth \\ predicted  cat  dog",
        "cat                  1    1",
        "dog                  1    0",
      ].join("\n"),
    );
  });

  it("leaves out ignored targets, and takes one probability a target", () => {
    const target = { data: Int32Array.of(0, -100, 1), shape: [3] };
    expect(classificationReport(cats, target).matrix).toEqual([
      [1, 0],
      [1, 0],
    ]);
    const sure = { data: Float32Array.of(0.2, 0.6, 0.7), shape: [3] };
    expect(classificationReport(sure, { data: Int32Array.of(0, 0, 1), shape: [3] }, { threshold: 0.65 }).accuracy).toBe(1);
    expect(classificationReport(sure, { data: Int32Array.of(-100, -100, -100), shape: [3] }).accuracy).toBeNaN();
  });

  it.each([
    [
      "a target that is no class",
      () => classificationReport(cats, { data: Int32Array.of(0, 1, 2), shape: [3] }, { labels: ["a", "b"] }),
      /target 2 is 2.*2 classes/,
    ],
    [
      "a prediction that is NaN",
      () => classificationReport({ data: Float32Array.of(NaN, 0), shape: [1, 2] }, { data: Int32Array.of(0), shape: [1] }),
      /prediction 0 is NaN/,
    ],
    [
      "weights of another length",
      () => classificationReport(cats, { data: Int32Array.of(0, 1, 1), shape: [3] }, { sampleWeights: [1] }),
      /3 targets and 1 sampleWeights/,
    ],
    [
      "a negative weight",
      () => classificationReport(cats, { data: Int32Array.of(0, 1, 1), shape: [3] }, { sampleWeights: [1, -1, 1] }),
      /weight 1 is -1/,
    ],
    [
      "labels that are none",
      () => classificationReport(cats, { data: Int32Array.of(0, 1, 1), shape: [3] }, { labels: [] }),
      /labels is a list of names/,
    ],
    [
      "an unknown option",
      () => classificationReport(cats, { data: Int32Array.of(0, 1, 1), shape: [3] }, { names: ["a"] } as never),
      /no option "names"/,
    ],
    [
      "shapes that do not fit",
      () => classificationReport(cats, { data: Int32Array.of(0, 1), shape: [2] }),
      /does not answer targets/,
    ],
    ["rocAuc's multiClass", () => rocAuc({ multiClass: "ovx" as never }), /multiClass is one of ovr, ovo/],
    [
      "rocAuc's target that is no class",
      () => area(rocAuc() as Metric, [[cats, { data: Int32Array.of(0, 1, 5), shape: [3] }]]),
      /target 2 is 5/,
    ],
    [
      "rocAuc's batches of other classes",
      () =>
        area(rocAuc() as Metric, [
          [cats, { data: Int32Array.of(0, 1, 1), shape: [3] }],
          [
            { data: Float32Array.of(1), shape: [1] },
            { data: Int32Array.of(1), shape: [1] },
          ],
        ]),
      /different numbers of classes/,
    ],
  ] as const)("refuses %s", (_, run, message) => {
    expect(run).toThrow(ErmineError);
    expect(run).toThrow(message);
  });

  it("rocAuc is NaN where a class is missing or a score is NaN", () => {
    expect(area(rocAuc() as Metric, [[cats, { data: Int32Array.of(0, 0, 0), shape: [3] }]])).toBeNaN();
    const broken = { data: Float32Array.of(NaN, 1, 0, 1), shape: [2, 2] };
    expect(area(rocAuc() as Metric, [[broken, { data: Int32Array.of(0, 1), shape: [2] }]])).toBeNaN();
  });
});
