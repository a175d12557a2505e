import { describe, expect, it } from "vitest";
import {
  at,
  add,
  crossEntropy,
  indexSelect,
  manualSeed,
  matmul,
  mean,
  reshape,
  slice,
  sum,
  transpose,
  zeros,
  type Tensor,
} from "@ermine/core";
import { Embedding, Linear, Module, Parameter } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adagrad,
  adam,
  dataset,
  exponentialAverage,
  l2Penalty,
  sgd,
  sparseAdam,
  Trainer,
  type Optimizer,
  type TrainerOptions,
} from "../src/index.js";

const [words, size, classes, length] = [11, 4, 3, 5];

/** The mean of a text's word vectors, classified. */
class Bag extends Module {
  readonly words: Embedding;
  readonly out = new Linear(size, classes);
  constructor(options: ConstructorParameters<typeof Embedding>[2] = {}) {
    super();
    this.words = new Embedding(words, size, options);
  }
  forward(text: Tensor): Tensor {
    return this.out.forward(mean(this.words.forward(text), { axis: 1 }));
  }
}

const texts = 7;
// Words 8, 9 and 10 never occur; others come several times in one text.
const tokens = Int32Array.from({ length: texts * length }, (_, i) => (i * i + (i >> 2)) % 8);
const data = dataset({
  inputs: { data: tokens, shape: [texts, length] },
  targets: { data: Int32Array.from({ length: texts }, (_, i) => i % classes), shape: [texts] },
});
/** The same optimizer, kept from knowing that it may leave rows out. */
const whole = ({ rows: _, ...optimizer }: Optimizer): Optimizer => optimizer;

async function train(
  optimizer: Optimizer,
  options: Partial<TrainerOptions> = {},
  model: Module = new Bag(),
): Promise<Record<string, number[]>> {
  manualSeed(2);
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend: reference(), ...options });
  await trainer.fit(data, { epochs: 3, batchSize: 3, shuffle: false });
  const state = await model.stateDict();
  trainer.dispose();
  return Object.fromEntries(Object.entries(state).map(([name, t]) => [name, Array.from(t.data)]));
}
const make = (options?: ConstructorParameters<typeof Embedding>[2]): Bag => {
  manualSeed(2);
  return new Bag(options);
};
const expectSame = (a: Record<string, number[]>, b: Record<string, number[]>, digits = 6): void => {
  expect(Object.keys(a)).toEqual(Object.keys(b));
  for (const [name, list] of Object.entries(a))
    list.forEach((value, i) => expect(value, `${name}[${i}]`).toBeCloseTo(b[name]![i]!, digits));
};

