/** Convolution, pooling, and windows that are cut out and put back. */
import { type Window } from "@ermine/core";
import { avgPoolOp, convolutionOp, convolutionTransposeOp, foldOp, maxPoolOp, unfoldOp } from "@ermine/core/backend";
import { tensorProto } from "../../elements.js";
import { entry, type Entry } from "./call.js";
import { permuted, reshaped } from "./movement.js";

/** Runtimes have kernels for so many spatial axes. */
const mostAxes = 3;

const ints = (list: readonly number[]): readonly bigint[] => list.map(BigInt);
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const isOnlyZeros = (list: readonly number[]): boolean => list.every((n) => n === 0);
const isOnlyOnes = (list: readonly number[]): boolean => list.every((n) => n === 1);

type Moves = Omit<Window, "kernel">;

/** The attributes of a window, those that are the standard's defaults left out. */
const windowAttributes = ({ stride, padBefore, padAfter, dilation }: Moves): Record<string, readonly bigint[]> => ({
  ...(isOnlyOnes(stride) ? {} : { strides: ints(stride) }),
  ...(isOnlyZeros([...padBefore, ...padAfter]) ? {} : { pads: ints([...padBefore, ...padAfter]) }),
  ...(isOnlyOnes(dilation) ? {} : { dilations: ints(dilation) }),
});

/** Pooling takes padding that is smaller than the kernel. */
const pools = ({ kernel, padBefore, padAfter }: Pick<Window, "kernel" | "padBefore" | "padAfter">): boolean =>
  kernel.length <= mostAxes && kernel.every((size, i) => padBefore[i]! < size && padAfter[i]! < size);

const groupsOf = (groups: number): Record<string, bigint> => (groups === 1 ? {} : { group: BigInt(groups) });

export const windows = (): readonly Entry[] => [
  entry(convolutionOp, ({ builder, inputs: [x, weight, bias], attributes: { groups, ...window } }) => {
    const kernel = weight!.shape.slice(2) as readonly number[];
    if (kernel.length > mostAxes) return undefined;
    const attributes = { kernel_shape: ints(kernel), ...windowAttributes(window), ...groupsOf(groups) };
    return [builder.node("Conv", [x!.name, weight!.name, bias?.name ?? ""], attributes)];
  }),
  entry(convolutionTransposeOp, ({ builder, inputs: [x, weight, bias], attributes: given }) => {
    const { stride, padding, dilation, groups, outputSize } = given;
    const kernel = weight!.shape.slice(2) as readonly number[];
    if (kernel.length > mostAxes) return undefined;
    const sizes = x!.shape.slice(2) as readonly number[];
    const more = outputPadding(sizes, outputSize, { kernel, stride, dilation, padBefore: padding, padAfter: padding });
    const attributes = {
      kernel_shape: ints(kernel),
      ...windowAttributes({ stride, dilation, padBefore: padding, padAfter: padding }),
      ...groupsOf(groups),
      ...(isOnlyZeros(more) ? {} : { output_padding: ints(more) }),
    };
    return [builder.node("ConvTranspose", [x!.name, weight!.name, bias?.name ?? ""], attributes)];
  }),
  entry(maxPoolOp, ({ builder, inputs: [x], attributes: window }) =>
    pools(window)
      ? [builder.node("MaxPool", [x!.name], { kernel_shape: ints(window.kernel), ...windowAttributes(window) })]
      : undefined,
  ),
  entry(avgPoolOp, ({ builder, inputs: [x], attributes: { countIncludePad, kernel, ...moves } }) => {
    if (!pools({ kernel, ...moves })) return undefined;
    const dilation = kernel.map(() => 1);
    const attributes = { kernel_shape: ints(kernel), ...windowAttributes({ ...moves, dilation }) };
    return [builder.node("AveragePool", [x!.name], countIncludePad ? { ...attributes, count_include_pad: 1n } : attributes)];
  }),
];

/** What the output has beyond (size − 1) · stride − padding + dilation · (kernel − 1) + 1. */
const outputPadding = (sizes: readonly number[], outputSize: readonly number[], window: Window): readonly number[] =>
  outputSize.map((size, i) => {
    const { kernel, stride, dilation, padBefore, padAfter } = window;
    return size - ((sizes[i]! - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1 - padBefore[i]! - padAfter[i]!);
  });

/** How many windows there are along each axis. */
const countsOf = (sizes: readonly number[], { kernel, stride, dilation, padBefore, padAfter }: Window): readonly number[] =>
  sizes.map((size, i) => {
    const reach = dilation[i]! * (kernel[i]! - 1) + 1;
    return Math.floor((size + padBefore[i]! + padAfter[i]! - reach) / stride[i]!) + 1;
  });

/** What no operator means, as the body of a model-local function. */
export const windowBodies = (): readonly Entry[] => [
  // Along each axis the positions of its windows' elements are picked, [kernel, windows]; then kernels and windows are brought together.
  entry(unfoldOp, ({ builder, inputs: [x], attributes: { padValue, ...window } }) => {
    const { kernel, stride, dilation, padBefore, padAfter } = window;
    const counts = countsOf(x!.shape.slice(2) as readonly number[], window);
    let windowed = x!.name;
    if (!isOnlyZeros([...padBefore, ...padAfter])) {
      const pads = builder.int64s([0, 0, ...padBefore, 0, 0, ...padAfter]);
      windowed = builder.node("Pad", [windowed, pads, builder.scalar(padValue)]);
    }
    kernel.forEach((size, i) => {
      const positions = Array.from({ length: size }, (_, k) =>
        Array.from({ length: counts[i]! }, (__, p) => k * dilation[i]! + p * stride[i]!),
      ).flat();
      const indices = builder.constant(tensorProto(positions, [size, counts[i]!], "int32"));
      windowed = builder.node("Gather", [windowed, indices], { axis: BigInt(2 + 2 * i) });
    });
    const order = [0, 1, ...kernel.map((_, i) => 2 + 2 * i), ...kernel.map((_, i) => 3 + 2 * i)];
    const [batch, channels] = x!.shape;
    return [reshaped(builder, permuted(builder, windowed, order), [batch!, channels!, product(kernel), product(counts)])];
  }),
  // A transposed convolution whose kernels have a single 1 each puts the windows' elements where they were cut from, and adds them.
  entry(foldOp, ({ builder, inputs: [columns], outputs: [y], attributes: { outputSize, ...window } }) => {
    const { kernel } = window;
    if (kernel.length > mostAxes) return undefined;
    const counts = countsOf(outputSize, window);
    const elements = product(kernel);
    const images = builder.node("Reshape", [columns!.name, builder.int64s([-1, elements, ...counts])]);
    const identity = Float32Array.from({ length: elements * elements }, (_, i) => (i % (elements + 1) === 0 ? 1 : 0));
    const more = outputPadding(counts, outputSize, window);
    const whole = builder.node(
      "ConvTranspose",
      [images, builder.constant(tensorProto(identity, [elements, 1, ...kernel], "float32"))],
      {
        kernel_shape: ints(kernel),
        ...windowAttributes(window),
        ...(isOnlyZeros(more) ? {} : { output_padding: ints(more) }),
      },
    );
    return [reshaped(builder, whole, y!.shape)];
  }),
];
