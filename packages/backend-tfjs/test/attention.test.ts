/** The gradients of attention keep float32's digits: their error is that of other backends, within 2e-6 of the largest element. */
import { compile, manualSeed, normal, square, sum, valueAndGrad, withBackend, type Backend, type Tensor } from "@ermine/core";
import { MultiHeadAttention } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { expect, test } from "vitest";
import { backend } from "./agreement.js";
import { describeNative } from "./native.js";

type Sizes = readonly [batch: number, tokens: number, features: number, heads: number];

function gradients(on: Backend, [batch, tokens, features, heads]: Sizes, seed: number, compiled: boolean): readonly number[][] {
  return withBackend(on, () => {
    manualSeed(seed);
    const attention = new MultiHeadAttention(features, heads);
    const slope = (x: Tensor): readonly Tensor[] =>
      valueAndGrad(() => sum(square(attention.forward(x, x, x))), attention.parameters()).grads as readonly Tensor[];
    const grads = (compiled ? compile(slope) : slope)(normal([batch, tokens, features]));
    return grads.map((g) => Array.from(g.dataSync()));
  });
}

describeNative("MultiHeadAttention", () => {
  const sizes: readonly Sizes[] = [
    [2, 5, 8, 2],
    [4, 20, 32, 4],
    [8, 50, 64, 8],
  ];
  test.each(sizes)("gradients of %i x %i x %i in %i heads", async (...size) => {
    const tf = await backend();
    for (const seed of [1, 2]) {
      const exact = gradients(reference(), size, seed, false);
      for (const compiled of [false, true]) {
        gradients(tf, size, seed, compiled).forEach((g, i) => {
          const scale = exact[i]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const error = g.reduce((most, value, j) => Math.max(most, Math.abs(value - exact[i]![j]!)), 0);
          expect(error / scale).toBeLessThan(2e-6);
        });
      }
    }
  });
});
