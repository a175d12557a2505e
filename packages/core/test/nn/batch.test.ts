import { beforeAll, describe, expect, it } from "vitest";
import {
  cast,
  compile,
  concat,
  manualSeed,
  mul,
  normal,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => useBackend(reference()));

/** A layer over one tensor, and the shape of one sample. */
type Case = readonly [name: string, make: () => nn.Layer, sample: readonly number[]];

class Memory extends nn.Module {
  readonly decoder = new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 3, dropout: 0, normFirst: true });
  forward(x: Tensor): Tensor {
    return this.decoder.forward(x, mul(x, 2), { tgtIsCausal: true });
  }
}
class Twice extends nn.Module {
  readonly both = new nn.Bilinear(3, 3, 2);
  forward(x: Tensor): Tensor {
    return this.both.forward(x, x);
  }
}
class Lookup extends nn.Module {
  readonly table = new nn.Embedding(5, 3, { paddingIdx: 1, maxNorm: 0.9, scaleGradByFreq: true });
  forward(x: Tensor): Tensor {
    return this.table.forward(cast(mul(x, x), "int32"));
  }
}

const cases: readonly Case[] = [
  ["Conv1d, mirrored", () => new nn.Conv1d(2, 4, 3, { padding: 2, paddingMode: "reflect", groups: 2 }), [2, 5]],
  ["Conv2d, same", () => new nn.Conv2d(2, 3, 4, { padding: "same" }), [2, 4, 5]],
  ["ConvTranspose2d", () => new nn.ConvTranspose2d(2, 3, 3, { stride: 2, outputPadding: 1 }), [2, 2, 3]],
  ["MaxPool2d, over the edge", () => new nn.MaxPool2d(2, { ceilMode: true }), [2, 3, 5]],
  ["AvgPool2d, over the edge", () => new nn.AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }), [2, 4, 5]],
  ["LPPool1d", () => new nn.LPPool1d(2, 2), [2, 4]],
  ["AdaptiveAvgPool2d", () => new nn.AdaptiveAvgPool2d([3, null]), [2, 5, 3]],
  ["AdaptiveMaxPool1d", () => new nn.AdaptiveMaxPool1d(3), [2, 5]],
  ["CircularPad2d", () => new nn.CircularPad2d(1), [1, 2, 3]],
  ["BatchNorm1d", () => new nn.BatchNorm1d(3, { momentum: null }), [3]],
  ["InstanceNorm1d", () => new nn.InstanceNorm1d(2, { affine: true, trackRunningStats: true }), [2, 4]],
  ["GroupNorm", () => new nn.GroupNorm(2, 4), [4, 3]],
  ["LocalResponseNorm", () => new nn.LocalResponseNorm(3), [4, 3]],
  ["Upsample", () => new nn.Upsample({ scaleFactor: 1.5, mode: "bilinear" }), [2, 2, 4]],
  ["PixelShuffle", () => new nn.PixelShuffle(2), [4, 2, 3]],
  ["Flatten and Unflatten", () => new nn.Sequential(new nn.Flatten(), new nn.Unflatten(1, [3, -1])), [2, 6]],
  ["Bilinear", () => new Twice(), [3]],
  ["Embedding", () => new Lookup(), [2]],
  ["RNN, relu", () => new nn.RNN(3, 2, { nonlinearity: "relu", bidirectional: true }), [4, 3]],
  ["LSTM, projected", () => new nn.LSTM(3, 4, { projSize: 2, numLayers: 2 }), [3, 3]],
  ["GRU", () => new nn.GRU(3, 2), [3, 3]],
  ["MultiHeadAttention", () => new nn.MultiHeadAttention(4, 2, { causal: true, addBiasKv: true, addZeroAttn: true }), [3, 4]],
  [
    "TransformerEncoderLayer",
    () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, dropout: 0, activation: "gelu" }),
    [3, 4],
  ],
  ["TransformerDecoderLayer", () => new Memory(), [3, 4]],
];

describe("compiled once for any batch, a layer gives what it gives eagerly, and so do its gradients and its state", () => {
  it.each(cases)("%s", async (_, make, sample) => {
    const made = (): nn.Layer => {
      manualSeed(5);
      return make();
    };
    const [eager, traced] = [made(), made()];
    const step = (layer: nn.Layer) => (x: Tensor) => {
      const { value, grads } = valueAndGrad(() => {
        const y = layer.forward(x);
        return [sum(mul(y, mul(y, 0.5))), y] as const;
      }, layer.parameters());
      return { y: value[1], grads };
    };
    const compiled = compile(step(traced), { symbolicBatch: true });
    for (const n of [3, 2, 5]) {
      manualSeed(n);
      const x = normal([n, ...sample]);
      const [a, b] = [step(eager)(x), compiled(x)];
      expect(b.y.shape).toEqual(a.y.shape);
      const gap = (p: Tensor, q: Tensor): number =>
        Math.max(0, ...Array.from(p.dataSync(), (v, i) => Math.abs(v - q.dataSync()[i]!) / (1 + Math.abs(v))));
      expect(gap(a.y, b.y)).toBeLessThan(1e-6);
      a.grads.forEach((g, i) => expect(gap(g, b.grads[i]!)).toBeLessThan(1e-6));
    }
    const [one, other] = [await eager.stateDict(), await traced.stateDict()];
    for (const [name, { data }] of Object.entries(one)) data.forEach((v, i) => expect(other[name]!.data[i]).toBeCloseTo(v, 5));
    compiled.dispose();
  });
});

describe("without a batch, a layer gives what it gives for a batch of one", () => {
  const single = cases.filter(([name]) =>
    /Conv|Pool|InstanceNorm|RNN|LSTM|GRU|Attention|Transformer|CircularPad|PixelShuffle|Bilinear/.test(name),
  );
  it.each(single)("%s", (_, make, sample) => {
    const layer = make().eval();
    const x = normal([1, ...sample]);
    const whole = layer.forward(x);
    const alone = layer.forward(tensor(x.dataSync(), { shape: sample }));
    expect(alone.shape).toEqual(whole.shape.slice(1));
    const [a, b] = [alone.dataSync(), whole.dataSync()];
    a.forEach((v, i) => expect(v).toBeCloseTo(b[i]!, 6));
  });
});

it("what a batch has does not depend on its other samples, but for BatchNorm in training", () => {
  for (const [name, make, sample] of cases) {
    manualSeed(9);
    const layer = make().eval();
    const [a, b] = [normal([1, ...sample]), normal([1, ...sample])];
    const together = layer.forward(concat([a, b])).dataSync();
    const apart = [...layer.forward(a).dataSync(), ...layer.forward(b).dataSync()];
    apart.forEach((v, i) => expect(Math.abs(v - together[i]!), name).toBeLessThan(1e-5 * (1 + Math.abs(v))));
  }
});
