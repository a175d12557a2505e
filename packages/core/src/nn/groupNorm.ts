/** Normalizations over groups of channels, and by the root mean square alone. */
import { checkOptions, ErmineError } from "../errors.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { ones, zeros } from "../ops/creation.js";
import { reshape } from "../ops/shape.js";
import { mean, variance } from "../ops/statistics.js";
import { sqrt, square } from "../ops/unary.js";
import { formatShape, sameSize, type Size } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { checkSize } from "./linear.js";
import { Module } from "./module.js";
import { lastAxes } from "./normalization.js";

/**
 * y = (x − mean) / √(variance + eps) · weight + bias over each group of channels of each sample; (N, C, …). Weight and bias are a number a channel.
 * One group: layer normalization; as many as channels: instance normalization. Source: Wu and He 2018.
 */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(numGroups: number, numChannels: number, options: { eps?: number; affine?: boolean } = {}) {
    super();
    checkOptions("GroupNorm", options, ["eps", "affine"]);
    checkSize("GroupNorm", "numGroups", numGroups);
    checkSize("GroupNorm", "numChannels", numChannels);
    if (numChannels % numGroups !== 0) {
      throw new ErmineError("ERMINE_OPTION", `GroupNorm: numGroups ${numGroups} must divide numChannels ${numChannels}.`);
    }
    const { eps = 1e-5, affine = true } = options;
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([numChannels])) : undefined;
    this.bias = affine ? new Parameter(zeros([numChannels])) : undefined;
  }

  forward(x: Tensor): Tensor<"real"> {
    if (x.rank < 2 || !sameSize(x.shape[1]!, this.numChannels)) {
      throw new ErmineError("ERMINE_SHAPE", `expects ${this.numChannels} channels on axis 1, got ${formatShape(x.shape)}.`);
    }
    const spatial = x.shape.slice(2);
    const groups = reshape(x, [x.shape[0]!, this.numGroups, this.numChannels / this.numGroups, ...spatial]);
    const axis = groups.shape.map((_, i) => i).slice(2);
    const spread = variance(groups, { axis, correction: 0, keepDims: true });
    const normal = reshape(div(sub(groups, mean(groups, { axis, keepDims: true })), sqrt(add(spread, this.eps))), x.shape);
    if (this.weight === undefined || this.bias === undefined) return normal;
    const align = (t: Tensor): Tensor => reshape(t, [this.numChannels, ...spatial.map((): Size => 1)]);
    return add(mul(normal, align(this.weight.value)), align(this.bias.value));
  }

  override describe(): string {
    return `GroupNorm ${this.numGroups} groups of ${this.numChannels}`;
  }
}

/**
 * y = x / √(mean x² + eps) · weight over the last axes, whose sizes are `normalizedShape`. eps defaults to float32's 2⁻²³, as PyTorch's.
 * Source: Zhang and Sennrich 2019.
 */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: { eps?: number; elementwiseAffine?: boolean } = {}) {
    super();
    checkOptions("RMSNorm", options, ["eps", "elementwiseAffine"]);
    const { eps = 2 ** -23, elementwiseAffine = true } = options;
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : [...normalizedShape];
    for (const size of this.normalizedShape) checkSize("RMSNorm", "normalizedShape", size);
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : undefined;
  }

  forward(x: Tensor): Tensor<"real"> {
    const axis = lastAxes(x, this.normalizedShape);
    const normal = div(x, sqrt(add(mean(square(x), { axis, keepDims: true }), this.eps)));
    return this.weight === undefined ? normal : mul(normal, this.weight.value);
  }

  override describe(): string {
    return `RMSNorm ${this.normalizedShape.join("×")}`;
  }
}
