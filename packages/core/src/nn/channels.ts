/** Layers over channels: shuffled in groups, and a softmax over them. */
import { softmax } from "../activations/softmax.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { permute, reshape } from "../ops/shape.js";
import { divSizes, formatShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/**
 * The channels of (N, C, …) in another order: `groups` groups of neighbours become groups that have one channel of each. Source: Zhang et al. 2018.
 *
 * @throws ErmineError ERMINE_SHAPE where `groups` does not divide the channels
 * @example
 * new ChannelShuffle(2).forward(tensor([[[1], [2], [3], [4]]])); // => [[[1], [3], [2], [4]]]
 */
export class ChannelShuffle extends Module {
  /** How many groups there are. */
  readonly groups: number;

  constructor(groups: number) {
    checkArguments("ChannelShuffle", arguments, 1);
    super();
    checkSize("ChannelShuffle", "groups", groups);
    this.groups = groups;
  }

  forward(x: Tensor): Tensor {
    checkTensor("forward", x);
    const [batch, channels, ...rest] = x.shape;
    const each = x.rank < 3 ? undefined : divSizes(channels!, this.groups);
    if (each === undefined)
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects (N, C, …size) with channels that ${this.groups} divides, got ${formatShape(x.shape)}.`,
      );
    const apart = reshape(x, [batch!, this.groups, each, ...rest]);
    return reshape(permute(apart, [0, 2, 1, ...rest.map((_, i) => i + 3)]), x.shape);
  }

  override describe(): string {
    return `ChannelShuffle ${this.groups}`;
  }
}

/**
 * The softmax over the channels of each pixel: (N, C, H, W) or (C, H, W).
 *
 * @example
 * new Softmax2d().forward(zeros([1, 2, 1, 1])); // => [[[[0.5]], [[0.5]]]]
 */
export class Softmax2d extends Module {
  constructor() {
    checkArguments("Softmax2d", arguments, 0);
    super();
  }

  forward(x: Tensor): Tensor<"probabilities"> {
    checkTensor("forward", x);
    if (x.rank === 3 || x.rank === 4) return softmax(x, { axis: -3 });
    throw new ErmineError("ERMINE_SHAPE", `expects (N, C, H, W) or (C, H, W), got ${formatShape(x.shape)}.`);
  }
}
