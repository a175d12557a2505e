/** Every loss as a module, under PyTorch's name; its options are given once. */
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { checkArguments } from "../types/arguments.js";
import { checkCopy } from "../types/copy.js";
import * as functions from "../losses/index.js";
import type { CommonOptions, Loss } from "../losses/index.js";
import type { Tensor } from "../types/tensor.js";
import { Module } from "./module.js";

/** A module that computes a loss. */
export interface LossModule<I extends readonly Tensor[]> extends Module {
  forward(...inputs: I): Tensor<"real">;
}

/**
 * The module class of a loss, built in or your own; its constructor throws for options that the loss does not have.
 *
 * @example
 * const MyLoss = lossModule(mse);
 * new MyLoss({ reduction: "sum" }).forward(tensor([1, 2]), tensor([1, 4])).item(); // => 4
 */
/* @__NO_SIDE_EFFECTS__ */
export function lossModule<I extends readonly Tensor[], O extends object, R extends string>(
  loss: Loss<I, O, R>,
): new (options?: Partial<O> & CommonOptions<R>) => LossModule<I> {
  if (arguments.length > 1) checkArguments("lossModule", arguments, 1);
  checkCopy("lossModule", loss);
  if (typeof loss !== "function" || !("lossName" in loss))
    throw new ErmineError("ERMINE_USAGE", `lossModule takes a loss, got ${show(loss)}. defineLoss makes one.`);
  return class extends Module {
    readonly options: Partial<O> & CommonOptions<R>;

    constructor(options: Partial<O> & CommonOptions<R> = {}) {
      checkArguments(loss.lossName, arguments, 1);
      super();
      loss.check(options);
      this.options = options;
    }

    forward(...inputs: I): Tensor<"real"> {
      return loss(...([...inputs, this.options] as unknown as Parameters<typeof loss>));
    }

    override describe(): string {
      return loss.lossName;
    }
  };
}

/**
 * The loss `mse` as a module: (ŷ − y)². Regression; its minimum is the mean.
 *
 * Its forward takes any values; targets: values of the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new MSELoss({ reduction: "sum" }).forward(tensor([1, 2]), tensor([1, 4])).item(); // => 4
 */
export const MSELoss = lossModule(functions.mse);

/**
 * The loss `l1` as a module: |ŷ − y|. Regression; its minimum is the median.
 *
 * Its forward takes any values; targets: values of the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new L1Loss().forward(tensor([1, 2]), tensor([1, 4])).item(); // => 1
 */
export const L1Loss = lossModule(functions.l1);

/**
 * The loss `huber` as a module: ½r² for |r| ≤ δ, else δ(|r| − ½δ). Regression with some bad targets.
 *
 * Its forward takes any values; targets: values of the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new HuberLoss({ delta: 2 }).forward(tensor([0, 0]), tensor([0.5, 3])).item(); // => 2.0625
 */
export const HuberLoss = lossModule(functions.huber);

/**
 * The loss `smoothL1` as a module: ½r²/β for |r| < β, else |r| − ½β. Regression of boxes and other values with outliers.
 *
 * Its forward takes any values; targets: values of the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new SmoothL1Loss().forward(tensor([0, 0]), tensor([0.5, 3])).item(); // => 1.3125
 */
export const SmoothL1Loss = lossModule(functions.smoothL1);

/**
 * The loss `crossEntropy` as a module: −w[y] · log softmax(z)[y]. Classification into exclusive classes.
 *
 * Its forward takes logits (no softmax); targets: class indices (int32) or class probabilities (float32).
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(tensor([[2, 0, -1]]), tensor([0], { dtype: "int32" })).item(); // => 0.3365
 */
export const CrossEntropyLoss = lossModule(functions.crossEntropy);

/**
 * The loss `nll` as a module: −w[y] · log p[y]. Classification where log probabilities are needed anyway; else crossEntropy.
 *
 * Its forward takes log probabilities; targets: class indices (int32).
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new NLLLoss().forward(logSoftmax(tensor([[2, 0, -1]])), tensor([0], { dtype: "int32" })).item(); // => 0.1698
 */
