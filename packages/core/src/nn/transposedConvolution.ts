/** Transposed convolution layers over one, two and three spatial axes. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { checkOutputPadding, convolutionTranspose } from "../ops/transposedConvolution.js";
import { eachAxis } from "../ops/window.js";
import { defaultBias, defaultWeight, initialize } from "../random/initializers.js";
import { concrete, formatShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { checkChannels } from "./convolution.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";

/** The options of `ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d`. Numbers for all axes, or one for each. */
export interface ConvTransposeOptions {
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** The padding of the convolution whose shape this one reverses. Default 0. */
  readonly padding?: number | readonly number[];
  /** Added to one side of the output; less than stride or dilation. Default 0. */
  readonly outputPadding?: number | readonly number[];
  /** Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default 1. */
  readonly dilation?: number | readonly number[];
  /** Nothing else than "zeros" has a meaning here, as in PyTorch. Default "zeros". */
  readonly paddingMode?: "zeros";
}

/**
 * (N, inChannels, …size) → (N, outChannels, …(size − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1); without a batch,
 * (inChannels, …size).
 *
 * weight (inChannels, outChannels / groups, …kernel) and bias (outChannels) start from PyTorch's default.
 */
abstract class ConvTranspose extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #name: string;
  readonly #groups: number;
  readonly #window: Readonly<Record<"stride" | "padding" | "outputPadding" | "dilation", readonly number[]>>;

  constructor(
    name: string,
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions,
  ) {
    super();
    checkOptions(
      name,
      options,
      {
        stride: "integers",
        padding: "integers",
        outputPadding: "integers",
        groups: "integer",
        bias: "boolean",
        dilation: "integers",
        paddingMode: "string",
      },
      [inChannels, outChannels, kernelSize],
    );
    const { bias = true, groups = 1, paddingMode = "zeros" } = options;
    checkChannels(name, { inChannels, outChannels, groups });
    if (paddingMode !== "zeros") {
      throw new ErmineError("ERMINE_OPTION", `${name}: paddingMode can only be "zeros", got ${show(paddingMode)}.`);
    }
    const kernel = eachAxis(name, "kernelSize", kernelSize, rank, 1);
    const stride = eachAxis(name, "stride", options.stride ?? 1, rank, 1);
    const dilation = eachAxis(name, "dilation", options.dilation ?? 1, rank, 1);
    const padding = eachAxis(name, "padding", options.padding ?? 0, rank, 0);
    const outputPadding = checkOutputPadding(name, options.outputPadding ?? 0, stride, dilation);
    const shape = [inChannels, outChannels / groups, ...kernel];
    this.weight = new Parameter(initialize(defaultWeight, shape, "weight"));
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
    this.bias = bias ? new Parameter(initialize(defaultBias(fanIn), [outChannels], "bias")) : undefined;
    this.#name = name;
    this.#groups = groups;
    this.#window = { stride, padding, outputPadding, dilation };
  }

  /** @param outputSize the spatial sizes wanted, in the place of outputPadding: those that a convolution would bring to x's */
  forward(x: Tensor, outputSize?: readonly number[]): Tensor<"real"> {
    checkTensor("forward", x);
    const outputPadding = outputSize === undefined ? this.#window.outputPadding : this.#extra(x, outputSize);
    return convolutionTranspose(floatInput(x), this.weight.value, this.bias?.value, {
      ...this.#window,
      outputPadding,
      groups: this.#groups,
    });
  }

  #extra(x: Tensor, outputSize: readonly number[]): readonly number[] {
    const { stride, padding, dilation } = this.#window;
    const kernel = this.weight.shape.slice(2);
    const sizes = concrete(x.shape.slice(-kernel.length), this.#name);
    const extra = sizes.map(
      (size, i) => outputSize[i]! - ((size - 1) * stride[i]! - 2 * padding[i]! + dilation[i]! * (kernel[i]! - 1) + 1),
    );
    if (outputSize.length === kernel.length && extra.every((n, i) => n >= 0 && n < stride[i]!)) return extra;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `cannot bring ${formatShape(x.shape)} to ${formatShape(outputSize)}: it would need an outputPadding of ${formatShape(extra)}, and the stride is ${stride.join(", ")}.`,
    );
  }

  override describe(): string {
    const [inChannels, perGroup, ...kernel] = this.weight.shape;
    return `${this.#name} ${inChannels} → ${perGroup! * this.#groups}, ${kernel.join("×")}`;
  }
}

/**
 * A transposed convolution over one axis: (N, inChannels, L) → (N, outChannels, L′), or without N.
 *
 * @example
 * new ConvTranspose1d(3, 8, 4, { stride: 2, padding: 1 }).forward(zeros([2, 3, 16])).shape; // => [2, 8, 32]
 */
export class ConvTranspose1d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    checkArguments("ConvTranspose1d", arguments, 4);
    super("ConvTranspose1d", 1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A transposed convolution over two axes: (N, inChannels, H, W) → (N, outChannels, H′, W′), or without N.
 *
 * @example
 * new ConvTranspose2d(3, 8, 4, { stride: 2, padding: 1 }).forward(zeros([2, 3, 16, 16])).shape; // => [2, 8, 32, 32]
 */
export class ConvTranspose2d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    checkArguments("ConvTranspose2d", arguments, 4);
    super("ConvTranspose2d", 2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A transposed convolution over three axes: (N, inChannels, D, H, W) → (N, outChannels, D′, H′, W′), or without N.
 *
 * @example
 * new ConvTranspose3d(1, 4, 2, { stride: 2 }).forward(zeros([2, 1, 4, 4, 4])).shape; // => [2, 4, 8, 8, 8]
 */
export class ConvTranspose3d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    checkArguments("ConvTranspose3d", arguments, 4);
    super("ConvTranspose3d", 3, inChannels, outChannels, kernelSize, options);
  }
}
