import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

const { tensor } = e;
beforeAll(() => e.useBackend(reference()));

const matrix = () =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

describe("arithmetic", () => {
  it("broadcasts as NumPy", () => {
    expect(e.add(matrix(), tensor([10, 20, 30])).toArray()).toEqual([
      [11, 22, 33],
      [14, 25, 36],
    ]);
    expect(e.sub(matrix(), tensor([[1], [2]])).toArray()).toEqual([
      [0, 1, 2],
      [2, 3, 4],
    ]);
  });

  it("names both shapes where they do not broadcast", () => {
    expect(() => e.add(matrix(), tensor([1, 2]))).toThrow(/\[2, 3\] and \[2\] do not broadcast: 2 ≠ 3|3 ≠ 2/);
  });

  it("takes plain numbers on either side", () => {
    expect(e.sub(1, tensor([1, 2])).toArray()).toEqual([0, -1]);
    expect(e.div(tensor([1, 2]), 4).toArray()).toEqual([0.25, 0.5]);
  });

  it("keeps whole numbers whole, and promotes by need", () => {
    const whole = tensor([7, -7], { dtype: "int32" });
    expect(e.add(whole, 1).dtype).toBe("int32");
    expect(e.add(whole, 0.5).toArray()).toEqual([7.5, -6.5]);
    expect(e.div(whole, 2).dtype).toBe("float32");
    expect(e.add(tensor([true, false]), tensor([true, true])).toArray()).toEqual([2, 1]);
  });

  it("takes the divisor's sign in remainder, as Python", () => {
    expect(e.remainder(tensor([7, -7, 7, -7]), tensor([3, 3, -3, -3])).toArray()).toEqual([1, 2, -2, -1]);
  });

  it("propagates NaN in maximum and minimum", () => {
    expect(e.maximum(tensor([Number.NaN, 1]), 0).toArray()).toEqual([Number.NaN, 1]);
    expect(e.minimum(0, tensor([Number.NaN, 1])).toArray()).toEqual([Number.NaN, 0]);
  });

  it("rounds halves to even", () => {
    expect(e.round(tensor([0.5, 1.5, 2.5, -0.5, -1.5, 2.6])).toArray()).toEqual([0, 2, 2, -0, -2, 3]);
  });

  it("refuses arrays with a word on tensor()", () => {
    // @ts-expect-error an array is not a tensor
    expect(() => e.add([1, 2], tensor([1]))).toThrow(/add expects a tensor, got an array\. Use tensor/);
  });
});

describe("comparison and choice", () => {
  it("gives bool", () => {
    expect(e.less(matrix(), 3).toArray()).toEqual([
      [true, true, false],
      [false, false, false],
    ]);
    expect(e.greaterEqual(tensor([1, 2]), 2).toArray()).toEqual([false, true]);
    expect(e.notEqual(tensor([Number.NaN, 1]), tensor([Number.NaN, 1])).toArray()).toEqual([true, false]);
    expect(e.logicalXor(tensor([true, true]), tensor([true, false])).toArray()).toEqual([false, true]);
  });

  it("chooses by a condition, and clamps", () => {
    expect(e.where(tensor([true, false]), tensor([1, 2]), 0).toArray()).toEqual([1, 0]);
    expect(e.clamp(tensor([-1, 0.5, 2]), 0, 1).toArray()).toEqual([0, 0.5, 1]);
    expect(() => e.clamp(tensor([1]), 2, 1)).toThrow(/above/);
  });
});

