/** Short names for what networks are made of. */
import type { ActivationName, ConvolutionSpec, LayerSpec, TransposedConvolutionSpec } from "../model.js";

export const activation = (name: ActivationName): LayerSpec => ({ kind: "activation", name });

export const relu = activation("relu");

export const linear = (inFeatures: number, out: number): LayerSpec => ({ kind: "linear", in: inFeatures, out });

type ConvolutionOptions = Pick<ConvolutionSpec, "stride" | "padding" | "dilation" | "groups" | "bias">;

export const convolution = (
  axes: 1 | 2,
  channels: readonly [number, number],
  kernel: number,
  options: ConvolutionOptions = {},
): LayerSpec => ({ kind: "convolution", axes, in: channels[0], out: channels[1], kernel, ...options });

export const transposedConvolution = (
  axes: 1 | 2,
  channels: readonly [number, number],
  kernel: number,
  options: Pick<TransposedConvolutionSpec, "stride" | "padding" | "outputPadding"> = {},
): LayerSpec => ({ kind: "transposedConvolution", axes, in: channels[0], out: channels[1], kernel, ...options });

/** A convolution without a bias, and what stands in its place. */
export const normalizedConvolution = (
  axes: 1 | 2,
  channels: readonly [number, number],
  kernel: number,
  options: ConvolutionOptions = {},
): LayerSpec[] => [
  convolution(axes, channels, kernel, { ...options, bias: false }),
  { kind: "batchNorm", axes, features: channels[1] },
];

export const maxPooling = (axes: 1 | 2, kernel: number): LayerSpec => ({ kind: "pooling", reduce: "max", axes, kernel });

export const residual = (branch: readonly LayerSpec[], shortcut?: readonly LayerSpec[]): LayerSpec => ({
  kind: "residual",
  branch,
  ...(shortcut === undefined ? {} : { shortcut }),
});
