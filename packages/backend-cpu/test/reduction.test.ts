import fc from "fast-check";
import { describe, it } from "vitest";
import {
  argMax,
  argMin,
  cumsum,
  logSoftmax,
  max,
  mean,
  min,
  prod,
  softmax,
  softmin,
  sort,
  sum,
  tensor,
  permute,
  variance,
} from "@ermine/core";
import type { Tensor } from "@ermine/core";
import { expectSame, numbers, withGradients, type Numbers } from "./oracle.js";

/** [outer, length, inner] of awkward sizes. */
const shapes = fc.oneof(
  fc.tuple(
    fc.constantFrom(1, 2, 5),
    fc.constantFrom(1, 2, 3, 4, 5, 31, 33, 64, 100),
    fc.constantFrom(1, 2, 3, 4, 15, 16, 17, 40),
  ),
  fc.constantFrom([1, 1000, 1], [1, 65_537, 1], [3, 1023, 1], [700, 10, 1], [1, 300, 65], [1, 7, 3000]),
) as fc.Arbitrary<[number, number, number]>;

const weights = (shape: readonly number[]): Numbers => numbers(shape, 7);
/** Few different numbers: ties. */
const coarse = ({ shape, data }: Numbers): Numbers => ({ shape, data: data.map((n) => Math.round(2 * n)) });
/** A number that is none, and an infinite one, where there is room. */
function spoiled({ shape, data }: Numbers): Numbers {
  const copy = data.slice();
  if (copy.length > 6) copy[5] = NaN;
  if (copy.length > 9) copy[8] = Infinity;
  return { shape, data: copy };
}

const along: Readonly<Record<string, (x: Tensor, axis: number) => Tensor>> = {
  sum: (x, axis) => sum(x, { axis }),
  mean: (x, axis) => mean(x, { axis }),
  variance: (x, axis) => variance(x, { axis, correction: 0 }),
  softmax: (x, axis) => softmax(x, { axis }),
  softmin: (x, axis) => softmin(x, { axis }),
  logSoftmax: (x, axis) => logSoftmax(x, { axis }),
  cumsum: (x, axis) => cumsum(x, axis),
};
const exact: Readonly<Record<string, (x: Tensor, axis: number) => readonly Tensor[]>> = {
  max: (x, axis) => [max(x, { axis })],
  min: (x, axis) => [min(x, { axis })],
  argMax: (x, axis) => [argMax(x, { axis })],
  argMin: (x, axis) => [argMin(x, { axis })],
  sort: (x, axis) => Object.values(sort(x, { axis })),
  descending: (x, axis) => Object.values(sort(x, { axis, descending: true })),
};

describe("along an axis, the reference's numbers", { timeout: 60_000 }, () => {
  it.each(Object.entries(along))("%s, with gradients", async (_, fn) => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(0, 1, 2), (shape, axis) =>
        expectSame(
          withGradients((x) => fn(x!, axis), weights),
          [numbers(shape, 3)],
          { absolute: 2e-4, relative: 1e-4 },
        ),
      ),
      { numRuns: 25 },
    );
  });

  it.each(Object.entries(exact))("%s, with ties, NaN and ∞", async (_, fn) => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(0, 1, 2), async (shape, axis) => {
        for (const x of [numbers(shape, 4), coarse(numbers(shape, 5)), spoiled(numbers(shape, 6))]) {
          await expectSame((t) => fn(t!, axis), [x], { absolute: 0, relative: 0 });
        }
      }),
      { numRuns: 25 },
    );
  });

  it("products", () => expectSame((x) => [prod(x!, { axis: 1 })], [numbers([3, 37, 5], 2)], { absolute: 0, relative: 1e-5 }));

  it("whole numbers", () =>
    expectSame(
      (x) => {
        const whole =
          x!.shape.length === 2
            ? tensor(
                [
                  [3, -2, 3, -2147483648],
                  [7, 7, 1, 0],
                ],
                { dtype: "int32" },
              )
            : x!;
        return [0, 1].flatMap((axis) => [
          sum(whole, { axis }),
          max(whole, { axis }),
          argMax(whole, { axis }),
          cumsum(whole, axis),
          ...Object.values(sort(whole, { axis, descending: true })),
        ]);
      },
      [numbers([2, 2], 1)],
      { absolute: 0, relative: 0 },
    ));

  it("a million numbers summed keep their digits", () =>
    expectSame((x) => [sum(x!), mean(x!)], [numbers([1_000_003], 9)], { absolute: 1e-3, relative: 1e-6 }));

  it("masked scores, −∞, have probability 0", () =>
    expectSame(
      (x) => [softmax(x!, { axis: 1 }), softmax(x!, { axis: 0 })],
      [{ shape: [3, 5], data: Float32Array.from({ length: 15 }, (_, i) => (i % 4 === 1 ? -Infinity : i)) }],
    ));
});

describe("transposes", () => {
  it.each([[[1, 7]], [[33, 65]], [[4, 4]], [[130, 3]], [[3, 17, 35]], [[2, 40, 5, 33]]])(
    "of %j, over every order of the axes",
    async (shape) => {
      const orders =
        shape.length === 2
          ? [[1, 0]]
          : shape.length === 3
            ? [
                [0, 2, 1],
                [2, 1, 0],
                [1, 2, 0],
                [2, 0, 1],
              ]
            : [
                [0, 1, 3, 2],
                [0, 3, 1, 2],
                [3, 2, 1, 0],
                [0, 2, 1, 3],
              ];
      for (const order of orders)
        await expectSame((x) => [permute(x!, order)], [numbers(shape, 1)], { absolute: 0, relative: 0 });
    },
  );
});
