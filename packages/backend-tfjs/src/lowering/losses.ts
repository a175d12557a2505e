/**
 * Cross-entropy of class indices on TensorFlow's fused kernel, which gives the value and the gradient in one pass. It knows no ignored
 * labels: they are clamped before it and masked behind it. Class weights, smoothing and probabilities are left to core's decomposition.
 */
import type { TensorType } from "@ermine/core/backend";
import { sizeOf } from "@ermine/core/define";
import { binary, cast, elementwise, inverse, reshape, scalar } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports } from "./emitter.js";

type CrossEntropy = { readonly ignoreIndex: number; readonly labelSmoothing: number };

interface Indexed {
  /** 1, or 0 where the label is ignored. */
  readonly counts: Operand;
  /** −log softmax at the target, and softmax − one-hot; the classes last, all else one axis. */
  readonly value: Operand;
  readonly slope: Operand;
  /** Rows as the logits have them. */
  back(rows: Operand): Operand;
}

/** Logits are [N, K, d…], or [K]. */
function indexed(e: Emitter, logits: Operand, target: Operand, { ignoreIndex }: CrossEntropy): Indexed {
  const rank = logits.shape.length;
  const order = rank <= 2 ? logits.shape.map((_, i) => i) : [0, ...logits.shape.slice(2).map((_, i) => i + 2), 1];
  const turned = e.transpose(logits, order);
  const count = sizeOf(turned.shape.slice(0, -1));
  const rows = reshape(e, turned, [count, turned.shape.at(-1)!]);
  const labels = reshape(e, target, [count]);
  const ignored = scalar(e, ignoreIndex, "int32");
  const comparison = { T: { type: "int32" }, incompatible_shape_error: { bool: true } } as const;
  const valid = elementwise(e, "NotEqual", [labels, ignored], "bool", comparison);
  const [value, slope] = e.op(
    "SparseSoftmaxCrossEntropyWithLogits",
    [rows, binary(e, "Mul", labels, cast(e, valid, "int32"))],
    { T: { type: "float32" }, Tlabels: { type: "int32" } },
    [
      { shape: [count], dtype: "float32" },
      { shape: rows.shape, dtype: "float32" },
    ],
  ) as [Operand, Operand];
  return {
    counts: cast(e, valid, "float32"),
    value,
    slope,
    back: (result) => e.transpose(reshape(e, result, turned.shape), inverse(order)),
  };
}

/** x where `counts` is 1; 0 where it is 0, whatever x is there. */
const where = (e: Emitter, counts: Operand, x: Operand): Operand => binary(e, "MulNoNan", x, counts);

/** There are classes, and TensorFlow's kernel has all that is asked for. */
const isPlain = (
  logits: TensorType,
  target: TensorType,
  weight: TensorType | undefined,
  { labelSmoothing }: CrossEntropy,
): boolean =>
  logits.shape.length > 0 &&
  logits.shape[Math.min(1, logits.shape.length - 1)] !== 0 &&
  target.dtype === "int32" &&
  weight === undefined &&
  labelSmoothing === 0;

export const lossLowerings: Readonly<Record<string, Lowering>> = {
  crossEntropyElements(e, [logits, target], options: CrossEntropy, [y]) {
    const { counts, value } = indexed(e, logits!, target!, options);
    return [reshape(e, where(e, counts, value), y!.shape), reshape(e, counts, y!.shape)];
  },
  crossEntropyElementsGradient(e, [g, , logits, target], options: CrossEntropy) {
    const { counts, slope, back } = indexed(e, logits!, target!, options);
    const column = [slope.shape[0]!, 1];
    // Masked behind the product: where all is ignored, g is 1/0.
    return [back(where(e, reshape(e, counts, column), binary(e, "Mul", slope, reshape(e, g!, column))))];
  },
};

export const lossSupports: Readonly<Record<string, Supports>> = {
  crossEntropyElements: ([logits, target, weight], options: CrossEntropy) => isPlain(logits!, target!, weight, options),
  // Two gradients of outputs for indices, one for probabilities.
  crossEntropyElementsGradient: (operands, options: CrossEntropy) =>
    operands.length === 7 && isPlain(operands[2]!, operands[3]!, operands[4], options),
};
