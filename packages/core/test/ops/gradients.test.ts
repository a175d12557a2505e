import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));

/** Numbers that are at least 0.03 from each other, from 0 and in size, so that no kink or tie is near. */
const distinct = (length: number) =>
  fc.shuffledSubarray(
    Array.from({ length: 80 }, (_, i) => (i - 40) * 0.1 + 0.03),
    { minLength: length, maxLength: length },
  );

const of = (shape: readonly number[], toPositive = false) =>
  distinct(shape.reduce((a, b) => a * b, 1)).map((values) =>
    e.tensor(
      Float64Array.from(values, (x) => (toPositive ? Math.abs(x) + 0.2 : x)),
      { shape },
    ),
  );

const runs = { numRuns: 8 };
const law = (arbitraries: fc.Arbitrary<Tensor>[], fn: (...inputs: Tensor[]) => Tensor) =>
  fc.assert(
    fc.property(fc.tuple(...arbitraries), (inputs) => checkGradients(fn, inputs, { tolerance: 2e-6 }) < 2e-6),
    runs,
  );

describe("the gradient is the finite difference", () => {
  const unary: [string, (x: Tensor) => Tensor, positive?: boolean][] = [
    ["neg", e.neg],
    ["abs", e.abs],
    ["exp", e.exp],
    ["log", e.log, true],
    ["log1p", e.log1p, true],
    ["expm1", e.expm1],
    ["sqrt", e.sqrt, true],
    ["sin", e.sin],
    ["cos", e.cos],
    ["tanh", e.tanh],
    ["erf", e.erf],
    ["asinh", e.asinh],
    ["erfc", e.erfc],
    ["square", e.square],
    ["reciprocal", e.reciprocal, true],
    ["rsqrt", e.rsqrt, true],
    ["clamp", (x) => e.clamp(x, -1.02, 1.52)],
    ["pow 3", (x) => e.pow(x, 3)],
    ["2 pow", (x) => e.pow(2, x)],
    ["remainder", (x) => e.remainder(x, 0.731)],
    ["where", (x) => e.where(e.less(x, 0), e.mul(x, 2), e.exp(x))],
  ];
  it.each(unary)("%s", (_, fn, positive) => law([of([2, 3], positive)], fn));

  const binary: [string, (a: Tensor, b: Tensor) => Tensor, positive?: boolean][] = [
    ["add", e.add],
    ["sub", e.sub],
    ["mul", e.mul],
    ["div", e.div, true],
    ["pow", e.pow, true],
    ["maximum", (a, b) => e.maximum(a, e.add(b, 0.02))],
    ["minimum", (a, b) => e.minimum(a, e.add(b, 0.02))],
    ["squaredDifference", e.squaredDifference],
  ];
  it.each(binary)("%s, broadcasting both ways", (_, fn, positive) => {
    law([of([2, 3], positive), of([2, 3], positive)], fn);
    law([of([2, 1], positive), of([3], positive)], fn);
    law([of([], positive), of([3], positive)], fn);
  });

  const reductions: [string, (x: Tensor) => Tensor][] = [
    ["sum", (x) => e.sum(x, { axis: 1 })],
    ["sum of all", (x) => e.sum(x)],
    ["prod", (x) => e.prod(x, { axis: -1 })],
    ["max", (x) => e.max(x, { axis: 0 })],
    ["min, kept", (x) => e.min(x, { axis: [0, 2], keepDims: true })],
    ["mean", (x) => e.mean(x, { axis: [0, 1] })],
    ["variance", (x) => e.variance(x, { axis: 2 })],
    ["variance without correction", (x) => e.variance(x, { correction: 0 })],
    ["std", (x) => e.std(x, { axis: 0 })],
    ["norm", (x) => e.norm(x, { axis: 1 })],
    ["norm 1", (x) => e.norm(x, { p: 1 })],
    ["norm 3", (x) => e.norm(x, { p: 3, axis: 0 })],
    ["norm ∞", (x) => e.norm(x, { p: Infinity, axis: 2 })],
    ["logSumExp", (x) => e.logSumExp(x, { axis: 1 })],
  ];
  it.each(reductions)("%s", (_, fn) => law([of([2, 3, 2])], fn));

  const shapes: [string, (x: Tensor) => Tensor][] = [
    ["reshape", (x) => e.reshape(x, [3, -1])],
    ["permute", (x) => e.permute(x, [2, 0, 1])],
    ["broadcastTo", (x) => e.broadcastTo(e.expandDims(x, 1), [2, 5, 3, 4])],
    ["flip", (x) => e.flip(x, [0, 2])],
    ["tile", (x) => e.tile(x, [2, 1, 3])],
    [
      "pad",
      (x) =>
        e.pad(x, [
          [1, 0],
          [0, 2],
          [1, 1],
        ]),
    ],
    ["split and concat", (x) => e.concat([...e.split(x, [1, 2], 1).reverse(), x], 1)],
    ["stack", (x) => e.stack([x, e.mul(x, x)], 1)],
    ["a slice with steps", (x) => e.at(x, null, { start: -1, step: -1 }, { step: 2 }, { start: 0, step: 3 })],
    ["a slice backwards by 2", (x) => e.at(x, "...", { start: 3, stop: 0, step: -2 })],
    ["an empty slice", (x) => e.at(x, { start: 2 })],
    ["index arrays", (x) => e.at(x, [1, 0, 1], "...", [0, -1, 3])],
    ["a mask", (x) => e.at(x, [true, false], [true, false, true])],
    ["gather", (x) => e.gather(x, 1, e.tensor([[[0, 2, 1, 1]], [[2, 2, 0, 0]]], { dtype: "int32" }))],
    ["indexSelect", (x) => e.indexSelect(x, 2, e.tensor([3, 3, 0], { dtype: "int32" }))],
    ["cumsum", (x) => e.cumsum(x, 1)],
    ["sort", (x) => e.sort(x, { axis: 2, descending: true }).values],
    ["topK", (x) => e.topK(x, 2, { axis: 0 }).values],
  ];
  it.each(shapes)("%s", (_, fn) => law([of([2, 3, 4])], fn));

  it("scatterAdd and indexAdd, for base and updates", () => {
    law([of([2, 3]), of([2, 2])], (base, updates) =>
      e.scatterAdd(
        base,
        1,
        e.tensor(
          [
            [0, 0],
            [2, 1],
          ],
          { dtype: "int32" },
        ),
        updates,
      ),
    );
    law([of([2, 3]), of([2, 4])], (base, updates) => e.indexAdd(base, 1, e.tensor([0, 2, 2, 1], { dtype: "int32" }), updates));
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])("matmul (transposeA %s, transposeB %s), batched", (transposeA, transposeB) => {
    const [a, b] = [transposeA ? [3, 2] : [2, 3], transposeB ? [2, 3] : [3, 2]];
    law([of([2, 1, ...a]), of([3, ...b])], (x, y) => e.matmul(x, y, { transposeA, transposeB }));
  });

  it("matmul with vectors, dot, outer, trace, einsum, linear", () => {
    law([of([3]), of([3, 2])], (a, b) => e.matmul(a, b));
    law([of([2, 3]), of([3])], (a, b) => e.matmul(a, b));
    law([of([3]), of([3])], e.dot);
    law([of([3]), of([2])], e.outer);
    law([of([3, 4])], e.trace);
    law([of([2, 3, 4]), of([4, 2]), of([2])], (a, b, c) => e.einsum("bij,jk,k->bi", a, b, c));
    law([of([2, 2, 3]), of([4, 3]), of([4])], e.linear);
    law([of([2, 3]), of([4, 3])], (x, w) => e.linear(x, w));
  });

  it("convolution: stride, padding, dilation, groups, 1 and 2 axes", () => {
    law([of([1, 2, 5]), of([4, 1, 2]), of([4])], (x, w, b) =>
      e.convolution(x, w, b, { groups: 2, stride: 2, padding: 1, dilation: 2 }),
    );
    law([of([1, 2, 4, 4]), of([2, 2, 3, 2])], (x, w) => e.convolution(x, w, undefined, { padding: [1, 0], stride: [2, 1] }));
  });

  it("pooling and windows", () => {
    law([of([1, 2, 4, 4])], (x) => e.maxPool(x, 2, { stride: 1, padding: 1 }));
    law([of([1, 2, 4, 4])], (x) => e.avgPool(x, [2, 3], { stride: 2, padding: 1, countIncludePad: false }));
    law([of([1, 1, 5])], (x) => e.unfold(x, 2, { padding: 1, dilation: 2 }));
    law([of([1, 1, 2, 4])], (x) => e.fold(x, [5], 2));
  });

  it("second derivatives too", () => {
    const second = (fn: (x: Tensor) => Tensor, positive = false) =>
      law([of([3], positive)], (x) => e.grad((y: Tensor) => e.sum(fn(y)))(x));
    second(e.tanh);
    second(e.erf);
    second(e.log, true);
    second((x) => e.pow(x, 3));
    second((x) => e.div(x, e.add(e.mul(x, x), 1)));
    second((x) => e.logSumExp(x));
    second((x) => e.mul(x, e.norm(x)));
    law([of([1, 1, 4])], (x) => e.grad((y: Tensor) => e.sum(e.square(e.convolution(y, e.ones([1, 1, 2])))))(x));
  });
});

