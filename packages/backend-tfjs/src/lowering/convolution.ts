/**
 * Convolution over one or two spatial axes. TensorFlow's kernels want the channels last, where they are also faster. One channel a group is TensorFlow's depthwise convolution; other groups are convolved one by one.
 * What its kernels do not have on a CPU (dilated gradients, more axes) is left to core's decomposition.
 */
import type { Shape } from "@ermine/core";
import { addSizes } from "@ermine/core/define";
import type { TensorType } from "@ermine/core/backend";
import { call, concat, pad, reshape, scalar, slice, sum } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports, TfAttributes } from "./emitter.js";
import { fromImage, imageOf, imageShape, isFlat, pair, withHeight } from "./images.js";
import type { Window } from "./window.js";

type Convolution = Omit<Window, "kernel"> & { readonly groups: number };

/** [O, I, H, W] → [H, W, I, O], and back. */
const kernelLast = [2, 3, 1, 0];
const kernelFirst = [3, 2, 0, 1];

/**
 * The name that TensorFlow has for a padding, if it has one: its kernels for "SAME" are up to four times as fast as those for the same
 * numbers said explicitly.
 *
 * @param image [N, H, W, C]
 * @param filter [H, W, I, O]
 */
function paddingName(image: Shape, filter: Shape, attributes: Convolution): "VALID" | "SAME" | undefined {
  const before = pair(attributes.padBefore, 0);
  const after = pair(attributes.padAfter, 0);
  if ([...before, ...after].every((n) => n === 0)) return "VALID";
  const stride = pair(attributes.stride, 1);
  const dilation = pair(attributes.dilation, 1);
  const isSame = [0, 1].every((axis) => {
    const [size, kernel] = [image[axis + 1]!, filter[axis]!];
    if (typeof size !== "number" || typeof kernel !== "number") return false;
    const reach = dilation[axis]! * (kernel - 1) + 1;
    const total = Math.max((Math.ceil(size / stride[axis]!) - 1) * stride[axis]! + reach - size, 0);
    return before[axis] === Math.floor(total / 2) && after[axis] === total - Math.floor(total / 2);
  });
  return isSame ? "SAME" : undefined;
}

function paddingOf(image: Shape, filter: Shape, attributes: Convolution): TfAttributes {
  const name = paddingName(image, filter, attributes);
  if (name !== undefined) return { padding: { string: name }, explicit_paddings: { ints: [] } };
  const [top, left] = pair(attributes.padBefore, 0) as [number, number];
  const [bottom, right] = pair(attributes.padAfter, 0) as [number, number];
  return { padding: { string: "EXPLICIT" }, explicit_paddings: { ints: [0, 0, top, bottom, left, right, 0, 0] } };
}

const attributesOf = (image: Shape, filter: Shape, attributes: Convolution): TfAttributes => ({
  T: { type: "float32" },
  strides: { ints: [1, ...pair(attributes.stride, 1), 1] },
  dilations: { ints: [1, ...pair(attributes.dilation, 1), 1] },
  ...paddingOf(image, filter, attributes),
  data_format: { string: "NHWC" },
});

/** A convolution and its two gradients by kernels of TensorFlow's, on images [N, H, W, C]. */
interface Kernel {
  /** The weight in the order of axes of the kernel's filter. */
  filter(weight: Operand): Operand;
  forward(image: Operand, filter: Operand, shape: Shape): Operand;
  /** @param shape the image's */
  toImage(errors: Operand, filter: Operand, shape: Shape): Operand;
  /** @param shape the filter's */
  toFilter(errors: Operand, image: Operand, shape: Shape): Operand;
  /** The reverse of `filter`. */
  weight(filter: Operand, shape: Shape): Operand;
}

/** All channels of the image enter each of the result's. */
function dense(e: Emitter, attributes: Convolution): Kernel {
  const options = (image: Shape, filter: Shape): TfAttributes => ({
    ...attributesOf(image, filter, attributes),
    use_cudnn_on_gpu: { bool: true },
  });
  return {
    filter: (weight) => e.transpose(withHeight(e, weight), kernelLast),
    weight: (filter, shape) => reshape(e, e.transpose(filter, kernelFirst), shape),
    forward: (image, filter, shape) => call(e, "Conv2D", [image, filter], shape, "float32", options(image.shape, filter.shape)),
    toImage: (errors, filter, shape) =>
      call(e, "Conv2DBackpropInput", [e.sizes(shape), filter, errors], shape, "float32", options(shape, filter.shape)),
    toFilter: (errors, image, shape) =>
      call(e, "Conv2DBackpropFilter", [image, e.sizes(shape), errors], shape, "float32", options(image.shape, shape)),
  };
}

/** [C, M, H, W] → [H, W, C, M], and back. */
const depthwiseLast = [2, 3, 0, 1];

/**
 * Each channel of the image has M = O / C of the result's to itself. The weight is [C · M, 1, …], the filter [H, W, C, M].
 *
 * A padding that TensorFlow has no name for is done beforehand: its graph optimizer joins the kernel and a bias to an op that ends the process where the
 * padding is said in numbers.
 */
