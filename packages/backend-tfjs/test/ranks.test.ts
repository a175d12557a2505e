/** Ranks up to 8, and axes of size 1 in every place: TensorFlow's own kernels stop earlier, or take a row for a bias. */
import * as core from "@ermine/core";
import type { Backend, Tensor } from "@ermine/core";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adam, dataset, l2Penalty, sgd, Trainer, type Optimizer } from "@ermine/trainer";
import { expect, it } from "vitest";
import { agrees, backend, numbers, whole } from "./agreement.js";
import { describeNative } from "./native.js";

const alternating = (rank: number, first: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i % 2 === 0 ? first : 3 - first));
const indices = (shape: readonly number[]): Tensor => core.zeros(shape, { dtype: "int32" });

/** Calls on x of any rank. */
const calls: Readonly<Record<string, (x: Tensor, shape: readonly number[]) => Tensor | readonly Tensor[]>> = {
  exp: (x) => core.exp(x),
  gelu: (x) => core.gelu(x),
  "add of the other axes": (x, shape) => core.add(x, core.full(alternating(shape.length, 1), 2)),
  "where of the other axes": (x, shape) => core.where(core.greater(x, core.zeros(alternating(shape.length, 1))), x, 0),
  equal: (x, shape) => core.equal(x, core.zeros(alternating(shape.length, 1))),
  sum: (x, shape) => [core.sum(x, { axis: shape.length - 1 }), core.sum(x, { axis: 0, keepDims: true })],
  max: (x, shape) => core.max(x, { axis: shape.flatMap((_, i) => (i % 2 === 0 ? [i] : [])) }),
  argMax: (x, shape) => [
    core.argMax(x, { axis: 0 }),
    core.argMax(x, { axis: shape.length >> 1 }),
    core.argMax(x, { axis: shape.length - 1 }),
  ],
  permute: (x, shape) =>
    core.exp(
      core.permute(
        x,
        shape.map((_, i) => (i + 1) % shape.length),
      ),
    ),
  softmax: (x, shape) => [core.softmax(x), core.softmax(x, { axis: 0 }), core.logSoftmax(x, { axis: shape.length >> 1 })],
  "the gradient of softmax": (x) => core.grad((t: Tensor) => core.sum(core.mul(core.softmax(t), core.tanh(t))))(x),
  pad: (x, shape) =>
    core.pad(
      x,
      shape.map((_, i) => [1, i % 2] as const),
    ),
  flip: (x, shape) =>
    core.flip(
      x,
      shape.map((_, i) => i),
    ),
  tile: (x, shape) =>
    core.tile(
      x,
      shape.map(() => 2),
    ),
  cumsum: (x, shape) => core.cumsum(x, shape.length - 1),
  sort: (x) => core.sort(x, { axis: 0 }).values,
  concat: (x, shape) => core.concat([x, x], shape.length - 1),
  gather: (x, shape) => core.gather(x, 0, indices(shape)),
  scatterAdd: (x, shape) => core.scatterAdd(x, shape.length - 1, indices(shape), x),
  indexAdd: (x, shape) => core.indexAdd(x, shape.length - 1, indices(shape.slice(-1)), x),
  "slices with steps": (x, shape) => core.at(x, ...shape.map((_, i) => ({ step: i % 2 === 0 ? -1 : 2 }))),
  linear: (x, shape) => core.linear(x, core.ones([3, shape.at(-1)!])),
  "the gradient of a broadcast product": (x, shape) =>
    core.grad((t: Tensor) => core.sum(core.mul(t, core.full(alternating(shape.length, 1), 2))))(x),
};

describeNative("ranks", () => {
  for (const [name, call] of Object.entries(calls)) {
    it(`${name}, of ranks 1 to 8`, async () => {
      for (let rank = 1; rank <= 8; rank++) {
        const shape = alternating(rank, 2);
        await agrees((x) => call(x!, shape), [numbers(shape, rank)], { symbolic: false });
      }
    });
  }

  it("cross-entropy of logits of ranks 6 and 7, with weights, smoothing and probability targets", async () => {
    for (const shape of [
      [2, 3, 2, 3, 2, 2],
      [2, 3, 2, 2, 1, 2, 2],
    ]) {
      const classes = [shape[0]!, ...shape.slice(2)];
      const labels = whole(
        classes,
        Array.from({ length: classes.reduce((a, b) => a * b) }, (_, i) => i % 3),
      );
      const options = { weight: core.tensor([1, 2, 3]), labelSmoothing: 0.1 };
      const gradient = (t: Tensor, given: object) => core.grad((z: Tensor) => core.crossEntropy(z, t, given));
      for (const given of [{}, options]) {
        for (const target of [labels, numbers(shape, 2, 0, 1)])
          await agrees((z, t) => [core.crossEntropy(z!, t!, given), gradient(t!, given)(z!)], [numbers(shape), target]);
      }
    }
  });
});

