/** Normalizations that keep running statistics for evaluation: over the batch, or over each instance of it. */
import { stopGradient } from "../dispatch/tapes.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { greater } from "../ops/comparison.js";
import { ones, zeros } from "../ops/creation.js";
import { reshape } from "../ops/shape.js";
import { batchNormByStatistics, batchNormWithStatistics, normalizeGroups } from "../ops/normalization.js";
import { elementCount, mean, measuredCount } from "../ops/statistics.js";
import { where } from "../ops/where.js";
import { formatShape, sameSize } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter, Variable } from "../dispatch/variable.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** The options of batch and instance normalization. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** The share of the newest batch in the running statistics; null: the mean over all batches so far. Default 0.1. */
  readonly momentum?: number | null;
  /** Learned weight and bias, a number a channel. Default true; of InstanceNorm false. */
  readonly affine?: boolean;
  /** Of an affine one: false leaves the weight alone. Default true. */
  readonly bias?: boolean;
  /** Keep running statistics, and use them in evaluation; false: always those of the input. Default true; of InstanceNorm false. */
  readonly trackRunningStats?: boolean;
}

type Options = Required<BatchNormOptions>;

/** Channels on axis 1, and what is kept of each. */
abstract class RunningNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly running_mean: Variable | undefined;
  readonly running_var: Variable | undefined;
  /** How many batches the running statistics have seen (int32). */
  readonly num_batches_tracked: Variable | undefined;
  readonly #name: string;

  constructor(name: string, numFeatures: number, userOptions: BatchNormOptions, defaults: Options) {
    super();
    checkOptions(
      name,
      userOptions,
      {
        eps: "number",
        momentum: ["number", "null"],
        affine: "boolean",
        bias: "boolean",
        trackRunningStats: "boolean",
      },
      [numFeatures],
    );
    checkSize(name, "numFeatures", numFeatures);
    const options = { ...defaults, ...userOptions };
    if (options.momentum !== null && !(options.momentum >= 0 && options.momentum <= 1)) {
      throw new ErmineError("ERMINE_OPTION", `${name}: momentum is in [0, 1] or null, got ${show(options.momentum)}.`);
    }
    this.numFeatures = numFeatures;
    this.eps = options.eps;
    this.momentum = options.momentum;
    this.weight = options.affine ? new Parameter(ones([numFeatures])) : undefined;
    this.bias = options.affine && options.bias ? new Parameter(zeros([numFeatures])) : undefined;
    const buffer = (initial: Tensor): Variable | undefined =>
      options.trackRunningStats ? new Variable(initial, { trainable: false }) : undefined;
    this.running_mean = buffer(zeros([numFeatures]));
    this.running_var = buffer(ones([numFeatures]));
    this.num_batches_tracked = buffer(zeros([], { dtype: "int32" }));
    this.#name = name;
  }

  /** Does it normalize by what the input has, rather than by what is kept? */
  protected get measures(): boolean {
    return this.training || this.running_mean === undefined;
  }

  /** (x − running mean) / √(running variance + eps) · weight + bias. */
  protected normalizeByKept(x: Tensor): Tensor<"real"> {
    const { running_mean: center, running_var: spread, weight, bias } = this;
    return batchNormByStatistics(x, center!.value, spread!.value, weight?.value, bias?.value, this.eps);
  }

  /** Moves the running statistics towards these by `factor`, measured over `count` values; none leave them as they are. */
  protected move(center: Tensor, spread: Tensor, factor: number | Tensor, count: number | Tensor): void {
    if (count === 0) return;
    const towards = (running: Variable, now: Tensor): void => {
      const next = add(mul(running.value, sub(1, factor)), mul(now, factor));
      running.value = typeof count === "number" ? next : where(greater(count, 0), next, running.value);
    };
    towards(this.running_mean!, center);
    towards(this.running_var!, spread);
  }

  protected checkChannels(x: Tensor, ranks: readonly number[], channelAxis = 1): void {
    if (ranks.includes(x.rank) && sameSize(x.shape[channelAxis]!, this.numFeatures)) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `expects ${this.numFeatures} channels on axis ${channelAxis} and rank ${ranks.join(" or ")}, got ${formatShape(x.shape)}.`,
    );
  }

  override describe(): string {
    return `${this.#name} ${this.numFeatures}`;
  }
}

/**
 * y = (x − mean) / √(variance + eps) · weight + bias, for each channel (axis 1). Training takes the batch's mean and biased
 * variance, and moves the running ones (the unbiased variance, as PyTorch) by `momentum`; evaluation takes the running ones. A batch of 0 leaves them and
 * their count as they are. Source: Ioffe and Szegedy 2015.
 *
 * @throws ErmineError ERMINE_SHAPE for one value a channel, where they are measured: a variance takes more. In a trainer before the first step
 */
abstract class BatchNorm extends RunningNorm {
  readonly #ranks: readonly number[];

