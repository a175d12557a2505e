/** Convolution layers over one, two and three spatial axes: one class, three ranks. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { convolution } from "../ops/convolution.js";
import { pad, type PaddingMode } from "../ops/padding.js";
import { eachAxis, windowOf, type Window, type WindowOptions } from "../ops/window.js";
import { defaultBias, defaultWeight, initialize } from "../random/initializers.js";
import type { Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** The options of `Conv1d`, `Conv2d` and `Conv3d`. Numbers for all axes, or one for each. */
export interface ConvOptions {
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** On both sides of each axis; "same": as much as keeps the size (stride 1 only); "valid": none. Default 0. */
  readonly padding?: number | readonly number[] | "same" | "valid";
  /** The values of the padding. Default "zeros". */
  readonly paddingMode?: "zeros" | "reflect" | "replicate" | "circular";
  /** Distance between a kernel's elements. Default 1. */
  readonly dilation?: number | readonly number[];
  /** Groups of channels that do not see each other. Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
}

/** @internal @throws ErmineError ERMINE_OPTION where the channels do not fit the groups */
export function checkChannels(where: string, sizes: { inChannels: number; outChannels: number; groups: number }): void {
  for (const [key, size] of Object.entries(sizes)) checkSize(where, key, size);
  const { inChannels, outChannels, groups } = sizes;
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: groups ${groups} must divide inChannels ${inChannels} and outChannels ${outChannels}.`,
  );
}

const paddingModes = ["zeros", "reflect", "replicate", "circular"];

/**
 * y = x ⋆ weight + bias: (N, inChannels, …size) → (N, outChannels, …⌊(size + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1); without a
 * batch, (inChannels, …size).
 *
 * weight (outChannels, inChannels / groups, …kernel) and bias (outChannels) start from U(±1/√fanIn), PyTorch's default.
 */
abstract class Conv extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #window: Window;
  readonly #groups: number;
  readonly #paddingMode: PaddingMode;
  readonly #name: string;

  constructor(
    name: string,
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvOptions,
  ) {
    super();
    checkOptions(
      name,
      options,
      {
        stride: "integers",
        padding: ["integers", "string"],
        paddingMode: "string",
        dilation: "integers",
        groups: "integer",
        bias: "boolean",
      },
      [inChannels, outChannels, kernelSize],
    );
    const { bias = true, groups = 1, paddingMode = "zeros", ...movement } = options;
    checkChannels(name, { inChannels, outChannels, groups });
    if (!paddingModes.includes(paddingMode)) {
      throw new ErmineError("ERMINE_OPTION", `${name}: paddingMode is one of ${paddingModes.join(", ")}, got "${paddingMode}".`);
    }
    const kernel = eachAxis(name, "kernelSize", kernelSize, rank, 1);
    const shape = [outChannels, inChannels / groups, ...kernel];
    this.weight = new Parameter(initialize(defaultWeight, shape, "weight"));
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
    this.bias = bias ? new Parameter(initialize(defaultBias(fanIn), [outChannels], "bias")) : undefined;
    this.#window = windowOf(name, kernel, movement as WindowOptions);
    this.#groups = groups;
    this.#paddingMode = paddingMode === "zeros" ? "constant" : paddingMode;
    this.#name = name;
  }

  forward(input: Tensor): Tensor<"real"> {
    const x = floatInput(input);
    const { stride, dilation, padBefore, padAfter } = this.#window;
    const even = this.#paddingMode === "constant" && padBefore.every((n, i) => n === padAfter[i]);
    const { value } = this.weight;
    const window = { stride, dilation, groups: this.#groups };
    if (even) return convolution(x, value, this.bias?.value, { ...window, padding: padBefore });
    const widths = padBefore.map((before, i) => [before, padAfter[i]!] as const);
    const lead = x.shape.slice(0, Math.max(0, x.rank - widths.length)).map(() => [0, 0] as const);
    const padded = x.rank < widths.length ? x : pad(x, [...lead, ...widths], { mode: this.#paddingMode });
    return convolution(padded, value, this.bias?.value, window);
  }

  override describe(): string {
    const [out, perGroup, ...kernel] = this.weight.shape;
    return `${this.#name} ${perGroup! * this.#groups} → ${out!}, ${kernel.join("×")}`;
  }
}

/**
 * A convolution over one axis: (N, inChannels, L) → (N, outChannels, L′), or without N. It is a cross-correlation, as PyTorch's.
 *
 * @example
 * new Conv1d(3, 8, 5, { padding: "same" }).forward(zeros([2, 3, 16])).shape; // => [2, 8, 16]
 */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    checkArguments("Conv1d", arguments, 4);
    super("Conv1d", 1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A convolution over two axes: (N, inChannels, H, W) → (N, outChannels, H′, W′), or without N. It is a cross-correlation, as PyTorch's.
 *
 * @example
 * new Conv2d(3, 8, 3, { stride: 2, padding: 1 }).forward(zeros([2, 3, 16, 16])).shape; // => [2, 8, 8, 8]
 */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    checkArguments("Conv2d", arguments, 4);
    super("Conv2d", 2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A convolution over three axes: (N, inChannels, D, H, W) → (N, outChannels, D′, H′, W′), or without N. It is a cross-correlation, as PyTorch's.
 *
 * @example
 * new Conv3d(1, 4, 3).forward(zeros([2, 1, 8, 8, 8])).shape; // => [2, 4, 6, 6, 6]
 */
export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    checkArguments("Conv3d", arguments, 4);
    super("Conv3d", 3, inChannels, outChannels, kernelSize, options);
  }
}
