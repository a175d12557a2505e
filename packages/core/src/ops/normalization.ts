/**
 * Normalizations as ops, so that a backend goes over the elements twice forward and twice backward, and not once for every step of the formula.
 * y = (x − center) / √(spread + eps) · weight + bias, where center and spread are the mean and the (biased) variance over some of the elements.
 */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { formatShape, sameSize, sizeOf, type Shape, type Size } from "../types/dim.js";
import type { TensorType } from "../types/storage.js";
import { apply, apply1 } from "./apply.js";
import { builtinOp, typeWith, type OptionalTensors, type Tensors } from "../ir/op.js";
import { add, div, mul, sub } from "./arithmetic.js";
import { reshape } from "./shape.js";
import { mean, variance } from "./statistics.js";
import { sqrt, square } from "./unary.js";

/** Attributes of `batchNormOp`. */
export type BatchNormAttributes = {
  /** Added to the variance. */
  readonly eps: number;
};

/** Attributes of `groupNormOp`. */
export type GroupNormAttributes = {
  /** Each is channels / groups neighbouring channels. */
  readonly groups: number;
  /** Added to the spread. */
  readonly eps: number;
  /** false: the center is 0 and the spread the mean of squares (RMS normalization). */
  readonly centered: boolean;
};

/** Elements over which a center and a spread are measured, and how what is per channel or per group is laid along x. */
export interface Layout {
  /** x, in axes of which some are measured over. */
  readonly split: Shape;
  readonly axes: readonly number[];
  /** The shape of a center or spread. */
  readonly statistics: Shape;
  /** The same, with the rank of `split`. */
  readonly alongStatistics: Shape;
  /** The shape of a weight or bias, with the rank of `split`. */
  readonly alongChannels: Shape;
  /** The axes of `split` that a weight does not have. */
  readonly others: readonly number[];
}

const onesOf = (count: number): Size[] => Array.from({ length: count }, () => 1);

/** x is [N, C, ...spatial]; a channel is measured over all samples. */
export function overBatch(shape: Shape): Layout {
  const [, channels, ...spatial] = shape as [Size, Size, ...Size[]];
  const along = [1, channels, ...onesOf(spatial.length)];
  const axes = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return { split: shape, axes, statistics: [channels], alongStatistics: along, alongChannels: along, others: axes };
}

/** x is [N, C, ...spatial] as [N, groups, C / groups, ...spatial]; a group is measured by itself. */
export function overGroups(shape: Shape, groups: number): Layout {
  const [samples, channels, ...spatial] = shape as [Size, Size, ...Size[]];
  const each = (channels as number) / groups;
  const split = [samples, groups, each, ...spatial];
  const axes = split.map((_, axis) => axis).slice(2);
  return {
    split,
    axes,
    statistics: [samples, groups],
    alongStatistics: [samples, groups, ...onesOf(axes.length)],
    alongChannels: [1, groups, each, ...onesOf(spatial.length)],
    others: [0, ...axes.slice(1)],
  };
}

/** [y, center, spread] in simpler ops. */
function normalized([x, weight, bias]: OptionalTensors, layout: Layout, eps: number, centered: boolean): Tensors {
  const parts = reshape(x!, layout.split);
  const over = { axis: layout.axes };
  const spread = centered ? variance(parts, { ...over, correction: 0 }) : mean(square(parts), over);
  const center = centered ? mean(parts, over) : mul(spread, 0);
  const along = (t: Tensor): Tensor => reshape(t, layout.alongStatistics);
  const channelwise = (t: Tensor): Tensor => reshape(t, layout.alongChannels);
  const moved = centered ? sub(parts, along(center)) : parts;
  let y: Tensor = div(moved, sqrt(add(along(spread), eps)));
  if (weight !== undefined) y = mul(y, channelwise(weight));
  if (bias !== undefined) y = add(y, channelwise(bias));
  return [reshape(y, x!.shape), center, spread];
}

