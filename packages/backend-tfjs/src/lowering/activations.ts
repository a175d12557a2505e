/** Activations that TensorFlow has kernels for, and their gradients: (gradient of the output, input, output). */
import { binary, elementwise, logical, reduce, scalar, select, softmax, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, TfAttributes } from "./emitter.js";

const pointwise = (e: Emitter, name: string, inputs: readonly Operand[], attributes: TfAttributes = {}): Operand =>
  elementwise(e, name, inputs, "float32", { T: { type: "float32" }, ...attributes });

/** Rows of which nothing is to be had, a NaN or an ∞ among them, are NaN as a whole: TensorFlow's kernel for graphs may make zeros of them. */
function normalized(e: Emitter, name: "Softmax" | "LogSoftmax", x: Operand): Operand {
  const isFinite = (of: Operand): Operand => unary(e, "IsFinite", of, "bool");
  const axes = x.shape.map((_, axis) => axis);
  const some = logical(e, "LogicalNot", isFinite(reduce(e, "Max", x, axes, false)));
  return e.onlyIf(some, softmax(e, name, x), (result) => {
    const whole = isFinite(reduce(e, "Max", x, [axes.length - 1], true));
    return select(e, whole, result, scalar(e, NaN));
  });
}

/** TensorFlow normalises the last axis only. */
const alongAxis =
  (name: "Softmax" | "LogSoftmax"): Lowering =>
  (e, [x], { axis }: { axis: number }) => {
    const last = x!.shape.length - 1;
    if (axis === last) return [normalized(e, name, x!)];
    const order = x!.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return [e.transpose(normalized(e, name, e.transpose(x!, order)), order)];
  };

const slope = (negativeSlope: number): TfAttributes => ({ alpha: { float: negativeSlope } });

export const activationLowerings: Readonly<Record<string, Lowering>> = {
  tanhGradient: (e, [g, , y]) => [pointwise(e, "TanhGrad", [y!, g!])],
  relu: (e, [x]) => [unary(e, "Relu", x!)],
  // ReluGrad takes NaN for nothing: what is not above 0 is not at most 0 either.
  reluGradient: (e, [g, , y]) => [select(e, binary(e, "LessEqual", y!, scalar(e, 0), "bool"), scalar(e, 0), g!)],
  leakyRelu: (e, [x], { negativeSlope }: { negativeSlope: number }) => [pointwise(e, "LeakyRelu", [x!], slope(negativeSlope))],
  leakyReluGradient: (e, [g, x], { negativeSlope }: { negativeSlope: number }) => [
    pointwise(e, "LeakyReluGrad", [g!, x!], slope(negativeSlope)),
  ],
  sigmoid: (e, [x]) => [unary(e, "Sigmoid", x!)],
  sigmoidGradient: (e, [g, , y]) => [pointwise(e, "SigmoidGrad", [y!, g!])],
  softmax: alongAxis("Softmax"),
  logSoftmax: alongAxis("LogSoftmax"),
};
