import { describe, expect, expectTypeOf, it } from "vitest";
import { crossEntropy, manualSeed, mse, type Backend } from "@ermine/core";
import { Dropout, Embedding, Flatten, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  adamw,
  chain,
  dataset,
  exponentialAverage,
  progressBar,
  scale,
  scaleByAdam,
  scaleByLearningRate,
  schedules,
  sgd,
  topKAccuracy,
  Trainer,
  weightedSum,
  type AnyLoss,
  type Callback,
  type History,
  type Optimizer,
  type OptimizerSetup,
  type StepInfo,
  type TrainerOptions,
} from "../src/index.js";
import { late } from "./late.js";

const samples = 12;
const data = dataset({
  inputs: { data: Float32Array.from({ length: samples * 3 }, (_, i) => Math.sin(i)), shape: [samples, 3] },
  targets: Int32Array.from({ length: samples }, (_, i) => i % 2),
});

function make(optimizer: OptimizerSetup, options: Partial<TrainerOptions<never>> = {}) {
  manualSeed(2);
  const model = new Sequential(new Linear(3, 6), new ReLU(), new Dropout(0.2), new Linear(6, 2));
  return new Trainer({ model, loss: crossEntropy, optimizer, backend: reference(), ...options });
}

const recorder = () => {
  const steps: StepInfo[] = [];
  const callback: Callback = { name: "recorder", state: () => null, onStep: (info) => void steps.push({ ...info }) };
  return { steps, callback };
};

const fit = { epochs: 2, batchSize: 4, shuffle: false, notice: () => undefined } as const;

describe("the learning rate", () => {
  const cosine = schedules.cosine(0.1, { totalSteps: 6 });

  it("of each update, and of an epoch's last one, whatever the schedule counts", async () => {
    const byEpoch = schedules.perEpoch(schedules.exponential(0.1, { gamma: 0.5 }));
    for (const [rate, steps, epochs] of [
      [0.1, Array(6).fill(0.1), [0.1, 0.1]],
      [cosine, [0, 1, 2, 3, 4, 5].map((t) => cosine.at(t)), [cosine.at(2), cosine.at(5)]],
      [byEpoch, [0.1, 0.1, 0.1, 0.05, 0.05, 0.05], [0.1, 0.05]],
    ] as const) {
      for (const options of [{}, { compile: false }, { accumulate: 2 }, { backend: late(3) }]) {
        const { steps: told, callback } = recorder();
        const trainer = make(sgd({ learningRate: rate }), options);
        const history = await trainer.fit(data, { ...fit, ...(options.accumulate && { batchSize: 2 }), callbacks: [callback] });
        expect(told.map(({ learningRates }) => learningRates)).toEqual(steps.map((value) => [value]));
        expect(history.epochs.map(({ learningRate }) => learningRate)).toEqual(epochs);
      }
    }
  });

  it("is the one that an epoch was trained with where the schedule follows its logs", async () => {
    const rate = schedules.reduceOnPlateau(0.1, { monitor: "loss", patience: 0, factor: 0.5, threshold: 10 });
    const trainer = make(sgd({ learningRate: rate }));
    const { epochs } = await trainer.fit(data, { ...fit, epochs: 3 });
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.1, 0.1, 0.05]);
    expect(trainer.rateNow(rate)).toBe(0.025);
  });

  it("of groups: each that was given another one has a log of its own", async () => {
    const isBias = (name: string): boolean => name.endsWith("bias");
    const groups = (first: Optimizer, second: Optimizer): OptimizerSetup => [
      { parameters: isBias, optimizer: first },
      { parameters: (name) => name.startsWith("0."), optimizer: sgd({ learningRate: 0.3 }) },
      { parameters: () => true, optimizer: second },
    ];
    const { steps, callback } = recorder();
    const same = make(groups(sgd({ learningRate: cosine }), adamw({ learningRate: cosine })));
    const { epochs } = await same.fit(data, { ...fit, callbacks: [callback] });
    expect(Object.keys(epochs[0]!)).toEqual(["loss", "learningRate", "learningRate1"]);
    expect([epochs[1]!.learningRate, epochs[1]!.learningRate1]).toEqual([cosine.at(5), 0.3]);
    expect(steps[4]!.learningRates).toEqual([cosine.at(4), 0.3, cosine.at(4)]);
    const other = make(groups(sgd({ learningRate: 0.3 }), adamw({ learningRate: cosine })));
    const logs = (await other.fit(data, fit)).epochs[0]!;
    expect([logs.learningRate, logs.learningRate1, logs.learningRate2]).toEqual([0.3, undefined, cosine.at(2)]);
  });

  it("of chains and of optimizers around optimizers; NaN where there is none", async () => {
    const rateOf = async (optimizer: Optimizer): Promise<number> =>
      (await make(optimizer).fit(data, fit)).epochs[0]!.learningRate;
    expect(await rateOf(chain(scaleByAdam(), scaleByLearningRate(cosine)))).toBe(cosine.at(2));
    expect(await rateOf(exponentialAverage(adamw({ learningRate: 0.02 })))).toBe(0.02);
    expect(await rateOf(chain(scaleByAdam(), scale(-0.01)))).toBeNaN();
  });

  it("goes on where a training is resumed", async () => {
    const singleBatch = await make(sgd({ learningRate: cosine }), { clipGradNorm: 0.1 }).fit(data, fit);
    const trainer = make(sgd({ learningRate: cosine }), { clipGradNorm: 0.1 });
    const interrupt: Callback = { name: "ends", state: () => null, onStep: ({ step }, c) => void (step === 4 && c.interrupt()) };
    await trainer.fit(data, { ...fit, callbacks: [interrupt] });
    const resumed = make(sgd({ learningRate: cosine }), { clipGradNorm: 0.1 });
    expect(await resumed.fit(data, { ...fit, resume: await trainer.snapshot() })).toEqual(singleBatch);
  });

  it("is a name that no metric and no part may have", () => {
    for (const name of ["learningRate", "gradNorm", "loss"])
      expect(() => make(sgd(), { metrics: [{ ...accuracy(), name }] } as object)).toThrow(`"${name}" would name two logs`);
  });

  it("is shown by the progress bar with its leading digits", async () => {
    const lines: string[] = [];
    const bar = progressBar({ live: false, write: (text) => void lines.push(text) });
    await make(sgd({ learningRate: 1.25e-5 })).fit(data, { ...fit, epochs: 1, callbacks: [bar] });
    expect(lines.join("")).toMatch(/learningRate 0\.0000125 /);
  });
});