describe.each([true, false])("rows of an embedding (compiled: %s)", (compile) => {
  const optimizers: readonly (readonly [string, () => Optimizer])[] = [
    ["sgd", () => sgd({ learningRate: 0.5 })],
    ["sgd, climbing", () => sgd({ learningRate: 0.5, maximize: true })],
    ["adagrad", () => adagrad({ learningRate: 0.3, learningRateDecay: 0.1 })],
  ];
  it.each(optimizers)("%s: the numbers are those of the whole table's step", async (_, optimizer) => {
    expect(optimizer().rows).toBe("same");
    expectSame(await train(optimizer(), { compile }, make()), await train(whole(optimizer()), { compile }, make()));
  });

  it.each([
    ["norm 2", { clipGradNorm: 0.05 }],
    ["norm 1", { clipGradNorm: { maxNorm: 0.2, normType: 1 } }],
    ["the largest", { clipGradNorm: { maxNorm: 0.01, normType: Infinity } }],
    ["values", { clipGradValue: 0.01 }],
  ] as const)("clipped by %s, repeated words count once", async (_, clip) => {
    const optimizer = sgd({ learningRate: 1 });
    const free = await train(optimizer, { compile }, make());
    const held = await train(optimizer, { compile, ...clip }, make());
    expectSame(held, await train(whole(optimizer), { compile, ...clip }, make()));
    expect(held).not.toEqual(free);
  });

  it.each([
    ["padding", { paddingIdx: 1 }],
    ["frequencies", { scaleGradByFreq: true }],
    ["a norm", { maxNorm: 1 }],
  ] as const)("with %s of the layer's", async (_, options) => {
    const optimizer = adagrad({ learningRate: 0.3 });
    expectSame(await train(optimizer, { compile }, make(options)), await train(whole(optimizer), { compile }, make(options)));
  });

  it("with a norm of the layer's, looked up twice in a step: every row that was looked up is within it", async () => {
    class Twice extends Bag {
      override forward(text: Tensor): Tensor {
        const first = mean(this.words.forward(at(text, "...", { stop: 1 })), { axis: 1 });
        return this.out.forward(add(first, mean(this.words.forward(at(text, "...", { start: 1 })), { axis: 1 })));
      }
    }
    const twice = (): Twice => {
      manualSeed(2);
      return new Twice({ maxNorm: 0.5 });
    };
    const optimizer = sgd({ learningRate: 0 });
    const trained = await train(optimizer, { compile }, twice());
    expectSame(trained, await train(whole(optimizer), { compile }, twice()));
    const table = trained["words.weight"]!;
    for (const row of new Set(tokens)) expect(Math.hypot(...table.slice(row * size, (row + 1) * size))).toBeLessThan(0.5 + 1e-5);
  });

  it("a penalty, micro-batches or another use of the table take the whole gradient", async () => {
    const optimizer = sgd({ learningRate: 0.5 });
    for (const options of [{ regularizers: [l2Penalty(0.1)] }, { accumulate: 2 }]) {
      expectSame(
        await train(optimizer, { compile, ...options }, make()),
        await train(whole(optimizer), { compile, ...options }, make()),
      );
    }
    class Tied extends Bag {
      override forward(text: Tensor): Tensor {
        const features = mean(this.words.forward(text), { axis: 1 });
        const scores = matmul(features, transpose(this.words.weight.value));
        return add(this.out.forward(features), sum(scores, { axis: 1, keepDims: true }));
      }
    }
    const tied = (): Tied => {
      manualSeed(2);
      return new Tied();
    };
    expectSame(await train(optimizer, { compile }, tied()), await train(whole(optimizer), { compile }, tied()));
  });

  it("sparseAdam moves looked-up rows by its formula and leaves the others and their moments (PyTorch's SparseAdam)", async () => {
    const [lr, beta1, beta2, eps] = [0.1, 0.8, 0.9, 1e-3];
    const lazy = sparseAdam({ learningRate: lr, beta1, beta2, eps });
    const tables: number[][] = [];
    const gradients: number[][] = [];
    // Beside it the same training by sgd, whose moves from the same weights are the gradients.
    const model = make();
    const groups = [
      { parameters: (name: string) => name === "words.weight", optimizer: lazy },
      { parameters: () => true, optimizer: sgd({ learningRate: 0 }) },
    ];
    const trainer = new Trainer({ model, loss: crossEntropy, optimizer: groups, backend: reference(), compile });
    const table = async (from: Bag): Promise<number[]> => Array.from(await from.words.weight.data());
    tables.push(await table(model));
    for (let step = 0; step < 4; step++) {
      const part = data.select(step === 1 ? [0, 0] : step === 2 ? [5] : [1, 2, 3]);
      const probe = make();
      probe.loadStateDict(await model.stateDict());
      const other = new Trainer({ model: probe, loss: crossEntropy, optimizer: sgd({ learningRate: 1 }), backend: reference() });
      await other.fit(part, { epochs: 1, batchSize: 8, shuffle: false });
      const moved = await table(probe);
      gradients.push(tables.at(-1)!.map((w, i) => w - moved[i]!));
      await trainer.fit(part, { epochs: 1, batchSize: 8, shuffle: false });
      tables.push(await table(model));
    }
    const [m, v] = [new Float64Array(words * size), new Float64Array(words * size)];
    const expected = [...tables[0]!];
    gradients.forEach((g, step) => {
      const part = data.select(step === 1 ? [0, 0] : step === 2 ? [5] : [1, 2, 3]);
      const touched = new Set(Array.from((part.inputs as { data: ArrayLike<number> }).data));
      const rate = (lr * Math.sqrt(1 - beta2 ** (step + 1))) / (1 - beta1 ** (step + 1));
      for (const row of touched) {
        for (let k = row * size; k < (row + 1) * size; k++) {
          m[k] = beta1 * m[k]! + (1 - beta1) * g[k]!;
          v[k] = beta2 * v[k]! + (1 - beta2) * g[k]! ** 2;
          expected[k]! -= (rate * m[k]!) / (Math.sqrt(v[k]!) + eps);
        }
      }
      tables[step + 1]!.forEach((w, k) => expect(w, `step ${step}, number ${k}`).toBeCloseTo(expected[k]!, 4));
    });
    expect(tables.at(-1)!.slice(8 * size)).toEqual(tables[0]!.slice(8 * size));
    trainer.dispose();
  });
});

