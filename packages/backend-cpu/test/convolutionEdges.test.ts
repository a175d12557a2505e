/** 3 × 3 convolutions against their sums in double precision: numbers that are not finite, and how large errors are. */
import { describe, expect, it } from "vitest";
import { convolution, withBackend } from "@ermine/core";
import { cpu } from "../src/index.js";
import { numbers, tensorOf, withGradients, type Numbers } from "./oracle.js";

const backends = await Promise.all(
  (["fast", "portable"] as const).flatMap((numerics) => [1, 2].map((threads) => cpu({ numerics, threads }))),
);

/** Numbers of this shape with some put in, spread over all. */
const strewn = (shape: readonly number[], seed: number, values: readonly number[]): Numbers => {
  const tensor = numbers(shape, seed);
  values.forEach((value, i) => (tensor.data[Math.floor(((i + 0.3) * tensor.data.length) / values.length)] = value));
  return tensor;
};

/** A sum, and what its products' size is. */
class Sums {
  readonly value: Float64Array;
  readonly size: Float64Array;

  constructor(length: number) {
    this.value = new Float64Array(length);
    this.size = new Float64Array(length);
  }

  add(i: number, product: number, size: number): void {
    this.value[i]! += product;
    this.size[i]! += size;
  }
}

/** A convolution with padding 1 and the gradients of Σ y · g, by definition: elements outside of the image are not multiplied. */
function sumsOf(x: Numbers, w: Numbers, b: Numbers, g: Numbers): readonly Sums[] {
  const [images, channels, height, width] = x.shape as [number, number, number, number];
  const out = w.shape[0]!;
  const [y, toX, toW, toB] = [g, x, w, b].map(({ data }) => new Sums(data.length)) as [Sums, Sums, Sums, Sums];
  const largest = (data: ArrayLike<number>): number => Math.max(...Array.from(data, Math.abs).filter(Number.isFinite));
  const [sizeX, sizeW, sizeG] = [x, w, g].map(({ data }) => largest(data)) as [number, number, number];
  for (let n = 0; n < images; n++)
    for (let o = 0; o < out; o++)
      for (let h = 0; h < height; h++)
        for (let v = 0; v < width; v++) {
          const at = ((n * out + o) * height + h) * width + v;
          y.add(at, b.data[o]!, Math.abs(b.data[o]!));
          toB.add(o, g.data[at]!, sizeG);
          for (let c = 0; c < channels; c++)
            for (let k = 0; k < 9; k++) {
              const [i, j] = [h + Math.floor(k / 3) - 1, v + (k % 3) - 1];
              if (i < 0 || i >= height || j < 0 || j >= width) continue;
              const from = ((n * channels + c) * height + i) * width + j;
              const tap = (o * channels + c) * 9 + k;
              y.add(at, w.data[tap]! * x.data[from]!, sizeW * sizeX);
              toX.add(from, w.data[tap]! * g.data[at]!, sizeW * sizeG);
              toW.add(tap, g.data[at]! * x.data[from]!, sizeG * sizeX);
            }
        }
  return [y, toX, toW, toB];
}

const names = ["y", "the gradient of x", "of the weight", "of the bias"];

/** The largest error of each, beside the size of its products. @throws where one is finite and the other is not */
function errors(x: Numbers, w: Numbers, b: Numbers, g: Numbers): number[] {
  const wanted = sumsOf(x, w, b, g);
  const fn = withGradients(
    (...[t, u, v]) => convolution(t!, u!, v, { padding: 1 }),
    () => g,
  );
  const worst = names.map(() => 0);
  for (const backend of backends) {
    const results = withBackend(backend, () => fn(...[x, w, b].map(tensorOf)).map((t) => t.dataSync()));
    results.forEach((got, k) => {
      const { value, size } = wanted[k]!;
      for (let i = 0; i < value.length; i++) {
        const want = Math.fround(value[i]!);
        if (Object.is(got[i]!, want)) continue;
        if (Number.isFinite(want) !== Number.isFinite(got[i]!) || !Number.isFinite(want))
          throw new Error(`${backend.engine}: ${names[k]}, number ${i} is ${got[i]}, and should be ${want}.`);
        worst[k] = Math.max(worst[k]!, Math.abs(got[i]! - want) / size[i]!);
      }
    });
  }
  return worst;
}

const shapes = [
  [2, 8, 10, 9],
  [3, 9, 14, 14],
] as const;

describe("numbers that are not finite reach what they reach in sums, and nothing else", { timeout: 60_000 }, () => {
  it.each<[string, number[], number[], number[]]>([
    ["in the image", [Infinity], [], []],
    ["all over the image", [NaN, -Infinity, Infinity], [], []],
    ["in the weight", [], [Infinity], []],
    ["in the gradient", [], [], [-Infinity, NaN]],
    ["in all", [Infinity, NaN], [-Infinity], [NaN]],
    ["far out, where sums on the way are infinite", [3e38, -3e38, 3e38, 2.5e38], [], []],
    ["far out in the gradient", [], [], [3e38, 3e38, -3e38]],
  ])("%s", (_, inImage, inWeight, inGradient) => {
    for (const [n, c, h, w] of shapes) {
      const [image, weight] = [strewn([n, c, h, w], 1, inImage), strewn([12, c, 3, 3], 2, inWeight)];
      const relativeErrors = errors(image, weight, numbers([12], 3), strewn([n, 12, h, w], 4, inGradient));
      for (const error of relativeErrors) expect(error).toBeLessThan(1e-6);
    }
  });
});

it("errors stay a few roundings, however many channels", () => {
  for (const channels of [8, 40, 100]) {
    const x = numbers([2, channels, 9, 10], 1);
    const relativeErrors = errors(
      x,
      numbers([channels, channels, 3, 3], 2),
      numbers([channels], 3),
      numbers([2, channels, 9, 10], 4),
    );
    for (const error of relativeErrors) expect(error).toBeLessThan(2 ** -24);
  }
});
