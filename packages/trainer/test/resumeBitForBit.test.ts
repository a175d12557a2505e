import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed, type Tensor } from "@ermine/core";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import {
  adamw,
  dataset,
  earlyStopping,
  exponentialAverage,
  l2Penalty,
  lookahead,
  rocAuc,
  sgd,
  stochasticAverage,
  stream,
  weightedSum,
  type Callback,
  type DataSource,
  type FitOptions,
  type OptimizerSetup,
  type TrainingSnapshot,
} from "../src/index.js";
import { optimizers, schedules as allSchedules } from "../src/catalog.js";
import { late } from "./late.js";
import { interrupted, outcome, recorder, uninterrupted, type Make, type Options } from "./resumed.js";
import { arrays, columns, count, lateSamples, maker, options, samples, x, y } from "./resumableTraining.js";

/** 6 updates an epoch. In the middle of the first, at the end of one, at the beginning of the next. */
const places = [2, 4, 1];

async function sameBits(make: Make, data: () => DataSource = arrays, fit: Options = options(), after = places): Promise<void> {
  const { result, updates } = await uninterrupted(make, data, fit);
  expect(updates).toBeGreaterThan(after.reduce((a, b) => a + b, 0));
  expect(await interrupted(make, data, fit, after)).toEqual(result);
}

const scheduleOptions: Readonly<Record<string, object>> = {
  step: { stepSize: 2 },
  multiStep: { milestones: [3, 9] },
  exponential: { gamma: 0.7 },
  linear: { totalSteps: 18 },
  constant: { totalSteps: 5 },
  polynomial: { totalSteps: 18 },
  cosine: { totalSteps: 18 },
  cosineWarmRestarts: { firstCycleSteps: 4 },
  oneCycle: { totalSteps: 18 },
  cyclic: { maxLearningRate: 0.2, stepSizeUp: 3 },
  warmupCosine: { totalSteps: 18, warmupSteps: 3 },
  reduceOnPlateau: { patience: 0, monitor: "loss", threshold: 0.5 },
};

class Words extends Module {
  readonly embedding = new Embedding(8, 4);
  readonly head = new Linear(4, 2);

  forward(tokens: Tensor): Tensor {
    return this.head.forward(this.embedding.forward(tokens));
  }
}
const words = (): DataSource => dataset({ inputs: Int32Array.from({ length: count }, (_, i) => (i * 5) % 8), targets: y });

