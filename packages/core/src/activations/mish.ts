/** x weighed by the tanh of its softplus. */
import { add, mul, sub } from "../ops/arithmetic.js";
import { tanh } from "../ops/unary.js";
import { sigmoid } from "./sigmoid.js";
import { softplus } from "./softplus.js";
import { defineActivation, type ActivationProse } from "./definition.js";

/** f(x) = x · tanh(log(1 + eˣ)). */
export const mish = defineActivation({
  name: "mish",
  decompose: (x) => mul(x, tanh(softplus(x))),
  gradient(g, x) {
    const t = tanh(softplus(x));
    return mul(g, add(t, mul(mul(x, sub(1, mul(t, t))), sigmoid(x))));
  },
});

export const mishProse: ActivationProse = {
  formula: "x · tanh(softplus(x))",
  derivative: "tanh(s) + x · σ(x) · (1 − tanh²(s)), s = softplus(x)",
  range: "[−0.31, ∞)",
  saturates: "below",
  role: "Hidden layers of detectors.",
  source: "Misra 2019",
};
