/** Every layer of core, in evaluation: its file gives what it gives. Losses are modules too; they are tried as functions (definitions.test.ts). */
import { beforeAll, describe, expect, test } from "vitest";
import { manualSeed, normal, randint, useBackend, type Tensor } from "@ermine/core";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { saveModel } from "../src/index.js";
import { expectSame } from "./support.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(3);
});

type Make = () => nn.Module;
type Sample = (batch: number) => readonly Tensor[];

const of =
  (...shape: readonly number[]): Sample =>
  (n) => [normal([n, ...shape])];
const words: Sample = (n) => [randint([n, 3], 0, 10)];
const [line, image, volume] = [of(4, 8), of(4, 6, 6), of(4, 4, 4, 4)];
const bySpatial = [line, image, volume];

/** A layer for each number of spatial axes. */
const spatial = (
  name: string,
  make: (Layer: new (...args: never[]) => nn.Module) => nn.Module,
): readonly (readonly [string, Make, Sample])[] =>
  bySpatial.map((sample, i) => {
    const key = `${name}${i + 1}d`;
    return [key, () => make((nn as unknown as Record<string, new (...args: never[]) => nn.Module>)[key]!), sample] as const;
  });

/** A layer of a constructor whose arguments fit it. */
const layerOf =
  (...args: readonly unknown[]) =>
  (Layer: new (...args: never[]) => nn.Module) =>
    new Layer(...(args as never[]));

