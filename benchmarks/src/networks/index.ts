/** The kinds of networks that are trained, each by its sizes. */
import type { LayerSpec, ModelSpec } from "../model.js";
import {
  activation,
  convolution,
  linear,
  maxPooling,
  normalizedConvolution,
  relu,
  residual,
  transposedConvolution,
} from "./layers.js";

/** Fully connected layers with ReLU between them. */
export const connected = (...sizes: readonly number[]): ModelSpec => ({
  input: { shape: [sizes[0]!] },
  layers: sizes.slice(1).flatMap((out, i) => [...(i === 0 ? [] : [relu]), linear(sizes[i]!, out)]),
  loss: "crossEntropy",
});

/** conv 3×3 padding 1 – relu – pool 2, twice, then a linear layer. */
export function plainConvolutional(side: number, channels: readonly [number, number], classes: number): ModelSpec {
  const stage = (from: number, to: number): LayerSpec[] => [
    convolution(2, [from, to], 3, { padding: 1 }),
    relu,
    maxPooling(2, 2),
  ];
  const [first, second] = channels;
  const features = second * Math.floor(Math.floor(side / 2) / 2) ** 2;
  return {
    input: { shape: [1, side, side], images: true },
    layers: [...stage(1, first), ...stage(first, second), { kind: "flatten" }, linear(features, classes)],
    loss: "crossEntropy",
  };
}

interface Blocks {
  readonly blocks: number;
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly length: number;
}

/** Pre-norm transformer blocks. */
const transformerBlocks = ({ blocks, width, heads, hidden }: Blocks, causal: boolean): LayerSpec[] => {
  const norm: LayerSpec = { kind: "layerNorm", features: width };
  return Array.from({ length: blocks }, () => [
    residual([norm, { kind: "attention", width, heads, ...(causal ? { causal } : {}) }]),
    residual([norm, linear(width, hidden), activation("gelu"), linear(hidden, width)]),
  ]).flat();
};

/** Transformer blocks over vectors, the mean over the sequence, a linear layer. */
export const encoder = ({ classes, ...blocks }: Blocks & { readonly classes: number }): ModelSpec => ({
  input: { shape: [blocks.length, blocks.width] },
  layers: [...transformerBlocks(blocks, false), { kind: "mean", axes: [1] }, linear(blocks.width, classes)],
  loss: "crossEntropy",
});

/** Tokens and their places, causal transformer blocks, a norm, and logits of the next token at each place. */
export const languageModel = ({ vocabulary, ...blocks }: Blocks & { readonly vocabulary: number }): ModelSpec => ({
  input: { shape: [blocks.length], indices: vocabulary },
  layers: [
    { kind: "embedding", rows: vocabulary, features: blocks.width },
    { kind: "positions", length: blocks.length, features: blocks.width },
    ...transformerBlocks(blocks, true),
    { kind: "layerNorm", features: blocks.width },
    linear(blocks.width, vocabulary),
  ],
  loss: "crossEntropy",
});

/** A stem, a stage of two residual blocks for each width, of which all but the first halve the map by stride 2, the mean, a linear layer. */
export function residualNetwork(side: number, widths: readonly number[], classes: number): ModelSpec {
  const block = (from: number, to: number, stride: number): LayerSpec[] => [
    residual(
      [
        ...normalizedConvolution(2, [from, to], 3, { stride, padding: 1 }),
        relu,
        ...normalizedConvolution(2, [to, to], 3, { padding: 1 }),
      ],
      stride === 1 && from === to ? undefined : normalizedConvolution(2, [from, to], 1, { stride }),
    ),
    relu,
  ];
  return {
    input: { shape: [3, side, side], images: true },
    layers: [
      ...normalizedConvolution(2, [3, widths[0]!], 3, { padding: 1 }),
      relu,
      ...widths.flatMap((width, i) => [...block(widths[i - 1] ?? width, width, i === 0 ? 1 : 2), ...block(width, width, 1)]),
      { kind: "mean", axes: [2, 3] },
      linear(widths.at(-1)!, classes),
    ],
    loss: "crossEntropy",
  };
}

