/**
 * Convolution over one or two spatial axes. TensorFlow's kernels want the channels last, where they are also faster; the reordering is
 * the emitter's affair. What they do not have on a CPU (groups, dilated gradients, more axes) is left to core's decomposition.
 */
import type { Shape } from "@ermine/core";
import type { TensorType } from "@ermine/core/backend";
import { call, reshape, sum } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports, TfAttributes } from "./emitter.js";
import type { Window } from "./window.js";

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

/**
 * The padding by the name that TensorFlow has for it, where it has one: its kernels for "SAME" are up to four times as fast as those for
 * the same numbers said explicitly.
 *
 * @param image [N, H, W, C]
 * @param filter [H, W, I, O]
 */
function paddingOf(image: Shape, filter: Shape, attributes: Convolution): TfAttributes {
  const before = pair(attributes.padBefore, 0) as [number, number];
  const after = pair(attributes.padAfter, 0) as [number, number];
  const [top, left] = before;
  const [bottom, right] = after;
  if (top + left + bottom + right === 0) return { padding: { string: "VALID" }, explicit_paddings: { ints: [] } };
  const stride = pair(attributes.stride, 1);
  const dilation = pair(attributes.dilation, 1);
  const isSame = [0, 1].every((axis) => {
    const [size, kernel] = [image[axis + 1]!, filter[axis]!];
    if (typeof size !== "number" || typeof kernel !== "number") return false;
    const reach = dilation[axis]! * (kernel - 1) + 1;
    const total = Math.max((Math.ceil(size / stride[axis]!) - 1) * stride[axis]! + reach - size, 0);
    return before[axis] === Math.floor(total / 2) && after[axis] === total - Math.floor(total / 2);
  });
  return isSame
    ? { padding: { string: "SAME" }, explicit_paddings: { ints: [] } }
    : { padding: { string: "EXPLICIT" }, explicit_paddings: { ints: [0, 0, top, bottom, left, right, 0, 0] } };
}

const attributesOf = (image: Shape, filter: Shape, attributes: Convolution): TfAttributes => ({
  T: { type: "float32" },
  strides: { ints: [1, ...pair(attributes.stride, 1), 1] },
  dilations: { ints: [1, ...pair(attributes.dilation, 1), 1] },
  ...paddingOf(image, filter, attributes),
  data_format: { string: "NHWC" },
  use_cudnn_on_gpu: { bool: true },
});

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
  const result = call(e, "Conv2D", [image, filter], last, "float32", attributesOf(image.shape, filter.shape, attributes));
  const shifted = bias === undefined ? result : biasAdd(e, result, bias);
  return reshape(e, e.transpose(shifted, channelsFirst), shape);
}

export const biasAdd = (e: Emitter, x: Operand, bias: Operand): Operand =>
  call(e, "BiasAdd", [x, bias], x.shape, "float32", { T: { type: "float32" }, data_format: { string: "NHWC" } });

function gradients(e: Emitter, g: Operand, x: Operand, weight: Operand, attributes: Convolution): readonly [Operand, Operand] {
  const image = e.transpose(withHeight(e, x), channelsLast);
  const filter = e.transpose(withHeight(e, weight), kernelLast);
  const errors = e.transpose(withHeight(e, g), channelsLast);
  const options = attributesOf(image.shape, filter.shape, attributes);
  const toX = call(e, "Conv2DBackpropInput", [e.sizes(image.shape), filter, errors], image.shape, "float32", options);
  const toWeight = call(e, "Conv2DBackpropFilter", [image, e.sizes(filter.shape), errors], filter.shape, "float32", options);
  return [reshape(e, e.transpose(toX, channelsFirst), x.shape), reshape(e, e.transpose(toWeight, kernelFirst), weight.shape)];
}

export const convolutionLowerings: Readonly<Record<string, Lowering>> = {
  convolution: (e, [x, weight, bias], attributes: Convolution, [y]) => [convolve(e, x!, weight!, bias, attributes, y!.shape)],
  convolutionGradient(e, [g, x, weight, bias], attributes: Convolution) {
    const [toX, toWeight] = gradients(e, g!, x!, weight!, attributes);
    if (bias === undefined) return [toX, toWeight];
    return [toX, toWeight, sum(e, g!, [0, ...g!.shape.slice(2).map((_, i) => i + 2)])];
  },
};

/** [N, C, L] or [N, C, H, W], with something in it: TensorFlow refuses an empty image. */
export const isFlat = (x: TensorType | undefined): boolean =>
  (x!.shape.length === 3 || x!.shape.length === 4) && x!.shape.every((size) => size !== 0);

/** TensorFlow refuses a filter without elements. */
const isFilter = (weight: TensorType | undefined): boolean => weight !== undefined && !weight.shape.includes(0);

export const convolutionSupports: Readonly<Record<string, Supports>> = {
  convolution: ([x, weight], { groups }: Convolution) => groups === 1 && isFlat(x) && isFilter(weight),
  convolutionGradient: ([, x, weight], { groups, dilation }: Convolution) =>
    groups === 1 && isFlat(x) && isFilter(weight) && dilation.every((n) => n === 1),
};
