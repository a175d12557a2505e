/** Along the axes 0 and −1 a scalar is a vector of one element, wherever PyTorch takes it so. */
import { beforeAll, describe, expect, it } from "vitest";
import * as core from "../../src/index.js";
import { compile, grad, tensor, useBackend, type Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

type Along = (x: Tensor, axis: number) => Tensor;

const calls: readonly (readonly [string, Along, number])[] = [
  ["softmax", (x, axis) => core.softmax(x, { axis }), 1],
  ["logSoftmax", (x, axis) => core.logSoftmax(x, { axis }), 0],
  ["softmin", (x, axis) => core.softmin(x, { axis }), 1],
  ["sum", (x, axis) => core.sum(x, { axis }), 5],
  ["mean", (x, axis) => core.mean(x, { axis, keepDims: true }), 5],
  ["prod", (x, axis) => core.prod(x, { axis: [axis] }), 5],
  ["max", (x, axis) => core.max(x, { axis }), 5],
  ["argMax", (x, axis) => core.argMax(x, { axis, keepDims: true }), 0],
  ["logSumExp", (x, axis) => core.logSumExp(x, { axis }), 5],
  ["norm", (x, axis) => core.norm(x, { axis }), 5],
  ["variance", (x, axis) => core.variance(x, { axis }), NaN],
  ["sort", (x, axis) => core.sort(x, { axis }).values, 5],
  ["argSort", (x, axis) => core.argSort(x, { axis }), 0],
  ["topK", (x, axis) => core.topK(x, 1, { axis }).values, 5],
  ["cumsum", (x, axis) => core.cumsum(x, axis), 5],
  ["flip", (x, axis) => core.flip(x, axis), 5],
  ["squeeze", (x, axis) => core.squeeze(x, axis), 5],
  ["transpose", (x, axis) => core.transpose(x, axis, axis), 5],
];

beforeAll(() => useBackend(reference()));

describe.each(calls)("%s of a scalar", (_, along, value) => {
  it.each([0, -1])("along axis %i is PyTorch's, eager and compiled", (axis) => {
    for (const run of [along, compile((x: Tensor) => along(x, axis))]) {
      const result = run(tensor(5), axis);
      expect(result.shape).toEqual([]);
      expect(result.item()).toBe(value);
    }
  });

  it.each([1, -2])("has no axis %i", (axis) => {
    expect(() => along(tensor(5), axis)).toThrow(new RegExp(`axis ${axis} is not one of a scalar, which has none`));
  });
});

it("keeps the domain, and has its gradient", () => {
  expect(core.softmax(tensor(5), { axis: 0 }).domain).toBe("probabilities");
  expect(grad((x: Tensor) => core.softmax(x, { axis: -1 }))(tensor(5)).item()).toBe(0);
  expect(() => core.glu(tensor(5), { axis: 0 })).toThrow(/glu halves axis 0, whose size 1 is odd/);
});
