import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convolution, convolutionTranspose, fold, unfold, type ConvolutionOptions } from "@ermine/core";
import { expectSame, numbers, withGradients, type Numbers } from "./oracle.js";

interface Case {
  readonly batch: number;
  readonly groups: number;
  readonly channels: number;
  readonly out: number;
  readonly size: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly bias: boolean;
}

async function check({ batch, groups, channels, out, size, kernel, bias, ...window }: Case): Promise<void> {
  const options: ConvolutionOptions = { ...window, groups };
  const inputs = [
    numbers([batch, groups * channels, ...size], 1),
    numbers([groups * out, channels, ...kernel], 2),
    ...(bias ? [numbers([groups * out], 3)] : []),
  ];
  await expectSame(
    withGradients(
      (x, w, b) => convolution(x!, w!, b, options),
      (shape) => numbers(shape, 4),
    ),
    inputs,
  );
}

/** The same window read backwards: from as many places as it has to the image. */
async function checkTransposed({ batch, groups, channels, out, size, kernel, bias, ...window }: Case): Promise<void> {
  const grown = size.map(
    (n, i) => (n - 1) * window.stride[i]! - 2 * window.padding[i]! + window.dilation[i]! * (kernel[i]! - 1) + 1,
  );
  const outputPadding = window.stride.map((n, i) => Math.max(Math.min(1, n - 1), Math.min(n - 1, 1 - grown[i]!)));
  if (grown.some((n, i) => n + outputPadding[i]! < 1)) return;
  const inputs = [
    numbers([batch, groups * channels, ...size], 1),
    numbers([groups * channels, out, ...kernel], 2),
    ...(bias ? [numbers([groups * out], 3)] : []),
  ];
  await expectSame(
    withGradients(
      (x, w, b) => convolutionTranspose(x!, w!, b, { ...window, groups, outputPadding }),
      (shape) => numbers(shape, 4),
    ),
    inputs,
  );
}

/** Windows cut out, and added back. */
async function checkWindows({ batch, channels, size, kernel, ...window }: Case): Promise<void> {
  const options = { stride: window.stride, padding: window.padding, dilation: window.dilation };
  const weights = (shape: readonly number[]): Numbers => numbers(shape, 4);
  const x = numbers([batch, channels, ...size], 1);
  await expectSame(
    withGradients((t) => unfold(t!, kernel, options), weights),
    [x],
  );
  await expectSame(
    withGradients((t) => fold(unfold(t!, kernel, options), size, kernel, options), weights),
    [x],
  );
}

const upTo = (most: number, least = 1): fc.Arbitrary<number> => fc.integer({ min: least, max: most });

/** Windows that fit at least once. */
const cases = (axes: number, largest: number): fc.Arbitrary<Case> => {
  const axis = fc
    .record({ kernel: upTo(4), stride: upTo(3), padding: upTo(4, 0), dilation: upTo(3), more: upTo(largest, 0) })
    .map(({ kernel, padding, dilation, more, stride }) => ({
      kernel,
      padding,
      dilation,
      stride,
      size: Math.max(1, dilation * (kernel - 1) + 1 - 2 * padding) + more,
    }));
  return fc
    .record({
      batch: upTo(5),
      groups: upTo(3),
      channels: upTo(4),
      out: upTo(6),
      bias: fc.boolean(),
      window: fc.array(axis, { minLength: axes, maxLength: axes }),
    })
    .map(({ window, ...rest }) => ({
      ...rest,
      size: window.map((a) => a.size),
      kernel: window.map((a) => a.kernel),
      stride: window.map((a) => a.stride),
      padding: window.map((a) => a.padding),
      dilation: window.map((a) => a.dilation),
    }));
};

const line = { stride: [1], padding: [3], dilation: [1], kernel: [5], groups: 1, bias: true };
const square = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], kernel: [3, 3], groups: 1, bias: true };

