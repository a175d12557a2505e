/**
 * Convolution. TensorFlow's kernels want the channels last, where they are also faster; the reordering is the emitter's affair. What
 * they do not have on a CPU (groups, dilated gradients, more than two spatial axes) is a product of unfolded windows.
 */
import type { Shape, Size } from "@ermine/core";
import { binary, call, matmul, reshape, sum } from "./calls.js";
import type { Emitter, Lowering, Operand, TfAttributes } from "./emitter.js";
import { fold, product, unfold, type Window } from "./window.js";

type Convolution = Omit<Window, "kernel"> & { readonly groups: number };

export const channelsLast = [0, 2, 3, 1];
export const channelsFirst = [0, 3, 1, 2];
/** [O, I, H, W] → [H, W, I, O], and back. */
const kernelLast = [2, 3, 1, 0];
const kernelFirst = [3, 2, 0, 1];

/** One spatial axis is two, the first of size 1. */
export const withHeight = (e: Emitter, x: Operand): Operand =>
  x.shape.length === 3 ? reshape(e, x, [x.shape[0]!, x.shape[1]!, 1, x.shape[2]!]) : x;

export const pair = (values: readonly number[], missing: number): readonly number[] =>
  values.length === 1 ? [missing, ...values] : values;

function attributesOf(attributes: Convolution): TfAttributes {
  const [top, left] = pair(attributes.padBefore, 0) as [number, number];
  const [bottom, right] = pair(attributes.padAfter, 0) as [number, number];
  const padded = top + left + bottom + right > 0;
  return {
    T: { type: "float32" },
    strides: { ints: [1, ...pair(attributes.stride, 1), 1] },
    dilations: { ints: [1, ...pair(attributes.dilation, 1), 1] },
    padding: { string: padded ? "EXPLICIT" : "VALID" },
    explicit_paddings: { ints: padded ? [0, 0, top, bottom, left, right, 0, 0] : [] },
    data_format: { string: "NHWC" },
  };
}

const isNative = (x: Operand, { groups }: Convolution): boolean => groups === 1 && (x.shape.length === 3 || x.shape.length === 4);

const windowFor = (weight: Operand, attributes: Convolution): Window => ({
  ...attributes,
  kernel: weight.shape.slice(2) as readonly number[],
});

const perGroup = (weight: Operand): number => product(weight.shape.slice(1) as readonly number[]);

/** [1, groups, O/groups, C/groups · Π kernel]. */
const weightMatrices = (e: Emitter, weight: Operand, groups: number): Operand =>
  reshape(e, weight, [1, groups, (weight.shape[0] as number) / groups, perGroup(weight)]);

function columnsOf(e: Emitter, x: Operand, weight: Operand, attributes: Convolution): Operand {
  const columns = unfold(e, x, windowFor(weight, attributes), 0);
  return reshape(e, columns, [x.shape[0]!, attributes.groups, perGroup(weight), columns.shape[3]!]);
}

function general(
  e: Emitter,
  x: Operand,
  weight: Operand,
  bias: Operand | undefined,
  attributes: Convolution,
  shape: Shape,
): Operand {
  const columns = columnsOf(e, x, weight, attributes);
  const matrices = weightMatrices(e, weight, attributes.groups);
  const maps = matmul(e, matrices, columns, false, false, [
    x.shape[0]!,
    attributes.groups,
    matrices.shape[2]!,
    columns.shape[3]!,
  ]);
  const result = reshape(e, maps, shape);
  return bias === undefined
    ? result
    : binary(e, "AddV2", result, reshape(e, bias, [weight.shape[0]!, ...shape.slice(2).map(() => 1)]));
}

