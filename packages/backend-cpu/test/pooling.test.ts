import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avgPool, maxPool } from "@ermine/core";
import { expectSame, numbers, withGradients, type Numbers } from "./oracle.js";

interface Case {
  readonly batch: number;
  readonly channels: number;
  readonly size: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

const coarse = ({ shape, data }: Numbers): Numbers => ({ shape, data: data.map((n) => Math.round(3 * n)) });

async function check({ batch, channels, size, kernel, stride, padding, dilation }: Case): Promise<void> {
  const x = numbers([batch, channels, ...size], 1);
  const weights = (shape: readonly number[]): Numbers => numbers(shape, 2);
  const largest = withGradients((t) => maxPool(t!, kernel, { stride, padding, dilation }), weights);
  await expectSame(largest, [x]);
  // Many equals: the gradient goes to the first.
  await expectSame(largest, [coarse(x)]);
  const fits = size.every((n, i) => n + 2 * padding[i]! >= kernel[i]!);
  for (const countIncludePad of fits ? [true, false] : []) {
    await expectSame(
      withGradients((t) => avgPool(t!, kernel, { stride, padding, countIncludePad }), weights),
      [x],
    );
  }
}

const upTo = (most: number, least = 1): fc.Arbitrary<number> => fc.integer({ min: least, max: most });

/** Padding up to half of the kernel: each window has a number in it. */
const cases = (axes: number, largest: number): fc.Arbitrary<Case> => {
  const axis = fc
    .record({ kernel: upTo(4), stride: upTo(4), half: upTo(2, 0), dilation: upTo(2), more: upTo(largest, 0) })
    .map(({ kernel, half, dilation, stride, more }) => {
      const padding = Math.min(half, Math.floor(kernel / 2));
      return { kernel, padding, dilation, stride, size: Math.max(1, dilation * (kernel - 1) + 1 - 2 * padding, dilation) + more };
    });
  return fc
    .record({ batch: upTo(3), channels: upTo(4), window: fc.array(axis, { minLength: axes, maxLength: axes }) })
    .map(({ window, ...rest }): Case => ({
      ...rest,
      size: window.map((a) => a.size),
      kernel: window.map((a) => a.kernel),
      stride: window.map((a) => a.stride),
      padding: window.map((a) => a.padding),
      dilation: window.map((a) => a.dilation),
    }));
};

const halves = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };

describe("pooling and its gradients are the reference's", { timeout: 60_000 }, () => {
  it.each([
    [1, 40, 40],
    [2, 12, 40],
    [3, 5, 20],
  ])("over %i axes, with any window", async (axes, largest, numRuns) => {
    await fc.assert(fc.asyncProperty(cases(axes, largest), check), { numRuns });
  });

  it.each([
    [28, 28],
    [14, 14],
    [7, 7],
    [9, 12],
    [2, 3],
  ])("2 × 2 by steps of 2 on %i × %i", async (...size) => {
    await check({ ...halves, batch: 17, channels: 3, size });
  });

  it.each<[string, Pick<Case, "size" | "kernel" | "stride" | "padding" | "dilation">]>([
    ["pairs along a signal", { size: [131], kernel: [2], stride: [2], padding: [0], dilation: [1] }],
    ["pairs along a signal, padded", { size: [131], kernel: [2], stride: [2], padding: [1], dilation: [1] }],
    ["pairs of a volume", { size: [6, 7, 19], kernel: [2, 3, 2], stride: [2, 1, 2], padding: [0, 1, 0], dilation: [1, 2, 1] }],
    ["3 × 3 that overlap", { size: [17, 33], kernel: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1] }],
    ["3 × 3 in steps of 1", { size: [9, 30], kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] }],
    ["with holes, in steps of 3", { size: [19, 41], kernel: [2, 3], stride: [3, 3], padding: [1, 1], dilation: [2, 2] }],
    ["all of a map", { size: [7, 7], kernel: [7, 7], stride: [7, 7], padding: [0, 0], dilation: [1, 1] }],
    ["wider than what is between them", { size: [3, 12], kernel: [3, 9], stride: [1, 2], padding: [1, 4], dilation: [1, 1] }],
  ])("%s, also cut for threads", async (_, window) => {
    await check({ ...window, batch: 3, channels: 5 });
    await check({ ...window, batch: 16, channels: 9 });
  });

  it("forked", async () => {
    await check({ ...halves, batch: 13, channels: 31, size: [28, 27] });
    expect(true).toBe(true);
  });

  it("NaN is the largest, and gets the gradient", async () => {
    const x = numbers([2, 2, 8, 11], 1);
    for (const i of [0, 5, 17, 40, 41, 89, 120, 200]) x.data[i] = NaN;
    x.data[60] = Infinity;
    x.data[90] = -Infinity;
    for (const { kernel, ...window } of [halves, { ...halves, kernel: [3, 2], stride: [1, 3], padding: [1, 1] }]) {
      await expectSame(
        withGradients(
          (t) => maxPool(t!, kernel, window),
          (shape) => numbers(shape, 2),
        ),
        [x],
      );
    }
  });
});