describe("where the derivative jumps, gradients are PyTorch's", () => {
  const at = (fn: (x: Tensor) => Tensor, values: number[]) =>
    e
      .grad((x: Tensor) => e.sum(fn(x)))(e.tensor(values))
      .toArray();

  it("abs and sign at 0", () => expect(at(e.abs, [0, -1])).toEqual([0, -1]));
  it("losses with a kink stop on it, and a smooth one has its slope there", () => {
    const sign = e.tensor([1, -1, 1, -1]);
    expect(at((x) => e.marginRanking(x, e.tensor([1, 1, 1, 1]), sign, { reduction: "sum" }), [1, 1, 0, 2])).toEqual([
      -0, 0, -1, 1,
    ]);
    expect(at((x) => e.hingeEmbedding(x, sign, { reduction: "sum" }), [1, 1, 0.5, 0.5])).toEqual([1, 0, 1, -1]);
    expect(at((x) => e.softMargin(x, sign, { reduction: "sum" }), [0, 0, 1e4, 1e4])).toEqual([-0.5, 0.5, -0, 1]);
  });
  it("clamp stops on its bounds", () => expect(at((x) => e.clamp(x, 0, 1), [0, 1, 2, 0.5])).toEqual([0, 0, 0, 1]));
  it("maximum gives each of equals a half", () => expect(at((x) => e.maximum(x, 1), [1, 2, 0])).toEqual([0.5, 1, 0]));
  it("max shares evenly among equals", () => expect(at((x) => e.max(x), [3, 3, 1, 3])).toEqual([1 / 3, 1 / 3, 0, 1 / 3]));
  it("norm and std at 0 have gradient 0", () => {
    expect(at((x) => e.norm(x), [0, 0])).toEqual([0, 0]);
    expect(at((x) => e.std(x), [2, 2])).toEqual([0, 0]);
  });
  it("sqrt at 0 has gradient ∞", () => expect(at(e.sqrt, [0])).toEqual([Infinity]));
  it("pow: exponent 0 and base 0", () => {
    expect(at((x) => e.pow(x, 0), [0, 2])).toEqual([0, 0]);
    expect(at((x) => e.pow(x, 2), [0])).toEqual([0]);
    expect(at((x) => e.pow(0, x), [2, 0])).toEqual([0, 0]);
  });
  it("prod with zeros among its factors", () => {
    expect(at((x) => e.prod(x), [0, 2, 3])).toEqual([6, 0, 0]);
    expect(at((x) => e.prod(x), [0, 0, 3])).toEqual([0, 0, 0]);
  });
  it("maxPool gives all to the first of equals", () => {
    const x = e.ones([1, 1, 4]);
    expect(
      e
        .grad((y: Tensor) => e.sum(e.maxPool(y, 2)))(x)
        .toArray(),
    ).toEqual([[[1, 0, 1, 0]]]);
  });
  it("a masked pole makes no NaN", () => {
    const safe = (x: Tensor) => {
      const ok = e.greater(x, 0);
      return e.where(ok, e.log(e.where(ok, x, 1)), 0);
    };
    expect(at(safe, [0, 2])).toEqual([0, 0.5]);
  });
});
