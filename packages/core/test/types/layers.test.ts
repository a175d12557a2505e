import { describe, expect, expectTypeOf, it } from "vitest";
import type { Tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

describe("options that do not exist, or do not fit, do not compile and are errors that name the near one", () => {
  const wrong: readonly [string, () => unknown, RegExp][] = [
    // @ts-expect-error
    ["Conv2d's stride as a number", () => new nn.Conv2d(1, 1, 3, 2), /new Conv2d\(1, 1, 3, \{ stride: 2 \}\)/],
    // @ts-expect-error
    ["Linear's bias alone", () => new nn.Linear(2, 1, false), /new Linear\(2, 1, \{ bias: false \}\)/],
    // @ts-expect-error
    ["Dropout in place", () => new nn.Dropout(0.5, true), /new Dropout\(0.5\)/],
    // @ts-expect-error
    ["Conv2d", () => new nn.Conv2d(1, 1, 3, { strides: 2 }), /Conv2d has no option "strides".*"stride"/],
    // @ts-expect-error
    ["Conv2d's padding mode", () => new nn.Conv2d(1, 1, 3, { paddingMode: "mirror" }), /paddingMode is one of/],
    // @ts-expect-error
    ["ConvTranspose2d's padding mode", () => new nn.ConvTranspose2d(1, 1, 3, { paddingMode: "reflect" }), /can only be "zeros"/],
    // @ts-expect-error
    ["MaxPool2d", () => new nn.MaxPool2d(2, { ceil_mode: true }), /"ceilMode"/],
    // @ts-expect-error
    ["AvgPool1d", () => new nn.AvgPool1d(2, { dilation: 2 }), /no option "dilation"/],
    // @ts-expect-error
    ["LPPool2d", () => new nn.LPPool2d(2, 2, { padding: 1 }), /no option "padding"/],
    // @ts-expect-error
    ["AdaptiveMaxPool2d", () => new nn.AdaptiveMaxPool2d(2, { indices: true }), /no option "indices"/],
    // @ts-expect-error
    ["BatchNorm1d", () => new nn.BatchNorm1d(2, { epsilon: 1 }), /no option "epsilon".*"eps"/],
    // @ts-expect-error
    ["InstanceNorm1d", () => new nn.InstanceNorm1d(2, { trackStats: true }), /no option "trackStats"/],
    // @ts-expect-error
    ["LayerNorm", () => new nn.LayerNorm(2, { affine: false }), /no option "affine"/],
    // @ts-expect-error
    ["LocalResponseNorm", () => new nn.LocalResponseNorm(2, { bias: 1 }), /no option "bias"/],
    // @ts-expect-error
    ["Embedding", () => new nn.Embedding(2, 2, { padding: 1 }), /no option "padding"/],
    // @ts-expect-error
    ["Bilinear", () => new nn.Bilinear(2, 2, 2, { biased: true }), /"bias"/],
    // @ts-expect-error
    ["Upsample", () => new nn.Upsample({ scale: 2 }), /no option "scale"/],
    // @ts-expect-error
    ["Upsample's mode", () => new nn.Upsample({ size: 2, mode: "cubic" }), /mode is one of/],
    // @ts-expect-error
    ["GRU", () => new nn.GRU(2, 2, { projSize: 1 }), /no option "projSize"/],
    // @ts-expect-error
    ["RNNCell", () => new nn.RNNCell(2, 2, { nonlinearity: "sigmoid" }), /nonlinearity is "tanh" or "relu"/],
    // @ts-expect-error
    ["MultiHeadAttention", () => new nn.MultiHeadAttention(2, 1, { isCausal: true }), /no option "isCausal".*"causal"/],
    [
      "TransformerEncoderLayer",
      // @ts-expect-error
      () => new nn.TransformerEncoderLayer(2, 1, { activation: "tanh" }),
      /activation is "relu", "gelu"/,
    ],
    // @ts-expect-error
    ["TransformerDecoderLayer", () => new nn.TransformerDecoderLayer(2, 1, { ffn: 3 }), /no option "ffn"/],
  ];
  it.each(wrong)("%s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});

it("returnIndices decides what forward gives", () => {
  expectTypeOf(new nn.MaxPool2d(2).forward).returns.toEqualTypeOf<Tensor<"real">>();
  expectTypeOf(new nn.MaxPool2d(2, { ceilMode: true }).forward).returns.toEqualTypeOf<Tensor<"real">>();
  expectTypeOf(new nn.MaxPool2d(2, { returnIndices: true }).forward).returns.toEqualTypeOf<
    readonly [output: Tensor<"real">, indices: Tensor<"real">]
  >();
  // @ts-expect-error two tensors are no layer of a Sequential
  const model = () => new nn.Sequential(new nn.MaxPool2d(2, { returnIndices: true }));
  expect(model).not.toThrow();
});
