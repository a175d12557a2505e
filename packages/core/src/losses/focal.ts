/** Cross-entropy in which easy samples count less. */
import { logSoftmax } from "../activations/logSoftmax.js";
import { sigmoid } from "../activations/sigmoid.js";
import { ErmineError } from "../errors.js";
import { add, mul, pow, sub } from "../ops/arithmetic.js";
import { gather } from "../ops/gather.js";
import { expandDims, squeeze } from "../ops/shape.js";
import { expm1, neg } from "../ops/unary.js";
import type { Tensor } from "../tensor/tensor.js";
import { bceWithLogits } from "./bceWithLogits.js";
import { checkClassTarget, checkTensorIndices, classAxis, classCount } from "./classes.js";
import { lookedUp, ofKnownClasses } from "./knownClasses.js";
import { checkSameShape, defineLoss, type Elements, type LossProse } from "./definition.js";

/** Default of alpha for labels. */
const labelAlpha = 0.25;

/** (1 − p)^gamma; 1 for gamma 0, also where p is 1. */
const modulation = (miss: Tensor, gamma: number): Tensor | number => (gamma === 0 ? 1 : gamma === 1 ? miss : pow(miss, gamma));

function ofClasses(z: Tensor<"real">, target: Tensor, alpha: number, gamma: number): Elements {
  checkClassTarget("focal", z, target, false);
  checkTensorIndices("focal", target, classCount(z.shape), -100);
  const axis = classAxis(z.shape);
  const classes = classCount(z.shape) as number;
  const own = gather(logSoftmax(z, { axis }), axis, expandDims(lookedUp(target, classes), axis));
  const logP = ofKnownClasses(squeeze(own, axis), target, classes);
  return { value: mul(mul(neg(logP), alpha), modulation(neg(expm1(logP)), gamma)) };
}

function ofLabels(z: Tensor<"real">, target: Tensor, alpha: number, gamma: number): Elements {
  checkSameShape("focal", z, target);
  const cross = bceWithLogits.elements([z, target]).value;
  const miss = add(mul(target, sigmoid(neg(z))), mul(sub(1, target), sigmoid(z)));
  const balance = alpha < 0 ? 1 : add(mul(target, alpha), mul(sub(1, target), 1 - alpha));
  return { value: mul(mul(cross, balance), modulation(miss, gamma)) };
}

/**
 * value = −α_y (1 − p_y)^γ log p_y, p_y the probability of what is true.
 *
 * With float targets of the prediction's shape each label is a question of its own (sigmoid), α for 1 and 1 − α for 0; with class indices
 * (int32) p is the softmax, and α a factor of all.
 *
 * @param prediction logits
 * @param options.gamma default 2; 0 is cross-entropy
 * @param options.alpha default 0.25 for labels (below 0: none), 1 for classes
 */
export const focal = defineLoss<[Tensor<"real">, Tensor], { alpha: number | undefined; gamma: number }>({
  name: "focal",
  link: "identity",
  inputs: [
    { name: "prediction", domain: "real", remedy: "Remove the sigmoid or softmax: focal has it inside." },
    { name: "target" },
  ],
  options: { alpha: undefined, gamma: 2 },
  witnesses: { alpha: 0.6, gamma: 1 },
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

export const focalProse: LossProse = {
  formula: "−α (1 − p)^γ log p",
  derivative: "as cross-entropy’s, less where p is near 1",
  expects: "logits (no sigmoid, no softmax)",
  targets: "0 or 1 for each label, or class indices (int32)",
  use: "Rare positives among many easy negatives: detection.",
  mean: "the count of labels, or of samples",
  outliers: "Rule: easy samples hardly count.",
  source: "Lin et al. 2017",
};
