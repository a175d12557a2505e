import { describe, expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { schedules } from "../src/index.js";
import { schedules as catalog } from "../src/catalog.js";

describe("past its end", () => {
  it("warmupCosine stays at minLearningRate", () => {
    const made = schedules.warmupCosine(1, { warmupSteps: 2, totalSteps: 6, minLearningRate: 0.1, startFactor: 0.5 });
    expect([0, 1, 2, 4, 6, 7, 8, 10, 1000].map((t) => made.at(t))).toEqual(
      [0.5, 0.75, 1, 0.55, 0.1, 0.1, 0.1, 0.1, 0.1].map((x) => expect.closeTo(x, 12)),
    );
  });

  it("warmupCosine without a warm-up is the cosine that stays", () => {
    const made = schedules.warmupCosine(1, { warmupSteps: 0, totalSteps: 4 });
    expect([0, 2, 4, 6].map((t) => made.at(t))).toEqual([1, 0.5, 0, 0].map((x) => expect.closeTo(x, 12)));
  });

  // Those that cycle by their definition are not among them: cosine (as PyTorch's), cosineWarmRestarts, cyclic; nor those without an end.
  it.each([
    ["linear", { totalSteps: 5 }],
    ["constant", { totalSteps: 5 }],
    ["polynomial", { totalSteps: 5 }],
    ["oneCycle", { totalSteps: 5 }],
    ["oneCycle", { totalSteps: 5, threePhase: true }],
    ["oneCycle", { totalSteps: 5, anneal: "linear" }],
    ["multiStep", { milestones: [2, 5] }],
    ["warmupCosine", { warmupSteps: 1, totalSteps: 5 }],
    ["warmupCosine", { warmupSteps: 4, totalSteps: 5 }],
  ])("%s %j stays where it ended", (name, options) => {
    const made = catalog[name]!(1, options);
    for (const t of [6, 7, 9, 10, 11, 20, 1e6, 2 ** 40]) expect(made.at(t)).toBe(made.at(5));
  });

  it.each(Object.keys(catalog))("%s is a number ≥ 0 at any time", (name) => {
    const needed: Record<string, Record<string, unknown>> = {
      step: { stepSize: 1 },
      multiStep: { milestones: [] },
      exponential: { gamma: 0.9 },
      cosine: { totalSteps: 1 },
      cosineWarmRestarts: { firstCycleSteps: 1, cycleFactor: 2 },
      oneCycle: { totalSteps: 2, percentStart: 0.5 },
      cyclic: { maxLearningRate: 1, stepSizeUp: 1 },
      warmupCosine: { warmupSteps: 0, totalSteps: 1 },
    };
    const made = catalog[name]!(0.1, needed[name] ?? {});
    for (const t of [0, 1, 2, 3, 100, 1e6, 2 ** 31]) {
      expect(made.at(t)).toBeGreaterThanOrEqual(0);
      expect(made.at(t)).toBeLessThanOrEqual(1);
    }
  });

  it("a phase of oneCycle that has no step is not 0 / 0", () => {
    for (const threePhase of [false, true]) {
      for (const percentStart of [0, 0.1, 0.25, 0.5]) {
        for (const totalSteps of [2, 3, 4, 10]) {
          const made = schedules.oneCycle(1, { totalSteps, percentStart, threePhase });
          for (let t = 0; t <= totalSteps; t++) {
            expect(made.at(t)).toBeGreaterThan(0);
            expect(made.momentum.at(t)).toBeGreaterThan(0);
          }
          expect(made.at(totalSteps - 1)).toBeCloseTo(1 / 25e4, 12);
        }
      }
    }
  });
});

describe("arguments without a meaning are refused by the schedule that was asked", () => {
  const { warmupCosine, step, multiStep, exponential, linear, constant, polynomial, cosine, oneCycle, cyclic } = schedules;
  const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
    ["a warm-up longer than all", () => warmupCosine(1, { warmupSteps: 9, totalSteps: 5 }), /^warmupCosine: warmupSteps.*9 of 5/],
    ["a warm-up as long as all", () => warmupCosine(1, { warmupSteps: 5, totalSteps: 5 }), /^warmupCosine: warmupSteps.*5 of 5/],
    ["half a step", () => warmupCosine(1, { warmupSteps: 0.5, totalSteps: 5 }), /^warmupCosine: warmupSteps/],
    ["an end that is no number", () => warmupCosine(1, { warmupSteps: 1, totalSteps: NaN }), /^warmupCosine: totalSteps/],
    [
      "a start that is NaN",
      () => warmupCosine(1, { warmupSteps: 1, totalSteps: 5, startFactor: NaN }),
      /^warmupCosine: startFactor/,
    ],
    ["gamma", () => step(1, { stepSize: 1, gamma: NaN }), /^step: gamma/],
    ["milestones", () => multiStep(1, { milestones: 5 } as never), /^multiStep: milestones must be a list/],
    ["a milestone", () => multiStep(1, { milestones: [1, NaN] }), /^multiStep: milestones\[1\]/],
    ["a negative gamma", () => exponential(1, { gamma: -0.5 }), /^exponential: gamma/],
    ["a factor", () => linear(1, { startFactor: Infinity }), /^linear: startFactor/],
    ["NaN steps", () => constant(1, { totalSteps: NaN }), /^constant: totalSteps/],
    ["no steps", () => polynomial(1, { totalSteps: 0 }), /^polynomial: totalSteps/],
    ["a power below 0", () => polynomial(1, { power: -1 }), /^polynomial: power/],
    ["a minimum", () => cosine(1, { totalSteps: 5, minLearningRate: NaN }), /^cosine: minLearningRate/],
    ["a divisor", () => oneCycle(1, { totalSteps: 5, divFactor: 0 }), /^oneCycle: divFactor/],
    ["three phases that do not fit", () => oneCycle(1, { totalSteps: 5, percentStart: 0.6, threePhase: true }), /at most 0.5/],
    ["no top", () => cyclic(0.1, {} as never), /^cyclic: maxLearningRate/],
    ["a patience", () => schedules.reduceOnPlateau(1, { patience: NaN }), /^reduceOnPlateau: patience/],
    ["what is no schedule", () => schedules.sequence([1 as never], []), /^sequence: schedules\[0\] must be a schedule, got 1/],
    ["no list", () => schedules.sequence(cosine(1, { totalSteps: 1 }) as never, []), /^sequence takes a list/],
    [
      "NaN as a milestone",
      () => schedules.sequence([step(1, { stepSize: 1 }), step(1, { stepSize: 1 })], [NaN]),
      /milestones\[0\]/,
    ],
    ["a warm-up to nothing", () => schedules.warmup(undefined as never, { steps: 1 }), /^warmup: its first argument/],
    ["a warm-up to NaN", () => schedules.warmup(NaN, { steps: 1 }), /^warmup: its learning rate/],
    ["epochs of nothing", () => schedules.perEpoch(0.1 as never), /^perEpoch/],
  ];
  it.each(cases)("%s", (_, make, message) => {
    expect(make).toThrow(ErmineError);
    expect(make).toThrow(message);
  });

  const needed: Record<string, Record<string, unknown>> = {
    step: { stepSize: 1 },
    multiStep: { milestones: [1] },
    exponential: { gamma: 0.9 },
    cosine: { totalSteps: 5 },
    cosineWarmRestarts: { firstCycleSteps: 5 },
    oneCycle: { totalSteps: 5 },
    cyclic: { maxLearningRate: 1 },
    warmupCosine: { warmupSteps: 1, totalSteps: 5 },
  };
  it.each(Object.keys(catalog))("%s of a learning rate that is none", (name) => {
    for (const rate of [NaN, Infinity, -1, "0.1", undefined]) {
      expect(() => catalog[name]!(rate as number, needed[name] ?? {})).toThrow(ErmineError);
    }
  });
});
