/** Layers that few models use. Their values and gradients are PyTorch's in the golden cases of conformance; here is what those do not say. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  compile,
  ErmineError,
  fractionalMaxPool,
  gumbelSoftmax,
  manualSeed,
  maxUnpool,
  mean,
  mul,
  normal,
  normalize,
  Parameter,
  sub,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  withRandom,
  zeros,
  type Tensor,
} from "../../src/index.js";
import {
  CrossMapLRN2d,
  Fold,
  FractionalMaxPool2d,
  Linear,
  LocalResponseNorm,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  Transformer,
  TripletMarginWithDistanceLoss,
  Unfold,
  UpsamplingNearest2d,
} from "../../src/nn/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

beforeEach(() => {
  useBackend(reference());
  manualSeed(1);
});

describe("unpooling", () => {
  test("undoes pooling, up to what was not the largest; an index more than once is the mean, and passes all of the gradient", () => {
    const x = normal([2, 3, 6, 4]);
    const pool = new MaxPool2d(2, { returnIndices: true });
    const [largest, indices] = pool.forward(x);
    const back = new MaxUnpool2d(2).forward(largest, indices);
    const pooled = pool.forward(back)[0].dataSync();
    largest.dataSync().forEach((value, i) => expect(pooled[i]).toBe(Math.max(value, 0)));
    const twice = tensor([[[1, 3]]]);
    const at = tensor([[[2, 2]]], { dtype: "int32" });
    expect(maxUnpool(twice, at, 2).toArray()).toEqual([[[0, 0, 2, 0]]]);
    const [slope] = valueAndGrad(() => sum(mul(maxUnpool(twice, at, 2), 5)), [twice]).grads as readonly Tensor[];
    expect(slope!.toArray()).toEqual([[[5, 5]]]);
  });

  test("refuses indices of another shape, beyond the image, and sizes that are not pooled to it", () => {
    const x = zeros([1, 1, 2]);
    const at = tensor([[[0, 9]]], { dtype: "int32" });
    expect(() => maxUnpool(x, zeros([1, 1, 3], { dtype: "int32" }), 2)).toThrow(/one index for each element/);
    expect(() => maxUnpool(x, at, 2)).toThrow(ErmineError);
    expect(() => maxUnpool(x, zeros([1, 1, 2], { dtype: "int32" }), 2, { outputSize: [7] })).toThrow(
      /outputSize \[7\] is not pooled to \[2\]/,
    );
  });
});

describe("fractional pooling", () => {
  test("draws where its windows begin: other windows at each call, the same for a seed, and each largest stands where its index says", () => {
    const x = normal([2, 3, 9, 8]);
    const layer = new FractionalMaxPool2d(2, { outputRatio: 0.6, returnIndices: true });
    const draws = Array.from({ length: 6 }, () => layer.forward(x)[1].toArray());
    expect(new Set(draws.map((draw) => JSON.stringify(draw))).size).toBeGreaterThan(3);
    manualSeed(1);
    const [values, indices] = fractionalMaxPool(x, 2, { outputSize: [5, 4] });
    manualSeed(1);
    expect(fractionalMaxPool(x, 2, { outputSize: [5, 4] })[1].toArray()).toEqual(indices.toArray());
    const flat = x.dataSync();
    const places = indices.dataSync();
    values.dataSync().forEach((value, i) => expect(value).toBe(flat[Math.floor(i / 20) * 72 + places[i]!]));
  });

  test("says what does not fit, and that one size is needed", () => {
    expect(() => new FractionalMaxPool2d(2, {})).toThrow(/takes one of outputSize and outputRatio/);
    expect(() => new FractionalMaxPool2d(2, { outputSize: 2, outputRatio: 0.5 })).toThrow(/one of/);
    expect(() => new FractionalMaxPool2d(2, { outputRatio: 1 })).toThrow(/outputRatio is in \(0, 1\)/);
    expect(() => new FractionalMaxPool2d(3, { outputSize: 4 }).forward(zeros([1, 1, 5, 9]))).toThrow(
      /4 windows of 3 do not fit into 5/,
    );
    expect(() => fractionalMaxPool(zeros([1, 1, 4, 4]), 2, { outputSize: 2, randomSamples: zeros([1, 2]) })).toThrow(
      /randomSamples is \[1, 1, 2\]/,
    );
  });
});

describe("gumbelSoftmax", () => {
  test("draws a class as often as its probability says; hard draws are one-hot with the gradient of soft ones", () => {
    const logits = tensor(
      Float32Array.from({ length: 3 * 4000 }, (_, i) => Math.log([0.2, 0.3, 0.5][i % 3]!)),
      { shape: [4000, 3] },
    );
    const hard = gumbelSoftmax(logits, { hard: true });
    (mean(hard, { axis: 0 }).toArray() as number[]).forEach((share, i) =>
      expect(Math.abs(share - [0.2, 0.3, 0.5][i]!)).toBeLessThan(0.03),
    );
    const slope = (options: object): number[][] => {
      manualSeed(2);
      const x = tensor([[0.1, 0.7, -0.2]]);
      const weights = tensor([[1, -2, 3]]);
      return (
        valueAndGrad(() => sum(mul(gumbelSoftmax(x, { tau: 0.7, ...options }), weights)), [x]).grads as [Tensor]
      )[0].toArray() as number[][];
    };
    expect(slope({ hard: true })).toEqual(slope({}));
    expect(slope({})[0]!.some((value) => Math.abs(value) > 1e-3)).toBe(true);
  });

  test("is drawn anew in each run of a compiled function that is given counters, over any axis", async () => {
    const run = compile((x: Tensor, counters: Tensor) =>
      withRandom({ seed: 1, counters }, () => gumbelSoftmax(x, { hard: true, axis: 0 })),
    );
    const [first, second] = [
      await run(zeros([4, 50]), tensor([0, 0, 0], { dtype: "int32" })),
      await run(zeros([4, 50]), tensor([1, 0, 0], { dtype: "int32" })),
    ];
    expect(first.toArray()).not.toEqual(second.toArray());
    expect(sum(first, { axis: 0 }).toArray()).toEqual(Array(50).fill(1));
    run.dispose();
    expect(() => gumbelSoftmax(zeros([2]), { tau: 0 })).toThrow(/tau must be above 0/);
  });
});

test("normalize leaves zeros as they are, and its gradient is its slope", () => {
  expect(normalize(zeros([2, 3])).toArray()).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
  checkGradients((x: Tensor) => sum(mul(normalize(x, { p: 3 }), tensor([[1, 2, 3]]))), [normal([2, 3])]);
});

test("CrossMapLRN2d is LocalResponseNorm for odd sizes, and for an even one counts the same channels on both sides", () => {
  const x = normal([2, 7, 2, 2]);
  const options = { alpha: 0.7, beta: 0.6, k: 1.5 };
  const [maps, local] = [new CrossMapLRN2d(5, options).forward(x), new LocalResponseNorm(5, options).forward(x)].map((t) =>
    t.dataSync(),
  );
  maps!.forEach((value, i) => expect(value).toBeCloseTo(local![i]!, 12));
  const even = new CrossMapLRN2d(4, options).forward(x).dataSync();
  const odd = new LocalResponseNorm(3, { ...options, alpha: (0.7 * 3) / 4 }).forward(x).dataSync();
  even.forEach((value, i) => expect(value).toBeCloseTo(odd[i]!, 12));
});

test("Fold and Unfold refuse what their windows do not make", () => {
  expect(() => new Fold(4, 2).forward(zeros([1, 7, 9]))).toThrow(/expects \(N, C · 4, L\)/);
  expect(() => new Fold(4, 2).forward(zeros([1, 8, 5]))).toThrow(ErmineError);
  expect(() => new Unfold(3).forward(zeros([1, 1, 2, 2]))).toThrow(/does not fit/);
  expect(() => new Unfold(2, { stride: 0 })).toThrow(/stride is a whole number ≥ 1/);
  expect(() => new UpsamplingNearest2d({ scaleFactor: 2 }).forward(zeros([1, 1, 4]))).toThrow(/takes \(N, C, H, W\)/);
});

test("a triplet loss of a distance of one's own", () => {
  const loss = new TripletMarginWithDistanceLoss({
    distanceFunction: (x, y) => sum(mul(sub(x, y), sub(x, y)), { axis: -1 }),
    margin: 2,
    reduction: "none",
  });
  expect(loss.forward(tensor([[0, 0]]), tensor([[1, 1]]), tensor([[0, 1]])).toArray()).toEqual([3]);
  expect(() => new TripletMarginWithDistanceLoss({ margin: 0 })).toThrow(/margin must be above 0/);
  expect(() => new TripletMarginWithDistanceLoss({ reduction: "max" as never })).toThrow(/reduction is "mean"/);
  expect(() => loss.forward(zeros([2, 3]), zeros([2, 3]), zeros([1, 3]))).toThrow(/the negative has the anchor's shape/);
});

test("Transformer's matrices start from xavierUniform, and masks reach its two sides", () => {
  const model = new Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16, dropout: 0 });
  const weight = new Map(model.namedParameters()).get("encoder.layers.0.linear1.weight")!;
  const bound = Math.sqrt(6 / (8 + 16));
  expect(Math.max(...weight.value.dataSync().map(Math.abs))).toBeLessThanOrEqual(bound);
  expect(Math.max(...weight.value.dataSync().map(Math.abs))).toBeGreaterThan(0.9 * bound);
  const [src, tgt] = [normal([2, 4, 8]), normal([2, 3, 8])];
  const plain = model.forward(src, tgt).toArray();
  for (const masks of [{ srcIsCausal: true }, { tgtIsCausal: true }, { memoryIsCausal: true }])
    expect(model.forward(src, tgt, masks).toArray()).not.toEqual(plain);
  expect(() => model.forward(src, tgt, { mask: src } as never)).toThrow(/no option "mask"/);
});

describe("containers", () => {
  class Net extends Module {
    layers = new ModuleList([new Linear(2, 3), new Linear(3, 1)]);
    parts = new ModuleDict({ left: new Linear(1, 1) });
    scales = new ParameterList([new Parameter(zeros([2]))]);
    named = new ParameterDict({ gain: new Parameter(zeros([3])) });
    forward(x: Tensor): Tensor {
      let y = x;
      for (const layer of this.layers) y = layer.forward(y);
      return this.parts.get("left")!.forward(y);
    }
  }

  test("have PyTorch's names, and what is added later is trained too", () => {
    const net = new Net();
    net.layers.append(new Linear(1, 1));
    net.parts.set("right", new Linear(1, 1));
    net.scales.extend([new Parameter(zeros([1])), new Parameter(zeros([1]))]);
    expect(net.namedParameters().map(([name]) => name)).toEqual([
      ..."0.weight 0.bias 1.weight 1.bias 2.weight 2.bias".split(" ").map((name) => `layers.${name}`),
      ..."left.weight left.bias right.weight right.bias".split(" ").map((name) => `parts.${name}`),
      "scales.0",
      "scales.1",
      "scales.2",
      "named.gain",
    ]);
    expect(net.forward(zeros([4, 2])).shape).toEqual([4, 1]);
    expect([net.layers.length, net.layers.at(-1)!.inFeatures, net.layers.at(9)]).toEqual([3, 1, undefined]);
    expect([net.parts.keys(), net.parts.has("left"), net.parts.has("up"), [...net.named].length]).toEqual([
      ["left", "right"],
      true,
      false,
      1,
    ]);
  });

  test("refuse what is none, and names that a module has; nothing is added then", () => {
    const list = new ModuleList([new Linear(1, 1)]);
    expect(() => list.extend([new Linear(1, 1), 3 as never])).toThrow(/item 1 is a module, got 3/);
    expect(list.length).toBe(1);
    expect(() => new ParameterList([new Linear(1, 1) as never])).toThrow(/item 0 is a parameter/);
    expect(() => new ModuleList(3 as never)).toThrow(/takes a list, got 3/);
    const dict = new ModuleDict();
    for (const name of ["forward", "training", "a.b", "", "__proto__"])
      expect(() => dict.set(name, new Linear(1, 1))).toThrow(/no item can be called/);
    expect(dict.keys()).toEqual([]);
    expect(() => new ModuleDict({ a: new Linear(1, 1), train: new Linear(1, 1) })).toThrow(
      /a module has a property of that name/,
    );
    expect(() => list.forward()).toThrow(/ModuleList computes nothing by itself/);
  });
});
