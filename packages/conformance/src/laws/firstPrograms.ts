/** The law of first programs: what people write first, and write wrong, trains or is refused with the same words on every backend. */
import {
  add,
  bceWithLogits,
  compile,
  crossEntropy,
  focal,
  manualSeed,
  mse,
  mul,
  softmax,
  square,
  sub,
  sum,
  tensor,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { defineLoss } from "@ermine/core/define";
import { Conv2d, Dropout, Linear, LSTM, Module, Sequential } from "@ermine/core/nn";
import {
  accuracy,
  dataset,
  earlyStopping,
  schedules,
  sgd,
  Trainer,
  type Dataset,
  type Metric,
  type TrainerOptions,
} from "@ermine/trainer";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const samples = 8;
const inputs = { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] };
const targets = { data: Float32Array.from({ length: samples }, (_, i) => i / 4 - 1), shape: [samples, 1] };
const values = dataset({ inputs, targets });
const labels = Int32Array.from({ length: samples }, (_, i) => i % 2);
const classes = dataset({ inputs, targets: { data: labels, shape: [samples] } });
const run = { epochs: 2, batchSize: 4, shuffle: false, notice: () => undefined } as const;

/** Something that is written without types. */
const untyped = <T>(fn: unknown, ...args: readonly unknown[]): T => (fn as (...all: readonly unknown[]) => T)(...args);

const first = async (x: Tensor): Promise<number> => (await x.data())[0]!;

/** @throws Error where they are not the same */
function same(got: unknown, expected: unknown): void {
  const [a, b] = [got, expected].map((x) => JSON.stringify(x, (_, v: unknown) => (typeof v === "number" ? String(v) : v)));
  if (a !== b) throw new Error(`it gives ${a} and should give ${b}`);
}

/** @throws Error where it is taken, or refused in other words */
async function refusedWith(pattern: RegExp, fn: () => unknown): Promise<void> {
  const { message } = await refused(fn);
  if (!pattern.test(message)) throw new Error(`it is refused with "${message}", where ${String(pattern)} is expected`);
}

function seeded<M>(make: () => M): M {
  manualSeed(3);
  return make();
}
const linear = (outputs = 1) => seeded(() => new Sequential(new Linear(2, outputs)));

/** Runs with a trainer of those options. */
async function withTrainer<T>(backend: Backend, options: object, use: (trainer: Trainer) => T | Promise<T>): Promise<T> {
  const trainer = new Trainer({
    model: linear(),
    loss: mse,
    optimizer: sgd({ learningRate: 0.1 }),
    backend,
    ...options,
  } as TrainerOptions<never>);
  try {
    return await use(trainer as Trainer);
  } finally {
    trainer.dispose();
  }
}

/** The losses of a training's steps. */
const steps = async (backend: Backend, options: object, of: Dataset = values): Promise<readonly number[]> =>
  withTrainer(backend, options, async (trainer) => [...(await trainer.fit(of, run)).steps]);

const unnamed = { link: "identity", inputs: [{ name: "prediction" }, { name: "target" }] } as const;

class Mapped extends Module {
  readonly layers = new Map([["b", new Linear(2, 1)]]);
  forward(x: Tensor): Tensor {
    return this.layers.get("b")!.forward(x);
  }
}

/** Keeps its layer where nobody looks for it. */
class Private extends Module {
  readonly #layer = new Linear(2, 1);
  forward(x: Tensor): Tensor {
    return this.#layer.forward(x);
  }
}

class ArrowForward extends Module {
  readonly layer = new Linear(2, 1);
  readonly forward = (x: Tensor): Tensor => this.layer.forward(x);
}

const unmeasurable: Metric = {
  name: "score",
  better: "higher",
  init: () => 0,
  update: () => 0,
  merge: () => 0,
  compute: () => NaN,
};

type Program = (backend: Backend) => Promise<void>;