describe("reductions", () => {
  it("sum, mean, max over any axes", () => {
    expect(e.sum(matrix()).item()).toBe(21);
    expect(e.sum(matrix(), { axis: 0 }).toArray()).toEqual([5, 7, 9]);
    expect(e.mean(matrix(), { axis: -1, keepDims: true }).toArray()).toEqual([[2], [5]]);
    expect(e.max(matrix(), { axis: [0, 1] }).item()).toBe(6);
    expect(e.prod(matrix(), { axis: 1 }).toArray()).toEqual([6, 120]);
  });

  it("variance has Bessel's correction by default, as PyTorch", () => {
    expect(e.variance(tensor([1, 2, 3, 4])).item()).toBeCloseTo(5 / 3, 12);
    expect(e.variance(tensor([1, 2, 3, 4]), { correction: 0 }).item()).toBeCloseTo(1.25, 12);
    expect(e.std(tensor([1, 2, 3, 4])).item()).toBeCloseTo(Math.sqrt(5 / 3), 12);
  });

  it("norms", () => {
    expect(e.norm(tensor([3, -4])).item()).toBe(5);
    expect(e.norm(tensor([3, -4]), { p: 1 }).item()).toBe(7);
    expect(e.norm(tensor([3, -4]), { p: Infinity }).item()).toBe(4);
    expect(e.norm(tensor([3, -4]), { p: 3 }).item()).toBeCloseTo(91 ** (1 / 3), 12);
  });

  it("argMax finds the first of equals and takes NaN for the largest", () => {
    expect(e.argMax(tensor([1, 3, 3]), {}).item()).toBe(1);
    expect(
      e
        .argMax(
          tensor([
            [1, 9],
            [Number.NaN, 3],
          ]),
          { axis: 1 },
        )
        .toArray(),
    ).toEqual([1, 0]);
    expect(e.argMin(matrix(), { axis: 0 }).toArray()).toEqual([0, 0, 0]);
  });

  it("any and all, of nothing too", () => {
    expect(e.any(tensor([0, 2])).item()).toBe(1);
    expect(
      e
        .all(
          tensor([
            [1, 0],
            [1, 1],
          ]),
          { axis: 1 },
        )
        .toArray(),
    ).toEqual([false, true]);
    expect(e.all(e.zeros([0])).toArray()).toBe(true);
  });

  it("logSumExp does not overflow, and knows −∞", () => {
    expect(e.logSumExp(tensor([1000, 1000])).item()).toBeCloseTo(1000 + Math.LN2, 9);
    expect(e.logSumExp(tensor([-Infinity, -Infinity])).item()).toBe(-Infinity);
  });

  it("a maximum of nothing is an error, a sum is 0", () => {
    expect(() => e.max(e.zeros([2, 0]), { axis: 1 })).toThrow(/max of no elements/);
    expect(e.sum(e.zeros([2, 0]), { axis: 1 }).toArray()).toEqual([0, 0]);
  });

  it("knows PyTorch's names of options", () => {
    // @ts-expect-error PyTorch's spelling
    expect(() => e.sum(matrix(), { dim: 0 })).toThrow(/Did you mean "axis"/);
  });
});