const layers: readonly (readonly [string, Make, Sample])[] = [
  ...spatial("AdaptiveAvgPool", layerOf(3)),
  ...spatial("AdaptiveMaxPool", layerOf(3)),
  ...spatial("AvgPool", layerOf(2, { padding: 1, ceilMode: true })),
  ...spatial("MaxPool", layerOf(3, { padding: 1, stride: 2 })),
  ...spatial("LPPool", layerOf(2, 2)),
  ...spatial("BatchNorm", layerOf(4)),
  ...spatial("InstanceNorm", layerOf(4, { affine: true, trackRunningStats: true })),
  ...spatial("InstanceNorm", layerOf(4)),
  ...spatial("Conv", layerOf(4, 6, 3, { padding: 1, groups: 2 })),
  ...spatial("ConvTranspose", layerOf(4, 2, 3, { stride: 2, outputPadding: 1 })),
  ...spatial("Dropout", layerOf(0.4)),
  ...spatial("CircularPad", layerOf(1)),
  ...spatial("ReflectionPad", layerOf(1)),
  ...spatial("ReplicationPad", layerOf(1)),
  ...spatial("ZeroPad", layerOf(2)),
  ...spatial("ConstantPad", layerOf(1, 0.5)),
  ["Conv2d", () => new nn.Conv2d(4, 4, 3, { padding: 1, paddingMode: "circular" }), image],
  ["AlphaDropout", () => new nn.AlphaDropout(0.5), line],
  ["FeatureAlphaDropout", () => new nn.FeatureAlphaDropout(0.5), line],
  ["Dropout", () => new nn.Dropout(0.5), line],
  ["Bilinear", () => new nn.Bilinear(3, 4, 2), (n) => [normal([n, 3]), normal([n, 4])]],
  ["Linear", () => new nn.Linear(8, 3), of(8)],
  ["Linear", () => new nn.Linear(8, 3, { bias: false }), line],
  ["Embedding", () => new nn.Embedding(10, 4), words],
  ["Embedding", () => new nn.Embedding(10, 4, { maxNorm: 1, paddingIdx: 0 }), words],
  ...(["sum", "mean", "max"] as const).map(
    (mode) => ["EmbeddingBag", () => new nn.EmbeddingBag(10, 4, { mode, paddingIdx: 0 }), words] as const,
  ),
  ["Flatten", () => new nn.Flatten(), image],
  ["Unflatten", () => new nn.Unflatten(1, [2, 2]), line],
  ["GroupNorm", () => new nn.GroupNorm(2, 4), image],
  ["GroupNorm", () => new nn.GroupNorm(1, 4), image],
  ["LayerNorm", () => new nn.LayerNorm([4, 8]), line],
  ["LayerNorm", () => new nn.LayerNorm(8, { elementwiseAffine: false }), line],
  ["RMSNorm", () => new nn.RMSNorm(8), line],
  ["LocalResponseNorm", () => new nn.LocalResponseNorm(3), image],
  ["PixelShuffle", () => new nn.PixelShuffle(2), image],
  ["PixelUnshuffle", () => new nn.PixelUnshuffle(2), image],
  ["Upsample", () => new nn.Upsample({ scaleFactor: 2 }), image],
  ["Upsample", () => new nn.Upsample({ size: [5, 9], mode: "bicubic" }), image],
  ["UpsamplingNearest2d", () => new nn.UpsamplingNearest2d({ scaleFactor: 2 }), image],
  ["UpsamplingBilinear2d", () => new nn.UpsamplingBilinear2d({ size: [5, 9] }), image],
  ["ChannelShuffle", () => new nn.ChannelShuffle(2), image],
  ["Softmax2d", () => new nn.Softmax2d(), image],
  ["CrossMapLRN2d", () => new nn.CrossMapLRN2d(4, { alpha: 0.5 }), image],
  ["Unfold", () => new nn.Unfold(2, { padding: 1, stride: 2 }), image],
  ["Fold", () => new nn.Fold([4, 4], 2), of(8, 9)],
  ["CosineSimilarity", () => new nn.CosineSimilarity(), (n) => [normal([n, 4, 3]), normal([n, 4, 3])]],
  ["PairwiseDistance", () => new nn.PairwiseDistance({ p: 3 }), (n) => [normal([n, 4]), normal([n, 4])]],
  ...[1, 2, 3].map((axes): readonly [string, Make, Sample] => [
    `MaxUnpool${axes}d`,
    () => new (nn as unknown as Record<string, new (size: number) => nn.Module>)[`MaxUnpool${axes}d`]!(2),
    (n) => {
      const shape = [n, 2, ...Array<number>(axes).fill(2)];
      return [normal(shape), randint(shape, 0, 4 ** axes)];
    },
  ]),
  [
    "Transformer",
    () => new nn.Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 12 }),
    (n) => [normal([n, 3, 8]), normal([n, 5, 8])],
  ],
  [
    "AdaptiveLogSoftmaxWithLoss",
    () => new nn.AdaptiveLogSoftmaxWithLoss(6, 9, [2, 5], { divValue: 2 }),
    (n) => [normal([n, 6]), randint([n], 0, 9)],
  ],
  ...[{}, { bias: true, outFeatures: [2], reduction: "none", chunkSize: 3 } as const].map(
    (options): readonly [string, Make, Sample] => [
      "LinearCrossEntropyLoss",
      () => new nn.LinearCrossEntropyLoss(6, 8, options),
      (n) => [normal([n, 6]), randint("outFeatures" in options ? [n, 2] : [n], 0, 8)],
    ],
  ),
  [
    "LoRA",
    () => {
      const adapted = nn.lora(new nn.Sequential(new nn.Conv2d(4, 3, 3), new nn.ReLU()), { targets: "0", rank: 2 });
      for (const { B } of adapted.adapters.values()) B.value = normal(B.shape);
      return adapted;
    },
    image,
  ],
  ["Residual", () => new nn.Residual(new nn.Linear(8, 8)), line],
  ["Sequential", () => new nn.Sequential(new nn.Linear(8, 4), new nn.ReLU()), line],
  ["SinusoidalPositions", () => new nn.SinusoidalPositions(8), (n) => [normal([n, 3, 8])]],
  ["LearnedPositions", () => new nn.LearnedPositions(5, 8), (n) => [normal([n, 3, 8])]],
  ["GRU", () => new nn.GRU(8, 3, { resetAfter: false }), line],
  ["MultiHeadAttention", () => new nn.MultiHeadAttention(8, 2), (n) => [normal([n, 3, 8]), normal([n, 5, 8]), normal([n, 5, 8])]],
  ["TransformerEncoderLayer", () => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 12, normFirst: true }), line],
  [
    "TransformerEncoder",
    () => new nn.TransformerEncoder(() => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 12 }), 2),
    line,
  ],
  [
    "TransformerDecoderLayer",
    () => new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 12 }),
    (n) => [normal([n, 3, 8]), normal([n, 5, 8])],
  ],
  [
    "TransformerDecoder",
    () => new nn.TransformerDecoder(() => new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 12 }), 1),
    (n) => [normal([n, 3, 8]), normal([n, 5, 8])],
  ],
  ["RNN", () => new nn.RNN(8, 3), line],
  ["LSTM", () => new nn.LSTM(8, 3, { bidirectional: true }), line],
  ["GRU", () => new nn.GRU(8, 3, { numLayers: 2 }), line],
  ["RNNCell", () => new nn.RNNCell(8, 3), of(8)],
  ["LSTMCell", () => new nn.LSTMCell(8, 3), of(8)],
  ["GRUCell", () => new nn.GRUCell(8, 3), of(8)],
  ["PReLU", () => new nn.PReLU({ numParameters: 4 }), image],
  ["Threshold", () => new nn.Threshold({ threshold: 0.1, value: 2 }), line],
  ...[
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
  ].map(plain),
  ...[
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
  ].map(plain),
];

function plain(name: string): readonly [string, Make, Sample] {
  return [name, () => new (nn as unknown as Record<string, new () => nn.Module>)[name]!(), line];
}

describe("onnxruntime gives what the layer gives:", () => {
  for (const [i, [name, make, sample]] of layers.entries()) {
    test(`${name}, layer ${i}`, () => expectSame(make(), [sample(2), sample(3)]));
  }
});

test("windows at random places are refused: evaluation draws too", async () => {
  for (const layer of [new nn.FractionalMaxPool2d(2, { outputSize: 3 }), new nn.FractionalMaxPool3d(2, { outputSize: 2 })]) {
    const x = layer instanceof nn.FractionalMaxPool2d ? image(2) : volume(2);
    await expect(saveModel(layer, { sample: x[0]! })).rejects.toThrow(/[Rr]andom numbers/);
  }
});

const withoutFile = "FractionalMaxPool2d FractionalMaxPool3d ModuleDict ModuleList ParameterDict ParameterList".split(" ");

test("no layer is left out", () => {
  const tried = new Set([...layers.map(([name]) => name), ...withoutFile]);
  const left = Object.entries(nn).flatMap(([name, Layer]) =>
    typeof Layer === "function" && Layer.prototype instanceof nn.Module && !name.endsWith("Loss") && !tried.has(name)
      ? [name]
      : [],
  );
  expect(left).toEqual([]);
});
