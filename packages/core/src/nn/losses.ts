/** Every loss as a module, under PyTorch's name; its options are given once. */
import { checkArguments } from "../types/options.js";
import { checkCopy } from "../types/copy.js";
import * as functions from "../losses/index.js";
import type { CommonOptions, Loss } from "../losses/index.js";
import type { Tensor } from "../types/tensor.js";
import { Module } from "./module.js";

export interface LossModule<I extends readonly Tensor[]> extends Module {
  forward(...inputs: I): Tensor<"real">;
}

/** The module class of a loss, built in or your own; its constructor throws for options that the loss does not have. */
/* @__NO_SIDE_EFFECTS__ */
export function lossModule<I extends readonly Tensor[], O extends object, R extends string>(
  loss: Loss<I, O, R>,
): new (options?: Partial<O> & CommonOptions<R>) => LossModule<I> {
  checkCopy("lossModule", loss);
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

export const MSELoss = lossModule(functions.mse);
export const L1Loss = lossModule(functions.l1);
export const HuberLoss = lossModule(functions.huber);
export const SmoothL1Loss = lossModule(functions.smoothL1);
export const CrossEntropyLoss = lossModule(functions.crossEntropy);
export const NLLLoss = lossModule(functions.nll);
export const BCELoss = lossModule(functions.bce);
export const BCEWithLogitsLoss = lossModule(functions.bceWithLogits);
export const LogCoshLoss = lossModule(functions.logCosh);
export const SoftMarginLoss = lossModule(functions.softMargin);
export const HingeEmbeddingLoss = lossModule(functions.hingeEmbedding);
export const PoissonNLLLoss = lossModule(functions.poissonNll);
export const GaussianNLLLoss = lossModule(functions.gaussianNll);
export const KLDivLoss = lossModule(functions.klDiv);
export const MarginRankingLoss = lossModule(functions.marginRanking);
export const CosineEmbeddingLoss = lossModule(functions.cosineEmbedding);
export const TripletMarginLoss = lossModule(functions.tripletMargin);
export const MultiMarginLoss = lossModule(functions.multiMargin);
export const MultiLabelMarginLoss = lossModule(functions.multiLabelMargin);
export const MultiLabelSoftMarginLoss = lossModule(functions.multiLabelSoftMargin);
export const FocalLoss = lossModule(functions.focal);
export const DiceLoss = lossModule(functions.dice);
export const CTCLoss = lossModule(functions.ctc);