describe("training that was interrupted goes on as if it had not been, bit for bit", () => {
  const forMatrices = (name: string): OptimizerSetup => [
    { parameters: (_, parameter) => parameter.shape.length === 2, optimizer: optimizers[name]!() },
    { parameters: () => true, optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }) },
  ];

  it.each(Object.keys(optimizers).filter((name) => name !== "sparseAdam"))("with %s", (name) =>
    sameBits(maker(() => ({ optimizer: name === "muon" ? forMatrices(name) : optimizers[name]!() }))),
  );

  it("with sparseAdam, on the rows of a table", () => {
    const optimizer = (): OptimizerSetup => [
      { parameters: (name) => name === "embedding.weight", optimizer: optimizers["sparseAdam"]!() },
      { parameters: () => true, optimizer: adamw() },
    ];
    return sameBits(
      maker(() => ({ model: new Words(), optimizer: optimizer() })),
      words,
      options(() => ({ validation: words() })),
    );
  });

  it("every schedule has its options here", () => expect(Object.keys(scheduleOptions)).toEqual(Object.keys(allSchedules)));

  it.each(Object.keys(allSchedules))("with the schedule %s", (name) =>
    sameBits(
      maker(() => ({
        optimizer: sgd({ learningRate: allSchedules[name]!(0.1, scheduleOptions[name] as never), momentum: 0.9 }),
      })),
    ),
  );

  it.each([
    ["exponentialAverage", () => exponentialAverage(adamw(), { decay: 0.8 })],
    ["stochasticAverage", () => stochasticAverage(sgd({ learningRate: 0.1 }), { start: 3, every: 2 })],
    ["lookahead", () => lookahead(sgd({ learningRate: 0.1 }), { k: 3 })],
  ] as const)("with %s, validated", (name, optimizer) =>
    sameBits(
      maker(() => ({ optimizer: optimizer() })),
      arrays,
      options(() => (name === "lookahead" ? {} : { validationWeights: "averaged" })),
    ),
  );

  it("eagerly", () => sameBits(maker({ compile: false })));

  it.each([true, false])("where micro-batches are added up, compiled %s", (compile) =>
    sameBits(maker({ accumulate: 2, regularizers: [l2Penalty(1e-3)], compile }), arrays, options(), [1, 2, 1]),
  );

  it("with a loss of several parts, clipping, and onRefusal", () =>
    sameBits(
      maker(() => ({
        loss: weightedSum([
          { name: "a", loss: crossEntropy, weight: 1 },
          { name: "b", loss: crossEntropy.with({ labelSmoothing: 0.1 }), weight: 0.5 },
        ] as never) as never,
        clipGradNorm: 0.5,
      })),
      arrays,
      options(() => ({ onRefusal: "skip", validationSplit: 0.3, validation: undefined }) as never),
      [1, 3, 2],
    ));

  it("at every place of a training", async () => {
    const { result, updates } = await uninterrupted(maker(), arrays, options());
    for (let at = 1; at < updates; at++) expect(await interrupted(maker(), arrays, options(), [at])).toEqual(result);
  });

  const sources: Readonly<Record<string, () => DataSource>> = {
    "a function": () => stream(samples, { columns }),
    "a function that answers later": () => stream(lateSamples, { columns }),
    "a shuffle buffer": () => stream(samples, { columns, shuffle: 7 }),
    "an iterable": () => stream([...samples()], { columns }),
    "a source of one's own": () => ({
      resume: "seek",
      *batches(request) {
        for (const batch of (arrays() as ReturnType<typeof dataset>).batches(request)) yield batch;
      },
    }),
  };
  it.each(Object.keys(sources))("over %s", (name) => sameBits(maker(), sources[name]!));

  it("with layers that are frozen and thawed between epochs, and in the middle of one", async () => {
    const switching = (): Callback => ({
      name: "switching",
      state: () => null,
      onStep({ step }, { model }) {
        const first = model.namedModules().find(([name]) => name === "0")![1];
        if (step === 4) first.freeze();
        if (step === 15) first.thaw();
      },
      onEpochEnd({ epoch }, { model }) {
        const last = model.namedModules().find(([name]) => name === "4")![1];
        if (epoch === 0) last.freeze();
        if (epoch === 1) last.thaw();
      },
    });
    const fit = options(() => ({ epochs: 4, callbacks: [recorder(), switching()] }));
    const { result, updates } = await uninterrupted(maker(), arrays, fit);
    for (let at = 1; at < updates; at += 2) expect(await interrupted(maker(), arrays, fit, [at]), `after ${at}`).toEqual(result);
  });

  it("with early stopping, which has the best epoch's weights again", async () => {
    const fit = options(() => ({
      epochs: 12,
      callbacks: [earlyStopping({ monitor: "valLoss", patience: 2, minDelta: 0.05 }), recorder()],
    }));
    const { result } = await uninterrupted(maker(), arrays, fit);
    expect((result as { history: { stopped: string } }).history.stopped).toMatch(/has not improved/);
    expect(await interrupted(maker(), arrays, fit, [3, 9])).toEqual(result);
  });

  it.each([
    [1, 1],
    [2, 1],
    [4, 1],
    [2, 2],
    [5, 2],
    [12, 3],
  ])("with %i runs in flight, %i micro-batches", async (runsInFlight, accumulate) => {
    const make = maker(() => ({ backend: late(runsInFlight), accumulate }));
    // Steps in flight come to their end before training does, so that the next batch is told of later.
    const recorderForDepth = (): Callback => {
      const fullRecorder = recorder();
      return runsInFlight === 1 ? fullRecorder : (({ onBatch: _, ...rest }) => rest)(fullRecorder);
    };
    const fit = options(() => ({ callbacks: [recorderForDepth()], batchSize: Math.ceil(4 / accumulate) }));
    const { result } = await uninterrupted(make, arrays, fit);
    expect(await interrupted(make, arrays, fit, [2, 6])).toEqual(result);
  });

  it("with a metric that is NaN", () => {
    const positive = (): DataSource =>
      dataset({ inputs: { data: x, shape: [count, 3] }, targets: new Int32Array(count).fill(1) });
    return sameBits(
      maker(() => ({ metrics: [rocAuc()] })),
      arrays,
      options(() => ({ validation: positive() })),
    );
  });

  it("from a snapshot that a callback takes while training runs, at any update", async () => {
    const { result } = await uninterrupted(maker(), arrays, options());
    const snapshots: TrainingSnapshot[] = [];
    const taking: Callback = {
      name: "taking",
      state: () => null,
      onStep: (_, control) => control.requestSnapshot(),
      onEpochEnd: (_, control) => control.requestSnapshot(),
      onSnapshot: (snapshot) => void snapshots.push(snapshot),
    };
    manualSeed(1);
    const trainer = maker()();
    const { callbacks = [], ...rest } = options()();
    const history = await trainer.fit(arrays(), { ...rest, callbacks: [taking, ...callbacks] } as FitOptions<never, never>);
    const without = (it: unknown): unknown => {
      const { host, ...others } = it as { host: { callbacks: { name: string }[] } };
      return { ...others, host: { ...host, callbacks: host.callbacks.filter(({ name }) => name !== "taking") } };
    };
    expect(without(await outcome(trainer, history))).toEqual(result);
    // One after each update and each epoch: where both are at once, one of either.
    expect(snapshots.length).toBe(3 * 6 + 3);
    for (const snapshot of snapshots) {
      const other = maker()();
      const again = await other.fit(arrays(), { ...options()(), resume: snapshot } as FitOptions<never, never>);
      expect(await outcome(other, again)).toEqual(result);
    }
  });
});
