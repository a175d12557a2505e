import { describe, expect, it } from "vitest";
import {
  bce,
  bceWithLogits,
  crossEntropy,
  logSoftmax,
  nll,
  sigmoid,
  softmax,
  tensor,
  withBackend,
  type Tensor,
} from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

const z = tensor([
  [1, 2],
  [3, 4],
]);
const classes = tensor([0, 1], { dtype: "int32" });
const truth = tensor([
  [0, 1],
  [1, 0],
]);
const run =
  (fn: () => Tensor): (() => Tensor) =>
  () =>
    withBackend(reference(), fn);

describe("a domain that does not fit does not compile, and is an error with the fix at run time", () => {
  it("crossEntropy of softmax", () => {
    // @ts-expect-error crossEntropy takes logits
    expect(run(() => crossEntropy(softmax(z), classes))).toThrow(/expects logits.*got probabilities.*Remove the softmax/);
  });
  it("bceWithLogits of sigmoid", () => {
    // @ts-expect-error bceWithLogits takes logits
    expect(run(() => bceWithLogits(sigmoid(z), truth))).toThrow(/Remove the sigmoid/);
  });
  it("bce of unmarked numbers", () => {
    // @ts-expect-error bce takes marked probabilities
    expect(run(() => bce(z, truth))).toThrow(/bceWithLogits/);
  });
  it("nll of unmarked numbers", () => {
    // @ts-expect-error nll takes marked log probabilities
    expect(run(() => nll(z, classes))).toThrow(/logSoftmax/);
  });
  it("those that fit compile and run", () => {
    expect(run(() => crossEntropy(z, classes))().item()).toBeCloseTo(run(() => nll(logSoftmax(z), classes))().item());
    expect(run(() => bceWithLogits(z, truth))().item()).toBeCloseTo(run(() => bce(sigmoid(z), truth))().item());
    const unknown: Tensor = softmax(z);
    expect(run(() => crossEntropy(unknown, classes))).toThrow(/Remove the softmax/);
  });
  it("an option that does not exist", () => {
    // @ts-expect-error PyTorch's spelling
    expect(run(() => crossEntropy(z, classes, { label_smoothing: 0.1 }))).toThrow(/Did you mean "labelSmoothing"/);
  });
});

describe("targets that do not fit are errors, never broadcast", () => {
  it.each([
    [() => bceWithLogits(tensor([[1], [2]]), tensor([1, 0])), /\[2, 1\].*\[2\].*must be equal/],
    [() => crossEntropy(z, tensor([0, 2], { dtype: "int32" })), /target 1 is 2.*start at 1/],
    [() => crossEntropy(z, tensor([0, 1])), /Class indices must be int32/],
    [() => crossEntropy(z, tensor([[0], [1]], { dtype: "int32" })), /have the shape \[2\], got \[2, 1\]/],
  ])("%s", (fn, message) => expect(run(fn as () => Tensor)).toThrow(message));
});
