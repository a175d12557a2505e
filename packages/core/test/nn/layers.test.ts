import { beforeAll, describe, expect, it } from "vitest";
import {
  arange,
  manualSeed,
  mul,
  ones,
  reshape,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => {
  useBackend(reference());
  manualSeed(11);
});
const image = (...shape: number[]): Tensor =>
  reshape(
    arange(
      0,
      shape.reduce((a, b) => a * b, 1),
      1,
      { dtype: "float32" },
    ),
    shape,
  );
const data = (parameter: nn.Parameter | undefined): number[] => Array.from(parameter!.value.dataSync());

describe("PyTorch's starting values", () => {
  const uniform: readonly [string, nn.Module, number][] = [
    ["Linear: 1/√inFeatures", new nn.Linear(25, 40), 1 / 5],
    ["Bilinear: 1/√in1Features", new nn.Bilinear(16, 5, 20), 1 / 4],
    ["Conv2d: 1/√(channels · kernel), of a group", new nn.Conv2d(8, 40, 3, { groups: 2 }), 1 / 6],
    ["ConvTranspose2d: 1/√(outChannels · kernel)", new nn.ConvTranspose2d(40, 4, 3), 1 / 6],
    ["LSTM: 1/√hiddenSize", new nn.LSTM(30, 16, { projSize: 3 }), 1 / 4],
    ["GRUCell: 1/√hiddenSize", new nn.GRUCell(30, 16), 1 / 4],
  ];
  it.each(uniform)("%s", (_, layer, bound) => {
    const all = layer.namedParameters().flatMap(([, parameter]) => data(parameter));
    const largest = Math.max(...all.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(largest).toBeGreaterThan(0.9 * bound);
    expect(Math.abs(all.reduce((a, b) => a + b, 0) / all.length)).toBeLessThan(bound / 5);
  });

  it("norms 1 and 0, embeddings N(0, 1) with a padding row of zeros, attention Xavier's", () => {
    const norm = new nn.BatchNorm2d(3);
    expect([data(norm.weight), data(norm.bias)]).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
    const table = data(new nn.Embedding(200, 10, { paddingIdx: -1 }).weight);
    expect(table.slice(1990)).toEqual(Array(10).fill(0));
    expect(table.slice(0, 1990).reduce((a, b) => a + b * b, 0) / 1990).toBeCloseTo(1, 0);
    const attention = new nn.MultiHeadAttention(16, 4, { addBiasKv: true });
    expect(Math.max(...data(attention.in_proj_weight).map(Math.abs))).toBeLessThanOrEqual(Math.sqrt(6 / 64) + 1e-6);
    expect(data(attention.out_proj.bias)).toEqual(Array(16).fill(0));
    expect(attention.bias_k!.shape).toEqual([1, 1, 16]);
  });

  it("the layers of a stack differ", () => {
    const stack = new nn.TransformerEncoder(() => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3 }), 2);
    expect(data(stack.layers[0]!.linear1.weight)).not.toEqual(data(stack.layers[1]!.linear1.weight));
  });
});

describe("normalization's state", () => {
  it("with momentum null the running mean is that of all batches", () => {
    const norm = new nn.BatchNorm1d(1, { momentum: null });
    for (const value of [1, 2, 6]) norm.forward(tensor([[value - 1], [value + 1]]));
    expect(data(norm.running_mean)).toEqual([3]);
    expect(data(norm.running_var)[0]).toBeCloseTo(2, 6);
    expect(data(norm.num_batches_tracked)).toEqual([3]);
  });

  it("without running statistics evaluation measures too, and refuses one value a channel as PyTorch does", () => {
    const norm = new nn.BatchNorm1d(2, { trackRunningStats: false }).eval();
    expect(norm.namedVariables().map(([name]) => name)).toEqual(["weight", "bias"]);
    const y = norm.forward(
      tensor([
        [5, -3],
        [7, -1],
      ]),
    );
    Array.from(y.dataSync()).forEach((value, i) => expect(value).toBeCloseTo(i < 2 ? -1 : 1, 4));
    for (const mode of ["eval", "train"] as const)
      expect(() => norm[mode]().forward(tensor([[5, -3]]))).toThrow(/one value a channel/);
  });
});