export const NLLLoss = lossModule(functions.nll);

/**
 * The loss `bce` as a module: −w (y log p + (1 − y) log(1 − p)). Where only probabilities are at hand; else bceWithLogits.
 *
 * Its forward takes probabilities; targets: values in [0, 1], the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new BCELoss().forward(sigmoid(tensor([2, -1])), tensor([1, 0])).item(); // => 0.2201
 */
export const BCELoss = lossModule(functions.bce);

/**
 * The loss `bceWithLogits` as a module: −w (c·y log σ(z) + (1 − y) log(1 − σ(z))). Yes-or-no questions, one or many a sample.
 *
 * Its forward takes logits (no sigmoid); targets: values in [0, 1], the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new BCEWithLogitsLoss().forward(tensor([2, -1]), tensor([1, 0])).item(); // => 0.2201
 */
export const BCEWithLogitsLoss = lossModule(functions.bceWithLogits);

/**
 * The loss `logCosh` as a module: log cosh(ŷ − y). Regression with some bad targets, smooth to the second derivative.
 *
 * Its forward takes any values; targets: values of the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new LogCoshLoss().forward(tensor([0, 0]), tensor([0.5, 3])).item(); // => 1.2147
 */
export const LogCoshLoss = lossModule(functions.logCosh);

/**
 * The loss `softMargin` as a module: log(1 + exp(−y·x)). Two classes written as ±1; the same as bceWithLogits on 0 and 1.
 *
 * Its forward takes any values (no sigmoid); targets: ±1, the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new SoftMarginLoss().forward(tensor([2, -1]), tensor([1, -1])).item(); // => 0.2201
 */
export const SoftMarginLoss = lossModule(functions.softMargin);

/**
 * The loss `hingeEmbedding` as a module: x where y = 1, max(0, margin − x) where y = −1. Embeddings of pairs that are alike or not.
 *
 * Its forward takes distances; targets: ±1, the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new HingeEmbeddingLoss().forward(tensor([0.5, 0.25]), tensor([1, -1])).item(); // => 0.625
 */
export const HingeEmbeddingLoss = lossModule(functions.hingeEmbedding);

/**
 * The loss `poissonNll` as a module: eˣ − y·x (+ log y!). Counts: calls an hour, photons a pixel.
 *
 * Its forward takes the logarithm of the rate; targets: counts, the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new PoissonNLLLoss().forward(tensor([0, 1]), tensor([1, 2])).item(); // => 0.8591
 */
export const PoissonNLLLoss = lossModule(functions.poissonNll);

/**
 * The loss `gaussianNll` as a module: ½ (log v + (ŷ − y)² / v). Regression that says how sure it is.
 *
 * Its forward takes any values, and their variance > 0; targets: values of the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new GaussianNLLLoss().forward(tensor([1, 2]), tensor([1, 3]), tensor([1, 0.5])).item(); // => 0.3267
 */
export const GaussianNLLLoss = lossModule(functions.gaussianNll);

/**
 * The loss `klDiv` as a module: y (log y − log p). Distillation, and other targets that are distributions.
 *
 * Its forward takes log probabilities; targets: probabilities (or their logarithms), the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new KLDivLoss({ reduction: "batchMean" }).forward(logSoftmax(tensor([[0, 1]])), tensor([[0.5, 0.5]])).item(); // => 0.1201
 */
export const KLDivLoss = lossModule(functions.klDiv);

/**
 * The loss `marginRanking` as a module: max(0, −y (a − b) + margin). Learning to rank from pairs.
 *
 * Its forward takes two scores; targets: ±1, the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new MarginRankingLoss().forward(tensor([1, 2]), tensor([0, 3]), tensor([1, 1])).item(); // => 0.5
 */
export const MarginRankingLoss = lossModule(functions.marginRanking);