function convolve(
  e: Emitter,
  x: Operand,
  weight: Operand,
  bias: Operand | undefined,
  attributes: Convolution,
  shape: Shape,
): Operand {
  const image = e.transpose(withHeight(e, x), channelsLast);
  const filter = e.transpose(withHeight(e, weight), kernelLast);
  const positions = pair(shape.slice(2) as readonly number[], 1);
  const last: Shape = [shape[0]!, ...positions, shape[1]!];
  const result = call(e, "Conv2D", [image, filter], last, "float32", {
    ...attributesOf(attributes),
    use_cudnn_on_gpu: { bool: true },
  });
  const shifted = bias === undefined ? result : biasAdd(e, result, bias);
  return reshape(e, e.transpose(shifted, channelsFirst), shape);
}

export const biasAdd = (e: Emitter, x: Operand, bias: Operand): Operand =>
  call(e, "BiasAdd", [x, bias], x.shape, "float32", { T: { type: "float32" }, data_format: { string: "NHWC" } });

function gradients(e: Emitter, g: Operand, x: Operand, weight: Operand, attributes: Convolution): readonly [Operand, Operand] {
  const narrow = attributes.dilation.every((n) => n === 1);
  if (!isNative(x, attributes) || !narrow)
    return [towardsInput(e, g, x, weight, attributes), towardsWeight(e, g, x, weight, attributes)];
  const image = e.transpose(withHeight(e, x), channelsLast);
  const filter = e.transpose(withHeight(e, weight), kernelLast);
  const errors = e.transpose(withHeight(e, g), channelsLast);
  const options = { ...attributesOf(attributes), use_cudnn_on_gpu: { bool: true } };
  const toX = call(e, "Conv2DBackpropInput", [e.sizes(image.shape), filter, errors], image.shape, "float32", options);
  const toWeight = call(e, "Conv2DBackpropFilter", [image, e.sizes(filter.shape), errors], filter.shape, "float32", options);
  return [reshape(e, e.transpose(toX, channelsFirst), x.shape), reshape(e, e.transpose(toWeight, kernelFirst), weight.shape)];
}

/** g as matrices: [N, groups, O/groups, positions]. */
function mapsOf(e: Emitter, g: Operand, groups: number): Operand {
  const [batch, out, ...counts] = g.shape as [Size, number, ...number[]];
  return reshape(e, g, [batch, groups, out / groups, product(counts)]);
}

function towardsInput(e: Emitter, g: Operand, x: Operand, weight: Operand, attributes: Convolution): Operand {
  const maps = mapsOf(e, g, attributes.groups);
  const matrices = weightMatrices(e, weight, attributes.groups);
  const [batch, channels, ...spatial] = x.shape as [Size, Size, ...number[]];
  const positions = maps.shape[3]!;
  const columns = matmul(e, matrices, maps, true, false, [batch, attributes.groups, perGroup(weight), positions]);
  const window = windowFor(weight, attributes);
  return fold(e, reshape(e, columns, [batch, channels, product(window.kernel), positions]), window, spatial);
}

function towardsWeight(e: Emitter, g: Operand, x: Operand, weight: Operand, attributes: Convolution): Operand {
  const maps = mapsOf(e, g, attributes.groups);
  const columns = columnsOf(e, x, weight, attributes);
  const shape = [x.shape[0]!, attributes.groups, maps.shape[2]!, columns.shape[2]!];
  return reshape(e, sum(e, matmul(e, maps, columns, false, true, shape), [0]), weight.shape);
}

export const convolutionLowerings: Readonly<Record<string, Lowering>> = {
  convolution(e, [x, weight, bias], attributes: Convolution, [y]) {
    const how = isNative(x!, attributes) ? convolve : general;
    return [how(e, x!, weight!, bias, attributes, y!.shape)];
  },
  convolutionGradient(e, [g, x, weight, bias], attributes: Convolution) {
    const [toX, toWeight] = gradients(e, g!, x!, weight!, attributes);
    if (bias === undefined) return [toX, toWeight];
    return [toX, toWeight, sum(e, g!, [0, ...g!.shape.slice(2).map((_, i) => i + 2)])];
  },
};
