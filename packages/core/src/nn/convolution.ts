/** Convolution layers over one, two and three spatial axes: one class, three ranks. */
import { checkOptions, ErmineError } from "../errors.js";
import { convolution } from "../ops/convolution.js";
import { defaultBias, defaultWeight, initialize } from "../random/initializers.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { checkSize } from "./linear.js";
import { Module } from "./module.js";

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** On both sides of each axis, filled with zeros. Default 0. */
  readonly padding?: number | readonly number[];
  /** Distance between a kernel's numbers. Default 1. */
  readonly dilation?: number | readonly number[];
  /** Groups of channels that do not see each other. Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
}

/**
 * y = x ⋆ weight + bias: (N, inChannels, …size) → (N, outChannels, …⌊(size + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1).
 *
 * weight (outChannels, inChannels / groups, …kernel) and bias (outChannels) start from U(±1/√fanIn), PyTorch's default.
 */
abstract class Conv extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #window: Omit<ConvOptions, "bias">;
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
    checkOptions(name, options, ["stride", "padding", "dilation", "groups", "bias"]);
    const { bias = true, ...window } = options;
    const groups = window.groups ?? 1;
    for (const [key, size] of Object.entries({ inChannels, outChannels, groups })) checkSize(name, key, size);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${name}: groups ${groups} must divide inChannels ${inChannels} and outChannels ${outChannels}.`,
      );
    }
    const kernel = typeof kernelSize === "number" ? Array.from({ length: rank }, () => kernelSize) : kernelSize;
    if (kernel.length !== rank)
      throw new ErmineError("ERMINE_OPTION", `${name}: kernelSize has ${rank} axes, got [${kernel.join(", ")}].`);
    for (const size of kernel) checkSize(name, "kernelSize", size);
    const shape = [outChannels, inChannels / groups, ...kernel];
    this.weight = new Parameter(initialize(defaultWeight, shape, "weight"));
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
    this.bias = bias ? new Parameter(initialize(defaultBias(fanIn), [outChannels], "bias")) : undefined;
    this.#window = window;
    this.#name = name;
  }

  forward(x: Tensor): Tensor<"real"> {
    return convolution(x, this.weight.value, this.bias?.value, this.#window);
  }

  override describe(): string {
    const [out, perGroup, ...kernel] = this.weight.shape;
    return `${this.#name} ${perGroup! * (this.#window.groups ?? 1)} → ${out!}, ${kernel.join("×")}`;
  }
}

export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    super("Conv1d", 1, inChannels, outChannels, kernelSize, options);
  }
}

export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    super("Conv2d", 2, inChannels, outChannels, kernelSize, options);
  }
}

export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: number | readonly number[], options: ConvOptions = {}) {
    super("Conv3d", 3, inChannels, outChannels, kernelSize, options);
  }
}
