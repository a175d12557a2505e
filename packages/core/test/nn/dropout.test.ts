import { beforeAll, describe, expect, it } from "vitest";
import { arange, compile, manualSeed, normal, ones, tensor, useBackend, withRandom, type Tensor } from "../../src/index.js";
import { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout, Sequential } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => {
  useBackend(reference());
  manualSeed(7);
});
const share = (data: ArrayLike<number>, wanted: number): number =>
  Array.from(data).filter((n) => Math.abs(n - wanted) < 1e-6).length / data.length;
const moments = (data: ArrayLike<number>): [mean: number, variance: number] => {
  const list = Array.from(data);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return [mean, list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length];
};

describe("dropout in training", () => {
  it("drops a share of p and divides the others by 1 − p", () => {
    const y = new Dropout(0.3).forward(ones([100, 100])).dataSync();
    expect(share(y, 0)).toBeCloseTo(0.3, 1);
    expect(share(y, 1 / 0.7)).toBeCloseTo(0.7, 1);
    expect(share(y, 0) + share(y, 1 / 0.7)).toBe(1);
  });

  const channels: readonly [string, (p: number) => { forward(x: Tensor): Tensor }, readonly number[], number][] = [
    ["Dropout1d (N, C, L)", (p) => new Dropout1d(p), [40, 30, 4], 4],
    ["Dropout1d (C, L)", (p) => new Dropout1d(p), [1200, 4], 4],
    ["Dropout2d (N, C, H, W)", (p) => new Dropout2d(p), [40, 30, 2, 3], 6],
    ["Dropout2d (C, H, W)", (p) => new Dropout2d(p), [1200, 2, 3], 6],
    ["Dropout3d (N, C, D, H, W)", (p) => new Dropout3d(p), [40, 30, 2, 1, 2], 4],
    ["Dropout3d (C, D, H, W)", (p) => new Dropout3d(p), [1200, 2, 1, 2], 4],
    ["FeatureAlphaDropout (N, C, L)", (p) => new FeatureAlphaDropout(p), [40, 30, 4], 4],
  ];
  it.each(channels)("%s drops whole channels, a share of p", (_, make, shape, inside) => {
    const y = make(0.4).forward(ones(shape)).dataSync();
    const first = Array.from({ length: y.length / inside }, (__, c) => y[c * inside]!);
    y.forEach((n, i) => expect(n).toBe(first[Math.floor(i / inside)]));
    const kept = Math.max(...first);
    const dropped = first.filter((n) => n !== kept).length / first.length;
    expect(dropped).toBeGreaterThan(0.35);
    expect(dropped).toBeLessThan(0.45);
    expect(new Set(first).size).toBe(2);
  });

  it("AlphaDropout keeps mean 0 and variance 1; what is dropped is SELU's saturation, mapped", () => {
    const x = normal([200, 200]);
    const y = new AlphaDropout(0.2).forward(x).dataSync();
    const [mean, variance] = moments(y);
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
    // a = ((1 − p)(1 + p α'²))^(−1/2), b = −a α' p, dropped: a α' + b. Klambauer et al. 2017.
    const saturation = -1.7580993408473766;
    const a = 1 / Math.sqrt(0.8 * (1 + 0.2 * saturation ** 2));
    expect(share(y, a * saturation - a * saturation * 0.2)).toBeCloseTo(0.2, 1);
  });

  it("two of them differ; in evaluation nothing happens", () => {
    const two = new Sequential(new Dropout(0.5), new Dropout(0.5));
    const y = two.forward(ones([1000])).dataSync();
    expect(share(y, 0)).toBeCloseTo(0.75, 1);
    const x = arange(12);
    for (const layer of [new Dropout(), new AlphaDropout()]) expect(layer.eval().forward(x)).toBe(x);
  });

  it("a compiled step draws the same as an eager one, and other numbers in the next step", () => {
    const layer = new Dropout2d(0.5);
    const run = (x: Tensor, counters: Tensor): Tensor => withRandom({ seed: 3, counters }, () => layer.forward(x));
    const compiled = compile(run);
    const at = (step: number): Tensor => tensor([step, 0, 0], { dtype: "int32" });
    const first = compiled(ones([8, 8, 1, 1]), at(1)).toArray();
    expect(run(ones([8, 8, 1, 1]), at(1)).toArray()).toEqual(first);
    expect(compiled(ones([8, 8, 1, 1]), at(2)).toArray()).not.toEqual(first);
    compiled.dispose();
  });

  it("refuses what is no probability, and an image without channels", () => {
    expect(() => new Dropout2d(1.5)).toThrow(/Dropout2d: p is a probability in \[0, 1\], got 1\.5/);
    expect(() => new Dropout2d().forward(ones([2, 2]))).toThrow(/takes \(N, C\) or \(C\) and 2 spatial axes, got \[2, 2\]/);
  });
});