describe("shapes", () => {
  it("reshape computes one size", () => {
    expect(e.reshape(matrix(), [3, -1]).shape).toEqual([3, 2]);
    expect(() => e.reshape(matrix(), [4, -1])).toThrow(/-1 in \[4, -1\]/);
    expect(() => e.reshape(matrix(), [4])).toThrow(/6 elements and \[4\] has 4/);
  });

  it("permute, transpose, flatten, squeeze, expandDims", () => {
    expect(e.transpose(matrix()).toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(e.permute(e.zeros([2, 3, 4]), [2, 0, 1]).shape).toEqual([4, 2, 3]);
    expect(e.flatten(e.zeros([2, 3, 4]), 1).shape).toEqual([2, 12]);
    expect(e.squeeze(e.zeros([1, 3, 1])).shape).toEqual([3]);
    expect(e.expandDims(e.zeros([3]), -1).shape).toEqual([3, 1]);
  });

  it("concat, stack, split, tile, flip, pad", () => {
    expect(e.concat([matrix(), matrix()], 1).toArray()).toEqual([
      [1, 2, 3, 1, 2, 3],
      [4, 5, 6, 4, 5, 6],
    ]);
    expect(e.stack([tensor([1, 2]), tensor([3, 4])], 1).toArray()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(e.split(e.arange(5), 2).map((t) => t.toArray())).toEqual([[0, 1], [2, 3], [4]]);
    expect(e.split(matrix(), [1, 2], 1).map((t) => t.toArray())).toEqual([
      [[1], [4]],
      [
        [2, 3],
        [5, 6],
      ],
    ]);
    expect(e.tile(tensor([1, 2]), [2, 2]).toArray()).toEqual([
      [1, 2, 1, 2],
      [1, 2, 1, 2],
    ]);
    expect(e.flip(matrix(), 1).toArray()).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect(e.pad(tensor([1, 2]), [[1, 2]], 9).toArray()).toEqual([9, 1, 2, 9, 9]);
  });
});

describe("creation", () => {
  it("ranges", () => {
    expect(e.arange(4).toArray()).toEqual([0, 1, 2, 3]);
    expect(e.arange(3, 0, -1).toArray()).toEqual([3, 2, 1]);
    expect(e.arange(0, 1, 0.25).dtype).toBe("float32");
    expect(e.linspace(0, 1, 5).toArray()).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(e.eye(2, 3).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it("oneHot marks probabilities and refuses a class that is not there", () => {
    const hot = e.oneHot(tensor([2, 0], { dtype: "int32" }), 3);
    expect(hot.toArray()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ]);
    expect(hot.domain).toBe("probabilities");
    expect(() => e.oneHot(tensor([3], { dtype: "int32" }), 3)).toThrow(/index 3 is not in 0 … 2/);
  });

  it("refuses ragged nesting, wrong counts, and fractions in int32", () => {
    expect(() => tensor([[1, 2], [3]])).toThrow(/ragged/);
    const endless: unknown[] = [];
    endless.push([endless]);
    expect(() => tensor(endless as number[])).toThrow(/contains itself/);
    const later: unknown[] = [1];
    later.push(later);
    expect(() => tensor(later as number[])).toThrow(/ragged/);
    expect(() => tensor(new Float32Array(5), { shape: [2, 3] })).toThrow(/5 numbers do not fill/);
    expect(() => tensor([0.5], { dtype: "int32" })).toThrow(/element 0 is 0\.5, and the tensor holds int32/);
  });

  it("infers the dtype", () => {
    expect([tensor([true]).dtype, tensor([1]).dtype, tensor(new Int32Array(1)).dtype]).toEqual(["bool", "float32", "int32"]);
  });
});

describe("gathering and sorting", () => {
  it("gather and scatterAdd are PyTorch's", () => {
    const indices = tensor(
      [
        [0, 0],
        [2, 1],
      ],
      { dtype: "int32" },
    );
    expect(e.gather(matrix(), 1, indices).toArray()).toEqual([
      [1, 1],
      [6, 5],
    ]);
    expect(
      e
        .scatterAdd(
          e.zeros([2, 3]),
          1,
          indices,
          tensor([
            [1, 2],
            [3, 4],
          ]),
        )
        .toArray(),
    ).toEqual([
      [3, 0, 0],
      [0, 4, 3],
    ]);
  });

  it("indexSelect and indexAdd take rows", () => {
    const rows = tensor([1, 1, 0], { dtype: "int32" });
    expect(e.indexSelect(matrix(), 0, rows).toArray()).toEqual([
      [4, 5, 6],
      [4, 5, 6],
      [1, 2, 3],
    ]);
    expect(e.indexAdd(e.zeros([2]), 0, rows, tensor([1, 2, 4])).toArray()).toEqual([4, 3]);
    expect(() => e.indexSelect(matrix(), 0, tensor([2], { dtype: "int32" }))).toThrow(/index 2 is not in 0 … 1/);
  });

  it("sorts stably, NaN as the largest", () => {
    const { values, indices } = e.sort(tensor([3, Number.NaN, 1, 3]), { descending: true });
    expect(values.toArray()).toEqual([Number.NaN, 3, 3, 1]);
    expect(indices.toArray()).toEqual([1, 0, 3, 2]);
    expect(e.sort(tensor([3, Number.NaN, 1, 3])).indices.toArray()).toEqual([2, 0, 3, 1]);
    expect(e.topK(tensor([1, Number.NaN, 2]), 2).values.toArray()).toEqual([Number.NaN, 2]);
    expect(e.topK(tensor([1, Number.NaN, 2]), 2, { largest: false }).values.toArray()).toEqual([1, 2]);
    expect(e.topK(tensor([1, 4, 2]), 2).values.toArray()).toEqual([4, 2]);
    expect(e.topK(tensor([1, 4, 2]), 2, { largest: false }).indices.toArray()).toEqual([0, 2]);
    expect(e.cumsum(matrix(), 1).toArray()).toEqual([
      [1, 3, 6],
      [4, 9, 15],
    ]);
  });
});

describe("products", () => {
  it("matmul of matrices, vectors and batches", () => {
    const m = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(e.matmul(m, m).toArray()).toEqual([
      [7, 10],
      [15, 22],
    ]);
    expect(e.matmul(m, m, { transposeB: true }).toArray()).toEqual([
      [5, 11],
      [11, 25],
    ]);
    expect(e.matmul(m, m, { transposeA: true }).toArray()).toEqual([
      [10, 14],
      [14, 20],
    ]);
    expect(e.matmul(m, tensor([1, 1])).toArray()).toEqual([3, 7]);
    expect(e.matmul(tensor([1, 1]), m).toArray()).toEqual([4, 6]);
    expect(e.matmul(e.ones([3, 1, 2, 4]), e.ones([5, 4, 2])).shape).toEqual([3, 5, 2, 2]);
    expect(() => e.matmul(m, e.at(matrix(), null, 0))).toThrow(/2 ≠ 1/);
  });

  it("dot, outer, trace", () => {
    expect(e.dot(tensor([1, 2]), tensor([3, 4])).item()).toBe(11);
    expect(e.outer(tensor([1, 2]), tensor([3, 4])).toArray()).toEqual([
      [3, 4],
      [6, 8],
    ]);
    expect(
      e
        .trace(
          tensor([
            [1, 2],
            [3, 4],
          ]),
        )
        .item(),
    ).toBe(5);
  });

  it.each([
    [
      "ij,jk->ik",
      [
        [2, 3],
        [3, 4],
      ],
      [2, 4],
    ],
    ["ij->ji", [[2, 3]], [3, 2]],
    ["ii", [[3, 3]], []],
    ["ii->i", [[3, 3]], [3]],
    ["i,j", [[2], [3]], [2, 3]],
    [
      "bij,bjk",
      [
        [5, 2, 3],
        [5, 3, 4],
      ],
      [2, 4],
    ],
    [
      "...ij,...jk->...ik",
      [
        [5, 2, 3],
        [3, 4],
      ],
      [5, 2, 4],
    ],
    [
      "bhqd,bhkd->bhqk",
      [
        [2, 3, 4, 5],
        [2, 3, 6, 5],
      ],
      [2, 3, 4, 6],
    ],
    ["i,i,i->", [[4], [4], [4]], []],
  ] as const)("einsum %s has the shape it names", (equation, shapes, shape) => {
    const operands = shapes.map((s) => e.reshape(e.arange(s.reduce((a: number, b: number) => a * b, 1)), [...s]));
    expect(e.einsum(equation, ...operands).shape).toEqual(shape);
  });

  it.each([
    "ij,jk->ik",
    "ji,kj->ik",
    "ij,kj->ki",
    "bji,bkj->bik",
    "abc,cab->b",
    "ab,bc,ca->",
    "iij,jk->ik",
    "ab,cd->dbca",
    "abc->cb",
  ])("einsum %s is the sum that it spells", (equation) => {
    const [left, right] = equation.split("->") as [string, string];
    const sides = left.split(",");
    const letters = [...new Set(left.replaceAll(",", ""))];
    const size = (letter: string) => 2 + (letter.charCodeAt(0) % 3);
    const shapes = sides.map((side) => Array.from(side, size));
    const data = shapes.map((shape, k) =>
      Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + k)),
    );
    const operands = shapes.map((shape, k) => tensor(data[k]!, { shape }));
    const total = letters.reduce((product, letter) => product * size(letter), 1);
    const expected = new Float64Array(Array.from(right, size).reduce((a, b) => a * b, 1));
    for (let flat = 0; flat < total; flat++) {
      const at = new Map<string, number>();
      letters.reduce((rest, letter) => (at.set(letter, rest % size(letter)), Math.floor(rest / size(letter))), flat);
      const place = (side: string) => Array.from(side).reduce((offset, letter) => offset * size(letter) + at.get(letter)!, 0);
      expected[place(right)]! += sides.reduce((product, side, k) => product * data[k]![place(side)]!, 1);
    }
    const shape = Array.from(right, size);
    expect(e.allClose(e.einsum(equation, ...operands), tensor(expected, { shape }), { rtol: 1e-12, atol: 1e-12 })).toBe(true);
  });

  it("einsum's numbers are right", () => {
    const [a, b] = [
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([
        [5, 6],
        [7, 8],
      ]),
    ];
    expect(e.einsum("ij,jk->ik", a, b).toArray()).toEqual(e.matmul(a, b).toArray());
    expect(e.einsum("ij,ij->", a, b).item()).toBe(70);
    expect(e.einsum("ij,ij->i", a, b).toArray()).toEqual([17, 53]);
    expect(e.einsum("ii", a).item()).toBe(5);
    expect(() => e.einsum("ij,jk->ik", a)).toThrow(/names 2 operands, 1 were given/);
    expect(() => e.einsum("ij,jk", a, e.ones([3, 2]))).toThrow(/"j" is 2 and 3/);
  });

  it("linear is x · weightᵀ + bias over any leading axes", () => {
    const y = e.linear(e.ones([4, 5, 3]), e.ones([2, 3]), tensor([1, 2]));
    expect(y.shape).toEqual([4, 5, 2]);
    expect(e.at(y, 3, 4).toArray()).toEqual([4, 5]);
  });
});

describe("windows", () => {
  const image = () => e.reshape(e.cast(e.arange(16), "float32"), [1, 1, 4, 4]);

  it("unfold and fold are adjoint: a fold of an unfold counts the windows", () => {
    const columns = e.unfold(e.ones([1, 1, 4, 4]), 2);
    expect(columns.shape).toEqual([1, 1, 4, 9]);
    expect(e.at(e.fold(columns, [4, 4], 2), 0, 0).toArray()).toEqual([
      [1, 2, 2, 1],
      [2, 4, 4, 2],
      [2, 4, 4, 2],
      [1, 2, 2, 1],
    ]);
  });

  it("convolution with stride, padding, dilation and groups", () => {
    expect(e.at(e.convolution(image(), e.ones([1, 1, 2, 2])), 0, 0).toArray()).toEqual([
      [10, 14, 18],
      [26, 30, 34],
      [42, 46, 50],
    ]);
    expect(e.at(e.convolution(image(), e.ones([1, 1, 3, 3]), undefined, { padding: "same" }), 0, 0, 0).toArray()).toEqual([
      10, 18, 24, 18,
    ]);
    expect(e.convolution(image(), e.ones([1, 1, 2, 2]), tensor([1]), { stride: 2, dilation: 2 }).toArray()).toEqual([[[[21]]]]);
    const grouped = e.convolution(e.ones([2, 4, 5]), e.ones([6, 2, 3]), undefined, { groups: 2 });
    expect(grouped.shape).toEqual([2, 6, 3]);
    expect(e.at(grouped, 0, 0, 0).item()).toBe(6);
    expect(() => e.convolution(image(), e.ones([1, 2, 2, 2]))).toThrow(/\[O, C \/ groups, \.\.\.kernel\]/);
  });

  it("pools", () => {
    expect(e.at(e.maxPool(image(), 2), 0, 0).toArray()).toEqual([
      [5, 7],
      [13, 15],
    ]);
    expect(e.at(e.avgPool(image(), 2), 0, 0).toArray()).toEqual([
      [2.5, 4.5],
      [10.5, 12.5],
    ]);
    expect(e.at(e.avgPool(e.ones([1, 1, 2, 2]), 2, { padding: 1, stride: 1, countIncludePad: false }), 0, 0).toArray()).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(e.at(e.avgPool(e.ones([1, 1, 2, 2]), 2, { padding: 1, stride: 1 }), 0, 0, 0).toArray()).toEqual([0.25, 0.5, 0.25]);
  });
});

describe("closeness", () => {
  it("allClose and arrayEqual", () => {
    expect(e.allClose(tensor([1, 2]), tensor([1, 2.00001]))).toBe(true);
    expect(e.allClose(tensor([1, Infinity]), tensor([1, Infinity]))).toBe(true);
    expect(e.allClose(tensor([1]), tensor([1.1]))).toBe(false);
    expect(e.allClose(tensor([Number.NaN]), tensor([Number.NaN]), { equalNan: true })).toBe(true);
    expect(e.arrayEqual(tensor([1, 2]), tensor([[1, 2]]))).toBe(false);
  });
});
