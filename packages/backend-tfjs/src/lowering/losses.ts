/**
 * Cross-entropy on TensorFlow's fused kernel, which gives the value and the gradient in one pass. It knows no ignored labels, weights
 * or smoothing: labels are clamped before it and masked behind it.
 */
import { sizeOf, type Shape, type Size } from "@ermine/core";
import { binary, call, cast, elementwise, gather, reshape, scalar, select, softmax, sum } from "./calls.js";
import type { Emitter, Lowering, Operand } from "./emitter.js";

type CrossEntropy = { readonly ignoreIndex: number; readonly labelSmoothing: number };

const times = (e: Emitter, a: Operand, b: Operand): Operand => binary(e, "Mul", a, b);
const minus = (e: Emitter, a: Operand, b: Operand): Operand => binary(e, "Sub", a, b);

/** Logits are [N, K, d…] or [..., K]; the classes go last, everything before them is one axis. */
function rowsOf(e: Emitter, x: Operand): { readonly rows: Operand; readonly back: (rows: Operand) => Operand } {
  const rank = x.shape.length;
  const last = rank <= 2 ? x.shape.map((_, i) => i) : [0, ...x.shape.slice(2).map((_, i) => i + 2), 1];
  const turned = e.transpose(x, last);
  const rows = reshape(e, turned, [sizeOf(turned.shape.slice(0, -1)), turned.shape.at(-1)!]);
  const inverse = last.map((_, axis) => last.indexOf(axis));
  return { rows, back: (result) => e.transpose(reshape(e, result, turned.shape), inverse) };
}

const column = (e: Emitter, x: Operand): Operand => reshape(e, x, [x.shape[0]!, 1]);

interface Indexed {
  readonly rows: Operand;
  readonly back: (rows: Operand) => Operand;
  readonly valid: Operand;
  /** What each target counts for; undefined: 1. */
  readonly picked: Operand | undefined;
  /** −log softmax at the target, and softmax − one-hot. */
  readonly value: Operand;
  readonly slope: Operand;
}

function indexed(e: Emitter, logits: Operand, target: Operand, weight: Operand | undefined, ignoreIndex: number): Indexed {
  const { rows, back } = rowsOf(e, logits);
  const [count] = rows.shape as [Size, number];
  const labels = reshape(e, target, [count]);
  const valid = elementwise(e, "NotEqual", [labels, scalar(e, ignoreIndex, "int32")], "bool", {
    T: { type: "int32" },
    incompatible_shape_error: { bool: true },
  });
  const safe = select(e, valid, labels, scalar(e, 0, "int32"));
  const [value, slope] = e.op(
    "SparseSoftmaxCrossEntropyWithLogits",
    [rows, safe],
    { T: { type: "float32" }, Tlabels: { type: "int32" } },
    [
      { shape: [count], dtype: "float32" },
      { shape: rows.shape, dtype: "float32" },
    ],
  ) as [Operand, Operand];
  return { rows, back, valid, picked: weight === undefined ? undefined : gather(e, weight, safe, 0), value, slope };
}

/** Σ w over the classes, or their number. */
const totalWeight = (e: Emitter, weight: Operand | undefined, classes: number): Operand =>
  weight === undefined ? scalar(e, classes) : sum(e, weight, [0]);

function indexedValue(
  e: Emitter,
  logits: Operand,
  target: Operand,
  weight: Operand | undefined,
  options: CrossEntropy,
  shape: Shape,
): Operand[] {
  const { rows, valid, picked, value } = indexed(e, logits, target, weight, options.ignoreIndex);
  const { labelSmoothing } = options;
  const zero = scalar(e, 0);
  let total = picked === undefined ? value : times(e, value, picked);
  if (labelSmoothing !== 0) {
    const logP = softmax(e, "LogSoftmax", rows);
    const all = sum(e, weight === undefined ? logP : times(e, logP, weight), [1]);
    const spread = scalar(e, labelSmoothing / (rows.shape[1] as number));
    total = minus(e, times(e, total, scalar(e, 1 - labelSmoothing)), times(e, all, spread));
  }
  const counts = picked === undefined ? cast(e, valid, "float32") : select(e, valid, picked, zero);
  return [reshape(e, select(e, valid, total, zero), shape), reshape(e, counts, shape)];
}

function indexedGradient(
  e: Emitter,
  g: Operand,
  logits: Operand,
  target: Operand,
  weight: Operand | undefined,
  options: CrossEntropy,
): Operand {
  const { rows, back, valid, picked, slope } = indexed(e, logits, target, weight, options.ignoreIndex);
  const { labelSmoothing } = options;
  const [count, classes] = rows.shape as [Size, number];
  const zero = scalar(e, 0);
  let total = picked === undefined ? slope : times(e, slope, column(e, picked));
  if (labelSmoothing !== 0) {
    const p = softmax(e, "Softmax", rows);
    const even = minus(e, times(e, p, totalWeight(e, weight, classes)), weight ?? scalar(e, 1));
    total = binary(
      e,
      "AddV2",
      times(e, total, scalar(e, 1 - labelSmoothing)),
      times(e, even, scalar(e, labelSmoothing / classes)),
    );
  }
  // Masked on both sides: where all is ignored, g is 1/0 and 0 · ∞ would be NaN.
  const seen = column(e, valid);
  const weighed = select(e, seen, column(e, reshape(e, g, [count])), zero);
  return back(times(e, select(e, seen, total, zero), weighed));
}

/** The target probabilities, smoothed and weighed, in rows. */
function massOf(e: Emitter, target: Operand, weight: Operand | undefined, labelSmoothing: number): Operand {
  const { rows } = rowsOf(e, target);
  const spread = scalar(e, labelSmoothing / (rows.shape[1] as number));
  const smoothed = labelSmoothing === 0 ? rows : binary(e, "AddV2", times(e, rows, scalar(e, 1 - labelSmoothing)), spread);
  return weight === undefined ? smoothed : times(e, smoothed, weight);
}

export const lossLowerings: Readonly<Record<string, Lowering>> = {
  crossEntropyElements(e, [logits, target, weight], options: CrossEntropy, [y]) {
    if (target!.dtype === "int32") return indexedValue(e, logits!, target!, weight, options, y!.shape);
    const products = times(
      e,
      massOf(e, target!, weight, options.labelSmoothing),
      softmax(e, "LogSoftmax", rowsOf(e, logits!).rows),
    );
    return [
      reshape(e, call(e, "Neg", [sum(e, products, [1])], [products.shape[0]!], "float32", { T: { type: "float32" } }), y!.shape),
    ];
  },
  crossEntropyElementsGradient(e, operands, options: CrossEntropy) {
    const outputs = (operands.length - 3) / 2;
    const g = operands[0]!;
    const [logits, target, weight] = operands.slice(outputs, outputs + 3) as [Operand, Operand, Operand | undefined];
    if (target.dtype === "int32") return [indexedGradient(e, g, logits, target, weight, options)];
    const { rows, back } = rowsOf(e, logits);
    const mass = massOf(e, target, weight, options.labelSmoothing);
    const whole = sum(e, mass, [1], true);
    const slope = minus(e, times(e, softmax(e, "Softmax", rows), whole), mass);
    return [back(times(e, slope, column(e, reshape(e, g, [rows.shape[0]!]))))];
  },
};
