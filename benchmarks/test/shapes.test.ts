/** Models as data: their shapes, parameters and multiply-adds, against PyTorch's definitions. */
import { expect, test } from "vitest";
import { allLayers, connectedSizes, isRandom, product, type LayerSpec, type ModelSpec } from "../src/model.js";
import {
  autoencoder,
  connected,
  encoder,
  languageModel,
  plainConvolutional,
  residualNetwork,
  separableNetwork,
  sequenceClassifier,
  signalNetwork,
  tabular,
  wordsClassifier,
} from "../src/networks/index.js";
import { forwardFlops, modelOutput, parameterSpecs, targetOf } from "../src/shapes.js";
import { samePadding, rearrangement } from "../src/contestants/tfjsLayout.js";

const over = (shape: readonly number[], ...layers: LayerSpec[]): ModelSpec => ({
  input: { shape, images: true },
  layers,
  loss: "mse",
});
const named = (model: ModelSpec): Record<string, readonly number[]> =>
  Object.fromEntries(parameterSpecs(model).map(({ name, shape }) => [name, shape]));

test("convolutions of any stride, padding, dilation and groups: output, weight and multiply-adds", () => {
  const model = over(
    [6, 13, 10],
    { kind: "convolution", axes: 2, in: 6, out: 9, kernel: 3, stride: 2, padding: 1, dilation: 2, groups: 3, bias: false },
    { kind: "transposedConvolution", axes: 2, in: 9, out: 4, kernel: 4, stride: 3, padding: 1, outputPadding: 2 },
  );
  // ⌊(13 + 2 − 4 − 1)/2⌋ + 1 = 6 and ⌊(10 + 2 − 4 − 1)/2⌋ + 1 = 4; then (n − 1) · 3 − 2 + 4 + 2.
  expect(modelOutput(model)).toEqual([4, 19, 13]);
  expect(named(model)).toEqual({ "0.weight": [9, 2, 3, 3], "1.weight": [9, 4, 4, 4], "1.bias": [4] });
  expect(forwardFlops(model)).toBe(2 * (9 * 6 * 4 * 2 * 9 + 9 * 6 * 4 * 4 * 16));
});

test("a branch's names and shapes; a way around it of another shape is refused", () => {
  const shortcut: LayerSpec[] = [{ kind: "convolution", axes: 1, in: 2, out: 3, kernel: 1 }];
  const branch: LayerSpec[] = [
    { kind: "convolution", axes: 1, in: 2, out: 3, kernel: 5, padding: 2 },
    { kind: "batchNorm", axes: 1, features: 3 },
  ];
  const model = over([2, 7], { kind: "residual", branch, shortcut });
  expect(Object.keys(named(model))).toEqual([
    "0.branch.0.weight",
    "0.branch.0.bias",
    "0.branch.1.weight",
    "0.branch.1.bias",
    "0.shortcut.0.weight",
    "0.shortcut.0.bias",
  ]);
  expect(modelOutput(model)).toEqual([3, 7]);
  expect(() => modelOutput(over([2, 7], { kind: "residual", branch }))).toThrow("way around [2,7]");
  expect(() => modelOutput(over([2, 7], { kind: "linear", in: 8, out: 1 }))).toThrow("linear takes 8 features, got [2,7]");
});

test("a recurrent layer's output and multiply-adds: a product with the input and one with the state for each gate and step", () => {
  const model = sequenceClassifier({ cell: "gru", hidden: 6, steps: 5, classes: 3, layers: 2 });
  expect(modelOutput(model)).toEqual([3]);
  expect(forwardFlops(model)).toBe(2 * (5 * 3 * 6 * (6 + 6 + 12) + 6 * 3));
  expect(() => modelOutput({ ...model, input: { shape: [5, 7] } })).toThrow("a sequence of 6 features, got [5,7]");
});