describe("the norm of the gradients", () => {
  /** ‖θ before − θ after‖ / lr: an update by gradient descent has no other gradient. */
  async function byHand(options: Partial<TrainerOptions<never>>, normType = 2) {
    const learningRate = 1 / 64;
    const trainer = make(sgd({ learningRate }), options);
    const read = async (): Promise<number[]> =>
      Object.values(await trainer.model.stateDict()).flatMap(({ data: values }) => Array.from(values));
    let before = await read();
    const norms: number[] = [];
    const told: (number | undefined)[] = [];
    const callback: Callback = {
      name: "reads",
      async onStep({ gradNorm }) {
        const after = await read();
        const steps = after.map((value, i) => Math.abs(before[i]! - value) / learningRate);
        norms.push(normType === Infinity ? Math.max(...steps) : steps.reduce((a, b) => a + b ** normType, 0) ** (1 / normType));
        told.push(gradNorm);
        before = after;
      },
    };
    const batchSize = fit.batchSize / (options.accumulate ?? 1);
    const { epochs } = await trainer.fit(data, { ...fit, batchSize, callbacks: [callback] });
    return { norms, told, epochs };
  }

  it.each<[string, Partial<TrainerOptions<never>>]>([
    ["compiled", {}],
    ["eager", { compile: false }],
    ["of micro-batches", { accumulate: 2 }],
    ["of micro-batches, eager", { accumulate: 4, compile: false }],
    ["on a backend that answers later", { backend: late(1) }],
  ])("is that of the update, and an epoch's their mean: %s", async (_, options) => {
    const { norms, told, epochs } = await byHand({ ...options, logGradNorm: true });
    expect(told).toHaveLength(6);
    told.forEach((norm, i) => expect(norm! / norms[i]!).toBeCloseTo(1, 4));
    for (const [epoch, logs] of epochs.entries()) {
      const mean = told.slice(3 * epoch, 3 * epoch + 3).reduce<number>((a, b) => a + b!, 0) / 3;
      expect(logs.gradNorm).toBeCloseTo(mean, 12);
    }
  });

  it("is the one before clipping, of the norm that is clipped by, and there without being asked for", async () => {
    const large = await byHand({ clipGradNorm: { maxNorm: 1e6, normType: 1 } }, 1);
    large.told.forEach((norm, i) => expect(norm! / large.norms[i]!).toBeCloseTo(1, 4));
    const clipped = await byHand({ clipGradNorm: 0.05 });
    clipped.norms.forEach((norm) => expect(norm).toBeCloseTo(0.05, 3));
    expect(clipped.told[0]).toBeGreaterThan(0.1);
    const clippedByValue = await byHand({ clipGradValue: 0.01, logGradNorm: true });
    clippedByValue.told.forEach((norm, i) => expect(norm! / clippedByValue.norms[i]!).toBeCloseTo(1, 3));
  });

  it("changes nothing of the training, and is not computed where nobody asks", async () => {
    const plain = await byHand({});
    expect(plain.told).toEqual(Array(6).fill(undefined));
    expect(plain.epochs[0]!).not.toHaveProperty("gradNorm");
    const asked = await byHand({ logGradNorm: true });
    expect(asked.norms).toEqual(plain.norms);
  });

  it("in flight: of each update in its order, without those that were refused or empty", async () => {
    const inputs = Float32Array.from({ length: samples * 3 }, (_, i) => Math.sin(i));
    inputs.fill(3e38, 12, 15);
    const targets = Int32Array.from({ length: samples }, (_, i) => (i >= 8 ? -100 : i % 2));
    const set = dataset({ inputs: { data: inputs, shape: [samples, 3] }, targets });
    const norms = async (backend: Backend) => {
      const { steps, callback } = recorder();
      const trainer = make(sgd({ learningRate: 0.1 }), { backend, logGradNorm: true });
      const { epochs } = await trainer.fit(set, { ...fit, onRefusal: "skip", callbacks: [callback] });
      return [steps.map(({ gradNorm, step, learningRates }) => [gradNorm, step, ...learningRates]), epochs];
    };
    const expected = await norms(reference({ precision: "float32" }));
    expect(expected[0]).toHaveLength(2);
    for (const k of [1, 2, 4]) expect(await norms(late(k))).toEqual(expected);
  });

  it("counts a table's rows once for each time that they are looked up", async () => {
    const targets = Int32Array.from({ length: samples }, (_, i) => i % 2);
    const words = dataset({ inputs: Int32Array.from({ length: samples }, (_, i) => i % 3), targets });
    const norm = async (rows: boolean): Promise<number | undefined> => {
      manualSeed(1);
      const model = new Sequential(new Embedding(5, 2), new Flatten());
      // A decay moves every row, so that gradients are whole tables.
      const optimizer = sgd({ learningRate: 0.1, weightDecay: rows ? 0 : 1e-30 });
      const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend: reference(), logGradNorm: true });
      return (await trainer.fit(words, { ...fit, epochs: 1, batchSize: samples })).epochs[0]!.gradNorm;
    };
    expect(await norm(true)).toBeCloseTo((await norm(false))!, 6);
  });

  it("is no metric's name, and a flag", () => {
    expect(() => make(sgd(), { logGradNorm: 2 as unknown as boolean })).toThrow(/logGradNorm/);
  });
});

