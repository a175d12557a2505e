/** Layers that undo max pooling, and max pooling of windows at random places; each also without a batch, (C, …size). */
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { checkFractional, fractionalMaxPool, type FractionalMaxPoolOptions } from "../functional/fractionalMaxPool.js";
import { maxUnpool } from "../ops/unpooling.js";
import { eachAxis } from "../ops/window.js";
import type { Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import type { Pooled } from "./pooling.js";
import { formatSizes } from "./size.js";

type Sizes = number | readonly number[];

/** The options of `MaxUnpool1d`, `MaxUnpool2d` and `MaxUnpool3d`: those of the pooling that is undone. */
export interface MaxUnpoolLayerOptions {
  /** The distance of two windows. Default: the kernel. */
  readonly stride?: Sizes;
  /** Default 0. */
  readonly padding?: Sizes;
}

/** Each element where its index says, among zeros. */
abstract class MaxUnpool extends Module {
  readonly kernelSize: readonly number[];
  readonly options: MaxUnpoolLayerOptions;
  readonly #name: string;

  constructor(name: string, spatial: number, kernelSize: Sizes, options: MaxUnpoolLayerOptions) {
    super();
    checkOptions(name, options, { stride: "integers", padding: "integers" }, [kernelSize]);
    this.kernelSize = eachAxis(name, "kernelSize", kernelSize, spatial, 1);
    if (options.stride !== undefined) eachAxis(name, "stride", options.stride, spatial, 1);
    if (options.padding !== undefined) eachAxis(name, "padding", options.padding, spatial, 0);
    this.options = options;
    this.#name = name;
  }

  /** `outputSize`: the image's size, where several are pooled to that of x. */
  forward(x: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor<"real"> {
    if (outputSize !== undefined) checkArgument("forward(x, indices, outputSize)", "outputSize", outputSize, "list");
    return maxUnpool(x, indices, this.kernelSize, { ...this.options, ...(outputSize === undefined ? {} : { outputSize }) });
  }

  override describe(): string {
    return `${this.#name} ${formatSizes(this.kernelSize)}`;
  }
}

/**
 * The inverse of `MaxPool1d`, over one axis: (N, C, L) and the indices of the pooling → (N, C, L′), or without N; what was not the largest is 0. See `maxUnpool`.
 *
 * @example
 * new MaxUnpool1d(2).forward(tensor([[[2, 4]]]), tensor([[[1, 2]]], { dtype: "int32" })); // => [[[0, 2, 4, 0]]]
 */
export class MaxUnpool1d extends MaxUnpool {
  constructor(kernelSize: Sizes, options: MaxUnpoolLayerOptions = {}) {
    checkArguments("MaxUnpool1d", arguments, 2);
    super("MaxUnpool1d", 1, kernelSize, options);
  }
}

/**
 * The inverse of `MaxPool2d`, over two axes: (N, C, H, W) and the indices of the pooling → (N, C, H′, W′), or without N; what was not the largest is 0. See `maxUnpool`.
 *
 * @example
 * const [largest, indices] = new MaxPool2d(2, { returnIndices: true }).forward(normal([1, 3, 8, 8]));
 * new MaxUnpool2d(2).forward(largest, indices).shape; // => [1, 3, 8, 8]
 */
export class MaxUnpool2d extends MaxUnpool {
  constructor(kernelSize: Sizes, options: MaxUnpoolLayerOptions = {}) {
    checkArguments("MaxUnpool2d", arguments, 2);
    super("MaxUnpool2d", 2, kernelSize, options);
  }
}

/**
 * The inverse of `MaxPool3d`, over three axes: (N, C, D, H, W) and the indices of the pooling → (N, C, D′, H′, W′), or without N; what was not the largest is 0. See `maxUnpool`.
 *
 * @example
 * const [largest, indices] = new MaxPool3d(2, { returnIndices: true }).forward(normal([1, 3, 4, 4, 4]));
 * new MaxUnpool3d(2).forward(largest, indices).shape; // => [1, 3, 4, 4, 4]
 */
export class MaxUnpool3d extends MaxUnpool {
  constructor(kernelSize: Sizes, options: MaxUnpoolLayerOptions = {}) {
    checkArguments("MaxUnpool3d", arguments, 2);
    super("MaxUnpool3d", 3, kernelSize, options);
  }
}

/** The options of `FractionalMaxPool2d` and `FractionalMaxPool3d`; exactly one of the two says the output's size. */
export interface FractionalMaxPoolLayerOptions<R extends boolean> {
  /** The size of each spatial axis, or of all. Default: from outputRatio. */
  readonly outputSize?: Sizes;
  /** Which share of the input's size it is, in (0, 1). Default: from outputSize. */
  readonly outputRatio?: Sizes;
  /** forward gives [output, indices]: where each largest stands among the elements of its image (int32). Default false. */
  readonly returnIndices?: R;
}

/** The largest of windows that begin at random places. */
abstract class FractionalMaxPool<R extends boolean> extends Module {
  readonly kernelSize: readonly number[];
  readonly returnIndices: boolean;
  readonly options: FractionalMaxPoolOptions;
  readonly #name: string;

  constructor(name: string, spatial: number, kernelSize: Sizes, options: FractionalMaxPoolLayerOptions<R>) {
    super();
    const kinds = { outputSize: "integers", outputRatio: "numbers", returnIndices: "boolean" } as const;
    checkOptions(name, options, kinds, [kernelSize]);
    const { returnIndices = false, ...size } = options ?? {};
    this.kernelSize = eachAxis(name, "kernelSize", kernelSize, spatial, 1);
    checkFractional(name, spatial, size);
    this.returnIndices = returnIndices;
    this.options = size;
    this.#name = name;
  }

  /** `randomSamples`: u in [0, 1) for each sample, channel and axis, (N, C, axes). Default: drawn, in evaluation too, as PyTorch's. */
  forward(x: Tensor, randomSamples?: Tensor): Pooled<R> {
    const options = { ...this.options, ...(randomSamples === undefined ? {} : { randomSamples }) };
    const [values, indices] = fractionalMaxPool(x, this.kernelSize, options);
    return (this.returnIndices ? [values, indices] : values) as Pooled<R>;
  }

  override describe(): string {
    return `${this.#name} ${formatSizes(this.kernelSize)}`;
  }
}

/**
 * The largest of windows that begin at random places over two axes: (N, C, H, W) → (N, C, …outputSize), or without N. Source: Graham 2014. See `fractionalMaxPool`.
 *
 * @example
 * new FractionalMaxPool2d(2, { outputSize: 4 }).forward(zeros([1, 2, 7, 7])).shape; // => [1, 2, 4, 4]
 */
export class FractionalMaxPool2d<R extends boolean = false> extends FractionalMaxPool<R> {
  constructor(kernelSize: Sizes, options: FractionalMaxPoolLayerOptions<R>) {
    checkArguments("FractionalMaxPool2d", arguments, 2);
    super("FractionalMaxPool2d", 2, kernelSize, options);
  }
}

/**
 * The largest of windows that begin at random places over three axes: (N, C, D, H, W) → (N, C, …outputSize), or without N. Source: Graham 2014. See `fractionalMaxPool`.
 *
 * @example
 * new FractionalMaxPool3d(2, { outputSize: 4 }).forward(zeros([1, 2, 7, 7, 7])).shape; // => [1, 2, 4, 4, 4]
 */
export class FractionalMaxPool3d<R extends boolean = false> extends FractionalMaxPool<R> {
  constructor(kernelSize: Sizes, options: FractionalMaxPoolLayerOptions<R>) {
    checkArguments("FractionalMaxPool3d", arguments, 2);
    super("FractionalMaxPool3d", 3, kernelSize, options);
  }
}