  constructor(name: string, ranks: readonly number[], numFeatures: number, options: BatchNormOptions) {
    super(name, numFeatures, options, { eps: 1e-5, momentum: 0.1, affine: true, bias: true, trackRunningStats: true });
    this.#ranks = ranks;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    this.checkChannels(x, this.#ranks);
    if (!this.measures) return this.normalizeByKept(x);
    const axis = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
    const count = measuredCount(this.describe(), x, axis);
    const [y, center, spread] = batchNormWithStatistics(x, this.weight?.value, this.bias?.value, this.eps);
    if (this.training && this.num_batches_tracked !== undefined) {
      const one = typeof count === "number" ? Math.min(count, 1) : cast(greater(count, 0), "int32");
      const batchesTracked = add(this.num_batches_tracked.value, one);
      this.num_batches_tracked.value = batchesTracked;
      const unbiased = mul(stopGradient(spread), div(count, sub(count, 1)));
      this.move(stopGradient(center), unbiased, this.momentum ?? div(1, cast(batchesTracked, "float32")), count);
    }
    return y as Tensor<"real">;
  }
}

/**
 * Over (N, C) or (N, C, L).
 *
 * @example
 * new BatchNorm1d(3).forward(normal([8, 3])).shape; // => [8, 3]
 */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    checkArguments("BatchNorm1d", arguments, 2);
    super("BatchNorm1d", [2, 3], numFeatures, options);
  }
}

/**
 * Over (N, C, H, W).
 *
 * @example
 * new BatchNorm2d(3).forward(normal([8, 3, 4, 4])).shape; // => [8, 3, 4, 4]
 */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    checkArguments("BatchNorm2d", arguments, 2);
    super("BatchNorm2d", [4], numFeatures, options);
  }
}

/**
 * Over (N, C, D, H, W).
 *
 * @example
 * new BatchNorm3d(3).forward(normal([8, 3, 2, 4, 4])).shape; // => [8, 3, 2, 4, 4]
 */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    checkArguments("BatchNorm3d", arguments, 2);
    super("BatchNorm3d", [5], numFeatures, options);
  }
}

/**
 * y = (x − mean) / √(variance + eps) · weight + bias, for each channel of each instance, also without a batch. With `trackRunningStats`, the means over
 * the batch of what training measures are kept for evaluation (momentum null: they stay as they are, as PyTorch's). Source: Ulyanov et
 * al. 2016.
 */
abstract class InstanceNorm extends RunningNorm {
  readonly #spatial: number;

  constructor(name: string, spatial: number, numFeatures: number, options: BatchNormOptions) {
    super(name, numFeatures, options, { eps: 1e-5, momentum: 0.1, affine: false, bias: true, trackRunningStats: false });
    this.#spatial = spatial;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    const ranks = [this.#spatial + 1, this.#spatial + 2];
    this.checkChannels(x, ranks, x.rank === ranks[0] ? 0 : 1);
    if (x.rank === ranks[1]) return this.#normalize(x);
    return reshape(this.#normalize(reshape(x, [1, ...x.shape])), x.shape) as Tensor<"real">;
  }

  #normalize(x: Tensor): Tensor<"real"> {
    if (!this.measures) return this.normalizeByKept(x);
    const axis = x.shape.slice(2).map((_, i) => i + 2);
    const count = measuredCount(this.describe(), x, axis);
    const attributes = { groups: this.numFeatures, eps: this.eps, centered: true };
    const [y, center, spread] = normalizeGroups(x, this.weight?.value, this.bias?.value, attributes);
    if (this.training && this.running_mean !== undefined && this.momentum !== null) {
      const overBatch = (t: Tensor): Tensor => mean(stopGradient(t), { axis: 0 });
      this.move(overBatch(center), mul(overBatch(spread), div(count, sub(count, 1))), this.momentum, elementCount(x));
    }
    return y as Tensor<"real">;
  }
}

/**
 * Over (N, C, L) or (C, L).
 *
 * @example
 * new InstanceNorm1d(3).forward(normal([8, 3, 4])).shape; // => [8, 3, 4]
 */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    checkArguments("InstanceNorm1d", arguments, 2);
    super("InstanceNorm1d", 1, numFeatures, options);
  }
}

/**
 * Over (N, C, H, W) or (C, H, W).
 *
 * @example
 * new InstanceNorm2d(3).forward(normal([8, 3, 4, 4])).shape; // => [8, 3, 4, 4]
 */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    checkArguments("InstanceNorm2d", arguments, 2);
    super("InstanceNorm2d", 2, numFeatures, options);
  }
}

/**
 * Over (N, C, D, H, W) or (C, D, H, W).
 *
 * @example
 * new InstanceNorm3d(3).forward(normal([8, 3, 2, 4, 4])).shape; // => [8, 3, 2, 4, 4]
 */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    checkArguments("InstanceNorm3d", arguments, 2);
    super("InstanceNorm3d", 3, numFeatures, options);
  }
}
