/** What tanh takes away. */
import { mul, sub } from "../ops/arithmetic.js";
import { tanh } from "../ops/unary.js";
import { defineActivation, type ActivationProse } from "./definition.js";

/** f(x) = x − tanh x. */
export const tanhshrink = defineActivation({
  name: "tanhshrink",
  decompose: (x) => sub(x, tanh(x)),
  gradient(g, x) {
    const t = tanh(x);
    return mul(g, mul(t, t));
  },
});

export const tanhshrinkProse: ActivationProse = {
  formula: "x − tanh x",
  derivative: "tanh²x",
  range: "(−∞, ∞)",
  saturates: "near 0",
  role: "Sparse coding.",
};
