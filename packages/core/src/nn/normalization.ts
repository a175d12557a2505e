/** Layers that bring their input to mean 0 and variance 1, each over axes of its own. */
import { checkOptions, ErmineError } from "../errors.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { ones, zeros } from "../ops/creation.js";
import { reshape } from "../ops/shape.js";
import { elementCount, mean, variance } from "../ops/statistics.js";
import { sqrt } from "../ops/unary.js";
import { stopGradient } from "../autograd/gradients.js";
import { formatShape, sameSize, type Size } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter, Variable } from "../tensor/variable.js";
import { checkSize } from "./linear.js";
import { Module } from "./module.js";

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** The share of the newest batch in the running statistics. Default 0.1. */
  readonly momentum?: number;
  /** Learned weight and bias, a number a channel. Default true. */
  readonly affine?: boolean;
}

/**
 * y = (x − mean) / √(variance + eps) · weight + bias, for each channel (axis 1). Training takes the batch's mean and biased
 * variance, and moves the running ones (the unbiased variance, as PyTorch) by `momentum`; evaluation takes the running ones.
 */
abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly running_mean: Variable;
  readonly running_var: Variable;
  readonly #ranks: readonly number[];

  constructor(name: string, ranks: readonly number[], numFeatures: number, options: BatchNormOptions) {
    super();
    checkOptions(name, options, ["eps", "momentum", "affine"]);
    checkSize(name, "numFeatures", numFeatures);
    const { eps = 1e-5, momentum = 0.1, affine = true } = options;
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(ones([numFeatures])) : undefined;
    this.bias = affine ? new Parameter(zeros([numFeatures])) : undefined;
    this.running_mean = new Variable(zeros([numFeatures]), { trainable: false });
    this.running_var = new Variable(ones([numFeatures]), { trainable: false });
    this.#ranks = ranks;
  }

  forward(x: Tensor): Tensor<"real"> {
    if (!this.#ranks.includes(x.rank) || !sameSize(x.shape[1]!, this.numFeatures)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects ${this.numFeatures} channels on axis 1 and rank ${this.#ranks.join(" or ")}, got ${formatShape(x.shape)}.`,
      );
    }
    const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const align = (t: Tensor): Tensor =>
      reshape(
        t,
        x.shape.map((_, axis): Size => (axis === 1 ? this.numFeatures : 1)),
      );
    const [center, spread] = this.training ? this.#measure(x, axes) : [this.running_mean.value, this.running_var.value];
    const normal = div(sub(x, align(center)), sqrt(add(align(spread), this.eps)));
    if (this.weight === undefined || this.bias === undefined) return normal;
    return add(mul(normal, align(this.weight.value)), align(this.bias.value));
  }

  /** The batch's statistics, which also move the running ones. */
  #measure(x: Tensor, axis: readonly number[]): [Tensor, Tensor] {
    const count = elementCount(x, axis);
    if (count === 1) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `cannot measure a variance over one value a channel, got ${formatShape(x.shape)}. Use a larger batch, or eval().`,
      );
    }
    const center = mean(x, { axis });
    const spread = variance(x, { axis, correction: 0 });
    const unbiased = mul(stopGradient(spread), div(count, sub(count, 1)));
    const move = (running: Variable, now: Tensor): void => {
      running.value = add(mul(running.value, 1 - this.momentum), mul(now, this.momentum));
    };
    move(this.running_mean, stopGradient(center));
    move(this.running_var, unbiased);
    return [center, spread];
  }

  override describe(): string {
    return `${this.constructor.name} ${this.numFeatures}`;
  }
}

/** Over (N, C) or (N, C, L). */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("BatchNorm1d", [2, 3], numFeatures, options);
  }
}

/** Over (N, C, H, W). */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("BatchNorm2d", [4], numFeatures, options);
  }
}

/** Over (N, C, D, H, W). */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("BatchNorm3d", [5], numFeatures, options);
  }
}

/** y = (x − mean) / √(variance + eps) · weight + bias over the last axes, whose sizes are `normalizedShape`. Source: Ba et al. 2016. */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(
    normalizedShape: number | readonly number[],
    options: { eps?: number; elementwiseAffine?: boolean; bias?: boolean } = {},
  ) {
    super();
    checkOptions("LayerNorm", options, ["eps", "elementwiseAffine", "bias"]);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : [...normalizedShape];
    for (const size of this.normalizedShape) checkSize("LayerNorm", "normalizedShape", size);
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : undefined;
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape)) : undefined;
  }

  forward(x: Tensor): Tensor<"real"> {
    const axis = lastAxes(x, this.normalizedShape);
    const spread = variance(x, { axis, correction: 0, keepDims: true });
    const normal = div(sub(x, mean(x, { axis, keepDims: true })), sqrt(add(spread, this.eps)));
    const scaled = this.weight === undefined ? normal : mul(normal, this.weight.value);
    return this.bias === undefined ? scaled : add(scaled, this.bias.value);
  }

  override describe(): string {
    return `LayerNorm ${this.normalizedShape.join("×")}`;
  }
}

/** @internal @throws ErmineError where x does not end with those sizes */
export function lastAxes(x: Tensor, sizes: readonly number[]): number[] {
  const first = x.rank - sizes.length;
  if (first < 0 || sizes.some((size, i) => !sameSize(size, x.shape[first + i]!))) {
    throw new ErmineError("ERMINE_SHAPE", `expects a last part of ${formatShape(sizes)}, got ${formatShape(x.shape)}.`);
  }
  return sizes.map((_, i) => first + i);
}
