/** Pooling layers to a size that is given, over one, two and three spatial axes; each also without a batch, (C, …size). */
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { adaptiveAvgPool, adaptiveMaxPool, adaptiveMaxPoolIndices, checkOutputSize } from "../ops/adaptivePooling.js";
import type { Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import type { Pooled } from "./pooling.js";
import { formatSizes } from "./size.js";

/** A size for all spatial axes, or one for each; null keeps an axis as it is. */
export type AdaptiveSize = number | null | readonly (number | null)[];

abstract class AdaptivePool extends Module {
  readonly outputSize: readonly (number | null)[];
  readonly #name: string;

  constructor(name: string, spatial: number, outputSize: AdaptiveSize) {
    super();
    const sizes =
      outputSize !== null && typeof outputSize === "object" ? outputSize : Array<number | null>(spatial).fill(outputSize);
    checkOutputSize(name, sizes, spatial);
    this.outputSize = sizes;
    this.#name = name;
  }

  override describe(): string {
    return `${this.#name} ${formatSizes(this.outputSize)}`;
  }
}

/** (N, C, …size) → (N, C, …outputSize): output i of m is the mean of ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ of each axis. */
abstract class AdaptiveAvgPool extends AdaptivePool {
  forward(x: Tensor): Tensor<"real"> {
    return adaptiveAvgPool(x, this.outputSize);
  }
}

/**
 * The mean of as many parts of one axis as outputSize says: (N, C, L) → (N, C, outputSize), or without N.
 *
 * @example
 * new AdaptiveAvgPool1d(2).forward(tensor([[[1, 2, 4, 3]]])); // => [[[1.5, 3.5]]]
 */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  constructor(outputSize: AdaptiveSize) {
    checkArguments("AdaptiveAvgPool1d", arguments, 1);
    super("AdaptiveAvgPool1d", 1, outputSize);
  }
}

/**
 * The mean of as many parts of two axes as outputSize says: (N, C, H, W) → (N, C, …outputSize), or without N.
 *
 * @example
 * new AdaptiveAvgPool2d(1).forward(zeros([1, 3, 7, 7])).shape; // => [1, 3, 1, 1]
 */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  constructor(outputSize: AdaptiveSize) {
    checkArguments("AdaptiveAvgPool2d", arguments, 1);
    super("AdaptiveAvgPool2d", 2, outputSize);
  }
}

/**
 * The mean of as many parts of three axes as outputSize says: (N, C, D, H, W) → (N, C, …outputSize), or without N.
 *
 * @example
 * new AdaptiveAvgPool3d(1).forward(zeros([1, 3, 4, 7, 7])).shape; // => [1, 3, 1, 1, 1]
 */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  constructor(outputSize: AdaptiveSize) {
    checkArguments("AdaptiveAvgPool3d", arguments, 1);
    super("AdaptiveAvgPool3d", 3, outputSize);
  }
}

/** The options of `AdaptiveMaxPool1d`, `AdaptiveMaxPool2d` and `AdaptiveMaxPool3d`. */
export interface AdaptiveMaxPoolOptions<R extends boolean> {
  /** forward gives [output, indices]. Default false. */
  readonly returnIndices?: R;
}

/** (N, C, …size) → (N, C, …outputSize): output i of m is the largest of ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ of each axis. */
abstract class AdaptiveMaxPool<R extends boolean> extends AdaptivePool {
  readonly returnIndices: boolean;

  constructor(name: string, spatial: number, outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions<R>) {
    super(name, spatial, outputSize);
    checkOptions(name, options, { returnIndices: "boolean" }, [outputSize]);
    this.returnIndices = options.returnIndices ?? false;
  }

  forward(x: Tensor): Pooled<R> {
    const output = adaptiveMaxPool(x, this.outputSize);
    return (this.returnIndices ? [output, adaptiveMaxPoolIndices(x, this.outputSize)] : output) as Pooled<R>;
  }
}

/**
 * The largest in as many parts of one axis as outputSize says: (N, C, L) → (N, C, outputSize), or without N. With `returnIndices`, where it lies too.
 *
 * @example
 * new AdaptiveMaxPool1d(2).forward(tensor([[[1, 2, 4, 3]]])); // => [[[2, 4]]]
 */
export class AdaptiveMaxPool1d<R extends boolean = false> extends AdaptiveMaxPool<R> {
  constructor(outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions<R> = {}) {
    checkArguments("AdaptiveMaxPool1d", arguments, 2);
    super("AdaptiveMaxPool1d", 1, outputSize, options);
  }
}

/**
 * The largest in as many parts of two axes as outputSize says: (N, C, H, W) → (N, C, …outputSize), or without N. With `returnIndices`, where it lies too.
 *
 * @example
 * new AdaptiveMaxPool2d(1).forward(zeros([1, 3, 7, 7])).shape; // => [1, 3, 1, 1]
 */
export class AdaptiveMaxPool2d<R extends boolean = false> extends AdaptiveMaxPool<R> {
  constructor(outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions<R> = {}) {
    checkArguments("AdaptiveMaxPool2d", arguments, 2);
    super("AdaptiveMaxPool2d", 2, outputSize, options);
  }
}

/**
 * The largest in as many parts of three axes as outputSize says: (N, C, D, H, W) → (N, C, …outputSize), or without N. With `returnIndices`, where it lies too.
 *
 * @example
 * new AdaptiveMaxPool3d(1).forward(zeros([1, 3, 4, 7, 7])).shape; // => [1, 3, 1, 1, 1]
 */
export class AdaptiveMaxPool3d<R extends boolean = false> extends AdaptiveMaxPool<R> {
  constructor(outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions<R> = {}) {
    checkArguments("AdaptiveMaxPool3d", arguments, 2);
    super("AdaptiveMaxPool3d", 3, outputSize, options);
  }
}