test("targets are one class a place, or values of the output's shape", () => {
  expect(targetOf(connected(4, 16, 3))).toEqual({ shape: [], classes: 3 });
  const tokens = languageModel({ blocks: 1, width: 8, heads: 2, hidden: 16, length: 5, vocabulary: 11 });
  expect(targetOf(tokens)).toEqual({ shape: [5], classes: 11 });
  expect(targetOf(autoencoder(13, [2, 3, 4]))).toEqual({ shape: [2, 13, 13] });
});

test("parameters of each network as PyTorch counts them", () => {
  const count = (model: ModelSpec): number => parameterSpecs(model).reduce((sum, { shape }) => sum + product(shape), 0);
  expect(count(connected(784, 128, 10))).toBe(101_770);
  expect(count(plainConvolutional(28, [16, 32], 10))).toBe(160 + 4640 + 15_690);
  expect(count(encoder({ blocks: 2, width: 64, heads: 4, hidden: 256, length: 64, classes: 10 }))).toBe(100_618);
  expect(count(residualNetwork(32, [16, 32], 10))).toBe(464 + 2 * 4672 + (4608 + 9216 + 128 + 512 + 64) + 18_560 + 330);
  expect(count(separableNetwork(32, [8, 16], 3, 4))).toBe(232 + (72 + 16 + 128 + 32) + 68);
  expect(count(signalNetwork({ length: 32, channels: [2, 4], classes: 3 }))).toBe(56 + 8 + 80 + 8 + 15);
  expect(count(autoencoder(28, [1, 4]))).toBe(68 + 65);
  expect(count(wordsClassifier(50, 6, 9, 4))).toBe(300 + 28);
  expect(count(tabular([5, 6, 3], 0.2))).toBe(36 + 12 + 21);
  expect(count(sequenceClassifier({ cell: "lstm", hidden: 6, steps: 5, classes: 3 }))).toBe(2 * 4 * 6 * 7 + 21);
  expect(count(sequenceClassifier({ cell: "gru", hidden: 6, steps: 5, classes: 3, layers: 2 }))).toBe(2 * (2 * 3 * 6 * 7) + 21);
});

test("a fully connected network is known from its layers, and dropout wherever it is", () => {
  expect(connectedSizes(connected(4, 16, 3))).toEqual([4, 16, 3]);
  expect(connectedSizes(tabular([4, 16, 3], 0.1))).toBeUndefined();
  expect(connectedSizes(plainConvolutional(8, [3, 4], 5))).toBeUndefined();
  expect(isRandom(over([4], { kind: "residual", branch: [{ kind: "dropout", p: 0.1 }] }))).toBe(true);
  expect(isRandom(connected(4, 16, 3))).toBe(false);
  expect(allLayers(residualNetwork(9, [3, 4], 3).layers).filter(({ kind }) => kind === "convolution")).toHaveLength(10);
});

test("a linear layer after a flattened image is told what was flattened, also through an activation", () => {
  const layers: LayerSpec[] = [{ kind: "flatten" }, { kind: "activation", name: "relu" }, { kind: "linear", in: 12, out: 2 }];
  const [weight] = parameterSpecs(over([2, 3, 2], ...layers));
  expect(weight!.role).toEqual({ kind: "matrix", features: [2, 3, 2] });
  expect(rearrangement(weight!)).toEqual({ from: [2, 2, 3, 2], order: [2, 3, 1, 0], to: [12, 2] });
  const [unknown] = parameterSpecs({ ...over([2, 3, 2], ...layers), input: { shape: [2, 3, 2] } });
  expect(unknown!.role).toEqual({ kind: "matrix" });
});

test.each([
  // size, kernel, stride, dilation: what TensorFlow's documentation gives for "same"
  [10, 3, 1, 1, [1, 1]],
  [10, 3, 2, 1, [0, 1]],
  [9, 3, 2, 1, [1, 1]],
  [9, 4, 2, 1, [1, 2]],
  [8, 1, 2, 1, [0, 0]],
  [10, 5, 1, 4, [8, 8]],
])("same padding of %i by a kernel of %i, stride %i, dilation %i is %j", (size, kernel, stride, dilation, sides) => {
  expect(samePadding(size, { kernel, stride, dilation })).toEqual(sides);
});
