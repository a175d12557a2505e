import { beforeAll, describe, expect, it } from "vitest";
import {
  at,
  add,
  crossEntropy,
  full,
  indexSelect,
  manualSeed,
  matmul,
  mean,
  mul,
  reshape,
  slice,
  sub,
  sum,
  tensor,
  transpose,
  useBackend,
  zeros,
  type Tensor,
} from "@ermine/core";
import { Embedding, Linear, Module, Parameter } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adafactor,
  adagrad,
  adam,
  adamw,
  addDecayedWeights,
  centralize,
  chain,
  dataset,
  exponentialAverage,
  l2Penalty,
  lamb,
  lookahead,
  rmsprop,
  scale,
  scaleByAdam,
  sgd,
  sparseAdam,
  Trainer,
  type Optimizer,
  type OptimizerSetup,
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
const withoutRows = ({ rows: _, ...optimizer }: Optimizer): Optimizer => optimizer;

/** The table trained by the optimizer, the rest by another one. */
const inGroup = (optimizer: Optimizer, lazy = false): OptimizerSetup => [
  { parameters: (name) => name === "words.weight", optimizer, lazy },
  { parameters: () => true, optimizer: sgd({ learningRate: 0.1 }) },
];

async function train(
  optimizer: OptimizerSetup,
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
    expectSame(await train(optimizer(), { compile }, make()), await train(withoutRows(optimizer()), { compile }, make()));
  });

  it.each([
    ["norm 2", { clipGradNorm: 0.05 }],
    ["norm 1", { clipGradNorm: { maxNorm: 0.2, normType: 1 } }],
    ["the largest", { clipGradNorm: { maxNorm: 0.01, normType: Infinity } }],
    ["values", { clipGradValue: 0.01 }],
  ] as const)("clipped by %s, repeated words count once", async (_, clip) => {
    const optimizer = sgd({ learningRate: 1 });
    const free = await train(optimizer, { compile }, make());
    const limited = await train(optimizer, { compile, ...clip }, make());
    expectSame(limited, await train(withoutRows(optimizer), { compile, ...clip }, make()));
    expect(limited).not.toEqual(free);
  });

  it.each([
    ["padding", { paddingIdx: 1 }],
    ["frequencies", { scaleGradByFreq: true }],
    ["a norm", { maxNorm: 1 }],
  ] as const)("with %s of the layer's", async (_, options) => {
    const optimizer = adagrad({ learningRate: 0.3 });
    expectSame(
      await train(optimizer, { compile }, make(options)),
      await train(withoutRows(optimizer), { compile }, make(options)),
    );
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
    expectSame(trained, await train(withoutRows(optimizer), { compile }, twice()));
    const table = trained["words.weight"]!;
    for (const row of new Set(tokens)) expect(Math.hypot(...table.slice(row * size, (row + 1) * size))).toBeLessThan(0.5 + 1e-5);
  });

  it("a penalty, micro-batches or another use of the table take the whole gradient", async () => {
    const optimizer = sgd({ learningRate: 0.5 });
    for (const options of [{ regularizers: [l2Penalty(0.1)] }, { accumulate: 2 }]) {
      expectSame(
        await train(optimizer, { compile, ...options }, make()),
        await train(withoutRows(optimizer), { compile, ...options }, make()),
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
    expectSame(await train(optimizer, { compile }, tied()), await train(withoutRows(optimizer), { compile }, tied()));
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

/** A bag whose table is used whole as well, which changes no value. */
class Whole extends Bag {
  override forward(text: Tensor): Tensor {
    return add(super.forward(text), mul(sum(this.words.weight.value), 0));
  }
}

describe.each([true, false])("steps on the whole of a table that was looked up in (compiled: %s)", (compile) => {
  const makeWhole = (): Bag => {
    manualSeed(2);
    return new Whole();
  };
  const some: Readonly<Record<string, Optimizer>> = {
    adamw: adamw({ learningRate: 0.05, weightDecay: 0.1 }),
    "sgd, momentum and decay": sgd({ learningRate: 0.3, momentum: 0.9, weightDecay: 0.1 }),
    lamb: lamb({ learningRate: 0.1 }),
    adafactor: adafactor(),
    "an average": exponentialAverage(adam({ learningRate: 0.1 }), { decay: 0.5 }),
    lookahead: lookahead(adam({ learningRate: 0.1 }), { k: 2 }),
    "a chain": chain(centralize(), scaleByAdam(), scale(-0.1)),
  };
  it.each(Object.keys(some))("%s: rows that were not looked up decay and go on by momentum as they do", async (name) => {
    for (const options of [{}, { accumulate: 2 }, { clipGradNorm: 0.05 }, { clipGradNorm: { maxNorm: 0.2, normType: 1 } }]) {
      const moved = await train(some[name]!, { compile, ...options }, make());
      expectSame(moved, await train(some[name]!, { compile, ...options }, makeWhole()), 5);
    }
  });
  it("a gradient that is not finite changes nothing, also where only the sum of two rows is not", async () => {
    const huge = (): Bag => {
      const model = make();
      // Each lookup of a text adds 3e38 / 5 to its word's gradient; two of them are beyond float32.
      return Object.assign(model, { forward: (text: Tensor): Tensor => mul(sum(model.words.forward(text), { axis: 1 }), 3e38) });
    };
    const model = huge();
    const loss = (output: Tensor): Tensor => mean(sum(output, { axis: 1 }));
    const before = Array.from(await model.words.weight.data());
    const text = { data: Int32Array.from([3, 3, 1, 1, 1]), shape: [1, 5] };
    const trainer = new Trainer({ model, loss, optimizer: adamw(), backend: reference(), compile });
    await expect(trainer.fit(dataset({ inputs: text }), { epochs: 1 })).rejects.toThrow(/finite|NaN/);
    expect(Array.from(await model.words.weight.data())).toEqual(before);
    trainer.dispose();
  });
});

describe.each([true, false])("a lazy group (compiled: %s)", (compile) => {
  beforeAll(() => useBackend(reference()));
  const lazyOptimizers: Readonly<Record<string, Optimizer>> = {
    "adamw, decay": adamw({ learningRate: 0.1, weightDecay: 0.2, beta1: 0.8 }),
    "sgd, momentum and decay": sgd({ learningRate: 0.3, momentum: 0.9, weightDecay: 0.1 }),
    rmsprop: rmsprop({ learningRate: 0.1 }),
    "adam, amsgrad, climbing": adam({ learningRate: 0.1, amsgrad: true, maximize: true }),
    "a chain": chain(scaleByAdam(), addDecayedWeights(0.1), scale(-0.1)),
    sparseAdam: sparseAdam({ learningRate: 0.1 }),
  };
  it.each(Object.keys(lazyOptimizers).flatMap((name) => [1, 2].map((accumulate) => [name, accumulate] as const)))(
    "%s, micro-batches %i: a row takes a step where it was looked up, and waits with its slots where it was not",
    async (name, accumulate) => {
      const optimizer = lazyOptimizers[name]!;
      const model = make();
      const trainer = new Trainer({
        model,
        loss: crossEntropy,
        optimizer: inGroup(optimizer, true),
        backend: reference(),
        compile,
        accumulate,
      });
      const start = await model.words.weight.data();
      const rowsOf = (elements: ArrayLike<number>): Tensor[] =>
        Array.from({ length: words }, (_, r) =>
          tensor(Array.from(elements).slice(r * size, (r + 1) * size), { shape: [1, size] }),
        );
      let expected = rowsOf(start);
      const slots = expected.map((row) =>
        Object.values(optimizer.slots([1, size])).map((slot) => (slot.start === "parameter" ? row : full([1, size], slot.start))),
      );
      for (const [step, samples] of [
        [0, 4],
        [0, 0],
        [5, 6],
        [1, 2, 3, 4],
      ].entries()) {
        const part = data.select(samples);
        const probe = make();
        probe.loadStateDict(await model.stateDict());
        const other = new Trainer({
          model: probe,
          loss: crossEntropy,
          optimizer: sgd({ learningRate: 1 }),
          backend: reference(),
        });
        await other.fit(part, { epochs: 1, batchSize: 8, shuffle: false });
        const moved = rowsOf(await probe.words.weight.data());
        other.dispose();
        const now = rowsOf(await model.words.weight.data());
        const scalars = tensor(Float32Array.from(optimizer.scalars({ step, epoch: step })));
        const touched = new Set(Array.from((part.inputs as { data: ArrayLike<number> }).data));
        await trainer.fit(part, { epochs: 1, batchSize: samples.length / accumulate, shuffle: false });
        expected = expected.map((row, r) => {
          if (!touched.has(r)) return row;
          const state = { parameters: [row], slots: [slots[r]!] };
          const next = optimizer.update(state, [sub(now[r]!, moved[r]!)], scalars);
          slots[r] = [...next.slots[0]!];
          return next.parameters[0]!;
        });
        const table = rowsOf(await model.words.weight.data());
        table.forEach((row, r) =>
          row
            .dataSync()
            .forEach((value, k) => expect(value, `step ${step}, row ${r}`).toBeCloseTo(expected[r]!.dataSync()[k]!, 3)),
        );
      }
      expect(Array.from(await model.words.weight.data()).slice(8 * size)).toEqual(Array.from(start).slice(8 * size));
      trainer.dispose();
    },
  );
  it("is part of a trainer's configuration, and so of what a resumed fit is held against", () => {
    const of = (optimizer: OptimizerSetup): unknown =>
      new Trainer({ model: make(), loss: crossEntropy, optimizer, backend: reference(), compile }).configuration.optimizers;
    expect(of(inGroup(adam(), true))).toMatchObject([{ name: "adam", lazy: true }, { name: "sgd" }]);
    expect(of(inGroup(adam()))).not.toMatchObject([{ lazy: true }, {}]);
  });
});

describe("what rows are not for is said", () => {
  it("sparseAdam on a weight that is not looked up, with a decay, or over micro-batches", async () => {
    await expect(train(sparseAdam(), {}, make())).rejects.toThrow(
      /sparseAdam is for tables that are only looked up.*out\.\w+ is used otherwise.*another group/,
    );
    expect(() => sparseAdam({ weightDecay: 0.1 })).toThrow(/no weight decay/);
    for (const accumulate of [1, 2])
      await expect(train(inGroup(sparseAdam()), { regularizers: [l2Penalty(0.1)], accumulate }, make())).rejects.toThrow(
        /without a penalty; words\.weight is used otherwise/,
      );
  });
  it("a lazy group of a weight that is not looked up, with a penalty, or of an optimizer that looks at whole tables", async () => {
    for (const accumulate of [1, 2]) {
      await expect(train([{ parameters: () => true, optimizer: adamw(), lazy: true }], { accumulate }, make())).rejects.toThrow(
        /A lazy group is for tables that are only looked up.*out\.\w+ is used otherwise.*adamw\(\), lazy: true/,
      );
    }
    await expect(train(inGroup(adamw(), true), { regularizers: [l2Penalty(0.1)] }, make())).rejects.toThrow(/without a penalty/);
    for (const optimizer of [lamb(), exponentialAverage(adamw()), chain(centralize(), scale(-1))])
      expect(
        () => new Trainer({ model: make(), loss: crossEntropy, optimizer: inGroup(optimizer, true), backend: reference() }),
      ).toThrow(/group 0: .* cannot be lazy/);
    expect(
      () =>
        new Trainer({
          model: make(),
          loss: crossEntropy,
          optimizer: inGroup(adamw(), "yes" as unknown as boolean),
          backend: reference(),
        }),
    ).toThrow(/lazy/);
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
    const notices = async (optimizer: OptimizerSetup): Promise<string[]> => {
      const notices: string[] = [];
      const trainer = new Trainer({ model: new Large(), loss: crossEntropy, optimizer, backend: reference() });
      for (let i = 0; i < 2; i++) await trainer.fit(data, { epochs: 1, batchSize: 7, notice: (text) => void notices.push(text) });
      trainer.dispose();
      return notices;
    };
    expect(await notices(adam())).toEqual([
      expect.stringMatching(
        /words\.weight \(70000 × 16\) is updated whole.*adam moves rows.*name === "words\.weight".*lazy: true/,
      ),
    ]);
    expect(await notices(sgd())).toEqual([]);
    expect(await notices([{ parameters: () => true, optimizer: adam(), lazy: true }])).toEqual([]);
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
    const notices: string[] = [];
    const trainer = new Trainer({ model: new Table(), loss: crossEntropy, optimizer: adam(), backend: reference() });
    await trainer.fit(data, { epochs: 1, batchSize: 7, notice: (text) => void notices.push(text) });
    trainer.dispose();
    expect(notices).toEqual([expect.stringMatching(/^ermine: kept \(70000 × 16\) is updated whole/)]);
  }, 60_000);
});