describe("an embedding with maxNorm", () => {
  it("shrinks what it looks up in the table, once, and nothing else", () => {
    const layer = nn.Embedding.fromPretrained(
      tensor([
        [3, 4],
        [0.3, 0.4],
        [6, 8],
      ]),
      { maxNorm: 1, freeze: false },
    );
    const y = layer.forward(tensor([0, 0, 1], { dtype: "int32" }));
    const expected = [0.6, 0.8, 0.6, 0.8, 0.3, 0.4];
    Array.from(y.dataSync()).forEach((n, i) => expect(n).toBeCloseTo(expected[i]!, 5));
    [0.6, 0.8, 0.3, 0.4, 6, 8].forEach((n, i) => expect(data(layer.weight)[i]).toBeCloseTo(n, 5));
  });

  it("is frozen where it comes from elsewhere, unless told", () => {
    expect(nn.Embedding.fromPretrained(ones([3, 2])).parameters()).toEqual([]);
    expect(nn.Embedding.fromPretrained(ones([3, 2]), { freeze: false }).parameters()).toHaveLength(1);
  });
});

describe("pooling's indices", () => {
  it("say where the largest stands, the first of equals, with their type", () => {
    const [output, indices] = new nn.MaxPool2d(2, { returnIndices: true }).forward(image(1, 1, 4, 4));
    expect(output.toArray()).toEqual([
      [
        [
          [5, 7],
          [13, 15],
        ],
      ],
    ]);
    expect(indices.dtype).toBe("int32");
    expect(indices.toArray()).toEqual(output.toArray());
    const plain: Tensor = new nn.MaxPool2d(2).forward(image(1, 1, 4, 4));
    expect(plain.shape).toEqual([1, 1, 2, 2]);
    const [, ties] = new nn.AdaptiveMaxPool1d(2, { returnIndices: true }).forward(zeros([1, 3]));
    expect(ties.toArray()).toEqual([[0, 1]]);
  });
});

describe("a transposed convolution", () => {
  it("reaches the size that it is asked for, of those that fit", () => {
    const layer = new nn.ConvTranspose2d(1, 1, 3, { stride: 2, padding: 1 });
    expect(layer.forward(ones([1, 1, 4, 4]), [8, 7]).shape).toEqual([1, 1, 8, 7]);
    expect(layer.forward(ones([1, 4, 4])).shape).toEqual([1, 7, 7]);
    expect(() => layer.forward(ones([1, 1, 4, 4]), [9, 9])).toThrow(
      /cannot bring \[1, 1, 4, 4\] to \[9, 9\].*outputPadding of \[2, 2\]/,
    );
  });
});

describe("residual", () => {
  it("adds what goes around, and refuses to broadcast", () => {
    const twice = new nn.Residual(new nn.Identity());
    expect(twice.forward(tensor([1, 2])).toArray()).toEqual([2, 4]);
    const { grads } = valueAndGrad(() => sum(new nn.Residual(new nn.Tanh()).forward(zeros([2]))), []);
    expect(grads).toEqual([]);
    const narrow = new nn.Residual(new nn.Linear(4, 1));
    expect(() => narrow.forward(ones([2, 4]))).toThrow(/gives \[2, 1\] and what goes around it is \[2, 4\]\. Give a shortcut/);
    expect(new nn.Residual(new nn.Linear(4, 1), new nn.Linear(4, 1)).forward(ones([2, 4])).shape).toEqual([2, 1]);
  });
});