function depthwise(e: Emitter, attributes: Convolution): Kernel {
  // The kernel knows one stride: the axis of height 1 takes the other's.
  const [first] = attributes.stride as [number];
  const square = { ...attributes, stride: [first, first] };
  const isNamed = (image: Shape, filter: Shape): boolean => paddingName(image, filter, square) !== undefined;
  const options = (image: Shape, filter: Shape): TfAttributes =>
    attributesOf(image, filter, isNamed(image, filter) ? square : { ...square, padBefore: [0, 0], padAfter: [0, 0] });
  const [before, after] = [attributes.padBefore, attributes.padAfter].map((widths) => [0, ...pair(widths, 0), 0]) as [
    number[],
    number[],
  ];
  const padded = (image: Operand, filter: Shape): Operand =>
    isNamed(image.shape, filter) ? image : pad(e, image, before, after, 0);
  return {
    filter(weight) {
      const [out, , ...size] = withHeight(e, weight).shape as [number, number, number, number];
      return e.transpose(reshape(e, weight, [attributes.groups, out / attributes.groups, ...size]), depthwiseLast);
    },
    weight: (filter, shape) => reshape(e, e.transpose(filter, depthwiseLast), shape),
    forward(image, filter, shape) {
      const inputs = [padded(image, filter.shape), filter];
      return call(e, "DepthwiseConv2dNative", inputs, shape, "float32", options(image.shape, filter.shape));
    },
    toImage(errors, filter, shape) {
      const wide = isNamed(shape, filter.shape) ? shape : shape.map((size, i) => addSizes(size, before[i]! + after[i]!));
      const inputs = [e.sizes(wide), filter, errors];
      const name = "DepthwiseConv2dNativeBackpropInput";
      const toWide = call(e, name, inputs, wide, "float32", options(shape, filter.shape));
      return slice(e, toWide, wide === shape ? [0, 0, 0, 0] : before, shape);
    },
    toFilter(errors, image, shape) {
      const inputs = [padded(image, shape), e.sizes(shape), errors];
      return call(e, "DepthwiseConv2dNativeBackpropFilter", inputs, shape, "float32", options(image.shape, shape));
    },
  };
}

/** Each group's channels by themselves. */
function grouped(e: Emitter, attributes: Convolution): Kernel {
  const { groups } = attributes;
  const one = dense(e, { ...attributes, groups: 1 });
  // The channels of an image, and the result's channels of a filter.
  const axis = 3;
  const part = (shape: Shape): Shape => [...shape.slice(0, axis), (shape[axis] as number) / groups];
  const split = (x: Operand): Operand[] => {
    const parts = Array.from({ length: groups }, () => ({ shape: part(x.shape), dtype: x.dtype }));
    return e.op("Split", [scalar(e, axis, "int32"), x], { T: { type: x.dtype }, num_split: { int: groups } }, parts);
  };
  type Convolve = (a: Operand, b: Operand, shape: Shape) => Operand;
  const each =
    (convolve: Convolve): Convolve =>
    (a, b, shape) => {
      const others = split(b);
      return concat(
        e,
        split(a).map((x, group) => convolve(x, others[group]!, part(shape))),
        axis,
      );
    };
  const { filter, weight } = one;
  return { filter, weight, forward: each(one.forward), toImage: each(one.toImage), toFilter: each(one.toFilter) };
}

/** More groups than these are one product of many matrices in core's decomposition. */
const mostGroups = 16;

type Kind = "dense" | "depthwise" | "grouped";

/** TensorFlow's depthwise kernels have one stride for both axes, and no dilation. */
function kindOf(weight: Shape, { groups, stride, dilation }: Convolution): Kind | undefined {
  if (groups === 1) return "dense";
  const isPlain = new Set(stride).size === 1 && dilation.every((n) => n === 1);
  if (weight[1] === 1 && isPlain) return "depthwise";
  return groups <= mostGroups ? "grouped" : undefined;
}

const kernels = { dense, depthwise, grouped };

const convolution: Lowering = (e, [x, weight, bias], attributes: Convolution, [y]) => {
  const kernel = kernels[kindOf(weight!.shape, attributes)!](e, attributes);
  const { shape } = y!;
  const result = kernel.forward(imageOf(e, x!), kernel.filter(weight!), imageShape(shape));
  const shifted = bias === undefined ? result : biasAdd(e, result, bias);
  return [fromImage(e, shifted, shape)];
};

export const biasAdd = (e: Emitter, x: Operand, bias: Operand): Operand =>
  call(e, "BiasAdd", [x, bias], x.shape, "float32", { T: { type: "float32" }, data_format: { string: "NHWC" } });

const convolutionGradient: Lowering = (e, [g, x, weight, bias], attributes: Convolution) => {
  const kernel = kernels[kindOf(weight!.shape, attributes)!](e, attributes);
  const [errors, image, filter] = [imageOf(e, g!), imageOf(e, x!), kernel.filter(weight!)];
  const toX = fromImage(e, kernel.toImage(errors, filter, image.shape), x!.shape);
  const toWeight = kernel.weight(kernel.toFilter(errors, image, filter.shape), weight!.shape);
  if (bias === undefined) return [toX, toWeight];
  return [toX, toWeight, sum(e, g!, [0, ...g!.shape.slice(2).map((_, i) => i + 2)])];
};

export const convolutionLowerings: Readonly<Record<string, Lowering>> = { convolution, convolutionGradient };

/** TensorFlow refuses a filter without elements. */
const hasKernel = (weight: TensorType | undefined, attributes: Convolution): boolean =>
  weight !== undefined && !weight.shape.includes(0) && kindOf(weight.shape, attributes) !== undefined;

export const convolutionSupports: Readonly<Record<string, Supports>> = {
  convolution: ([x, weight], attributes: Convolution) => isFlat(x) && hasKernel(weight, attributes),
  convolutionGradient: ([, x, weight], attributes: Convolution) =>
    isFlat(x) && hasKernel(weight, attributes) && attributes.dilation.every((n) => n === 1),
};
