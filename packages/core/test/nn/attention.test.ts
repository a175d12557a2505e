import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));

const wave = (shape: readonly number[]): e.Tensor =>
  e.tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.3 * i)),
    { shape },
  );
const bool = (data: number[], shape: number[]): e.Tensor => e.tensor(data, { shape, dtype: "bool" });
const sequence = wave([2, 3, 8]);
const later = bool([0, 1, 1, 0, 0, 1, 0, 0, 0], [3, 3]);
const padding = bool([0, 0, 1, 0, 0, 0], [2, 3]);

describe("attention", () => {
  it.each<[string, nn.MultiHeadAttentionOptions, nn.AttentionMasks]>([
    ["plain", {}, {}],
    ["causal", { causal: true }, {}],
    ["causal with padding", { causal: true }, { keyPaddingMask: padding }],
    ["masked", {}, { attnMask: later }],
    ["masked by numbers", {}, { attnMask: wave([3, 3]), keyPaddingMask: padding }],
    ["with keys added", { addBiasKv: true, addZeroAttn: true, causal: true }, {}],
  ])("gives the same without its weights as with them, and the same gradients: %s", (_, options, masks) => {
    e.manualSeed(1);
    const layer = new nn.MultiHeadAttention(8, 2, options);
    const both = (["forward", "run"] as const).map((way) => {
      const fn = (x: e.Tensor): e.Tensor =>
        way === "forward" ? layer.forward(x, x, x, masks) : layer.run(x, x, x, masks).output;
      const { value, grads } = e.valueAndGrad(() => e.sum(e.mul(fn(sequence), wave([2, 3, 8]))), layer.parameters());
      return [value, ...grads];
    });
    both[0]!.forEach((t, i) => expect(e.allClose(t, both[1]![i]!, { atol: 1e-12, rtol: 1e-10 })).toBe(true));
  });

  it("a query that may attend to nothing gives NaN, as PyTorch's module does, and the others do not", () => {
    const layer = new nn.MultiHeadAttention(8, 2);
    const y = layer.forward(sequence, sequence, sequence, { attnMask: bool([1, 1, 1, 0, 0, 0, 0, 1, 0], [3, 3]) });
    expect([...e.at(y, 0, 0).dataSync()].every(Number.isNaN)).toBe(true);
    expect([...e.at(y, 0, { start: 1 }).dataSync()].some(Number.isNaN)).toBe(false);
  });
});