describe("padding layers", () => {
  it("refuse what is not there to be mirrored, and say how much is", () => {
    expect(() => new nn.ReflectionPad1d(3).forward(ones([1, 2, 3]))).toThrow(
      /reflect can add up to 2 on a side of axis 2 of \[1, 2, 3\], got \[3, 3\]/,
    );
    expect(() => new nn.CircularPad1d([4, 0]).forward(ones([1, 2, 3]))).toThrow(/circular can add up to 3/);
    expect(() => new nn.ZeroPad1d([-2, -2]).forward(ones([1, 3]))).toThrow(/takes more from axis 1/);
    expect(() => new nn.ZeroPad2d([1, 1, 1])).toThrow(/ZeroPad2d: padding is a whole number, or 4 of them/);
    expect(new nn.ReplicationPad3d(1).describe()).toBe("ReplicationPad3d 1, 1, 1, 1, 1, 1");
  });
});

describe("errors say what fits", () => {
  const attempts: readonly [string, () => unknown, RegExp][] = [
    [
      "a layer's rank",
      () => new nn.Conv2d(1, 1, 3).forward(ones([3, 3])),
      /\(Conv2d 1 → 1, 3×3\).*takes \(N, C\) or \(C\) and 2 spatial axes, got \[3, 3\]/,
    ],
    ["a stride with same", () => new nn.Conv2d(1, 1, 3, { padding: "same", stride: 2 }), /padding "same" needs stride 1/],
    [
      "too much padding",
      () => new nn.MaxPool1d(2, { padding: 2 }).forward(ones([1, 1, 4])),
      /padding 2 is more than half of the window of 2/,
    ],
    [
      "a mode for other axes",
      () => new nn.Upsample({ size: 4, mode: "bilinear" }).forward(ones([1, 1, 3])),
      /bilinear is for 2 spatial axes, got 1/,
    ],
    ["no size at all", () => new nn.Upsample({ mode: "nearest" }), /give one of size and scaleFactor/],
    ["a projection too large", () => new nn.LSTM(2, 3, { projSize: 3 }), /projSize 3 must be less than hiddenSize 3/],
    [
      "a state of another size",
      () => new nn.GRU(2, 3).forward(ones([1, 2, 2]), [ones([1, 2, 3])]),
      /initial state is \[1, 2, 3\] and should be \[1, 1, 3\]/,
    ],
    ["heads that do not divide", () => new nn.MultiHeadAttention(6, 4), /numHeads 4 must divide embedDim 6/],
    [
      "a mask of another shape",
      () =>
        new nn.MultiHeadAttention(4, 2).forward(ones([1, 3, 4]), ones([1, 2, 4]), ones([1, 2, 4]), { attnMask: ones([3, 3]) }),
      /attnMask is bool .* and here \[3, 2\] or \[2, 3, 2\], .* got float32\[3, 3\]/,
    ],
    [
      "a layer to be copied",
      // @ts-expect-error a layer is not a function that makes one
      () => new nn.TransformerEncoder(new nn.TransformerEncoderLayer(4, 2), 2),
      /makes its own layers.*give a function/,
    ],
    [
      "axes that do not come apart",
      () => new nn.Unflatten(1, [2, 4]).forward(ones([2, 6])),
      /axis 1 of \[2, 6\] cannot be taken apart into \[2, 4\]/,
    ],
  ];
  it.each(attempts)("%s", (_, attempt, message) => {
    expect(attempt).toThrow(message);
  });
});

it.each([1.1, 2.1, 2.2])("nearest upsampling by %s has the gradient of what it gives, over any number of axes", (scaleFactor) => {
  for (const axes of [1, 2, 3]) {
    const x = image(1, 1, ...Array<number>(axes).fill(4));
    const up = new nn.Upsample({ scaleFactor });
    const picked = up.forward(x).dataSync();
    const weights = image(...(up.forward(x).shape as number[]));
    const { grads } = valueAndGrad(() => sum(mul(up.forward(x), weights)), x);
    const expected = Array<number>(x.size).fill(0);
    picked.forEach((from, i) => (expected[from]! += i));
    expect([...grads.dataSync()]).toEqual(expected);
  }
});