/**
 * The loss `cosineEmbedding` as a module: 1 − cos(a, b) where y = 1, max(0, cos(a, b) − margin) where y = −1. Embeddings whose direction matters.
 *
 * Its forward takes two vectors; targets: ±1, one a pair.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new CosineEmbeddingLoss().forward(tensor([[1, 0]]), tensor([[1, 1]]), tensor([1])).item(); // => 0.2929
 */
export const CosineEmbeddingLoss = lossModule(functions.cosineEmbedding);

/**
 * The loss `tripletMargin` as a module: max(0, d(a, p) − d(a, n) + margin). Embeddings of faces, products, sentences.
 *
 * Its forward takes three vectors; targets: none: the positive and the negative are inputs.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new TripletMarginLoss().forward(tensor([[0, 0]]), tensor([[3, 4]]), tensor([[0, 5.5]])).item(); // => 0.5
 */
export const TripletMarginLoss = lossModule(functions.tripletMargin);

/**
 * The loss `multiMargin` as a module: Σ_{j ≠ y} max(0, margin − z[y] + z[j])^p / K. A support vector machine of several classes.
 *
 * Its forward takes scores of the classes; targets: class indices (int32).
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new MultiMarginLoss().forward(tensor([[2, 1.5, 0]]), tensor([0], { dtype: "int32" })).item(); // => 0.1667
 */
export const MultiMarginLoss = lossModule(functions.multiMargin);

/**
 * The loss `multiLabelMargin` as a module: Σ_{j ∈ y} Σ_{i ∉ y} max(0, 1 − z[j] + z[i]) / K. Several labels at once, ranked above the rest.
 *
 * Its forward takes scores of the classes; targets: lists of class indices, ended by −1.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new MultiLabelMarginLoss().forward(tensor([[2, 1.5, 0]]), tensor([[0, -1, -1]], { dtype: "int32" })).item(); // => 0.1667
 */
export const MultiLabelMarginLoss = lossModule(functions.multiLabelMargin);

/**
 * The loss `multiLabelSoftMargin` as a module: −(1/K) Σ w (y log σ(z) + (1 − y) log(1 − σ(z))). Several labels at once, one value a sample.
 *
 * Its forward takes logits (no sigmoid); targets: 0 or 1 for each label.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new MultiLabelSoftMarginLoss().forward(tensor([[2, -1]]), tensor([[1, 0]])).item(); // => 0.2201
 */
export const MultiLabelSoftMarginLoss = lossModule(functions.multiLabelSoftMargin);

/**
 * The loss `focal` as a module: −α (1 − p)^γ log p. Rare positives among many easy negatives: detection.
 *
 * Its forward takes logits (no sigmoid, no softmax); targets: 0 or 1 for each label, or class indices (int32).
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new FocalLoss({ gamma: 1 }).forward(tensor([2, -1]), tensor([1, 0])).item(); // => 0.0335
 */
export const FocalLoss = lossModule(functions.focal);

/**
 * The loss `dice` as a module: 1 − (2 Σ p·y + s) / (Σ p + Σ y + s). Segmentation, where the object is small.
 *
 * Its forward takes probabilities; targets: 0 or 1, the same shape.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new DiceLoss().forward(sigmoid(tensor([[2, -1]])), tensor([[1, 0]])).item(); // => 0.1232
 */
export const DiceLoss = lossModule(functions.dice);

/**
 * The loss `ctc` as a module: −log Σ p(alignment). Speech and handwriting, where it is not said which step is which letter.
 *
 * Its forward takes log probabilities (T, N, C); targets: class indices (N, S), with lengths of both.
 *
 * @param options those of the loss, given once
 * @throws ErmineError ERMINE_OPTION for options that the loss does not have, or not with these values
 * @example
 * new CTCLoss().forward(logSoftmax(zeros([3, 1, 4])), tensor([[1, 2]], { dtype: "int32" }), tensor([3], { dtype: "int32" }), tensor([2], { dtype: "int32" })).item(); // => 1.2747
 */
export const CTCLoss = lossModule(functions.ctc);
