/** The last linear layer of a classifier and its loss in one. */
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { ErmineError } from "../types/errors.js";
import { linearCrossEntropy } from "../losses/linearCrossEntropy.js";
import { reshape } from "../ops/shape.js";
import { formatShape } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** The options of `LinearCrossEntropyLoss`. */
export interface LinearCrossEntropyLossOptions {
  /** The axes d… of a loss that has several values for each sample. Default []. */
  readonly outFeatures?: readonly number[];
  /** Add a bias to the logits. Default false. */
  readonly bias?: boolean;
  /** The weight of each class, (C). Default: all 1. */
  readonly weight?: Tensor;
  /** Default "mean". */
  readonly reduction?: "mean" | "sum" | "none";
  /** Targets with this class index count for nothing. Default −100. */
  readonly ignoreIndex?: number;
  /** ε in [0, 1]: targets become (1 − ε) · y + ε / C. Default 0. */
  readonly labelSmoothing?: number;
  /** For how many classes at a time there are logits. Default: as many as make 4,096 logits of a sample, but at least C / 64. */
  readonly chunkSize?: number;
}

/**
 * Cross-entropy of x · weightᵀ + bias, without its logits: see `linearCrossEntropy`. Its forward takes the input (N, inFeatures) or (inFeatures), and class indices (N, …outFeatures) or class
 * probabilities (N, numClasses, …outFeatures).
 *
 * `linear`, of numClasses · Π outFeatures outputs, starts as PyTorch's.
 *
 * @throws ErmineError ERMINE_OPTION for a wrong size or option, ERMINE_SHAPE for a weight that is not one number a class
 * @example
 * const loss = new LinearCrossEntropyLoss(8, 1000);
 * loss.forward(zeros([4, 8]), tensor([0, 1, 2, 999], { dtype: "int32" })).item(); // => 6.9078
 */
export class LinearCrossEntropyLoss extends Module {
  /** How many classes there are. */
  readonly numClasses: number;
  /** The axes of a loss that has several values for each sample. */
  readonly outFeatures: readonly number[];
  /** Of whose weight and bias the logits are. */
  readonly linear: Linear;
  /** As they were given. */
  readonly options: Omit<LinearCrossEntropyLossOptions, "outFeatures" | "bias">;

  constructor(inFeatures: number, numClasses: number, options: LinearCrossEntropyLossOptions = {}) {
    checkArguments("LinearCrossEntropyLoss", arguments, 3);
    super();
    const kinds = {
      outFeatures: "list",
      bias: "boolean",
      weight: "tensor",
      reduction: "string",
      ignoreIndex: "integer",
      labelSmoothing: "number",
      chunkSize: "integer",
    } as const;
    checkOptions("LinearCrossEntropyLoss", options, kinds, [inFeatures, numClasses]);
    const { outFeatures = [], bias = false, ...others } = options;
    checkSize("LinearCrossEntropyLoss", "inFeatures", inFeatures);
    checkSize("LinearCrossEntropyLoss", "numClasses", numClasses);
    outFeatures.forEach((size) => checkSize("LinearCrossEntropyLoss", "each of outFeatures", size));
    linearCrossEntropy.check(others);
    const { weight } = others;
    if (weight !== undefined && (weight.rank !== 1 || weight.shape[0] !== numClasses))
      throw new ErmineError(
        "ERMINE_SHAPE",
        `LinearCrossEntropyLoss: weight is one number a class, [${numClasses}], got ${formatShape(weight.shape)}.`,
      );
    this.numClasses = numClasses;
    this.outFeatures = [...outFeatures];
    this.linear = new Linear(
      inFeatures,
      outFeatures.reduce((a, b) => a * b, numClasses),
      { bias },
    );
    this.options = others;
  }

  forward(input: Tensor, target: Tensor): Tensor<"real"> {
    const { linear, numClasses, outFeatures, options } = this;
    const rows = [numClasses, ...outFeatures];
    const weight = reshape(linear.weight.value, [...rows, linear.inFeatures]) as Tensor<"real">;
    const linearBias = linear.bias && reshape(linear.bias.value, rows);
    return linearCrossEntropy(input, weight, target, { ...options, ...(linearBias && { linearBias }) });
  }

  override describe(): string {
    return `LinearCrossEntropyLoss ${this.linear.inFeatures} → ${this.numClasses}`;
  }
}
