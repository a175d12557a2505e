/** Cross-entropy of logits: log-softmax and negative log likelihood in one, which cannot overflow. */
import { ErmineError } from "../types/errors.js";
import { logSoftmax } from "../activations/logSoftmax.js";
import { softmax } from "../activations/softmax.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { notEqual } from "../ops/comparison.js";
import { apply } from "../ops/apply.js";
import { builtinFusedOp } from "../ops/fused.js";
import { gather, indexSelect } from "../ops/gather.js";
import { invalidClassToZero, invalidClassToNaN } from "./invalidClasses.js";
import { oneHotAlong } from "./oneHotAlong.js";
import { sum } from "../ops/reduction.js";
import { expandDims, reshape, squeeze } from "../ops/shape.js";
import { neg } from "../ops/unary.js";
import { where } from "../ops/where.js";
import type { Size } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { areClasses, checkClassTarget, checkClassWeight, classAxis, classCount, withoutClasses } from "./classes.js";
import { defineLoss } from "./definition.js";
import { areClassProbabilities } from "./values.js";

/** Class indices, or what each class has of 1. */
const classesOrShares = { int32: "int32", float32: "float32" } as const;

type Attributes = { readonly ignoreIndex: number; readonly labelSmoothing: number };

/** The class weights along the class axis of a prediction. */
const alongClasses = (weight: Tensor, like: Tensor): Tensor =>
  reshape(
    weight,
    like.shape.map((_, axis): Size => (axis === classAxis(like.shape) ? weight.shape[0]! : 1)),
  );

const pickWeight = (weight: Tensor | undefined, indices: Tensor): Tensor | number =>
  weight === undefined ? 1 : reshape(indexSelect(weight, 0, reshape(indices, [-1])), indices.shape);

/** The values of `crossEntropy` before the reduction and, of class indices, what each counts for. */
export const crossEntropyElementsOp = builtinFusedOp<Attributes>({
  name: "crossEntropyElements",
  inputs: [
    { name: "logits", dtype: "float32" },
    { name: "target", dtype: classesOrShares, differentiable: false },
    { name: "weight", dtype: "value", optional: true, differentiable: false },
  ],
  infer([logits, target, weight]) {
    checkClassTarget("crossEntropy", logits!, target!, true);
    checkClassWeight("crossEntropy", classCount(logits!.shape), weight);
    const type = { shape: withoutClasses(logits!.shape), dtype: "float32", domain: "real" } as const;
    return target!.dtype === "int32" ? [type, type] : [type];
  },
  classIndices: ([logits, target], { ignoreIndex }) =>
    target!.dtype === "int32" ? { input: 1, classes: classCount(logits!.shape), ignoreIndex } : undefined,
  decompose([logits, target, weight], { ignoreIndex, labelSmoothing }) {
    const axis = classAxis(logits!.shape);
    const classes = classCount(logits!.shape) as number;
    const logP = logSoftmax(logits!, { axis });
    const spread = labelSmoothing === 0 ? 0 : labelSmoothing / classes;
    const weigh = (t: Tensor): Tensor => (weight === undefined ? t : mul(t, alongClasses(weight, logits!)));
    if (target!.dtype !== "int32") {
      const smoothed = add(mul(target!, 1 - labelSmoothing), spread);
      return [neg(sum(mul(weigh(smoothed), logP), { axis }))];
    }
    const valid = notEqual(target!, ignoreIndex);
    const indices = invalidClassToZero(target!, classes);
    const picked = pickWeight(weight, indices);
    const likelihood = squeeze(gather(logP, axis, expandDims(indices, axis)), axis);
    let value = mul(neg(mul(likelihood, picked)), 1 - labelSmoothing);
    if (spread !== 0) value = sub(value, mul(sum(weigh(logP), { axis }), spread));
    return [where(valid, invalidClassToNaN(value, target!, classes, ignoreIndex), 0), where(valid, picked, 0)];
  },
  gradient([g], [logits, target, weight], _, { ignoreIndex, labelSmoothing }) {
    const axis = classAxis(logits!.shape);
    const classes = classCount(logits!.shape) as number;
    const p = softmax(logits!, { axis });
    const spread = labelSmoothing / classes;
    const weights = weight === undefined ? undefined : alongClasses(weight, logits!);
    const weigh = (t: Tensor): Tensor => (weights === undefined ? t : mul(t, weights));
    if (target!.dtype !== "int32") {
      const mass = weigh(add(mul(target!, 1 - labelSmoothing), spread));
      const slope = sub(mul(p, sum(mass, { axis, keepDims: true })), mass);
      return [mul(expandDims(g!, axis), slope), undefined, undefined];
    }
    const valid = notEqual(target!, ignoreIndex);
    const indices = invalidClassToZero(target!, classes);
    const hot = oneHotAlong(indices, classes, axis);
    const picked = weight === undefined ? 1 : expandDims(pickWeight(weight, indices) as Tensor, axis);
    let slope = mul(sub(p, hot), mul(picked, 1 - labelSmoothing));
    if (spread !== 0) {
      const total = weights === undefined ? classes : sum(weights, { axis, keepDims: true });
      slope = add(slope, mul(sub(mul(p, total), weights ?? 1), spread));
    }
    // Masked on both sides: where all is ignored, g is 1/0 and 0 · ∞ would be NaN.
    const counted = expandDims(valid, axis);
    slope = invalidClassToNaN(slope, expandDims(target!, axis), classes, ignoreIndex);
    return [mul(where(counted, slope, 0), where(counted, expandDims(g!, axis), 0)), undefined, undefined];
  },
});

