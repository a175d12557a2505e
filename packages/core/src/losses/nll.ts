/** The negative log likelihood of log probabilities. */
import { mul } from "../ops/arithmetic.js";
import { notEqual } from "../ops/comparison.js";
import { apply } from "../ops/apply.js";
import { builtinFusedOp } from "../ops/fused.js";
import { gather, indexSelect } from "../ops/gather.js";
import { expandDims, reshape, squeeze } from "../ops/shape.js";
import { neg } from "../ops/unary.js";
import { where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { areClasses, checkClassTarget, checkClassWeight, classAxis, classCount, withoutClasses } from "./classes.js";
import { defineLoss } from "./definition.js";
import { invalidClassToZero, invalidClassToNaN } from "./invalidClasses.js";
import { oneHotAlong } from "./oneHotAlong.js";

type Attributes = { readonly ignoreIndex: number };

const weights = (weight: Tensor | undefined, indices: Tensor): Tensor | number =>
  weight === undefined ? 1 : reshape(indexSelect(weight, 0, reshape(indices, [-1])), indices.shape);

/** The values of `nll` before the reduction, and what each counts for. */
export const nllElementsOp = builtinFusedOp<Attributes>({
  name: "nllElements",
  inputs: [
    { name: "logProbabilities", dtype: "float32" },
    { name: "target", dtype: "int32", differentiable: false },
    { name: "weight", dtype: "value", optional: true, differentiable: false },
  ],
  infer([logP, target, weight]) {
    checkClassTarget("nll", logP!, target!, false);
    checkClassWeight("nll", classCount(logP!.shape), weight);
    const type = { shape: withoutClasses(logP!.shape), dtype: "float32", domain: "real" } as const;
    return [type, type];
  },
  classIndices: ([logP], { ignoreIndex }) => ({ input: 1, classes: classCount(logP!.shape), ignoreIndex }),
  decompose([logP, target, weight], { ignoreIndex }) {
    const axis = classAxis(logP!.shape);
    const valid = notEqual(target!, ignoreIndex);
    const indices = invalidClassToZero(target!, classCount(logP!.shape) as number);
    const picked = weights(weight, indices);
    const value = neg(mul(squeeze(gather(logP!, axis, expandDims(indices, axis)), axis), picked));
    const checked = invalidClassToNaN(value, target!, classCount(logP!.shape) as number, ignoreIndex);
    return [where(valid, checked, 0), where(valid, picked, 0)];
  },
  gradient([g], [logP, target, weight], _, { ignoreIndex }) {
    const axis = classAxis(logP!.shape);
    const valid = notEqual(target!, ignoreIndex);
    const indices = invalidClassToZero(target!, classCount(logP!.shape) as number);
    // Masked before the multiply: where all is ignored, g is 1/0.
    const classes = classCount(logP!.shape) as number;
    const checked = where(valid, invalidClassToNaN(g!, target!, classes, ignoreIndex), 0);
    const each = mul(checked, weights(weight, indices));
    return [neg(mul(oneHotAlong(indices, classes, axis), expandDims(each, axis))), undefined, undefined];
  },
});

/** The options of `nll`, next to those of every loss. */
export interface NllOptions {
  /** The weight of each class, (K): the mean divides by Σ weight[target]. Default: all 1. */
  readonly weight: Tensor | undefined;
  /** Targets with this class index count for nothing. Default −100. */
  readonly ignoreIndex: number;
}

/**
 * value = −w[y] · logP[y].
 *
 * - formula: −w[y] · log p[y]
 * - derivative: −w[y] at y, else 0
 * - expects: log probabilities
 * - targets: class indices (int32)
 * - use: Classification where log probabilities are needed anyway; else crossEntropy.
 * - mean: Σ w[y] over the targets that are not ignored
 * - outliers: Unbounded where a probability goes to 0.
 *
 * @param prediction log probabilities (N, K), (N, K, d…) or (K): what `logSoftmax` gives
 * @param target int32 class indices (N, d…)
 * @throws ErmineError ERMINE_DOMAIN for values that are not marked as log probabilities
 * @example
 * nll(logSoftmax(tensor([[2, 0, -1]])), tensor([0], { dtype: "int32" })).item(); // => 0.1698
 */
export const nll = defineLoss<[Tensor<"logProbabilities">, Tensor], NllOptions>({
  name: "nll",
  link: "exp",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "logProbabilities",
      remedy:
        "Apply logSoftmax, or use crossEntropy on the logits; asLogProbabilities(t) marks numbers that are log probabilities already.",
    },
    {
      name: "target",
      dtype: "int32",
      values: ({ ignoreIndex }: { ignoreIndex: number }, [prediction]) => areClasses(prediction!, ignoreIndex),
    },
  ],
  options: { weight: undefined, ignoreIndex: -100 },
  kinds: { ignoreIndex: "integer" },
  optionExamples: { ignoreIndex: 0 },
  samples: {
    indices: (n, draw) => ({ inputs: [draw.logProbabilities([n, 3]), draw.integers([n], 0, 2)] }),
    weighted: (n, draw) => ({
      inputs: [draw.logProbabilities([n, 3]), draw.integers([n], 0, 2)],
      options: { weight: draw.positive([3]), ignoreIndex: 2 },
    }),
  },
  elements([logP, target], { weight, ignoreIndex }) {
    const [value, normalizer] = apply(nllElementsOp, [logP, target, weight], { ignoreIndex });
    return { value: value!, normalizer };
  },
});
