/** Probabilities over one axis. */
import { div, mul, sub } from "../ops/arithmetic.js";
import { amax, sum } from "../ops/reduction.js";
import { exp } from "../ops/unary.js";
import { noGrad } from "../autograd/gradients.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** softmax(x)ᵢ = eˣⁱ / Σⱼ eˣʲ over `axis`, the maximum subtracted. Its output is marked as probabilities. */
export const softmax = builtinActivation({
  name: "softmax",
  options: { axis: -1 },
  witnesses: { axis: 0 },
  output: "probabilities" as const,
  decompose(x, { axis }) {
    // Nothing has no maximum.
    if (x.shape[axis] === 0) return x;
    const e = exp(
      sub(
        x,
        noGrad(() => amax(x, { axis, keepDims: true })),
      ),
    );
    return div(e, sum(e, { axis, keepDims: true }));
  },
  gradient: (g, _, y, { axis }) => mul(y, sub(g, sum(mul(g, y), { axis, keepDims: true }))),
});

export const softmaxProse: ActivationProse = {
  formula: "eˣⁱ / Σ eˣʲ",
  derivative: "yᵢ (δᵢⱼ − yⱼ)",
  range: "(0, 1), Σ = 1",
  saturates: "where one class dominates",
  role: "Reading a classifier; attention. Train on logits with crossEntropy, not on its output.",
  source: "Bridle 1990",
};
