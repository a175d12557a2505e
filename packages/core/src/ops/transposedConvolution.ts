/** The adjoint of a convolution: it makes larger what that makes smaller. */
import { builtinOp } from "../ir/op.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { concrete, formatShape, sameSize, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { add } from "./arithmetic.js";
import type { ConvolutionAttributes } from "./convolution.js";
import { apply1 } from "./apply.js";
import { matmul } from "./matmul.js";
import { pad } from "./padding.js";
import { reshape } from "./shape.js";
import { eachAxis, fold, overBatch } from "./window.js";

/** The options of `convolutionTranspose`. */
export interface ConvolutionTransposeOptions {
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** The padding of the convolution whose shape this one reverses. Default 0. */
  readonly padding?: number | readonly number[];
  /** Added to one side of the output; less than stride or dilation. Default 0. */
  readonly outputPadding?: number | readonly number[];
  /** Channels in groups that do not see each other. Default 1. */
  readonly groups?: number;
  /** Distance between a kernel's elements. Default 1. */
  readonly dilation?: number | readonly number[];
}

/** Attributes of the op. */
export type ConvolutionTransposeAttributes = {
  /** The distance of two windows, for each axis. */
  readonly stride: readonly number[];
  /** Elements that are cut off on both sides, for each axis. */
  readonly padding: readonly number[];
  /** The distance of two elements of the kernel, for each axis. */
  readonly dilation: readonly number[];
  /** Into how many groups channels are divided. */
  readonly groups: number;
  /** The sizes of the output's axes. */
  readonly outputSize: readonly number[];
};

const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

const shifted = (y: Tensor, bias: Tensor): Tensor<"real"> => add(y, reshape(bias, [-1, ...y.shape.slice(2).map((): Size => 1)]));

/** The convolution whose adjoint this is. */
export const adjoint = ({ stride, padding, dilation, groups }: ConvolutionTransposeAttributes): ConvolutionAttributes => ({
  stride,
  padBefore: padding,
  padAfter: padding,
  dilation,
  groups,
});

/** Inputs x [N, C, ...size], weight [C, O / groups, ...kernel], bias [O]. */
export const convolutionTransposeOp = builtinOp<ConvolutionTransposeAttributes>({
  name: "convolutionTranspose",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "weight", dtype: "float32" },
    { name: "bias", dtype: "float32", optional: true },
  ],
  infer([x, weight], { groups, outputSize }) {
    const out = (weight!.shape[1] as number) * groups;
    return [{ shape: [x!.shape[0]!, out, ...outputSize], dtype: "float32", domain: "real" }];
  },
  // For each input number the kernel weighed by it; then all are added where they lie.
  decompose([x, weight, bias], { groups, outputSize, ...window }) {
    const [inChannels, perGroup, ...kernel] = weight!.shape as readonly [number, number, ...number[]];
    const [batch, , ...sizes] = x!.shape as readonly [Size, Size, ...number[]];
    const rows = reshape(x!, [batch, groups, inChannels / groups, count(sizes)]);
    const matrices = reshape(weight!, [1, groups, inChannels / groups, perGroup * count(kernel)]);
    const columns = matmul(matrices, rows, { transposeA: true });
    const y = fold(reshape(columns, [batch, groups * perGroup, count(kernel), count(sizes)]), outputSize, kernel, window);
    return [bias === undefined ? y : shifted(y, bias)];
  },
});

/**
 * The transposed convolution over one to three axes: what the gradient of `convolution` with respect to its input is. x (N, C, …size), weight (C, O / groups, …kernel), bias (O).
 *
 * @param x [N, C, ...size] or [C, ...size]
 * @param weight [C, O / groups, ...kernel]
 * @param bias [O]
 * @returns [N, O, ...(size − 1) · stride − 2 · padding + dilation · (kernel − 1) + outputPadding + 1]
 * @throws ErmineError ERMINE_SHAPE where the shapes do not fit, ERMINE_OPTION for a wrong option
 * @example
 * convolutionTranspose(tensor([[[1, 2]]]), tensor([[[1, -1]]])); // => [[[1, 1, -2]]]
 */
export function convolutionTranspose(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvolutionTransposeOptions = {},
): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("convolutionTranspose", arguments, 4);
  const where = "convolutionTranspose";
  checkTensor(where, weight);
  checkOptions(
    where,
    options,
    {
      stride: "integers",
      padding: "integers",
      outputPadding: "integers",
      groups: "integer",
      dilation: "integers",
    },
    "x, weight, bias",
  );
  const [inChannels, perGroup, ...kernel] = concrete(weight.shape, where) as readonly [number, number, ...number[]];
  const axes = kernel.length;
  const { groups = 1 } = options;
  const stride = eachAxis(where, "stride", options.stride ?? 1, axes, 1);
  const dilation = eachAxis(where, "dilation", options.dilation ?? 1, axes, 1);
  const padding = eachAxis(where, "padding", options.padding ?? 0, axes, 0);
  const extra = checkOutputPadding(where, options.outputPadding ?? 0, stride, dilation);
  return overBatch(where, x, axes, (t) => {
    if (!sameSize(t.shape[1]!, inChannels) || inChannels % groups !== 0) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${where}: x ${formatShape(t.shape)} and the weight ${formatShape(weight.shape)} do not fit with groups ${groups}: ` +
          "[N, C, ...size] and [C, O / groups, ...kernel].",
      );
    }
    const sizes = concrete(t.shape.slice(2), where);
    const whole = sizes.map((size, i) => (size - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1);
    const output = whole.map((size, i) => size - 2 * padding[i]! + extra[i]!);
    const small = output.findIndex((size) => size < 1);
    if (small >= 0) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${where}: axis ${small + 2} of ${formatShape(t.shape)} would be of size ${output[small]}.`,
      );
    }
    if (bias !== undefined) checkTensor(where, bias);
    if (bias !== undefined && (bias.rank !== 1 || !sameSize(bias.shape[0]!, groups * perGroup))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${where}: the bias is ${formatShape(bias.shape)} and should be [${groups * perGroup}].`,
      );
    }
    const window = { stride, dilation, groups };
    if (extra.every((n, i) => n < stride[i]!))
      return apply1(convolutionTransposeOp, [t, weight, bias], { ...window, padding, outputSize: output });
    // With output padding of a stride or more, which a dilation allows, more windows would fit than there are.
    const none = padding.map(() => 0);
    const y = apply1(convolutionTransposeOp, [t, weight, undefined], { ...window, padding: none, outputSize: whole });
    const cut = crop(y, padding, extra);
    return bias === undefined ? cut : shifted(cut, bias);
  });
}

/** Without `padding` on both sides, but for `extra` at the end; zeros where that is more. */
const crop = (y: Tensor, padding: readonly number[], extra: readonly number[]): Tensor =>
  pad(y, [[0, 0], [0, 0], ...padding.map((n, i) => [-n, extra[i]! - n] as const)]);

/** @internal The output padding of each axis. @throws ErmineError ERMINE_OPTION where it would be more than one step */
export function checkOutputPadding(
  where: string,
  outputPadding: number | readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): readonly number[] {
  const list = eachAxis(where, "outputPadding", outputPadding, stride.length, 0);
  list.forEach((extra, i) => {
    if (extra < Math.max(stride[i]!, dilation[i]!)) return;
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: outputPadding ${extra} must be less than the stride ${stride[i]} or the dilation ${dilation[i]}.`,
    );
  });
  return list;
}
