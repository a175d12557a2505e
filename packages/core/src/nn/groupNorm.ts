/** Normalization over groups of channels. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { ones, zeros } from "../ops/creation.js";
import { normalizeGroups } from "../ops/normalization.js";
import { formatShape, sameSize } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/**
 * y = (x − mean) / √(variance + eps) · weight + bias over each group of channels of each sample; (N, C, …). Weight and bias are a number a channel.
 * One group: layer normalization; as many as channels: instance normalization. `bias: false` leaves an affine one its
 * weight alone. Source: Wu and He 2018.
 *
 * @example
 * new GroupNorm(2, 6).forward(normal([8, 6, 4])).shape; // => [8, 6, 4]
 */
export class GroupNorm extends Module {
  /** Into how many groups channels are divided. */
  readonly numGroups: number;
  /** How many channels there are. */
  readonly numChannels: number;
  /** Added to the variance. */
  readonly eps: number;
  /** (numChannels), ones at first; undefined where it is not affine. */
  readonly weight: Parameter | undefined;
  /** (numChannels), zeros at first; undefined without one. */
  readonly bias: Parameter | undefined;

  constructor(
    numGroups: number,
    numChannels: number,
    options: {
      /** Added to the variance. Default 1e-5. */
      eps?: number;
      /** Have a weight and a bias. Default true. */
      affine?: boolean;
      /** Have a bias, where it is affine. Default true. */
      bias?: boolean;
    } = {},
  ) {
    checkArguments("GroupNorm", arguments, 3);
    super();
    checkOptions("GroupNorm", options, { eps: "number", affine: "boolean", bias: "boolean" });
    checkSize("GroupNorm", "numGroups", numGroups);
    checkSize("GroupNorm", "numChannels", numChannels);
    if (numChannels % numGroups !== 0) {
      throw new ErmineError("ERMINE_OPTION", `GroupNorm: numGroups ${numGroups} must divide numChannels ${numChannels}.`);
    }
    const { eps = 1e-5, affine = true, bias = true } = options;
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([numChannels])) : undefined;
    this.bias = affine && bias ? new Parameter(zeros([numChannels])) : undefined;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    if (x.rank < 2 || !sameSize(x.shape[1]!, this.numChannels)) {
      throw new ErmineError("ERMINE_SHAPE", `expects ${this.numChannels} channels on axis 1, got ${formatShape(x.shape)}.`);
    }
    const attributes = { groups: this.numGroups, eps: this.eps, centered: true };
    return normalizeGroups(x, this.weight?.value, this.bias?.value, attributes)[0] as Tensor<"real">;
  }

  override describe(): string {
    return `GroupNorm ${this.numGroups} groups of ${this.numChannels}`;
  }
}
