/** The logarithm of the sigmoid. */
import { minimum, mul, sub } from "../ops/arithmetic.js";
import { abs, exp, log1p, neg } from "../ops/unary.js";
import { sigmoid } from "./sigmoid.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = log σ(x) = min(x, 0) − log(1 + e^(−|x|)).
 *
 * - formula: log(1 / (1 + e⁻ˣ))
 * - derivative: σ(−x)
 * - range: (−∞, 0)
 * - saturates: above
 * - role: Inside losses on pairs and contrasts.
 *
 * @param x values of any shape, float32
 * @example
 * logSigmoid(tensor([-1, 2])); // => [-1.3133, -0.1269]
 */
export const logSigmoid = builtinActivation({
  name: "logSigmoid",
  output: "logProbabilities" as const,
  decompose: (x) => sub(minimum(x, 0), log1p(exp(neg(abs(x))))),
});

export const logSigmoidGradient = activationGradient<typeof logSigmoid>("logSigmoid", (g, x) => mul(g, sigmoid(neg(x))));