function check(name: string, [x, weight, bias]: readonly (TensorType | undefined)[]): void {
  const { shape } = x!;
  const channels = shape[1];
  const fits = (t: TensorType | undefined): boolean =>
    t === undefined || (t.shape.length === 1 && sameSize(t.shape[0]!, channels!));
  if (channels !== undefined && fits(weight) && fits(bias)) return;
  const others = [weight, bias].flatMap((t) => (t === undefined ? [] : [formatShape(t.shape)]));
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name} takes x [N, C, …] and weight and bias [C], got ${[formatShape(shape), ...others].join(", ")}.`,
  );
}

const inputs = [
  { name: "x", dtype: "value" },
  { name: "weight", dtype: "float32", optional: true },
  { name: "bias", dtype: "float32", optional: true },
] as const;

/** Inputs x [N, C, …], weight [C], bias [C]; outputs y as x, the channels' means [C] and their biased variances [C] over samples and positions. */
export const batchNormOp = builtinOp<BatchNormAttributes>({
  name: "batchNorm",
  inputs,
  infer(types) {
    check("batchNorm", types);
    const { shape } = types[0]!;
    return [typeWith(shape), typeWith([shape[1]!]), typeWith([shape[1]!])];
  },
  decompose: (inputs, { eps }) => normalized(inputs, overBatch(inputs[0]!.shape), eps, true),
});

/**
 * Inputs x [N, C, …], mean, variance, weight and bias, each [C]; output (x − mean) / √(variance + eps) · weight + bias for each channel: what batch normalization
 * is in evaluation, where mean and variance are the running ones.
 */
export const batchNormInferenceOp = builtinOp<BatchNormAttributes>({
  name: "batchNormInference",
  inputs: [
    { name: "x", dtype: "value" },
    { name: "mean", dtype: "float32" },
    { name: "variance", dtype: "float32" },
    { name: "weight", dtype: "float32", optional: true },
    { name: "bias", dtype: "float32", optional: true },
  ],
  infer([x, ...perChannel]) {
    for (const t of perChannel) check("batchNormInference", [x, t]);
    return [typeWith(x!.shape)];
  },
  decompose([x, center, spread, weight, bias], { eps }) {
    const { alongChannels } = overBatch(x!.shape);
    const along = (t: Tensor): Tensor => reshape(t, alongChannels);
    const y = div(sub(x!, along(center!)), sqrt(add(along(spread!), eps)));
    const scaled = weight === undefined ? y : mul(y, along(weight));
    return [bias === undefined ? scaled : add(scaled, along(bias))];
  },
});

/** Inputs x [N, C, …], weight [C], bias [C]; outputs y as x, and of each group of each sample its center and spread [N, groups]. */
export const groupNormOp = builtinOp<GroupNormAttributes>({
  name: "groupNorm",
  inputs,
  infer(types, { groups }) {
    check("groupNorm", types);
    const { shape } = types[0]!;
    const channels = shape[1]!;
    if (typeof channels !== "number" || !(groups > 0) || channels % groups !== 0)
      throw new ErmineError("ERMINE_SHAPE", `groupNorm: ${groups} groups do not divide the channels of ${formatShape(shape)}.`);
    const statistics = [shape[0]!, groups];
    return [typeWith(shape), typeWith(statistics), typeWith(statistics)];
  },
  decompose: (inputs, { groups, eps, centered }) => normalized(inputs, overGroups(inputs[0]!.shape, groups), eps, centered),
});

/** @internal y and the channels' mean and biased variance. */
export function batchNormWithStatistics(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  eps: number,
): readonly [y: Tensor, mean: Tensor, variance: Tensor] {
  return apply(batchNormOp, [x, weight, bias], { eps }) as unknown as readonly [Tensor, Tensor, Tensor];
}

/** @internal y by a mean and a variance that are known beforehand. */
export const batchNormByStatistics = (
  x: Tensor,
  center: Tensor,
  spread: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  eps: number,
): Tensor<"real"> => apply1(batchNormInferenceOp, [x, center, spread, weight, bias], { eps });

/** @internal By groups of channels; x is [N, C, …]. */
export function normalizeGroups(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  attributes: GroupNormAttributes,
): readonly [y: Tensor, center: Tensor, spread: Tensor] {
  return apply(groupNormOp, [x, weight, bias], attributes) as unknown as readonly [Tensor, Tensor, Tensor];
}

/** @internal Over the last `rank` axes, each element of which has a weight and a bias of its own. */
export function normalizeLast(
  x: Tensor,
  rank: number,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  { eps, centered }: Omit<GroupNormAttributes, "groups">,
): Tensor<"real"> {
  const lead = x.shape.slice(0, x.rank - rank);
  const last = sizeOf(x.shape.slice(x.rank - rank));
  const flat = (t: Tensor | undefined): Tensor | undefined => t && reshape(t, [last]);
  const rows = reshape(x, [sizeOf(lead), last]);
  const [y] = normalizeGroups(rows, flat(weight), flat(bias), { groups: 1, eps, centered });
  return reshape(y, x.shape) as Tensor<"real">;
}

/** The options of the functions that normalize. */
export interface NormalizationOptions {
  /** Multiplies each normalized element: [C], of layer and RMS normalization with the normalized shape. Default none, which is 1. */
  readonly weight?: Tensor;
  /** Is added afterwards; the weight's shape. Default none, which is 0. */
  readonly bias?: Tensor;
  /** Added to the variance, against division by 0. Default 1e-5. */
  readonly eps?: number;
}

const optionKinds = { weight: "tensor", bias: "tensor", eps: "number" } as const;

/** Of the last axes. @throws ErmineError ERMINE_SHAPE where they are not x's, or a weight's */
function checkLast(name: string, x: Tensor, normalizedShape: number | readonly number[], options: NormalizationOptions): number {
  checkTensor(name, x);
  checkOptions(name, options, optionKinds, ["x", "normalizedShape"]);
  const sizes = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
  const first = Array.isArray(sizes) && sizes.length > 0 ? x.rank - sizes.length : -1;
  if (first < 0 || sizes.some((size, i) => !sameSize(size, x.shape[first + i]!)))
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${name}: x ${formatShape(x.shape)} does not end in the normalized shape ${show(normalizedShape)}.`,
    );
  for (const [label, t] of [
    ["weight", options.weight],
    ["bias", options.bias],
  ] as const)
    if (t !== undefined && !(t.rank === sizes.length && t.shape.every((size, i) => sameSize(size, sizes[i]!))))
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${name}: ${label} has the normalized shape ${formatShape(sizes)}, got ${formatShape(t.shape)}.`,
      );
  return sizes.length;
}

/**
 * y = (x − mean) / √(variance + eps) · weight + bias, mean and biased variance over the last axes of each sample.
 *
 * @param x [..., ...normalizedShape]
 * @param normalizedShape the sizes of the last axes
 * @returns a tensor as x
 * @throws ErmineError ERMINE_SHAPE where x does not end in them, or weight and bias are of another shape; ERMINE_OPTION
 * Source: Ba et al. 2016; PyTorch's layer_norm
 *
 * @example
 * layerNorm(tensor([[1, 3], [10, 30]]), 2, { eps: 0 }).toArray(); // => [[-1, 1], [-1, 1]]
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | readonly number[],
  options: NormalizationOptions = {},
): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("layerNorm", arguments, 3);
  const rank = checkLast("layerNorm", x, normalizedShape, options);
  return normalizeLast(x, rank, options.weight, options.bias, { eps: options.eps ?? 1e-5, centered: true });
}

/**
 * y = x / √(mean x² + eps) · weight + bias over the last axes of each sample.
 *
 * @param x [..., ...normalizedShape]
 * @param normalizedShape the sizes of the last axes
 * @returns a tensor as x
 * @throws ErmineError ERMINE_SHAPE where x does not end in them, or weight and bias are of another shape; ERMINE_OPTION
 * Source: Zhang and Sennrich 2019; PyTorch's rms_norm, whose eps is 2⁻²³ by default
 *
 * @example
 * rmsNorm(tensor([[3, 4]]), 2, { eps: 0 }).toArray(); // => [[0.8485, 1.1314]]
 */
export function rmsNorm(
  x: Tensor,
  normalizedShape: number | readonly number[],
  options: NormalizationOptions = {},
): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("rmsNorm", arguments, 3);
  const rank = checkLast("rmsNorm", x, normalizedShape, options);
  return normalizeLast(x, rank, options.weight, options.bias, { eps: options.eps ?? 2 ** -23, centered: false });
}

/**
 * y = (x − mean) / √(variance + eps) · weight + bias, mean and biased variance over each group of neighbouring channels of each sample. One group: layer
 * normalization over all but the batch; as many as channels: instance normalization.
 *
 * @param x [N, C, …]
 * @param groups divides C
 * @returns a tensor as x
 * @throws ErmineError ERMINE_SHAPE where groups do not divide the channels, or weight and bias are not [C]; ERMINE_OPTION
 * Source: Wu and He 2018; PyTorch's group_norm
 *
 * @example
 * groupNorm(tensor([[[1, 3], [10, 30]]]), 2, { eps: 0 }).toArray(); // => [[[-1, 1], [-1, 1]]]
 */
export function groupNorm(x: Tensor, groups: number, options: NormalizationOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("groupNorm", arguments, 3);
  checkTensor("groupNorm", x);
  checkOptions("groupNorm", options, optionKinds, ["x", "groups"]);
  checkArgument("groupNorm(x, groups, options)", "groups", groups, "integer");
  const attributes = { groups, eps: options.eps ?? 1e-5, centered: true };
  return normalizeGroups(x, options.weight, options.bias, attributes)[0] as Tensor<"real">;
}