describe("the types of a history", () => {
  const heads = weightedSum([
    { name: "label", loss: crossEntropy },
    { name: "size", loss: mse },
  ]);
  const typed = () =>
    new Trainer({
      model: new Linear(3, 2),
      loss: heads as AnyLoss<"label" | "size">,
      optimizer: sgd(),
      backend: reference(),
      metrics: [accuracy(), topKAccuracy({ k: 1 })],
    });

  it("knows the names of losses, parts and metrics, and whether there is validation", () => {
    const trainer = typed();
    const check = async (flag: boolean): Promise<void> => {
      const plain = (await trainer.fit(data, { epochs: 1 })).epochs[0]!;
      expectTypeOf(plain.loss).toEqualTypeOf<number>();
      expectTypeOf(plain.label).toEqualTypeOf<number>();
      expectTypeOf(plain.learningRate).toEqualTypeOf<number>();
      expectTypeOf(plain.learningRate3).toEqualTypeOf<number | undefined>();
      expectTypeOf(plain.gradNorm).toEqualTypeOf<number | undefined>();
      expectTypeOf(plain.valLoss).toEqualTypeOf<number | undefined>();
      // @ts-expect-error metrics are logged over the training data where trainMetrics is set
      void plain.accuracy;
      // @ts-expect-error no such metric
      void plain.valAccuracies;
      const validated = (await trainer.fit(data, { epochs: 1, validation: data, trainMetrics: true })).epochs[0]!;
      expectTypeOf(validated.valLabel).toEqualTypeOf<number>();
      expectTypeOf(validated.valTopKAccuracy).toEqualTypeOf<number>();
      expectTypeOf(validated.accuracy).toEqualTypeOf<number>();
      const epochLogs = (await trainer.fit(data, { epochs: 1, validationSplit: 0.5, trainMetrics: flag })).epochs[0]!;
      expectTypeOf(epochLogs.valSize).toEqualTypeOf<number>();
      expectTypeOf(epochLogs.accuracy).toEqualTypeOf<number | undefined>();
      const perhaps = (await trainer.fit(data, { epochs: 1, validation: flag ? data : undefined })).epochs[0]!;
      expectTypeOf(perhaps.valLoss).toEqualTypeOf<number | undefined>();
      // @ts-expect-error no such option
      await trainer.fit(data, { epochs: 1, validaton: data });
      const any: History = await trainer.fit(data, { epochs: 1, validation: data });
      expectTypeOf(any.epochs[0]!["anything"]).toEqualTypeOf<number | undefined>();
      await trainer.fit(data, {
        epochs: 1,
        callbacks: [
          {
            name: "typed",
            onEpochEnd: ({ logs }) => void expectTypeOf(logs.valTopKAccuracy).toEqualTypeOf<number | undefined>(),
          },
        ],
      });
    };
    expect(check).toBeTypeOf("function");
  });
});