/** A stem of stride 2, depthwise and 1×1 convolutions with batch norm and ReLU6, of which every second has stride 2, the mean, a linear layer. */
export function separableNetwork(side: number, widths: readonly number[], kernel: number, classes: number): ModelSpec {
  const relu6 = activation("relu6");
  const block = (from: number, to: number, stride: number): LayerSpec[] => [
    ...normalizedConvolution(2, [from, from], kernel, { stride, padding: (kernel - 1) / 2, groups: from }),
    relu6,
    ...normalizedConvolution(2, [from, to], 1),
    relu6,
  ];
  return {
    input: { shape: [3, side, side], images: true },
    layers: [
      ...normalizedConvolution(2, [3, widths[0]!], 3, { stride: 2, padding: 1 }),
      relu6,
      ...widths.slice(1).flatMap((width, i) => block(widths[i]!, width, i % 2 === 0 ? 1 : 2)),
      { kind: "mean", axes: [2, 3] },
      linear(widths.at(-1)!, classes),
    ],
    loss: "crossEntropy",
  };
}

interface Signal {
  readonly length: number;
  /** Of the input, and after each stage. */
  readonly channels: readonly number[];
  readonly classes: number;
  /** Of the kernels of 5. Default 1. */
  readonly dilation?: number;
}

/** For each width a convolution with a kernel of 7 and one of 5, batch norm and ReLU, and a pooling of 2; the mean, a linear layer. */
export function signalNetwork({ length, channels, classes, dilation = 1 }: Signal): ModelSpec {
  return {
    input: { shape: [channels[0]!, length], images: true },
    layers: [
      ...channels
        .slice(1)
        .flatMap((width, i) => [
          ...normalizedConvolution(1, [channels[i]!, width], 7, { padding: 3 }),
          relu,
          ...normalizedConvolution(1, [width, width], 5, { padding: 2 * dilation, dilation }),
          relu,
          maxPooling(1, 2),
        ]),
      { kind: "mean", axes: [2] },
      linear(channels.at(-1)!, classes),
    ],
    loss: "crossEntropy",
  };
}

/** Convolutions 4×4 of stride 2 with ReLU, and transposed ones back to the size of the image. */
export function autoencoder(side: number, channels: readonly number[]): ModelSpec {
  const halved = { stride: 2, padding: 1 };
  const sides = channels.slice(1).reduce<number[]>((sizes) => [...sizes, Math.floor(sizes.at(-1)! / 2)], [side]);
  const down = channels.slice(1).flatMap((to, i) => [convolution(2, [channels[i]!, to], 4, halved), relu]);
  const up = channels
    .slice(0, -1)
    .map((to, i) => [
      transposedConvolution(2, [channels[i + 1]!, to], 4, { ...halved, ...(sides[i]! % 2 === 1 ? { outputPadding: 1 } : {}) }),
    ])
    .toReversed()
    .flatMap((layers, i) => (i === channels.length - 2 ? layers : [...layers, relu]));
  return { input: { shape: [channels[0]!, side, side], images: true }, layers: [...down, ...up], loss: "mse" };
}

/** Rows of a table for the words of a text, their mean, a linear layer. */
export const wordsClassifier = (rows: number, features: number, length: number, classes: number): ModelSpec => ({
  input: { shape: [length], indices: rows },
  layers: [{ kind: "embedding", rows, features }, { kind: "mean", axes: [1] }, linear(features, classes)],
  loss: "crossEntropy",
});

/** Fully connected layers with batch norm, ReLU and dropout between them. */
export const tabular = (sizes: readonly number[], p: number): ModelSpec => ({
  input: { shape: [sizes[0]!] },
  layers: sizes
    .slice(1)
    .flatMap((out, i) =>
      i === sizes.length - 2
        ? [linear(sizes[i]!, out)]
        : [linear(sizes[i]!, out), { kind: "batchNorm", axes: 0, features: out }, relu, { kind: "dropout", p }],
    ),
  loss: "crossEntropy",
});

interface Sequences {
  readonly cell: "lstm" | "gru";
  readonly hidden: number;
  readonly steps: number;
  readonly classes: number;
  /** Default 1. */
  readonly layers?: number;
}

/** Recurrent layers as wide as the input, the mean over the steps, a linear layer. */
export const sequenceClassifier = ({ cell, hidden, steps, classes, layers = 1 }: Sequences): ModelSpec => ({
  input: { shape: [steps, hidden] },
  layers: [{ kind: "recurrent", cell, in: hidden, hidden, layers }, { kind: "mean", axes: [1] }, linear(hidden, classes)],
  loss: "crossEntropy",
});
