import { describe, expect, it } from "vitest";
import { tensor, withBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { adafactor, adamw, asgd, exponentialAverage, lookahead, sgd, stochasticAverage, type Optimizer } from "../src/index.js";
import { optimizers } from "../src/catalog.js";
import { steps } from "./steps.js";

const gradients = [1, -0.5, 2, 0.25, -1, 0.75, 1.5];
const feed = gradients.map((g) => [tensor([g])]);
const run = (optimizer: Optimizer, slot?: string): number[] =>
  withBackend(reference(), () =>
    steps(optimizer, [tensor([1])], feed, (parameters, slots) =>
      slot === undefined ? parameters : [slots[0]![Object.keys(optimizer.slots([1])).indexOf(slot)]!],
    ).flat(2),
  );
const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
};

describe("lookahead", () => {
  it("follows the fast weights every k-th step (Zhang et al. 2019, algorithm 1)", () => {
    let [fast, slow] = [1, 1];
    const expected = gradients.map((g, i) => {
      fast -= 0.1 * g;
      if ((i + 1) % 3 === 0) fast = slow = slow + 0.4 * (fast - slow);
      return fast;
    });
    expectClose(run(lookahead(sgd({ learningRate: 0.1 }), { k: 3, alpha: 0.4 })), expected);
  });
  it("with alpha 1 is the optimizer, which keeps its moments", () => {
    const inner = (): Optimizer => adamw({ learningRate: 0.1 });
    expectClose(run(lookahead(inner(), { k: 2, alpha: 1 })), run(inner()));
  });
  it("refuses a k or an alpha that cannot be", () => {
    expect(() => lookahead(sgd(), { k: 0 })).toThrow(/k is a whole number ≥ 1, got 0/);
    expect(() => lookahead(sgd(), { alpha: 2 })).toThrow(/alpha is in \(0, 1\], got 2/);
    // @ts-expect-error there is no option steps
    expect(() => lookahead(sgd(), { steps: 2 })).toThrow(/no option "steps"/);
  });
});

describe("averages of the weights (PyTorch's AveragedModel.update_parameters after each step)", () => {
  const weights = run(sgd({ learningRate: 0.1 }));
  it("exponential: the first update copies, then decay · a + (1 − decay)θ", () => {
    let average = 0;
    const expected = weights.map((w, i) => (average = i === 0 ? w : 0.8 * average + 0.2 * w));
    const averaged = exponentialAverage(sgd({ learningRate: 0.1 }), { decay: 0.8 });
    expectClose(run(averaged, "average"), expected);
    expectClose(run(averaged), weights);
  });
  it("stochastic: the plain mean from a step on", () => {
    const expected = weights.map((w, i) => {
      const counted = weights.slice(2, i + 1).filter((_, k) => k % 2 === 0);
      return counted.length === 0 ? w : counted.reduce((a, b) => a + b, 0) / counted.length;
    });
    expectClose(run(stochasticAverage(sgd({ learningRate: 0.1 }), { start: 2, every: 2 }), "average"), expected);
  });
  it("one optimizer has one average", () => {
    expect(() => exponentialAverage(asgd())).toThrow(/asgd keeps an average of the weights already/);
    expect(() => exponentialAverage(stochasticAverage(sgd()))).toThrow(/already/);
    expect(() => exponentialAverage(sgd(), { decay: 1.5 })).toThrow(/decay is in \[0, 1\]/);
  });
});

it("a wrapped optimizer keeps its slots, whatever they are called, and one more", () => {
  const wrappers = [exponentialAverage, lookahead, (inner: Optimizer) => lookahead(lookahead(inner))];
  for (const make of Object.values(optimizers)) {
    const inner = Object.keys(make().slots([4, 3]));
    wrappers.forEach((wrap, i) => {
      if (i === 0 && make().average !== undefined) return;
      expect(Object.keys(wrap(make()).slots([4, 3])).slice(0, inner.length)).toEqual(inner);
      expect(Object.keys(wrap(make()).slots([4, 3]))).toHaveLength(inner.length + (i === 2 ? 2 : 1));
    });
  }
});

it("adafactor keeps a row and a column of each matrix, not the matrix", () => {
  const slots = adafactor().slots([4, 300, 200]);
  expect(slots).toEqual({ row: { start: 0, shape: [4, 300, 1] }, column: { start: 0, shape: [4, 1, 200] } });
  expect(adafactor().slots([7])).toEqual({ variance: { start: 0, shape: [7] } });
});
