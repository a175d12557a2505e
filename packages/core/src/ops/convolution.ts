/** Convolution (cross-correlation, as every framework calls it) over any number of spatial axes. */
import { builtinOp } from "../ir/op.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { countElements, formatShape, sameSize, type Shape, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { add } from "./arithmetic.js";
import { apply1 } from "./apply.js";
import { matmulOp } from "./matmul.js";
import { reshape } from "./shape.js";
import { overBatch, unfoldOp, windowCounts, windowOf, type Window, type WindowOptions } from "./window.js";

/** Attributes of `convolutionOp`. */
export type ConvolutionAttributes = {
  /** The distance of two windows, for each axis. */
  readonly stride: readonly number[];
  /** Zeros in front, for each axis. */
  readonly padBefore: readonly number[];
  /** Zeros at the end, for each axis. */
  readonly padAfter: readonly number[];
  /** The distance of two elements of the kernel, for each axis. */
  readonly dilation: readonly number[];
  /** Into how many groups channels are divided. */
  readonly groups: number;
};

export const windowFor = (weight: Shape, { stride, padBefore, padAfter, dilation }: ConvolutionAttributes): Window => ({
  kernel: weight.slice(2) as readonly number[],
  stride,
  padBefore,
  padAfter,
  dilation,
});

const product = (sizes: readonly Size[]): number => (sizes as readonly number[]).reduce((a, b) => a * b, 1);

/** Windows of x as matrices, one for each group: [N, groups, C/groups · ΠK, positions]. */
export function columnsOf(x: Tensor, weight: Tensor, attributes: ConvolutionAttributes): Tensor {
  const columns = apply1(unfoldOp, [x], { ...windowFor(weight.shape, attributes), padValue: 0 });
  return reshape(columns, [x.shape[0]!, attributes.groups, product(weight.shape.slice(1)), columns.shape[3]!]);
}

/** The weight as matrices: [1, groups, O/groups, C/groups · ΠK]. */
export const weightMatrices = (weight: Tensor, groups: number): Tensor =>
  reshape(weight, [1, groups, (weight.shape[0] as number) / groups, product(weight.shape.slice(1))]);

/** A product and a sum for each element of a result [N, O, ...counts] and each element of the kernel of its channel. */
export const convolutionFlops = (result: Shape, weight: Shape): number =>
  2 * countElements(result) * countElements(weight.slice(1));

/** The op of `convolution`. */
export const convolutionOp = builtinOp<ConvolutionAttributes>({
  name: "convolution",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "weight", dtype: "float32" },
    { name: "bias", dtype: "float32", optional: true },
  ],
  infer([x, weight, bias], attributes) {
    const [batch, channels, ...spatial] = x!.shape;
    const [out, perGroup] = weight!.shape;
    const { groups } = attributes;
    const fits =
      x!.shape.length === weight!.shape.length &&
      spatial.length > 0 &&
      typeof perGroup === "number" &&
      sameSize(channels!, perGroup * groups);
    if (!fits || (out as number) % groups !== 0) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `convolution: x ${formatShape(x!.shape)} and the weight ${formatShape(weight!.shape)} do not fit with groups ${groups}: ` +
          "x is [N, C, ...size], the weight [O, C / groups, ...kernel], and groups divides C and O.",
      );
    }
    if (bias !== undefined && (bias.shape.length !== 1 || !sameSize(bias.shape[0]!, out!))) {
      throw new ErmineError("ERMINE_SHAPE", `convolution: the bias is ${formatShape(bias.shape)} and should be [${out}].`);
    }
    const counts = windowCounts("convolution", spatial, windowFor(weight!.shape, attributes));
    return [{ shape: [batch!, out!, ...counts], dtype: "float32", domain: "real" }];
  },
  flops: ([, weight], [y]) => (y === undefined ? 0 : convolutionFlops(y.shape, weight!.shape)),
  decompose([x, weight, bias], attributes) {
    const [batch, , ...spatial] = x!.shape;
    const out = weight!.shape[0]!;
    const counts = windowCounts("convolution", spatial, windowFor(weight!.shape, attributes));
    const matrices = weightMatrices(weight!, attributes.groups);
    const maps = apply1(matmulOp, [matrices, columnsOf(x!, weight!, attributes)], { transposeA: false, transposeB: false });
    const result = reshape(maps, [batch!, out, ...counts]);
    return [bias === undefined ? result : add(result, reshape(bias, [out, ...counts.map(() => 1)]))];
  },
});

/** The options of `convolution`. */
export interface ConvolutionOptions extends WindowOptions {
  /** Channels in groups that do not see each other. Default 1. */
  readonly groups?: number;
}

/**
 * y[n, o, p] = bias[o] + Σ_c Σ_k weight[o, c, k] · x[n, c, p · stride + k · dilation − padding].
 *
 * @param x [N, C, ...size] or [C, ...size], 1, 2, 3 or more spatial axes
 * @param weight [O, C / groups, ...kernel]
 * @param bias [O]
 * @returns [N, O, ...⌊(size + 2 · padding − dilation · (kernel − 1) − 1) / stride⌋ + 1]
 * @throws ErmineError ERMINE_SHAPE where the shapes do not fit, ERMINE_OPTION for a wrong option
 * @example
 * convolution(tensor([[[1, 2, 3, 4]]]), tensor([[[1, -1]]])); // => [[[-1, -1, -1]]]
 */
export function convolution(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("convolution", arguments, 4);
  checkTensor("convolution", x);
  checkTensor("convolution", weight);
  checkOptions(
    "convolution",
    options,
    {
      stride: "integers",
      padding: ["integers", "string"],
      dilation: "integers",
      groups: "integer",
    },
    "x, weight, bias",
  );
  const { kernel: _, ...window } = windowOf("convolution", weight.shape.slice(2) as readonly number[], options);
  return overBatch("convolution", x, weight.rank - 2, (t) =>
    apply1(convolutionOp, [t, weight, bias], { ...window, groups: options.groups ?? 1 }),
  );
}
