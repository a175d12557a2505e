import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));

const wave = (shape: readonly number[], phase: number): Tensor =>
  e.tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + phase)),
    { shape },
  );
const [q, k, v] = [wave([2, 3, 4], 0), wave([2, 5, 4], 1), wave([2, 5, 2], 2)];
const seen = e.tensor([1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1], { shape: [3, 5], dtype: "bool" });

describe("scaledDotProductAttention", () => {
  it("is the mean of the values, weighed by a softmax of the products", () => {
    const weights = e.softmax(e.mul(e.matmul(q, k, { transposeB: true }), 0.5), { axis: -1 });
    expect(e.allClose(e.scaledDotProductAttention(q, k, v), e.matmul(weights, v))).toBe(true);
  });

  it.each([
    ["plain", {}],
    ["causal", { causal: true }],
    ["scaled", { scale: -0.3 }],
    ["where a mask is true, and nowhere in one row", { mask: seen }],
  ])("its gradient is the finite difference: %s", (_, options) => {
    const fn = (a: Tensor, b: Tensor, c: Tensor): Tensor => e.scaledDotProductAttention(a, b, c, options);
    expect(checkGradients(fn, [q, k, v], { tolerance: 2e-6 })).toBeLessThan(2e-6);
  });

  it("a mask that is learned has a gradient", () => {
    const bias = wave([3, 5], 3);
    const fn = (m: Tensor): Tensor => e.scaledDotProductAttention(q, k, v, { mask: m });
    expect(checkGradients(fn, [bias], { tolerance: 2e-6 })).toBeLessThan(2e-6);
    const total = e.grad((m: Tensor) => e.sum(e.mul(fn(m), wave([2, 3, 2], 4))))(bias);
    expect(e.amax(e.abs(total)).item()).toBeGreaterThan(1e-3);
  });

  it("gives 0 where nothing may be attended to, and no gradient", () => {
    const y = e.scaledDotProductAttention(q, k, v, { mask: seen });
    expect([...e.at(y, 0, 1).dataSync()]).toEqual([0, 0]);
    const { grads } = e.valueAndGrad(() => e.sum(e.scaledDotProductAttention(q, k, v, { mask: seen })), [q]);
    expect([...e.at(grads[0]!, 0, 1).dataSync()]).toEqual([0, 0, 0, 0]);
  });

  it("axes before the last two broadcast", () => {
    const one = e.scaledDotProductAttention(q, e.at(k, 0), e.at(v, 0));
    const both = e.scaledDotProductAttention(q, e.stack([e.at(k, 0), e.at(k, 0)]), e.stack([e.at(v, 0), e.at(v, 0)]));
    expect(e.allClose(one, both)).toBe(true);
  });

  it("drops weights by the seed, and keeps the mean of many", () => {
    const [length, source] = [64, 128];
    const same = e.scaledDotProductAttention(e.zeros([length, 2]), e.zeros([source, 2]), e.ones([source, 1]), { dropoutP: 0.25 });
    const mean = e.mean(same).item();
    expect(mean).not.toBe(1);
    expect(Math.abs(mean - 1)).toBeLessThan(0.03);
    expect([...e.scaledDotProductAttention(q, k, v, { dropoutP: 1 }).dataSync()]).toEqual(Array(12).fill(0));
  });

  it("says what does not fit", () => {
    expect(() => e.scaledDotProductAttention(q, v, v)).toThrow(/q \[\.\.\., L, E\]/);
    expect(() => e.scaledDotProductAttention(q, k, v, { mask: e.zeros([3, 4]) })).toThrow(e.ErmineError);
    expect(() => e.scaledDotProductAttention(q, k, v, { mask: seen, causal: true })).toThrow(/Put both into one mask/);
    expect(() => e.scaledDotProductAttention(q, k, v, { dropoutP: 2 })).toThrow(/probability/);
    expect(() => e.scaledDotProductAttention(q, k, v, { isCausal: true } as object)).toThrow(/has no option/);
  });
});
