/** Log probabilities over one axis. */
import { mul, sub } from "../ops/arithmetic.js";
import { amax, sum } from "../ops/reduction.js";
import { exp, log } from "../ops/unary.js";
import { noGrad } from "../dispatch/tapes.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `logSoftmax`. */
export type LogSoftmaxOptions = {
  /** The axis over which the probabilities add up to 1. Negative axes count from the end. Default −1. */
  readonly axis: number;
};

/**
 * logSoftmax(x)ᵢ = xᵢ − log Σⱼ eˣʲ over `axis`, the maximum subtracted. Its output is marked as log probabilities.
 *
 * - formula: xᵢ − log Σ eˣʲ
 * - derivative: δᵢⱼ − softmax(x)ⱼ
 * - range: (−∞, 0]
 * - saturates: no
 * - role: In front of nll or klDiv; crossEntropy has it inside.
 *
 * @param x values of any shape, float32
 * @example
 * logSoftmax(tensor([1, 2, 3])); // => [-2.4076, -1.4076, -0.4076]
 */
export const logSoftmax = builtinActivation<LogSoftmaxOptions, "logProbabilities">({
  name: "logSoftmax",
  options: { axis: -1 },
  optionExamples: { axis: 0 },
  output: "logProbabilities" as const,
  decompose(x, { axis }) {
    // Nothing has no maximum.
    if (x.shape[axis] === 0) return x;
    const z = sub(
      x,
      noGrad(() => amax(x, { axis, keepDims: true })),
    );
    return sub(z, log(sum(exp(z), { axis, keepDims: true })));
  },
});

export const logSoftmaxGradient = activationGradient<typeof logSoftmax>("logSoftmax", (g, _, y, { axis }) =>
  sub(g, mul(exp(y), sum(g, { axis, keepDims: true }))),
);
