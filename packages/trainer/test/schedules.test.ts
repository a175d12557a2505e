import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adagrad, adam, adamw, dataset, schedules, sgd, Trainer } from "../src/index.js";

const values = (schedule: schedules.Schedule, count: number): number[] => Array.from({ length: count }, (_, t) => schedule.at(t));

describe("composition (truth: PyTorch's SequentialLR, each part counting from 0)", () => {
  it("one schedule after the other", () => {
    const warmedUp = schedules.sequence(
      [schedules.constant(1, { factor: 0.5, totalSteps: 9 }), schedules.step(4, { stepSize: 2, gamma: 0.5 })],
      [3],
    );
    expect(values(warmedUp, 8)).toEqual([0.5, 0.5, 0.5, 4, 4, 2, 2, 1]);
  });

  it("a warm-up in front of a number, and of a schedule", () => {
    expect(values(schedules.warmup(0.8, { steps: 4, startFactor: 0.25 }), 6)).toEqual(
      [0.2, 0.35, 0.5, 0.65, 0.8, 0.8].map((x) => expect.closeTo(x, 12)),
    );
    const made = schedules.warmup(schedules.step(1, { stepSize: 1, gamma: 0.5 }), { steps: 2, startFactor: 0 });
    expect(values(made, 5)).toEqual([0, 0.5, 1, 0.5, 0.25]);
  });

  it("refuses milestones that do not fit, and parts that count otherwise", () => {
    const one = schedules.step(1, { stepSize: 1 });
    expect(() => schedules.sequence([one, one], [])).toThrow(/need 1 ascending milestones/);
    expect(() => schedules.sequence([one, one, one], [3, 3])).toThrow(/ascending/);
    expect(() => schedules.sequence([one, schedules.perEpoch(one)], [3])).toThrow(/count the same/);
    expect(() => schedules.sequence([one, schedules.reduceOnPlateau(1)], [3])).toThrow(/follow a metric|count the same/);
  });

  it("in epochs: all steps of one have its rate, a warm-up too", async () => {
    manualSeed(0);
    const rate = schedules.warmup(schedules.perEpoch(schedules.step(1, { stepSize: 1, gamma: 0.1 })), {
      steps: 1,
      startFactor: 0.5,
    });
    expect(rate.per).toBe("epoch");
    const model = new Sequential(new Linear(1, 2, { bias: false }));
    const trainer = new Trainer({ model, loss: crossEntropy, optimizer: sgd({ learningRate: rate }), backend: reference() });
    const data = dataset({ inputs: [[1], [1], [1], [1]], targets: { data: new Int32Array(4), shape: [4] } });
    const weights: number[] = [];
    const read = { name: "weights", onStep: () => void weights.push(model.namedParameters()[0]![1].value.dataSync()[0]!) };
    await trainer.fit(data, { epochs: 3, batchSize: 2, callbacks: [read] });
    // The gradient of the first logit is p − 1; p grows a little with each step.
    const steps = weights.slice(1).map((w, i) => w - weights[i]!);
    expect(steps[1]! / steps[0]!).toBeGreaterThan(1.4);
    expect(steps[3]! / steps[2]!).toBeLessThan(0.15);
    trainer.dispose();
  });
});

describe("options that are no options of theirs are refused", () => {
  it.each([
    ["reduceOnPlateau mode", () => schedules.reduceOnPlateau(1, { mode: "Min" as "min" }), /mode is one of min, max; got "Min"/],
    [
      "reduceOnPlateau thresholdMode",
      () => schedules.reduceOnPlateau(1, { thresholdMode: "relative" as "rel" }),
      /thresholdMode is one of/,
    ],
    [
      "cyclic mode",
      () => schedules.cyclic(1, { maxLearningRate: 2, mode: "triangle" as "triangular" }),
      /mode is one of triangular/,
    ],
    ["cyclic stepSizeUp", () => schedules.cyclic(1, { maxLearningRate: 2, stepSizeUp: 0 }), /stepSizeUp must be a whole number/],
    [
      "oneCycle anneal",
      () => schedules.oneCycle(1, { totalSteps: 9, anneal: "Linear" as "linear" }),
      /anneal is one of cosine, linear/,
    ],
    [
      "oneCycle percentStart",
      () => schedules.oneCycle(1, { totalSteps: 9, percentStart: 3 }),
      /percentStart must be a number between/,
    ],
  ])("%s", (_, make, message) => expect(make).toThrow(message));
});

