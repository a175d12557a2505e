/** The mean over labels of a binary cross-entropy of logits. */
import { mean } from "../ops/statistics.js";
import type { Tensor } from "../types/tensor.js";
import { bceWithLogits } from "./bceWithLogits.js";
import { defineLoss } from "./definition.js";
import { inUnitInterval } from "./values.js";

/** The options of `multiLabelSoftMargin`, next to those of every loss. */
export interface MultiLabelSoftMarginOptions {
  /** The weight of each label, (K). Default: all 1. */
  readonly weight: Tensor | undefined;
}

/**
 * value = −(1/K) Σ_k w[k] (y log σ(x) + (1 − y) log(1 − σ(x))), one for each sample.
 *
 * - formula: −(1/K) Σ w (y log σ(z) + (1 − y) log(1 − σ(z)))
 * - derivative: w (σ(z) − y) / K
 * - expects: logits (no sigmoid)
 * - targets: 0 or 1 for each label
 * - use: Several labels at once, one value a sample.
 * - mean: N (each is a mean over the labels)
 * - outliers: Pull with 1/K at most.
 *
 * @param prediction logits x, (N, K) or (K)
 * @param target 0 or 1 for each label, of the prediction's shape
 * @example
 * multiLabelSoftMargin(tensor([[2, -1]]), tensor([[1, 0]])).item(); // => 0.2201
 */
export const multiLabelSoftMargin = defineLoss<[Tensor<"real">, Tensor], MultiLabelSoftMarginOptions>({
  name: "multiLabelSoftMargin",
  link: "sigmoid",
  inputs: [
    { name: "prediction", dtype: "float32", domain: "real", remedy: "Remove the sigmoid: multiLabelSoftMargin has it inside." },
    { name: "target", dtype: "value", values: inUnitInterval },
  ],
  options: { weight: undefined },
  samples: {
    labels: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.labels([n, 3])] }),
    weighted: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.labels([n, 3])], options: { weight: draw.positive([3]) } }),
  },
  elements([x, target], { weight }) {
    const each = bceWithLogits.elements([x, target], weight === undefined ? {} : { weight });
    return { value: mean(each.value, { axis: -1 }) };
  },
});
