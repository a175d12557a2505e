/** Activations that TensorFlow has kernels for, and their gradients: (gradient of the output, input, output). */
import { elementwise, softmax, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, TfAttributes } from "./emitter.js";

const pointwise = (e: Emitter, name: string, inputs: readonly Operand[], attributes: TfAttributes = {}): Operand =>
  elementwise(e, name, inputs, "float32", { T: { type: "float32" }, ...attributes });

/** TensorFlow normalises the last axis only. */
const alongAxis =
  (name: "Softmax" | "LogSoftmax"): Lowering =>
  (e, [x], { axis }: { axis: number }) => {
    const last = x!.shape.length - 1;
    if (axis === last) return [softmax(e, name, x!)];
    const order = x!.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return [e.transpose(softmax(e, name, e.transpose(x!, order)), order)];
  };

const slope = (negativeSlope: number): TfAttributes => ({ alpha: { float: negativeSlope } });

export const activationLowerings: Readonly<Record<string, Lowering>> = {
  tanhGradient: (e, [g, , y]) => [pointwise(e, "TanhGrad", [y!, g!])],
  relu: (e, [x]) => [unary(e, "Relu", x!)],
  reluGradient: (e, [g, , y]) => [pointwise(e, "ReluGrad", [g!, y!])],
  leakyRelu: (e, [x], { negativeSlope }: { negativeSlope: number }) => [pointwise(e, "LeakyRelu", [x!], slope(negativeSlope))],
  leakyReluGradient: (e, [g, x], { negativeSlope }: { negativeSlope: number }) => [
    pointwise(e, "LeakyReluGrad", [g!, x!], slope(negativeSlope)),
  ],
  sigmoid: (e, [x]) => [unary(e, "Sigmoid", x!)],
  sigmoidGradient: (e, [g, , y]) => [pointwise(e, "SigmoidGrad", [y!, g!])],
  softmax: alongAxis("Softmax"),
  logSoftmax: alongAxis("LogSoftmax"),
};
