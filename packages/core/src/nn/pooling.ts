/** Pooling layers over one, two and three spatial axes. */
import { ErmineError } from "../errors.js";
import { avgPool, maxPool, type AvgPoolOptions, type MaxPoolOptions } from "../ops/pooling.js";
import { formatShape } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

type Sizes = number | readonly number[];

function checkRank(name: string, x: Tensor, spatial: number): void {
  if (x.rank === spatial + 2) return;
  throw new ErmineError("ERMINE_SHAPE", `${name} takes (N, C) and ${spatial} spatial axes, got ${formatShape(x.shape)}.`);
}

const text = (size: Sizes): string => (typeof size === "number" ? String(size) : size.join("×"));

/** The largest of each window; the stride is the kernel unless given. */
abstract class MaxPool extends Module {
  readonly kernelSize: Sizes;
  readonly options: MaxPoolOptions;
  readonly #spatial: number;

  constructor(spatial: number, kernelSize: Sizes, options: MaxPoolOptions) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
    this.#spatial = spatial;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkRank(this.describe(), x, this.#spatial);
    return maxPool(x, this.kernelSize, this.options);
  }

  override describe(): string {
    return `MaxPool${this.#spatial}d ${text(this.kernelSize)}`;
  }
}

export class MaxPool1d extends MaxPool {
  constructor(kernelSize: Sizes, options: MaxPoolOptions = {}) {
    super(1, kernelSize, options);
  }
}

export class MaxPool2d extends MaxPool {
  constructor(kernelSize: Sizes, options: MaxPoolOptions = {}) {
    super(2, kernelSize, options);
  }
}

export class MaxPool3d extends MaxPool {
  constructor(kernelSize: Sizes, options: MaxPoolOptions = {}) {
    super(3, kernelSize, options);
  }
}

/** The mean of each window; the stride is the kernel unless given, padding counts as zeros unless `countIncludePad: false`. */
abstract class AvgPool extends Module {
  readonly kernelSize: Sizes;
  readonly options: AvgPoolOptions;
  readonly #spatial: number;

  constructor(spatial: number, kernelSize: Sizes, options: AvgPoolOptions) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
    this.#spatial = spatial;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkRank(this.describe(), x, this.#spatial);
    return avgPool(x, this.kernelSize, this.options);
  }

  override describe(): string {
    return `AvgPool${this.#spatial}d ${text(this.kernelSize)}`;
  }
}

export class AvgPool1d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    super(1, kernelSize, options);
  }
}

export class AvgPool2d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    super(2, kernelSize, options);
  }
}

export class AvgPool3d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    super(3, kernelSize, options);
  }
}
