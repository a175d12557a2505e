import * as core from "@ermine/core";
import { indexSelectOp } from "@ermine/core/backend";
import { apply1 } from "@ermine/core/define";
import type { Tensor } from "@ermine/core";
import { expect, it } from "vitest";
import { agrees, backend, numbers, whole, type Input } from "./agreement.js";
import { describeNative } from "./native.js";

const special: Input = { shape: [9], data: [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, 2.5] };
const image = numbers([2, 4, 7, 6], 3);

describeNative("TensorFlow's kernels agree with the reference", () => {
  const unary = [
    "neg",
    "abs",
    "sign",
    "exp",
    "log1p",
    "expm1",
    "sin",
    "cos",
    "tanh",
    "erf",
    "erfc",
    "floor",
    "ceil",
    "round",
  ] as const;
  it.each(unary)("%s", (name) => agrees((x) => core[name](x!), [numbers([5, 31], 1)]));
  it.each(["log", "sqrt"] as const)("%s", (name) => agrees((x) => core[name](x!), [numbers([5, 31], 2, 0.01, 4)]));
  it.each(["isFinite", "isNaN", "sign", "exp", "tanh", "floor", "round", "neg", "abs"] as const)(
    "%s of NaN, infinities and zeros",
    (name) => agrees((x) => core[name](x!), [special]),
  );

  const binary = [
    "add",
    "sub",
    "mul",
    "div",
    "maximum",
    "minimum",
    "remainder",
    "equal",
    "less",
    "lessEqual",
    "greater",
  ] as const;
  it.each(binary)("%s broadcasts", (name) =>
    agrees((a, b) => core[name](a!, b!), [numbers([4, 3, 5], 1)], { fixed: [numbers([3, 1], 2, 0.5, 3)] }),
  );
  it.each(["add", "sub", "mul", "maximum", "minimum", "remainder", "equal", "less"] as const)("%s of whole numbers", (name) =>
    agrees((a, b) => core[name](a!, b!), [whole([6], [7, -7, 7, -7, 0, 2147483647]), whole([6], [3, 3, -3, -3, 5, 2])]),
  );
  it("remainder by 0 of whole numbers is 0", () =>
    agrees((a, b) => core.remainder(a!, b!), [whole([2], [5, -5]), whole([2], [0, 0])]));
  it("pow", () => agrees((a, b) => core.pow(a!, b!), [numbers([4, 6], 1, 0.1, 3), numbers([4, 6], 2)]));
  it("comparison and logic of bools", () =>
    agrees(
      (a, b) => [
        core.logicalAnd(a!, b!),
        core.logicalOr(a!, b!),
        core.logicalNot(a!),
        core.equal(a!, b!),
        core.logicalXor(a!, b!),
      ],
      [
        { shape: [4], dtype: "bool", data: [0, 0, 1, 1] },
        { shape: [4], dtype: "bool", data: [0, 1, 0, 1] },
      ],
    ));
  it("where broadcasts all three", () =>
    agrees((c, a, b) => core.where(core.greater(c!, 0), a!, b!), [numbers([3, 1], 1), numbers([3, 4], 2)], {
      fixed: [numbers([4], 3)],
    }));
  it("cast", () =>
    agrees(
      (x) => [core.cast(x!, "int32"), core.cast(x!, "bool"), core.cast(core.cast(x!, "bool"), "float32")],
      [numbers([3, 5])],
    ));

  const reductions = ["sum", "prod", "max", "min"] as const;
  it.each(reductions)("%s over every choice of axes", async (name) => {
    for (const axis of [undefined, 0, 1, 2, [0, 2], [1, 2]]) {
      for (const keepDims of [false, true]) {
        await agrees((x) => core[name](x!, { ...(axis === undefined ? {} : { axis }), keepDims }), [numbers([3, 4, 5])], {
          tolerance: 1e-5,
        });
      }
    }
  });
  it.each(reductions)("%s of whole numbers stays whole", (name) =>
    agrees((x) => core[name](x!, { axis: 1 }), [whole([2, 3], [1, -2, 3, 4, 5, -6])]),
  );
  it.each(["max", "min"] as const)("%s with a NaN is NaN", (name) =>
    agrees((x) => core[name](x!, { axis: 1 }), [{ shape: [2, 3], data: [1, NaN, 3, 4, 5, 6] }]),
  );
  it("argMax takes the first of equals, and a NaN before all", () =>
    agrees(
      (x) => [core.argMax(x!, { axis: 1 }), core.argMax(x!, { axis: 0, keepDims: true })],
      [{ shape: [3, 4], data: [1, 3, 3, 2, Infinity, 1, NaN, NaN, 0, 0, 0, 0] }],
    ));
  it("sort is stable, NaN the largest, both ways, along any axis", async () => {
    const x: Input = { shape: [3, 5], data: [3, NaN, 1, -Infinity, 1, 2, 2, NaN, Infinity, NaN, 0, -0, 5, 4, -1] };
    for (const axis of [0, 1])
      for (const descending of [false, true]) await agrees((t) => Object.values(core.sort(t!, { axis, descending })), [x]);
  });
  it("sort of whole numbers reaches the smallest one", () =>
    agrees((x) => Object.values(core.sort(x!, { descending: false })), [whole([2, 3], [5, -2147483648, 5, 1, 2147483647, 0])]));
  it("cumsum", () => agrees((x) => [core.cumsum(x!, 0), core.cumsum(x!, 1)], [numbers([4, 5])], { tolerance: 1e-5 }));

  it("reshape, permute, broadcastTo, flip, tile", () =>
    agrees(
      (x) => [
        core.reshape(x!, [-1, 6]),
        core.permute(x!, [2, 0, 1]),
        core.flip(x!, [1, 2]),
        core.tile(x!, [1, 2, 1]),
        core.broadcastTo(core.expandDims(x!, 1), [x!.shape[0]!, 5, 2, 3]),
      ],
      [numbers([4, 2, 3])],
      { tolerance: 0 },
    ));
  it("slice with steps both ways", () =>
    agrees(
      (x) => [
        core.slice(x!, [4, 0], [3, 3], [-2, 1]),
        core.slice(x!, [1, 5], [2, 3], [2, -2]),
        core.at(x!, { start: 1 }, { step: -1 }),
      ],
      [numbers([5, 6])],
      { tolerance: 0, symbolic: false },
    ));
  it("slice of nothing", () =>
    agrees((x) => core.slice(x!, [0, 0], [0, 3]), [numbers([5, 6])], { tolerance: 0, symbolic: false }));
  it("pad and concat", () =>
    agrees(
      (x, y) => [
        core.pad(
          x!,
          [
            [1, 0],
            [2, 3],
          ],
          -1,
        ),
        core.concat([x!, y!, x!], 1),
      ],
      [numbers([3, 4]), numbers([3, 2], 5)],
      { tolerance: 0 },
    ));
  it("indexSelect and indexAdd along any axis", async () => {
    for (const axis of [0, 1, 2]) {
      const updates = numbers(
        [4, 3, 5].map((size, i) => (i === axis ? 3 : size)),
        9,
      );
      const indices = whole([3], [2, 0, 2]);
      await agrees(
        (x, i, u) => [core.indexSelect(x!, axis, i!), core.indexAdd(x!, axis, i!, u!)],
        [numbers([4, 3, 5]), indices, updates],
        { symbolic: false },
      );
    }
  });
  it("gather and scatterAdd, fewer indices than elements", async () => {
    for (const axis of [0, 1, 2]) {
      const shape = [3, 2, 3];
      const indices = whole(
        shape,
        Array.from({ length: 18 }, (_, i) => (i * 7) % 3),
      );
      await agrees(
        (x, i, u) => [core.gather(x!, axis, i!), core.scatterAdd(x!, axis, i!, u!)],
        [numbers([4, 3, 5]), indices, numbers(shape, 4)],
        { symbolic: false },
      );
    }
  });
  it("an index out of range is an error that names it", async () => {
    const tf = await backend();
    expect(() =>
      core.withBackend(tf, () => apply1(indexSelectOp, [core.tensor([1, 2]), core.tensor([5], { dtype: "int32" })], { axis: 0 })),
    ).toThrow(/index 5 is not in 0 … 1/);
  });

  it("matmul, transposed and in batches", async () => {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = (n: number, k: number) => (transposeA ? [k, n] : [n, k]);
        const b = (k: number, m: number) => (transposeB ? [m, k] : [k, m]);
        await agrees((x, y) => core.matmul(x!, y!, { transposeA, transposeB }), [numbers(a(4, 6)), numbers(b(6, 3), 2)], {
          tolerance: 1e-5,
          symbolic: false,
        });
        await agrees(
          (x, y) => core.matmul(x!, y!, { transposeA, transposeB }),
          [numbers([2, 1, ...a(4, 6)]), numbers([3, ...b(6, 3)], 2)],
          { tolerance: 1e-5, symbolic: false },
        );
      }
    }
  });
  it("matmul over nothing is 0", () =>
    agrees((x, y) => core.matmul(x!, y!), [numbers([3, 0]), numbers([0, 2])], { tolerance: 0, symbolic: false }));
  it("linear, with and without bias, of any rank", () =>
    agrees((x, w, b) => [core.linear(x!, w!, b!), core.linear(core.expandDims(x!, 1), w!)], [numbers([4, 6])], {
      fixed: [numbers([3, 6], 2), numbers([3], 3)],
      tolerance: 1e-5,
    }));
  it.each([
    [4, 6, 0],
    [4, 0, 3],
    [4, 0, 0],
    [0, 6, 3],
  ])("linear of %d rows, %d inputs and %d outputs, and its gradients", (rows, inner, out) =>
    agrees((x, w, b) => gradientsOf(([y, v, c]) => core.linear(y!, v!, c!), [x!, w!, b!]), [numbers([rows, inner])], {
      fixed: [numbers([out, inner], 2), numbers([out], 3)],
      symbolic: false,
    }),
  );
  it("full, ranges and sizes", () =>
    agrees((x) => [core.add(core.fullLike(x!, 3), x!), core.mul(core.elementCount(x!), 2)], [numbers([4, 3])]));

  it.each([
    [2, 0],
    [0, 3],
  ])("convolution of %d channels to %d, and its gradients", (channels, out) =>
    agrees((x, w, b) => gradientsOf((y) => core.convolution(y[0]!, y[1]!, y[2]!), [x!, w!, b!]), [numbers([2, channels, 4, 4])], {
      fixed: [numbers([out, channels, 2, 2], 2), numbers([out], 3)],
      symbolic: false,
    }),
  );

  const windows: readonly core.ConvolutionOptions[] = [
    {},
    { padding: 1 },
    { stride: 2, padding: [1, 2] },
    { dilation: 2, padding: 2 },
    { stride: [1, 2] },
  ];
  it.each(windows)("convolution and its gradients with %j", (options) =>
    agrees((x, w, b) => gradientsOf((y) => core.convolution(y[0]!, y[1]!, y[2]!, options), [x!, w!, b!]), [image], {
      fixed: [numbers([5, 4, 3, 2], 4), numbers([5], 5)],
      tolerance: 5e-5,
    }),
  );
  it.each([
    [{ padding: 1 }, [2, 3, 6, 7]],
    [{ padding: 2, dilation: 2 }, [2, 3, 6, 7]],
    // Odd sizes are padded alike on both sides, even ones are not: by TensorFlow's own rule.
    [{ padding: 1, stride: 2 }, [2, 3, 7, 9]],
    [{ padding: 1, stride: 2 }, [2, 3, 6, 8]],
    [{ padding: 1, stride: 2 }, [2, 3, 7, 8]],
  ] as const)("convolution of 3 × 3 and its gradients with %j over %j", (options, shape) =>
    agrees((x, w) => gradientsOf((y) => core.convolution(y[0]!, y[1]!, undefined, options), [x!, w!]), [numbers([...shape])], {
      fixed: [numbers([4, 3, 3, 3], 4)],
      tolerance: 5e-5,
    }),
  );
  it("convolution in groups", () =>
    agrees(
      (x, w) => gradientsOf((y) => core.convolution(y[0]!, y[1]!, undefined, { groups: 2, padding: 1 }), [x!, w!]),
      [image],
      { fixed: [numbers([6, 2, 3, 3], 4)], tolerance: 5e-5 },
    ));
  it("convolution over one axis, and over three", async () => {
    await agrees(
      (x, w) => gradientsOf((y) => core.convolution(y[0]!, y[1]!, undefined, { padding: 1, stride: 2 }), [x!, w!]),
      [numbers([3, 2, 9])],
      { fixed: [numbers([4, 2, 3], 2)], tolerance: 5e-5 },
    );
    await agrees((x, w) => gradientsOf((y) => core.convolution(y[0]!, y[1]!), [x!, w!]), [numbers([2, 2, 3, 4, 3])], {
      fixed: [numbers([3, 2, 2, 2, 2], 2)],
      tolerance: 5e-5,
    });
  });
  it.each([
    [2, {}],
    [3, { stride: 1, padding: 1 }],
    [[2, 3], { stride: 2, padding: [1, 0] }],
    [2, { dilation: 2 }],
  ] as const)("maxPool of %j with %j", (kernel, options) =>
    agrees((x) => gradientsOf((y) => core.maxPool(y[0]!, kernel, options), [x!]), [image], { tolerance: 5e-6 }),
  );
  it("maxPool gives the gradient to the first of equals", () =>
    agrees(
      (x) => gradientsOf((y) => core.maxPool(y[0]!, 2, { stride: 1 }), [x!]),
      [{ shape: [1, 1, 3, 3], data: [1, 1, 1, 1, 1, 1, 1, 1, 1] }],
    ));
  it.each([
    [2, {}],
    [3, { stride: 2, padding: 1 }],
    [3, { stride: 2, padding: 1, countIncludePad: false }],
  ] as const)("avgPool of %j with %j", (kernel, options) =>
    agrees((x) => gradientsOf((y) => core.avgPool(y[0]!, kernel, options), [x!]), [image], { tolerance: 5e-6 }),
  );
  it("pooling over one axis, and over three", async () => {
    for (const x of [numbers([2, 3, 8]), numbers([2, 2, 4, 4, 5])]) {
      await agrees((t) => gradientsOf((y) => core.maxPool(y[0]!, 2), [t!]), [x], { tolerance: 5e-6 });
      await agrees((t) => gradientsOf((y) => core.avgPool(y[0]!, 2, { padding: 1, countIncludePad: false }), [t!]), [x], {
        tolerance: 5e-6,
      });
    }
  });
  it("unfold and fold", () =>
    agrees((x) => gradientsOf((y) => core.unfold(y[0]!, [3, 2], { stride: 2, padding: 1, dilation: [1, 2] }), [x!]), [image], {
      tolerance: 5e-6,
    }));

  it("adds and multiplies by a constant where the graph does, and not one of the operands before", async () => {
    const ones: Input = { shape: [3], data: [1, 1, 1] };
    const scaled = (small: Tensor): Tensor => core.mul(core.exp(core.log(small)), 1e6);
    await agrees((x, y) => scaled(core.add(core.sub(x!, y!), 1e-6)), [ones, ones]);
    await agrees((x) => scaled(core.sub(core.sub(x!, x!), core.full([1], -1e-6))), [ones]);
    await agrees((x) => core.mul(core.pairwiseDistance(x!, x!), 1e6), [numbers([4, 5])]);
    const [large, small] = [1e30, 1e-30].map((value): Input => ({ shape: [2], data: [value, 2 * value].map(Math.fround) }));
    await agrees((x, y) => core.mul(core.mul(x!, y!), 1e20), [large!, small!]);
    await agrees((x, y) => core.div(core.div(x!, y!), 1e20), [large!, large!]);
  });
});

/** fn's result and the gradients of Σ (¼ y + 1) y. */
function gradientsOf(fn: (inputs: readonly Tensor[]) => Tensor, inputs: readonly Tensor[]): readonly Tensor[] {
  const { value, grads } = core.valueAndGrad((): [Tensor, Tensor] => {
    const y = fn(inputs);
    return [core.sum(core.mul(y, core.add(core.mul(y, 0.25), 1))), y];
  }, inputs);
  return [value[1], ...grads];
}