describe("a cycle and its momentum", () => {
  it("has a height of one's own, of the cycle or of the step: PyTorch 2.15's CyclicLR(base 0.1, max 1.1, up 2, scale_fn)", () => {
    const byCycle = schedules.cyclic(0.1, { maxLearningRate: 1.1, stepSizeUp: 2, scaleFn: (x) => 1 / x });
    const byStep = schedules.cyclic(0.1, {
      maxLearningRate: 1.1,
      stepSizeUp: 2,
      scaleFn: (x) => 0.5 ** x,
      scaleMode: "iterations",
    });
    const first = (schedule: schedules.Schedule): number[] => Array.from({ length: 8 }, (_, t) => schedule.at(t));
    expect(first(byCycle)).toEqual([0.1, 0.6, 1.1, 0.6, 0.1, 0.35, 0.6, 0.35].map((x) => expect.closeTo(x, 8) as number));
    expect(first(byCycle.momentum)).toEqual(
      [0.9, 0.85, 0.8, 0.85, 0.9, 0.875, 0.85, 0.875].map((x) => expect.closeTo(x, 8) as number),
    );
    expect(first(byStep)).toEqual(
      [0.1, 0.35, 0.35, 0.1625, 0.1, 0.115625, 0.115625, 0.10390625].map((x) => expect.closeTo(x, 8) as number),
    );
    expect(first(byStep.momentum)).toEqual(
      [0.9, 0.875, 0.875, 0.89375, 0.9, 0.8984375, 0.8984375, 0.899609375].map((x) => expect.closeTo(x, 8) as number),
    );
  });

  it("is an optimizer's where it is given it, and follows in the fed scalars", () => {
    const rate = schedules.oneCycle(0.1, { totalSteps: 10 });
    const optimizer = adamw({ learningRate: rate, beta1: rate.momentum });
    expect(optimizer.scalars({ step: 0, epoch: 0 }).slice(0, 2)).toEqual([0.95, expect.closeTo(0.05, 12)]);
    expect(optimizer.scalars({ step: 2, epoch: 0 }).slice(0, 2)).toEqual([expect.closeTo(0.85, 12), expect.closeTo(0.15, 12)]);
    expect(optimizer.rates).toContain(rate.momentum);
    // One that starts at 0 has its slot all the same.
    const rising = schedules.linear(0.9, { startFactor: 0, totalSteps: 4 });
    expect(Object.keys(sgd({ momentum: rising }).slots([2]))).toEqual(["momentum"]);
  });

  it("is checked like a fixed one", () => {
    const late = schedules.constant(1.2, { factor: 1 });
    expect(() => adam({ beta1: late })).toThrow(/beta1 must be in \[0, 1\), got 1\.2/);
    expect(() => schedules.oneCycle(1, { totalSteps: 9, baseMomentum: 2 })).toThrow(
      /baseMomentum must be a number between 0 and 1/,
    );
    expect(() => schedules.cyclic(1, { maxLearningRate: 2, scaleFn: () => 1, gamma: 0.9 })).toThrow(
      /takes the place of mode and gamma/,
    );
    expect(() => schedules.cyclic(1, { maxLearningRate: 2, scaleMode: "cycle" })).toThrow(/Leave out what would have no effect/);
    expect(() => adagrad({ beta1: late } as object)).toThrow(/beta1/);
  });
});
