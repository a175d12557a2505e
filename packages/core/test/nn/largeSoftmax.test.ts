/** Losses over very many classes. Values and gradients are PyTorch's in the golden cases of conformance; here is what those do not say. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  add,
  argMax,
  compile,
  crossEntropy,
  linear,
  linearCrossEntropy,
  logSumExp,
  manualSeed,
  normal,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import { AdaptiveLogSoftmaxWithLoss, LinearCrossEntropyLoss } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeEach(() => {
  useBackend(reference());
  manualSeed(1);
});

const classes = (data: readonly number[], shape: readonly number[] = [data.length]): Tensor =>
  tensor(Int32Array.from(data), { shape });
const elements = (t: Tensor): readonly number[] => [...t.dataSync()];

describe("linearCrossEntropy", () => {
  test("is crossEntropy of the logits, however many classes there are at a time", () => {
    const [x, w, bias, target] = [normal([5, 3]), normal([7, 3]), normal([7]), classes([0, 6, 3, 2, 3])];
    const options = { labelSmoothing: 0.1, ignoreIndex: 2, weight: tensor([1, 2, 3, 4, 5, 6, 7]) };
    const expected = valueAndGrad(() => crossEntropy(linear(x, w, bias), target, options), [x, w, bias]);
    for (const chunkSize of [1, 2, 3, 7, 50]) {
      const { value, grads } = valueAndGrad(
        () => linearCrossEntropy(x, w, target, { ...options, linearBias: bias, chunkSize }),
        [x, w, bias],
      );
      expect(value.item()).toBeCloseTo(expected.value.item(), 12);
      grads.forEach((g, i) =>
        elements(g!).forEach((slope, k) => expect(slope).toBeCloseTo(elements(expected.grads[i]!)[k]!, 12)),
      );
    }
  });

  test("classes that a bias of −∞ leaves out have no part, also where they are a whole chunk", () => {
    const bias = tensor([-Infinity, -Infinity, 0, -1000, 0.5]);
    const [x, w] = [zeros([2, 2]), zeros([5, 2])];
    const { value, grads } = valueAndGrad(
      () => linearCrossEntropy(x, w, classes([2, 4]), { linearBias: bias, chunkSize: 2 }),
      [bias],
    );
    expect(value.item()).toBeCloseTo(Math.log(1 + Math.exp(0.5)) - 0.25, 12);
    expect(elements(grads[0]!).slice(0, 4)).toEqual([0, 0, expect.closeTo(-elements(grads[0]!)[4]!, 12), 0]);
  });

  test("logits of any size neither overflow nor lose their difference", () => {
    const w = tensor([[1], [0], [-1]]);
    expect(linearCrossEntropy(tensor([[1e4]]), w, classes([1]), { chunkSize: 1 }).item()).toBe(1e4);
    expect(linearCrossEntropy(tensor([[1e4]]), w, classes([0]), { chunkSize: 1 }).item()).toBe(0);
  });

  test("a class out of range is refused on the host, and NaN where it is computed; targets that are all ignored have no gradient", () => {
    const [x, w] = [normal([2, 2]), normal([3, 2])];
    expect(() => linearCrossEntropy(x, w, classes([0, 3]))).toThrow(/target 1 is 3/);
    const run = compile((target: Tensor) => {
      const { value, grads } = valueAndGrad(() => linearCrossEntropy(x, w, add(target, 0), { chunkSize: 2 }), [x]);
      return [value, grads[0]!] as const;
    });
    const [value, slope] = run(classes([0, 3]));
    expect(value.item()).toBeNaN();
    expect(elements(slope).map(Number.isNaN)).toEqual([false, false, true, true]);
    const { grads } = valueAndGrad(() => linearCrossEntropy(x, w, classes([-100, -100])), [x, w]);
    for (const g of grads) expect(new Set(elements(g!).map(Math.abs))).toEqual(new Set([0]));
  });

  test("says which shapes belong together", () => {
    const [x, w] = [normal([2, 3]), normal([4, 3])];
    expect(() => linearCrossEntropy(x, normal([4, 2]), classes([0, 1]))).toThrow(/\(C, D\)/);
    expect(() => linearCrossEntropy(x, w, classes([0]))).toThrow(/class indices have the shape \[2\], got \[1\]/);
    expect(() => linearCrossEntropy(x, w, classes([0, 1]), { linearBias: zeros([3]) })).toThrow(/linearBias has the shape \[4\]/);
    expect(() => linearCrossEntropy(x, w, classes([0, 1]), { chunkSize: 0 })).toThrow(/chunkSize/);
    expect(() => new LinearCrossEntropyLoss(3, 4, { weight: zeros([3]) })).toThrow(/one number a class, \[4\]/);
  });

  test("a batch of none has a sum of 0 and no gradient", () => {
    const w = normal([3, 2]);
    const { value, grads } = valueAndGrad(
      () => linearCrossEntropy(zeros([0, 2]), w, classes([]), { reduction: "sum", chunkSize: 2 }),
      [w],
    );
    expect([value.item(), ...elements(grads[0]!)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("AdaptiveLogSoftmaxWithLoss", () => {
  test("its log probabilities are those of a distribution, and what forward gives for each class", () => {
    const layer = new AdaptiveLogSoftmaxWithLoss(6, 9, [2, 5], { divValue: 2, headBias: true });
    const x = normal([9, 6]);
    const logP = layer.logProb(x);
    elements(logSumExp(logP, { axis: 1 })).forEach((value) => expect(value).toBeCloseTo(0, 12));
    const { output, loss } = layer.forward(x, classes([0, 1, 2, 3, 4, 5, 6, 7, 8]));
    elements(output).forEach((value, i) => expect(value).toBeCloseTo(elements(logP)[i * 9 + i]!, 12));
    expect(loss.item()).toBeCloseTo(-elements(output).reduce((a, b) => a + b, 0) / 9, 12);
    expect(elements(layer.predict(x))).toEqual(elements(argMax(logP, { axis: 1 })));
    expect(layer.namedParameters().map(([name, { shape }]) => [name, ...shape])).toEqual([
      ["head.weight", 4, 6],
      ["head.bias", 4],
      ["tail.0.0.weight", 3, 6],
      ["tail.0.1.weight", 3, 3],
      ["tail.1.0.weight", 1, 6],
      ["tail.1.1.weight", 4, 1],
    ]);
  });

  test("refuses cutoffs out of order, clusters without features, and classes out of range", () => {
    for (const cutoffs of [[], [0], [2, 2], [3, 2], [5], [1.5]])
      expect(() => new AdaptiveLogSoftmaxWithLoss(4, 5, cutoffs)).toThrow(/cutoffs are whole numbers from 1 to 4/);
    expect(() => new AdaptiveLogSoftmaxWithLoss(4, 9, [2, 5])).toThrow(/cluster 2 would have 0 features/);
    const layer = new AdaptiveLogSoftmaxWithLoss(4, 5, [2]);
    expect(() => layer.forward(zeros([1, 4]), classes([5]))).toThrow(/target 0 is 5/);
    expect(() => layer.forward(zeros([2, 4]), classes([1]))).toThrow(/class indices \[2\]/);
    const run = compile((target: Tensor) => sum(layer.forward(zeros([1, 4]), target).output));
    expect(run(classes([5])).item()).toBeNaN();
  });
});