describe("transposed convolution, unfold, fold and their gradients are the reference's", { timeout: 60_000 }, () => {
  it.each([
    [1, 20, 30],
    [2, 7, 30],
    [3, 3, 15],
  ])("over %i axes, with any window and groups", async (axes, largest, numRuns) => {
    await fc.assert(fc.asyncProperty(cases(axes, largest), checkTransposed), { numRuns });
    await fc.assert(fc.asyncProperty(cases(axes, largest), checkWindows), { numRuns });
  });

  it("forked", async () => {
    const large = { ...square, batch: 9, channels: 8, out: 7, size: [19, 20], stride: [2, 2] };
    await checkTransposed(large);
    await checkWindows(large);
    expect(large.batch).toBe(9);
  });
});

describe("convolution and its gradients are the reference's", { timeout: 60_000 }, () => {
  it.each([
    [1, 40, 60],
    [2, 9, 60],
    [3, 4, 30],
  ])("over %i axes, with any window and groups", async (axes, largest, numRuns) => {
    await fc.assert(fc.asyncProperty(cases(axes, largest), check), { numRuns });
  });

  it.each([
    ["one channel to 16", { ...square, batch: 9, channels: 1, out: 16, size: [28, 28] }],
    ["16 channels to 32", { ...square, batch: 5, channels: 16, out: 32, size: [14, 14] }],
    ["depthwise", { ...square, batch: 3, channels: 1, out: 1, groups: 20, size: [13, 17] }],
    ["depthwise with a multiplier", { ...square, batch: 3, channels: 1, out: 2, groups: 7, size: [12, 5] }],
    ["one image, split over rows of the weight", { ...square, batch: 1, channels: 24, out: 45, size: [30, 31] }],
    ["1 × 1, many channels", { ...square, batch: 3, channels: 65, out: 33, kernel: [1, 1], padding: [0, 0], size: [5, 5] }],
    [
      "strided, patches",
      { ...square, batch: 2, channels: 3, out: 24, kernel: [4, 4], stride: [4, 4], padding: [0, 0], size: [32, 32] },
    ],
    ["8 channels to 8, odd sides", { ...square, batch: 3, channels: 8, out: 8, size: [7, 9] }],
    ["9 channels to 13, narrow", { ...square, batch: 5, channels: 9, out: 13, size: [11, 2] }],
    ["one row of tiles", { ...square, batch: 4, channels: 10, out: 9, padding: [0, 0], size: [3, 14], bias: false }],
    ["groups of 8 channels", { ...square, batch: 2, groups: 3, channels: 8, out: 12, padding: [2, 1], size: [6, 13] }],
    ["many channels on few places", { ...square, batch: 2, channels: 67, out: 130, padding: [1, 0], size: [6, 8] }],
    ["more padding than the kernel reaches", { ...square, batch: 2, channels: 8, out: 8, padding: [3, 4], size: [5, 4] }],
    ["a row wider than a run of tiles", { ...square, batch: 1, channels: 8, out: 10, size: [5, 300] }],
    ["forked over tiles, the last one short", { ...square, batch: 13, channels: 16, out: 18, size: [15, 15] }],
    ["maps of one place", { ...square, batch: 33, channels: 8, out: 8, size: [1, 1] }],
    ["padding wider than the image", { ...square, batch: 2, channels: 2, out: 3, padding: [4, 5], size: [2, 3] }],
    ["1 × 1 with padding", { ...square, batch: 2, channels: 2, out: 3, kernel: [1, 1], padding: [2, 1], size: [4, 5] }],
    ["a signal cut along its length", { ...line, batch: 2, channels: 7, out: 13, size: [1501] }],
    [
      "a signal cut along its length, in steps of 2 with holes",
      { ...line, batch: 1, stride: [2], dilation: [3], channels: 3, out: 9, size: [2005] },
    ],
    ["an image cut along its height", { ...square, batch: 2, channels: 5, out: 7, stride: [2, 2], size: [71, 53] }],
    [
      "an image cut along its height, padded by more than a block",
      { ...square, batch: 1, channels: 2, out: 3, padding: [9, 1], dilation: [2, 1], size: [40, 90] },
    ],
    [
      "a volume cut along its depth",
      {
        batch: 1,
        groups: 1,
        bias: true,
        channels: 3,
        out: 5,
        kernel: [3, 2, 3],
        stride: [1, 2, 1],
        padding: [1, 0, 1],
        dilation: [1, 1, 2],
        size: [14, 11, 17],
      },
    ],
    ["64 small maps in blocks, the last one short", { ...square, batch: 67, channels: 6, out: 14, stride: [2, 2], size: [5, 6] }],
    ["4 × 4 in steps of 2", { ...square, batch: 6, channels: 19, out: 21, kernel: [4, 4], stride: [2, 2], size: [14, 15] }],
    [
      "1 × 1 in steps of 2",
      { ...square, batch: 5, channels: 17, out: 29, kernel: [1, 1], stride: [2, 2], padding: [0, 0], size: [13, 12] },
    ],
    ["1 × 1, rows of all lengths", { ...square, batch: 64, channels: 9, out: 31, kernel: [1, 1], padding: [0, 0], size: [3, 3] }],
    ["a weight cut by its channels", { ...square, batch: 9, channels: 128, out: 129, stride: [2, 2], size: [5, 5] }],
    ["many groups of a few channels", { ...square, batch: 3, groups: 12, channels: 3, out: 5, stride: [2, 1], size: [9, 21] }],
    ["one channel to one", { ...square, batch: 7, channels: 1, out: 1, size: [9, 8] }],
    ["depthwise on 64 small maps", { ...square, batch: 67, channels: 1, out: 1, groups: 24, size: [4, 4] }],
    ["depthwise in steps of 2", { ...square, batch: 5, channels: 1, out: 1, groups: 19, stride: [2, 2], size: [21, 22] }],
    [
      "depthwise in steps of 3 and 2, rows of three",
      { ...square, batch: 5, channels: 1, out: 1, groups: 9, stride: [3, 2], size: [17, 6] },
    ],
    [
      "depthwise 5 × 5, few groups of many images",
      { ...square, batch: 41, channels: 1, out: 1, groups: 2, kernel: [5, 5], padding: [2, 2], size: [19, 23] },
    ],
    ["depthwise over a signal", { ...line, batch: 3, channels: 1, out: 1, groups: 13, size: [533] }],
    ["a stride beyond the kernel", { ...square, batch: 3, channels: 2, out: 5, kernel: [2, 1], stride: [5, 3], size: [23, 11] }],
  ] satisfies [string, Case][])("%s", async (_, of) => {
    await check(of);
  });

  it("depthwise, over one to three axes, with any window", async () => {
    for (const [axes, largest, numRuns] of [
      [1, 40, 25],
      [2, 12, 40],
      [3, 4, 15],
    ] as const) {
      const depthwise = cases(axes, largest).map((of) => ({ ...of, groups: 2 + of.channels, channels: 1, out: 1 }));
      await fc.assert(fc.asyncProperty(depthwise, check), { numRuns });
    }
  });

  it.each([
    ["dense", { ...square, batch: 2, channels: 3, out: 10, stride: [2, 2], size: [9, 10] }],
    ["depthwise", { ...square, batch: 3, channels: 1, out: 1, groups: 5, size: [9, 11] }],
  ] satisfies [string, Case][])(
    "%s: what is not finite in the image or the gradient reaches what it reaches there",
    async (_, c) => {
      const { batch, groups, channels, out, size, kernel, ...window } = c;
      const x = numbers([batch, groups * channels, ...size], 1);
      x.data.set([Infinity, 1, NaN], 17);
      const w = numbers([groups * out, channels, ...kernel], 2);
      const options = { stride: window.stride, padding: window.padding, dilation: window.dilation, groups };
      const gradient = (shape: readonly number[]): Numbers => {
        const g = numbers(shape, 4);
        g.data[g.data.length - 9] = -Infinity;
        return g;
      };
      await expectSame(
        withGradients((t, v) => convolution(t!, v!, undefined, options), gradient),
        [x, w],
      );
    },
  );

  it("of nothing, a batch of 0, and a fork that parts unevenly", async () => {
    await check({ ...square, batch: 0, channels: 2, out: 3, size: [5, 5] });
    await check({ ...square, batch: 67, channels: 8, out: 20, size: [11, 10] });
    expect(true).toBe(true);
  });
});
