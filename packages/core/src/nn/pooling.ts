/** Pooling layers over one, two and three spatial axes; each also without a batch, (C, …size). */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import {
  avgPool,
  lpPool,
  maxPool,
  maxPoolIndices,
  type AvgPoolOptions,
  type LpPoolOptions,
  type MaxPoolOptions,
} from "../ops/pooling.js";
import { eachAxis } from "../ops/window.js";
import type { Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { formatSizes } from "./size.js";

type Sizes = number | readonly number[];

/** The options of `MaxPool1d`, `MaxPool2d` and `MaxPool3d`. */
export interface MaxPoolLayerOptions<R extends boolean> extends MaxPoolOptions {
  /** forward gives [output, indices]: where each largest stands among the elements of its image (int32). Default false. */
  readonly returnIndices?: R;
}

/** The result of a pooling layer that may return indices. */
export type Pooled<R extends boolean> = R extends true
  ? readonly [output: Tensor<"real">, indices: Tensor<"real">]
  : Tensor<"real">;

/** The largest of each window; the stride is the kernel unless given. */
abstract class MaxPool<R extends boolean> extends Module {
  readonly kernelSize: readonly number[];
  readonly returnIndices: boolean;
  readonly options: MaxPoolOptions;
  readonly #name: string;

  constructor(name: string, spatial: number, kernelSize: Sizes, options: MaxPoolLayerOptions<R>) {
    super();
    checkOptions(
      name,
      options,
      {
        stride: "integers",
        padding: "integers",
        dilation: "integers",
        ceilMode: "boolean",
        returnIndices: "boolean",
      },
      [kernelSize],
    );
    const { returnIndices = false, ...movement } = options;
    this.kernelSize = eachAxis(name, "kernelSize", kernelSize, spatial, 1);
    this.returnIndices = returnIndices;
    this.options = movement;
    this.#name = name;
  }

  forward(x: Tensor): Pooled<R> {
    const output = maxPool(x, this.kernelSize, this.options);
    return (this.returnIndices ? [output, maxPoolIndices(x, this.kernelSize, this.options)] : output) as Pooled<R>;
  }

  override describe(): string {
    return `${this.#name} ${formatSizes(this.kernelSize)}`;
  }
}

/**
 * The largest in each window over one axis: (N, C, L) → (N, C, L′), or without N. With `returnIndices`, where it lies too.
 *
 * @example
 * new MaxPool1d(2).forward(tensor([[[1, 2, 4, 3]]])); // => [[[2, 4]]]
 */
export class MaxPool1d<R extends boolean = false> extends MaxPool<R> {
  constructor(kernelSize: Sizes, options: MaxPoolLayerOptions<R> = {}) {
    checkArguments("MaxPool1d", arguments, 2);
    super("MaxPool1d", 1, kernelSize, options);
  }
}

/**
 * The largest in each window over two axes: (N, C, H, W) → (N, C, H′, W′), or without N. With `returnIndices`, where it lies too.
 *
 * @example
 * new MaxPool2d(2).forward(zeros([1, 3, 8, 8])).shape; // => [1, 3, 4, 4]
 */
export class MaxPool2d<R extends boolean = false> extends MaxPool<R> {
  constructor(kernelSize: Sizes, options: MaxPoolLayerOptions<R> = {}) {
    checkArguments("MaxPool2d", arguments, 2);
    super("MaxPool2d", 2, kernelSize, options);
  }
}

/**
 * The largest in each window over three axes: (N, C, D, H, W) → (N, C, D′, H′, W′), or without N. With `returnIndices`, where it lies too.
 *
 * @example
 * new MaxPool3d(2).forward(zeros([1, 3, 4, 8, 8])).shape; // => [1, 3, 2, 4, 4]
 */
export class MaxPool3d<R extends boolean = false> extends MaxPool<R> {
  constructor(kernelSize: Sizes, options: MaxPoolLayerOptions<R> = {}) {
    checkArguments("MaxPool3d", arguments, 2);
    super("MaxPool3d", 3, kernelSize, options);
  }
}

/** The mean of each window; the stride is the kernel unless given, padding counts as zeros unless `countIncludePad: false`. */
abstract class AvgPool extends Module {
  readonly kernelSize: readonly number[];
  readonly options: AvgPoolOptions;
  readonly #name: string;

  constructor(name: string, spatial: number, kernelSize: Sizes, options: AvgPoolOptions) {
    super();
    checkOptions(
      name,
      options,
      {
        stride: "integers",
        padding: "integers",
        ceilMode: "boolean",
        countIncludePad: "boolean",
        divisorOverride: "number",
      },
      [kernelSize],
    );
    this.kernelSize = eachAxis(name, "kernelSize", kernelSize, spatial, 1);
    this.options = options;
    this.#name = name;
  }

  forward(x: Tensor): Tensor<"real"> {
    return avgPool(x, this.kernelSize, this.options);
  }

  override describe(): string {
    return `${this.#name} ${formatSizes(this.kernelSize)}`;
  }
}

/**
 * The mean of each window over one axis: (N, C, L) → (N, C, L′), or without N.
 *
 * @example
 * new AvgPool1d(2).forward(tensor([[[1, 2, 4, 3]]])); // => [[[1.5, 3.5]]]
 */
export class AvgPool1d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    checkArguments("AvgPool1d", arguments, 2);
    super("AvgPool1d", 1, kernelSize, options);
  }
}

