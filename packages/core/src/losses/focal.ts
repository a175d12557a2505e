/** Cross-entropy in which easy samples count less. */
import { logSigmoid } from "../activations/logSigmoid.js";
import { sigmoid } from "../activations/sigmoid.js";
import { ErmineError } from "../types/errors.js";
import { add, div, mul, pow, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { onesLike } from "../ops/creation.js";
import { apply1 } from "../ops/apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import { gather } from "../ops/gather.js";
import { expandDims, squeeze } from "../ops/shape.js";
import { logSumExp } from "../ops/statistics.js";
import { exp, neg } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { areClasses, checkClassTarget, classAxis, classCount } from "./classes.js";
import { invalidClassToZero, invalidClassToNaN } from "./invalidClasses.js";
import { oneHotAlong } from "./oneHotAlong.js";
import { checkSameShape, defineLoss, type Elements } from "./definition.js";
import { inUnitInterval } from "./values.js";

/** Default of alpha for labels. */
const labelAlpha = 0.25;

type Attributes = { readonly gamma: number };

/** e^±80 is a float32, and what it is added to no longer matters. */
const bound = 80;

/** p of what is not true: y σ(−z) + (1 − y) σ(z). */
const missOf = (z: Tensor, y: Tensor): Tensor => add(mul(y, sigmoid(neg(z))), mul(sub(1, y), sigmoid(z)));

/**
 * miss^γ, miss = y σ(−z) + (1 − y) σ(z). Its derivative for z is γ · miss^γ · (miss′ / miss), whose quotient (1 − 2y) / (1 + y e^−z + (1 − y) e^z)
 * stays within ±1: the power rule would make 0 · ∞ of a miss that is 0 where γ < 1.
 */
const modulationOp: Op<Attributes> = /* @__PURE__ */ builtinOp<Attributes>({
  name: "focalModulation",
  inputs: [
    { name: "logits", dtype: "float32" },
    { name: "target", dtype: "value", differentiable: false },
  ],
  infer: ([z]) => [{ ...z!, domain: "real" }],
  decompose([z, y], { gamma }) {
    const miss = missOf(z!, y!);
    return [gamma === 1 ? miss : gamma === 2 ? mul(miss, miss) : pow(miss, gamma)];
  },
  gradient([g], [z, y], _, attributes) {
    const near = clamp(z!, -bound, bound);
    const quotient = div(sub(1, mul(y!, 2)), add(add(mul(y!, exp(neg(near))), mul(sub(1, y!), exp(near))), 1));
    const slope = mul(mul(apply1(modulationOp, [z!, y!], attributes), attributes.gamma), quotient);
    return [mul(g!, slope), undefined];
  },
});

/** −log p · (1 − p)^γ, p the probability that the target gives its logit: exact also where p is 1 to the last digit. */
function modulated(z: Tensor, y: Tensor, gamma: number): Tensor {
  const cross = neg(add(mul(y, logSigmoid(z)), mul(sub(1, y), logSigmoid(neg(z)))));
  return gamma === 0 ? cross : mul(cross, apply1(modulationOp, [z, y], { gamma }));
}

/** The lowest float32: a class that is left out. */
const lowest = -3.4028234663852886e38;

/** The target's logit against all the others: p = σ(z[y] − log Σ_{k ≠ y} e^z[k]), which keeps the digits of 1 − p. */
function ofClasses(z: Tensor<"real">, target: Tensor, alpha: number, gamma: number): Elements {
  checkClassTarget("focal", z, target, false);
  const axis = classAxis(z.shape);
  const classes = classCount(z.shape) as number;
  const index = invalidClassToZero(target, classes);
  const targetLogit = squeeze(gather(z, axis, expandDims(index, axis)), axis);
  const otherLogits = where(cast(oneHotAlong(index, classes, axis), "bool"), lowest, z);
  const lead = invalidClassToNaN(sub(targetLogit, logSumExp(otherLogits, { axis })), target, classes, null);
  return { value: mul(modulated(lead, onesLike(lead), gamma), alpha) };
}

function ofLabels(z: Tensor<"real">, target: Tensor, alpha: number, gamma: number): Elements {
  checkSameShape("focal", z, target);
  const value = modulated(z, target, gamma);
  return { value: alpha < 0 ? value : mul(value, add(mul(target, alpha), mul(sub(1, target), 1 - alpha))) };
}

/** The options of `focal`, next to those of every loss. */
export interface FocalOptions {
  /** The factor of positive labels; negative ones have 1 − alpha, and a value below 0 means no factor. Of class indices it is a factor of all. Default 0.25 for labels, 1 for classes. */
  readonly alpha: number | undefined;
  /** How much less easy samples count; not below 0 (0 is cross-entropy). Default 2. */
  readonly gamma: number;
}

/**
 * value = −α_y (1 − p_y)^γ log p_y, p_y the probability of what is true.
 *
 * With float targets of the prediction's shape each label is a question of its own (sigmoid), α for 1 and 1 − α for 0; with class indices
 * (int32) p is the softmax, and α a factor of all.
 *
 * - formula: −α (1 − p)^γ log p
 * - derivative: as cross-entropy’s, less where p is near 1
 * - expects: logits (no sigmoid, no softmax)
 * - targets: 0 or 1 for each label, or class indices (int32)
 * - use: Rare positives among many easy negatives: detection.
 * - mean: the count of labels, or of samples
 * - outliers: Rule: easy samples hardly count.
 * - source: Lin et al. 2017
 *
 * @param prediction logits
 * @param target 0 or 1 for each label, of the prediction's shape; or int32 class indices, without the axis of the classes
 * @example
 * focal(tensor([2, -1]), tensor([1, 0])).item(); // => 0.0087
 */
export const focal = defineLoss<[Tensor<"real">, Tensor], FocalOptions>({
  name: "focal",
  link: (_, target) => (target === undefined ? undefined : target.dtype === "int32" ? "softmax" : "sigmoid"),
  inputs: [
    { name: "prediction", dtype: "float32", domain: "real", remedy: "Remove the sigmoid or softmax: focal has it inside." },
    {
      name: "target",
      dtype: { float32: "float32", int32: "int32", bool: "float32" },
      values: (_, [prediction, target]) => (target!.dtype === "int32" ? areClasses(prediction!, null) : inUnitInterval),
    },
  ],
  options: { alpha: undefined, gamma: 2 },
  kinds: { alpha: "number" },
  optionExamples: { alpha: 0.6, gamma: 1 },
  samples: {
    labels: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.labels([n, 3])] }),
    classes: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.integers([n], 0, 2)] }),
  },
  check({ gamma }) {
    if (!(gamma >= 0)) throw new ErmineError("ERMINE_OPTION", `focal: gamma must not be below 0, got ${gamma}.`);
  },
  elements([z, target], { alpha, gamma }) {
    return target.dtype === "int32" ? ofClasses(z, target, alpha ?? 1, gamma) : ofLabels(z, target, alpha ?? labelAlpha, gamma);
  },
});