describe("what rows are not for is said", () => {
  it("sparseAdam on a weight that is not looked up, with a decay, or over micro-batches", async () => {
    await expect(train(sparseAdam(), {}, make())).rejects.toThrow(
      /sparseAdam is for tables that are only looked up.*out\.\w+ is used otherwise.*another group/,
    );
    expect(() => sparseAdam({ weightDecay: 0.1 })).toThrow(/no weight decay/);
    const groups = [
      { parameters: (name: string) => name === "words.weight", optimizer: sparseAdam() },
      { parameters: () => true, optimizer: sgd() },
    ];
    const trainer = new Trainer({ model: make(), loss: crossEntropy, optimizer: groups, backend: reference(), accumulate: 2 });
    await expect(trainer.fit(data, { epochs: 1 })).rejects.toThrow(/one batch an update.*words\.weight/);
  });
  it("options that move every row, and averages of all, take the whole table", () => {
    for (const optimizer of [
      sgd({ momentum: 0.9 }),
      sgd({ weightDecay: 0.1 }),
      adagrad({ weightDecay: 0.1 }),
      adam(),
      exponentialAverage(sgd()),
    ])
      expect(optimizer.rows).toBeUndefined();
  });
  it("a large table under an optimizer that moves every row gets a notice, once", async () => {
    class Large extends Module {
      readonly words = new Embedding(70_000, 16);
      forward(text: Tensor): Tensor {
        return mean(this.words.forward(text), { axis: 1 });
      }
    }
    const notices = async (optimizer: Optimizer): Promise<string[]> => {
      const told: string[] = [];
      const trainer = new Trainer({ model: new Large(), loss: crossEntropy, optimizer, backend: reference() });
      for (let i = 0; i < 2; i++) await trainer.fit(data, { epochs: 1, batchSize: 7, notice: (text) => void told.push(text) });
      trainer.dispose();
      return told;
    };
    expect(await notices(adam())).toEqual([
      expect.stringMatching(/words\.weight \(70000 × 16\) is updated whole.*adam moves rows.*sparseAdam/),
    ]);
    expect(await notices(sgd())).toEqual([]);
  }, 60_000);
  it("a table is what is looked up in, in a layer of any kind", async () => {
    class Table extends Module {
      readonly kept = new Parameter(zeros([70_000, 16]));
      /** As large, and has the properties of an embedding; nothing is looked up in it. */
      readonly matrix = Object.assign(new Linear(16, 70_000), { numEmbeddings: 70_000, embeddingDim: 16 });
      forward(text: Tensor): Tensor {
        const vectors = mean(reshape(indexSelect(this.kept.value, 0, reshape(text, [-1])), [-1, length, 16]), { axis: 1 });
        return slice(this.matrix.forward(vectors), [0, 0], [vectors.shape[0] as number, classes]);
      }
    }
    const told: string[] = [];
    const trainer = new Trainer({ model: new Table(), loss: crossEntropy, optimizer: adam(), backend: reference() });
    await trainer.fit(data, { epochs: 1, batchSize: 7, notice: (text) => void told.push(text) });
    trainer.dispose();
    expect(told).toEqual([expect.stringMatching(/^ermine: kept \(70000 × 16\) is updated whole/)]);
  }, 60_000);
});
