/**
 * Batch normalization on TensorFlow's own kernel, which passes twice over the elements each way, with channels last as the convolutions around it have them.
 * The kernel's gradient takes what its forward kernel kept of the variance, which is the biased variance on a CPU alone: on a GPU core decomposes it.
 */
import type { Shape, Size } from "@ermine/core";
import { sizeOf } from "@ermine/core/define";
import type { BatchNormAttributes, TensorType } from "@ermine/core/backend";
import { binary, cast, fill, reshape, scalar, select, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, OutputType, Supports, TfAttributes } from "./emitter.js";
import { fromImage, imageOf } from "./images.js";

/** [N, C, …] of any rank as an image [N, H, W, C]. */
function anyImageOf(e: Emitter, x: Operand): Operand {
  const [samples, channels, ...spatial] = x.shape as [Size, Size, ...Size[]];
  if (spatial.length === 0) return reshape(e, x, [samples, 1, 1, channels]);
  return imageOf(e, spatial.length <= 2 ? x : reshape(e, x, [samples, channels, 1, sizeOf(spatial)]));
}

const fromAnyImage = (e: Emitter, image: Operand, shape: Shape): Operand =>
  shape.length === 2 ? reshape(e, image, shape) : fromImage(e, image, shape);

const attributesOf = (eps: number, isTraining: boolean): TfAttributes => ({
  T: { type: "float32" },
  U: { type: "float32" },
  epsilon: { float: eps },
  data_format: { string: "NHWC" },
  is_training: { bool: isTraining },
});

const perChannel = (x: Operand, index = 3): OutputType => ({ shape: [x.shape[index]!], dtype: "float32" });
const empty: OutputType = { shape: [0], dtype: "float32" };

/** Means and variances are measured where none are given. */
function normalize(
  e: Emitter,
  image: Operand,
  weight: Operand | undefined,
  bias: Operand | undefined,
  eps: number,
  given?: readonly [mean: Operand, variance: Operand],
): Operand[] {
  const none = e.constant(new Float32Array(0), [0], "float32");
  const channel = perChannel(image);
  const filled = (t: Operand | undefined, value: number): Operand => t ?? fill(e, channel.shape, value, "float32");
  const inputs = [image, filled(weight, 1), filled(bias, 0), ...(given ?? [none, none])];
  const attributes = { ...attributesOf(eps, given === undefined), exponential_avg_factor: { float: 1 } };
  // y; the running mean and variance; what the gradient takes: the mean, the biased variance, and room of the library's.
  return e.op("FusedBatchNormV3", inputs, attributes, [image, channel, channel, channel, channel, empty]);
}

/** Is it 0 in all its elements, as the gradient of an output that nobody takes is? */
const isZero = (e: Emitter, t: Operand): boolean => t.repeated !== undefined && t.repeated.handle === scalar(e, 0).handle;

/** What the gradients of the mean and the variance add to that of x: toMean / n + 2 (x − mean) · toVariance / n. */
function throughStatistics(
  e: Emitter,
  image: Operand,
  mean: Operand,
  [toMean, toVariance]: readonly [Operand, Operand],
  toImage: Operand,
): Operand {
  const count = cast(e, e.size(sizeOf(image.shape.slice(0, 3))), "float32");
  const slope = binary(e, "RealDiv", binary(e, "Mul", toVariance, scalar(e, 2)), count);
  const level = binary(e, "RealDiv", toMean, count);
  const deviations = binary(e, "Sub", image, mean);
  return binary(e, "AddV2", toImage, binary(e, "AddV2", binary(e, "Mul", deviations, slope), level));
}

const batchNorm: Lowering = (e, [x, weight, bias], { eps }: BatchNormAttributes, [y]) => {
  const [image, , , mean, variance] = normalize(e, anyImageOf(e, x!), weight, bias, eps) as [Operand, ...Operand[]];
  return [fromAnyImage(e, image, y!.shape), mean!, variance!];
};

const batchNormInference: Lowering = (e, [x, mean, variance, weight, bias], { eps }: BatchNormAttributes, [y]) => {
  const [image] = normalize(e, anyImageOf(e, x!), weight, bias, eps, [mean!, variance!]) as [Operand];
  return [fromAnyImage(e, image, y!.shape)];
};

/** An infinite weight makes differences of infinities of its channel's gradient; the kernel multiplies with it at the end. */
const infiniteToNaN = (e: Emitter, weight: Operand): Operand =>
  select(e, unary(e, "IsFinite", weight, "bool"), weight, scalar(e, NaN));

const batchNormGradient: Lowering = (e, inputs, { eps }: BatchNormAttributes, [toX]) => {
  const [g, toMean, toVariance, x, weight, bias, , mean, variance] = inputs as [
    Operand,
    Operand,
    Operand,
    Operand,
    Operand | undefined,
    Operand | undefined,
    Operand,
    Operand,
    Operand,
  ];
  const image = anyImageOf(e, x);
  const scale = weight === undefined ? fill(e, [image.shape[3]!], 1, "float32") : infiniteToNaN(e, weight);
  const room = e.constant(new Float32Array(0), [0], "float32");
  const [toImage, toScale, toOffset] = e.op(
    "FusedBatchNormGradV3",
    [anyImageOf(e, g), image, scale, mean, variance, room],
    attributesOf(eps, true),
    [image, perChannel(image), perChannel(image), empty, empty],
  ) as [Operand, Operand, Operand];
  const whole =
    isZero(e, toMean) && isZero(e, toVariance) ? toImage : throughStatistics(e, image, mean, [toMean, toVariance], toImage);
  return [
    fromAnyImage(e, whole, toX!.shape),
    ...(weight === undefined ? [] : [toScale]),
    ...(bias === undefined ? [] : [toOffset]),
  ];
};

export const normalizationLowerings: Readonly<Record<string, Lowering>> = { batchNorm, batchNormInference, batchNormGradient };

/** Everything is float32, and something is there: TensorFlow has no statistics of an empty image. */
const isMeasurable = (operands: readonly (TensorType | undefined)[]): boolean =>
  operands.every((t) => t === undefined || (t.dtype === "float32" && !t.shape.includes(0)));

export const normalizationSupports: Readonly<Record<string, Supports>> = {
  batchNorm: isMeasurable,
  batchNormInference: isMeasurable,
  batchNormGradient: isMeasurable,
};

/** Ops that only the kernels of a CPU compute as core defines them. */
export const cpuNormalizations: readonly string[] = ["batchNorm", "batchNormGradient"];