/** The options of `crossEntropy`, next to those of every loss. */
export interface CrossEntropyOptions {
  /** The weight of each class, (K): with class indices the mean divides by Σ weight[target]. Default: all 1. */
  readonly weight: Tensor | undefined;
  /** Targets with this class index count for nothing. Default −100. */
  readonly ignoreIndex: number;
  /** ε in [0, 1]: targets become (1 − ε) · y + ε / K. Default 0. */
  readonly labelSmoothing: number;
}

/**
 * value = −w[y] · log softmax(z)[y] for class indices, −Σ w[k] · y[k] · log softmax(z)[k] for class probabilities.
 *
 * - formula: −w[y] · log softmax(z)[y]
 * - derivative: w[y] · (softmax(z) − onehot(y))
 * - expects: logits (no softmax)
 * - targets: class indices (int32) or class probabilities (float32)
 * - use: Classification into exclusive classes.
 * - mean: class indices: Σ w[y] over the targets that are not ignored; class probabilities: N · d…
 * - outliers: A wrong label pulls with at most w[y] on each logit; smoothing tempers confidence.
 *
 * @param prediction logits (N, K), (N, K, d…) or (K): do not apply softmax
 * @param target int32 indices (N, d…), or float32 probabilities of the prediction's shape
 * @throws ErmineError ERMINE_DOMAIN for probabilities, ERMINE_SHAPE, ERMINE_VALUE for an index out of range that is on the host; elsewhere (computed on a backend, in
 * `compile`) the value and the gradient are NaN there, or the engine throws
 * @example
 * const logits = tensor([[2, 0, -1], [0, 1, 0]]);
 * crossEntropy(logits, tensor([0, 2], { dtype: "int32" })).item(); // => 0.8606
 * crossEntropy(logits, tensor([0, 2], { dtype: "int32" }), { labelSmoothing: 0.1 }).item(); // => 0.9273
 */
export const crossEntropy = defineLoss<[Tensor<"real">, Tensor], CrossEntropyOptions>({
  name: "crossEntropy",
  link: "softmax",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "real",
      remedy: "Remove the softmax: crossEntropy has it inside; or use nll on logSoftmax.",
    },
    {
      name: "target",
      dtype: classesOrShares,
      values: ({ ignoreIndex }: { ignoreIndex: number }, [prediction, target]) =>
        target!.dtype === "int32" ? areClasses(prediction!, ignoreIndex) : areClassProbabilities,
    },
  ],
  options: { weight: undefined, ignoreIndex: -100, labelSmoothing: 0 },
  kinds: { ignoreIndex: "integer" },
  optionExamples: { ignoreIndex: 0, labelSmoothing: 0.2 },
  samples: {
    indices: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.integers([n], 0, 2)] }),
    "weighted indices along an axis": (n, draw) => ({
      inputs: [draw.real([2, 4, n]), draw.integers([2, n], 0, 3)],
      options: { weight: draw.positive([4]), ignoreIndex: 2, labelSmoothing: 0.1 },
    }),
    distributions: (n, draw) => ({
      inputs: [draw.real([n, 3]), draw.probabilities([n, 3])],
      options: { weight: draw.positive([3]) },
    }),
  },
  check({ ignoreIndex, labelSmoothing }) {
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw new ErmineError("ERMINE_OPTION", `crossEntropy: labelSmoothing is in [0, 1], got ${labelSmoothing}.`);
    }
    if (!Number.isInteger(ignoreIndex))
      throw new ErmineError("ERMINE_OPTION", `crossEntropy: ignoreIndex is a whole number, got ${ignoreIndex}.`);
  },
  elements([logits, target], { weight, ignoreIndex, labelSmoothing }) {
    const [value, normalizer] = apply(crossEntropyElementsOp, [logits, target, weight], { ignoreIndex, labelSmoothing });
    return { value: value!, normalizer };
  },
});