/**
 * The mean of each window over two axes: (N, C, H, W) → (N, C, H′, W′), or without N.
 *
 * @example
 * new AvgPool2d(2).forward(zeros([1, 3, 8, 8])).shape; // => [1, 3, 4, 4]
 */
export class AvgPool2d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    checkArguments("AvgPool2d", arguments, 2);
    super("AvgPool2d", 2, kernelSize, options);
  }
}

/**
 * The mean of each window over three axes: (N, C, D, H, W) → (N, C, D′, H′, W′), or without N.
 *
 * @example
 * new AvgPool3d(2).forward(zeros([1, 3, 4, 8, 8])).shape; // => [1, 3, 2, 4, 4]
 */
export class AvgPool3d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    checkArguments("AvgPool3d", arguments, 2);
    super("AvgPool3d", 3, kernelSize, options);
  }
}

/** (Σ xᵖ)^(1/p) of each window, p = `normType`; the stride is the kernel unless given. See `lpPool`. */
abstract class LPPool extends Module {
  readonly normType: number;
  readonly kernelSize: readonly number[];
  readonly options: LpPoolOptions;
  readonly #name: string;

  constructor(name: string, spatial: number, normType: number, kernelSize: Sizes, options: LpPoolOptions) {
    super();
    if (!(Number.isFinite(normType) && normType !== 0))
      throw new ErmineError("ERMINE_OPTION", `${name}: normType is a number other than 0, got ${show(normType)}.`);
    checkOptions(name, options, { stride: "integers", ceilMode: "boolean" }, [kernelSize]);
    this.normType = normType;
    this.kernelSize = eachAxis(name, "kernelSize", kernelSize, spatial, 1);
    this.options = options;
    this.#name = name;
  }

  forward(x: Tensor): Tensor<"real"> {
    return lpPool(x, this.normType, this.kernelSize, this.options);
  }

  override describe(): string {
    return `${this.#name} p ${this.normType}, ${formatSizes(this.kernelSize)}`;
  }
}

/**
 * The p-norm (Σ xᵖ)^(1/p) of each window over one axis: (N, C, L) → (N, C, L′), or without N.
 *
 * @example
 * new LPPool1d(2, 2).forward(tensor([[[3, 4, 0, 2]]])); // => [[[5, 2]]]
 */
export class LPPool1d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, options: LpPoolOptions = {}) {
    checkArguments("LPPool1d", arguments, 3);
    super("LPPool1d", 1, normType, kernelSize, options);
  }
}

/**
 * The p-norm (Σ xᵖ)^(1/p) of each window over two axes: (N, C, H, W) → (N, C, H′, W′), or without N.
 *
 * @example
 * new LPPool2d(2, 2).forward(ones([1, 3, 8, 8])).shape; // => [1, 3, 4, 4]
 */
export class LPPool2d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, options: LpPoolOptions = {}) {
    checkArguments("LPPool2d", arguments, 3);
    super("LPPool2d", 2, normType, kernelSize, options);
  }
}

/**
 * The p-norm (Σ xᵖ)^(1/p) of each window over three axes: (N, C, D, H, W) → (N, C, D′, H′, W′), or without N.
 *
 * @example
 * new LPPool3d(2, 2).forward(ones([1, 3, 4, 8, 8])).shape; // => [1, 3, 2, 4, 4]
 */
export class LPPool3d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, options: LpPoolOptions = {}) {
    checkArguments("LPPool3d", arguments, 3);
    super("LPPool3d", 3, normType, kernelSize, options);
  }
}