const programs: Readonly<Record<string, Program>> = {
  async "a compiled function is called with numbers that are nearly one another, functions and maps"(backend) {
    const specialValues = [Infinity, -Infinity, NaN, 0, -0, 1];
    const times = compile((x: Tensor, k: number) => mul(x, k));
    const products = specialValues.map((k) => withBackend(backend, () => times(tensor([2]), k)));
    same(
      (await Promise.all(products.map(first))).map((x) => (Object.is(x, -0) ? "-0" : String(x))),
      ["Infinity", "-Infinity", "NaN", "0", "-0", "2"],
    );
    const apply = compile((x: Tensor, fn: (y: Tensor) => Tensor) => fn(x));
    const sums = [1, 2].map((k) => withBackend(backend, () => apply(tensor([2]), (y) => add(y, k))));
    same(await Promise.all(sums.map(first)), [3, 4]);
    const read = compile((x: Tensor, map: ReadonlyMap<string, number>) => mul(x, map.get("k")!));
    const mapped = [3, 4].map((k) => withBackend(backend, () => read(tensor([2]), new Map([["k", k]]))));
    same(await Promise.all(mapped.map(first)), [6, 8]);
  },
  async "a second trainer takes the first one's optimizer"(backend) {
    const learningRate = schedules.reduceOnPlateau(0.1, { monitor: "loss", patience: 0, threshold: 0.9 });
    const optimizer = sgd({ learningRate });
    same(await steps(backend, { optimizer }), await steps(backend, { optimizer, model: linear() }));
  },
  async "a loss pairs (N, 1) with (N)"(backend) {
    const flat = dataset({ inputs, targets: { data: targets.data, shape: [samples] } });
    const pairs = defineLoss({ ...unnamed, name: "pairs", elements: ([p, t]) => ({ value: square(sub(p!, t!)) }) });
    for (const loss of [mse, pairs, (p: Tensor, { targets: t }: { targets: Tensor }) => ({ part: square(sub(p, t)) })])
      await refusedWith(/\[8, 1\]|\[4, 1\]|\(N, 1\)|\[N, 1\]|, 1\]/, () => steps(backend, { loss }, flat));
  },
  async "layers stand in a map"(backend) {
    const model = seeded(() => new Mapped());
    const before = await model.stateDict();
    await steps(backend, { model });
    same(Object.keys(before), ["layers.b.weight", "layers.b.bias"]);
    same(
      String(await model.stateDict().then((state) => Object.values(state)[0]!.data)) === String(Object.values(before)[0]!.data),
      false,
    );
  },
  async "a layer stands in a private field"(backend) {
    await refusedWith(/not among the model's.*#private/, () => steps(backend, { model: seeded(() => new Private()) }));
  },
  async "targets of a binary loss are −1 and 1, or bytes"(backend) {
    for (const [loss, fill] of [
      [bceWithLogits, -1],
      [bceWithLogits, 255],
      [focal, -1],
    ] as const) {
      const of = dataset({ inputs, targets: { data: new Float32Array(samples).fill(fill), shape: [samples, 1] } });
      await refusedWith(/0.*1/, () => steps(backend, { loss: loss }, of));
    }
  },
  async "options stand where there are none"() {
    const x = tensor([[1, 2]]);
    await refusedWith(/Write sum\(x, \{ axis: 1/, () => untyped(sum, x, 1));
    await refusedWith(/softmax\(x, \{ axis: 0/, () => untyped(softmax, x, 0));
    await refusedWith(/\{ stride: 2/, () => new (Conv2d as never as new (...all: number[]) => unknown)(1, 2, 3, 2));
    await refusedWith(/\{ bias: false/, () => new (Linear as never as new (...all: unknown[]) => unknown)(2, 1, false));
    await refusedWith(/\{ numLayers: 2/, () => new (LSTM as never as new (...all: number[]) => unknown)(2, 3, 2));
  },
  async "forward is a field that holds a function"(backend) {
    const { steps: losses } = await withTrainer(backend, { model: seeded(() => new ArrowForward()) }, (t) => t.fit(values, run));
    same(losses.length, 4);
    same(losses.every(Number.isFinite), true);
  },
  async "focal is trained on classes next to accuracy"(backend) {
    const logs = await withTrainer(backend, { loss: focal, model: linear(2), metrics: [accuracy()] }, (t) => t.evaluate(classes));
    same(Number.isFinite((logs as Record<string, number>).accuracy), true);
  },
  async "a definition's name stands for it, a number for a tensor"(backend) {
    await refusedWith(/loss.*mse/, () => steps(backend, { loss: "mse" }));
    await refusedWith(/optimizer.*adam\(/, () => steps(backend, { optimizer: "adam" }));
    await refusedWith(/accuracy\(\)/, () => steps(backend, { metrics: ["accuracy"] }));
    await refusedWith(/posWeight.*(scalar|tensor)\(/, () => untyped(bceWithLogits, tensor([0.5]), tensor([1]), { posWeight: 3 }));
    await refusedWith(/weight.*tensor\(/, () =>
      untyped(crossEntropy, tensor([[1, 2]]), tensor([0], { dtype: "int32" }), { weight: [1, 2] }),
    );
    await withTrainer(backend, {}, async (trainer) => {
      const { data: expected } = await trainer.predict(dataset({ inputs: { data: Float32Array.of(1, 2), shape: [1, 2] } }));
      for (const row of [[[1, 2]], tensor([[1, 2]])]) same((await trainer.predict(row as never)).data, expected);
    });
  },
  async "a state dict goes through JSON"() {
    const [model, other] = [linear(), new Sequential(new Linear(2, 1))];
    const json = JSON.stringify(await model.stateDict());
    same(JSON.stringify(await other.stateDict()) === json, false);
    other.loadStateDict(JSON.parse(json) as never);
    same(JSON.stringify(await other.stateDict()), json);
  },
  async "a state dict holds what is no number"() {
    const model = linear();
    const before = await model.stateDict();
    const weight = (of: unknown) => ({ ...before, "0.weight": { ...before["0.weight"], data: of } });
    for (const of of [["a", "b"], [NaN, undefined], [1n, 2n], null])
      await refusedWith(/0\.weight/, () => model.loadStateDict(weight(of) as never));
    await refusedWith(/promise|await/i, () =>
      untyped(model.loadStateDict.bind(model), Promise.resolve(before), { strict: false }),
    );
    same(await model.stateDict(), before);
  },
  async "a log is never a number"(backend) {
    await withTrainer(backend, { metrics: [unmeasurable] }, async (trainer) => {
      const callbacks = [earlyStopping({ monitor: "valScore", patience: 2 })];
      const { stopped } = await trainer.fit(values, { ...run, epochs: 4, validation: values, callbacks } as never);
      if (!/NaN/.test(stopped)) throw new Error(`it stopped because "${stopped}"`);
    });
  },
  async "data come as rows, bare arrays, booleans and counts"(backend) {
    const rows = Array.from({ length: samples }, (_, i) => inputs.data.slice(2 * i, 2 * i + 2));
    same(await steps(backend, {}, dataset({ inputs: rows, targets } as never)), await steps(backend, { model: linear() }));
    const bare = dataset({ inputs, targets: labels } as never);
    const classifier = () => ({ model: linear(2), loss: crossEntropy });
    same(await steps(backend, classifier(), bare), await steps(backend, classifier(), classes));
    const counts = dataset({ inputs, targets, sampleWeights: Int32Array.from(labels, (x) => x + 1) } as never);
    const weights = dataset({ inputs, targets, sampleWeights: Float32Array.from(labels, (x) => x + 1) } as never);
    same(await steps(backend, { model: linear() }, counts), await steps(backend, { model: linear() }, weights));
    const truth = (of: unknown) => dataset({ inputs, targets: of } as never);
    const [booleans, ones] = [Array.from(labels, (x) => [x === 1]), { data: Float32Array.from(labels), shape: [samples, 1] }];
    const loss = bceWithLogits;
    same(
      await steps(backend, { loss, model: linear() }, truth(booleans)),
      await steps(backend, { loss, model: linear() }, truth(ones)),
    );
  },
  async "predictions are made of a model with dropout that was not set to evaluation"(backend) {
    const model = seeded(() => new Sequential(new Linear(2, 8), new Dropout(0.5), new Linear(8, 1)));
    await withTrainer(backend, { model }, async (trainer) => {
      const first = await trainer.predict(values);
      same((await trainer.predict(values)).data, first.data);
      same(model.training, true);
    });
  },
  async "keys of data sets and callbacks are misspelt"(backend) {
    await refusedWith(/sampleWeights/, () => untyped(dataset, { inputs, targets, sampleWeight: [1] }));
    await refusedWith(/targets/, () => untyped(dataset, { inputs, target: targets }));
    const fit = (options: object) =>
      withTrainer(backend, { model: linear() }, (t) => t.fit(values, { ...run, ...options } as never));
    await refusedWith(/onEpochEnd/, () => fit({ callbacks: [{ name: "mine", onEpochend: () => undefined }] }));
    await refusedWith(/callbacks/, () => fit({ callbacks: {} }));
    await refusedWith(/signal/, () => fit({ signal: true }));
    await fit({ callbacks: [false] });
    const { stopped, steps: taken } = (await fit({
      callbacks: [{ name: "mine", onStep: (_: unknown, control: { stop(): void }) => control.stop() }],
    })) as unknown as { stopped: string; steps: readonly number[] };
    same([taken.length, stopped === "finished"], [1, false]);
  },
  async "two trainers train one model in turns, and one is wrapped in a proxy"(backend) {
    const fit = (model: Module) => withTrainer(backend, { model }, async (t) => [...(await t.fit(values, run)).steps]);
    const alone = linear();
    const expected = await withTrainer(backend, { model: alone }, async (t) => [
      ...(await t.fit(values, run)).steps,
      ...(await t.fit(values, run)).steps,
    ]);
    const model = linear();
    same([...(await fit(model)), ...(await fit(model))], expected);
    await refusedWith(/markRaw/, () => fit(new Proxy(linear(), {})));
    await withTrainer(backend, { model: linear() }, (t) => refusedWith(/markRaw/, () => new Proxy(t, {}).fit(values, run)));
  },
};

export const firstProgramsEndAlike: Law = {
  name: "first programs",
  trials: () =>
    Object.entries(programs).map(([name, program]) => ({
      name,
      check: program,
    })),
};