describeNative("a product of matrices", () => {
  const batches: readonly (readonly number[])[] = [[], [1], [5], [1, 1], [5, 1], [1, 5], [5, 2], [5, 1, 1], [1, 2, 1], [5, 2, 1]];
  const sizes = [
    [5, 2, 3],
    [5, 2, 1],
    [5, 1, 3],
    [1, 1, 1],
  ] as const;
  const meet = (a: readonly number[], b: readonly number[]): boolean =>
    a.every((size, i) => {
      const other = b[b.length - a.length + i] ?? 1;
      return size === other || size === 1 || other === 1;
    });

  it("repeats the batch of one side, or of both, whichever axes are 1 and whichever side is transposed", async () => {
    const transposed = { transposeA: true, transposeB: true };
    for (const a of batches)
      for (const [rows, inner, columns] of sizes) {
        const others = batches.filter((b) => meet(a, b));
        const plain = others.map((b, i) => numbers([...b, inner, columns], i));
        const turned = others.map((b, i) => numbers([...b, columns, inner], i));
        const [x, xTurned] = [numbers([...a, rows, inner]), numbers([...a, inner, rows])];
        await agrees((t, ...ys) => ys.map((y) => core.matmul(t!, y)), [x, ...plain], { symbolic: false });
        await agrees((t, ...ys) => ys.map((y) => core.matmul(t!, y, transposed)), [xTurned, ...turned], { symbolic: false });
      }
  }, 60_000);

  it("repeats a side under a batch that is open", async () => {
    for (const y of [
      [2, 3],
      [1, 2, 3],
      [1, 1, 2, 3],
      [4, 2, 3],
    ])
      await agrees((x, t) => core.matmul(x!, t!), [numbers([5, y.length === 3 && y[0] === 4 ? 4 : 1, 5, 2], 1)], {
        fixed: [numbers(y, 2)],
      });
  });
});

describeNative("one element in another order of axes", () => {
  const one = numbers([1, 1]);
  it("is computed with in every elementwise op", async () => {
    await agrees((x) => core.neg(core.transpose(x!)), [one], { symbolic: false });
    await agrees((x) => core.mul(core.transpose(x!), core.transpose(x!)), [one], { symbolic: false });
    await agrees((x) => core.add(core.transpose(x!), core.tensor([[1]])), [one], { symbolic: false });
    await agrees((x) => core.where(core.greater(core.transpose(x!), 0), core.transpose(x!), x!), [one], { symbolic: false });
    await agrees((x) => core.cast(core.permute(x!, [2, 0, 1]), "int32"), [numbers([1, 1, 1])], { symbolic: false });
  });

  it("goes through layers", async () => {
    const row = numbers([5, 1]);
    const norm = new nn.LayerNorm(5);
    await agrees((x) => norm.forward(core.transpose(x!)), [row], { symbolic: false });
    const layer = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, dropout: 0 });
    layer.eval();
    await agrees((x) => layer.forward(x!), [numbers([1, 1, 4])], { symbolic: false, tolerance: 1e-5 });
  });
});

describeNative("a summand that is one row, of a product", () => {
  it("is added, whatever TensorFlow fuses", async () => {
    await agrees((x, w, b) => core.add(core.matmul(x!, w!), b!), [numbers([4, 3])], {
      fixed: [numbers([3, 5], 2), numbers([1, 5], 3)],
    });
    await agrees(
      (x, y) => core.add(core.mul(y!, 0.5), core.matmul(x!, core.transpose(x!))),
      [numbers([1, 1]), numbers([1, 1], 2)],
      { symbolic: false },
    );
  });

  it.each(["adam", "momentum"])("is the penalty of a last layer with one output: %s", async (name) => {
    const train = async (on: Backend, optimizer: Optimizer): Promise<number[][]> => {
      const model = new nn.Sequential(new nn.Linear(2, 5), new nn.ReLU(), new nn.Linear(5, 1));
      let seed = 0;
      for (const p of model.parameters())
        p.value = core.tensor(numbers(p.shape as readonly number[], ++seed).data, { shape: p.shape });
      const trainer = new Trainer({ model, loss: core.mse, optimizer, regularizers: [l2Penalty(0.1)], backend: on });
      const data = dataset({
        inputs: core.tensor(numbers([8, 2], 7).data, { shape: [8, 2] }),
        targets: core.tensor(numbers([8, 1], 8).data, { shape: [8, 1] }),
      });
      await trainer.fit(data, { epochs: 2, batchSize: 4, shuffle: false });
      const parameters = await Promise.all([...model.parameters()].map(async (p) => [...(await p.data())]));
      trainer.dispose();
      return parameters;
    };
    const optimizer = (): Optimizer =>
      name === "adam" ? adam({ learningRate: 0.01 }) : sgd({ learningRate: 0.01, momentum: 0.9 });
    const expected = await train(reference(), optimizer());
    const trained = await train(await backend(), optimizer());
    trained.forEach((values, i) => values.forEach((value, k) => expect(value).toBeCloseTo(expected[i]![k]!, 5)));
  });
});
