/** Transposed convolutions over one, two and three spatial axes: the adjoint of a convolution, which makes larger what that makes smaller. */
import { checkOptions, ErmineError } from "../errors.js";
import { add } from "../ops/arithmetic.js";
import { matmul } from "../ops/matmul.js";
import { concat, reshape, sliceAxis, transpose } from "../ops/shape.js";
import { eachAxis, fold } from "../ops/window.js";
import { defaultBias, defaultWeight, initialize } from "../random/initializers.js";
import { formatShape, sameSize, type Size } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { checkSize } from "./linear.js";
import { Module } from "./module.js";

export interface ConvTransposeOptions {
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** What a convolution's padding took away. Default 0. */
  readonly padding?: number | readonly number[];
  /** Added to one side of the output; less than stride or dilation. Default 0. */
  readonly outputPadding?: number | readonly number[];
  /** Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default 1. */
  readonly dilation?: number | readonly number[];
}

const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/**
 * (N, inChannels, …size) → (N, outChannels, …(size − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1).
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
    checkOptions(name, options, ["stride", "padding", "outputPadding", "groups", "bias", "dilation"]);
    const { bias = true, groups = 1 } = options;
    for (const [key, size] of Object.entries({ inChannels, outChannels, groups })) checkSize(name, key, size);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${name}: groups ${groups} must divide inChannels ${inChannels} and outChannels ${outChannels}.`,
      );
    }
    const kernel = eachAxis(name, "kernelSize", kernelSize, rank, 1);
    const stride = eachAxis(name, "stride", options.stride ?? 1, rank, 1);
    const dilation = eachAxis(name, "dilation", options.dilation ?? 1, rank, 1);
    const padding = eachAxis(name, "padding", options.padding ?? 0, rank, 0);
    const outputPadding = eachAxis(name, "outputPadding", options.outputPadding ?? 0, rank, 0);
    outputPadding.forEach((extra, i) => {
      if (extra < Math.max(stride[i]!, dilation[i]!)) return;
      throw new ErmineError(
        "ERMINE_OPTION",
        `${name}: outputPadding ${extra} must be less than the stride ${stride[i]} or the dilation ${dilation[i]}.`,
      );
    });
    const shape = [inChannels, outChannels / groups, ...kernel];
    this.weight = new Parameter(initialize(defaultWeight, shape, "weight"));
    this.bias = bias ? new Parameter(initialize(defaultBias(count(shape.slice(1))), [outChannels], "bias")) : undefined;
    this.#name = name;
    this.#groups = groups;
    this.#window = { stride, padding, outputPadding, dilation };
  }

  forward(x: Tensor): Tensor<"real"> {
    const [inChannels, perGroup, ...kernel] = this.weight.shape as readonly number[];
    const { stride, padding, outputPadding, dilation } = this.#window;
    if (x.rank !== kernel.length + 2 || !sameSize(x.shape[1]!, inChannels!)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${this.#name} takes (N, ${inChannels}) and ${kernel.length} spatial axes, got ${formatShape(x.shape)}.`,
      );
    }
    const sizes = x.shape.slice(2) as readonly number[];
    const output = sizes.map(
      (size, i) => (size - 1) * stride[i]! - 2 * padding[i]! + dilation[i]! * (kernel[i]! - 1) + outputPadding[i]! + 1,
    );
    const batch = x.shape[0]!;
    const inGroup = inChannels! / this.#groups;
    const rows = reshape(x, [batch, inChannels!, count(sizes)]);
    const weight = reshape(this.weight.value, [inChannels!, perGroup! * count(kernel)]);
    // For each input number the kernel weighed by it; then all are added where they lie.
    const columns = Array.from({ length: this.#groups }, (_, g): Tensor => {
      const part = matmul(transpose(sliceAxis(weight, 0, g * inGroup, inGroup)), sliceAxis(rows, 1, g * inGroup, inGroup));
      return reshape(part, [batch, perGroup!, count(kernel), count(sizes)]);
    });
    const y = fold(columns.length === 1 ? columns[0]! : concat(columns, 1), output, kernel, { stride, padding, dilation });
    return this.bias === undefined ? y : add(y, reshape(this.bias.value, [-1, ...kernel.map((): Size => 1)]));
  }

  override describe(): string {
    const [inChannels, perGroup, ...kernel] = this.weight.shape as readonly number[];
    return `${this.#name} ${inChannels} → ${perGroup! * this.#groups}, ${kernel.join("×")}`;
  }
}

export class ConvTranspose1d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    super("ConvTranspose1d", 1, inChannels, outChannels, kernelSize, options);
  }
}

export class ConvTranspose2d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    super("ConvTranspose2d", 2, inChannels, outChannels, kernelSize, options);
  }
}

export class ConvTranspose3d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvTransposeOptions = {},
  ) {
    super("ConvTranspose3d", 3, inChannels, outChannels, kernelSize, options);
  }
}
