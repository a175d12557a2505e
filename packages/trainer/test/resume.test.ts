import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed, type Tensor } from "@ermine/core";
import { BatchNorm1d, Dropout, Embedding, Linear, Module, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  adamw,
  dataset,
  earlyStopping,
  exponentialAverage,
  l2Penalty,
  lookahead,
  rocAuc,
  schedules,
  sgd,
  stochasticAverage,
  stream,
  Trainer,
  weightedSum,
  type Callback,
  type DataSource,
  type FitOptions,
  type OptimizerSetup,
  type Sample,
  type SavedState,
  type TrainerOptions,
  type TrainingSnapshot,
} from "../src/index.js";
import { optimizers, schedules as allSchedules } from "../src/catalog.js";
import { late } from "./late.js";
import { refusal } from "./refusal.js";
import { comparable, interruptAfter, interrupted, outcome, recorder, uninterrupted, type Make, type Options } from "./resumed.js";

const count = 22;
const x = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * 1.3));
const y = Int32Array.from({ length: count }, (_, i) => (i * 7) % 2);
const arrays = (): DataSource => dataset({ inputs: { data: x, shape: [count, 3] }, targets: y });
const columns = { inputs: { shape: [3], dtype: "float32" }, targets: { shape: [], dtype: "int32" } } as const;
function* samples(): Generator<Sample> {
  for (let i = 0; i < count; i++) yield { inputs: x.subarray(3 * i, 3 * i + 3), targets: y[i]! };
}
async function* lateSamples(): AsyncGenerator<Sample> {
  for (const sample of samples()) {
    await new Promise((done) => setTimeout(done, 0));
    yield sample;
  }
}

const network = (): Sequential =>
  new Sequential(new Linear(3, 6), new BatchNorm1d(6), new ReLU(), new Dropout(0.3), new Linear(6, 2));
const maker =
  (options: Partial<TrainerOptions<string>> | (() => Partial<TrainerOptions<string>>) = {}): Make =>
  () => {
    const given = {
      model: network(),
      loss: crossEntropy,
      optimizer: adamw({ learningRate: 0.05 }),
      backend: reference(),
      seed: 4,
    };
    const more = typeof options === "function" ? options() : options;
    return new Trainer<string>({ metrics: [accuracy()], ...given, ...more }) as unknown as Trainer;
  };
const options =
  (more: () => Partial<FitOptions<never, never>> = () => ({})): Options =>
  () => ({ epochs: 3, batchSize: 4, validation: arrays(), notice: () => undefined, callbacks: [recorder()], ...more() });

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
    const told = (): Callback => {
      const whole = recorder();
      return runsInFlight === 1 ? whole : (({ onBatch: _, ...rest }) => rest)(whole);
    };
    const fit = options(() => ({ callbacks: [told()], batchSize: Math.ceil(4 / accumulate) }));
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
    const taken: TrainingSnapshot[] = [];
    const taking: Callback = {
      name: "taking",
      state: () => null,
      onStep: (_, control) => control.requestSnapshot(),
      onEpochEnd: (_, control) => control.requestSnapshot(),
      onSnapshot: (snapshot) => void taken.push(snapshot),
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
    expect(taken.length).toBe(3 * 6 + 3);
    for (const snapshot of taken) {
      const other = maker()();
      const again = await other.fit(arrays(), { ...options()(), resume: snapshot } as FitOptions<never, never>);
      expect(await outcome(other, again)).toEqual(result);
    }
  });
});

describe("fit with resume", () => {
  const snapshotAfter = async (updates: number, make = maker(), fit = options()): Promise<TrainingSnapshot> => {
    manualSeed(1);
    const interrupting = interruptAfter(updates);
    await make().fit(arrays(), { ...fit(), callbacks: [interrupting] } as FitOptions<never, never>);
    return interrupting.last();
  };

  it("returns at once where no epoch is left, and goes on where there are more", async () => {
    manualSeed(1);
    const trainer = maker()();
    const whole = await trainer.fit(arrays(), options()());
    const snapshot = await trainer.snapshot();
    let told = 0;
    const counting: Callback = { name: "counting", state: () => null, onStep: () => void told++ };
    const again = await maker()().fit(arrays(), { ...options()(), callbacks: [counting], resume: snapshot });
    expect(again.epochs).toEqual(whole.epochs);
    expect([again.stopped, told]).toEqual(["finished", 0]);
    const longer = options(() => ({ epochs: 5, callbacks: [] }));
    const { result } = await uninterrupted(maker(), arrays, longer);
    const other = maker()();
    const more = await other.fit(arrays(), { ...longer(), resume: snapshot });
    expect({ ...((await outcome(other, more)) as object), host: null }).toEqual({ ...(result as object), host: null });
  });

  it("a training that a callback has stopped is over", async () => {
    const stopping: Callback = {
      name: "stopping",
      state: () => null,
      onStep: ({ step }, control) => void (step === 8 && control.stop("enough")),
    };
    const trainer = maker()();
    const history = await trainer.fit(arrays(), { ...options()(), callbacks: [stopping] });
    expect([history.stopped, trainer.step, history.epochs.length]).toEqual(["enough", 8, 2]);
    const again = maker()();
    const after = await again.fit(arrays(), { ...options()(), callbacks: [], resume: await trainer.snapshot() });
    expect([after.stopped, again.step, after.epochs]).toEqual(["enough", 8, history.epochs]);
  });

  it("goes on after an abort, in the same trainer too", async () => {
    const { result } = await uninterrupted(
      maker(),
      arrays,
      options(() => ({ callbacks: [] })),
    );
    manualSeed(1);
    const trainer = maker()();
    const controller = new AbortController();
    const aborting: Callback = { name: "aborting", onStep: ({ step }) => void (step === 9 && controller.abort()) };
    const { stopped } = await trainer.fit(arrays(), { ...options()(), callbacks: [aborting], signal: controller.signal });
    expect(stopped).toBe("aborted");
    const snapshot = await trainer.snapshot();
    await trainer.fit(arrays(), { ...options()(), callbacks: [] });
    const history = await trainer.fit(arrays(), { ...options()(), callbacks: [], resume: snapshot });
    expect(await outcome(trainer, history)).toEqual(result);
  });

  it("a source of snapshots may have none yet, and is released however fit ends", async () => {
    const log: string[] = [];
    const source = { latest: async () => undefined, release: () => void log.push("released") };
    const trainer = maker()();
    await trainer.fit(arrays(), { ...options()(), resume: source });
    expect([trainer.step, log]).toEqual([18, ["released"]]);
    const failing = { ...source, latest: () => Promise.reject(new Error("no disk")) };
    await expect(maker()().fit(arrays(), { ...options()(), resume: failing })).rejects.toThrow("no disk");
    expect(log).toEqual(["released", "released"]);
    const callback: Callback = { name: "held", onStep: () => undefined, release: () => void log.push("callback") };
    await maker()().fit(arrays(), { ...options()(), callbacks: [callback], resume: undefined });
    const wrong = dataset({ inputs: { data: x, shape: [count, 3] }, targets: new Int32Array(count).fill(7) });
    await refusal(() => maker()().fit(wrong, { ...options()(), callbacks: [callback] }));
    expect(log).toEqual(["released", "released", "callback", "callback"]);
  });

  it.each([
    ["batchSize", /fit's batchSize is 3, and that of the snapshot to resume from is 4/, {}, { batchSize: 3 }, arrays],
    ["shuffle", /fit's shuffle is false/, {}, { shuffle: false }, arrays],
    [
      "the data",
      /fit's data.fingerprint/,
      {},
      {},
      () => dataset({ inputs: { data: x.slice().reverse(), shape: [count, 3] }, targets: y }),
    ],
    [
      "fewer data",
      /fit's data.samples is 20/,
      {},
      {},
      () => dataset({ inputs: { data: x.slice(0, 60), shape: [20, 3] }, targets: y.slice(0, 20) }),
    ],
    ["the validation data", /fit's validation.samples/, {}, { validation: undefined }, arrays],
    ["the seed", /the trainer's seed is 5/, { seed: 5 }, {}, arrays],
    [
      "the learning rate",
      /the trainer's optimizers.0.options.learningRate is 0.5/,
      { optimizer: adamw({ learningRate: 0.5 }) },
      {},
      arrays,
    ],
    [
      "a schedule",
      /the trainer's optimizers.0/,
      { optimizer: adamw({ learningRate: schedules.cosine(0.05, { totalSteps: 9 }) }) },
      {},
      arrays,
    ],
    ["clipping", /the trainer's clipGradNorm is 1/, { clipGradNorm: 1 }, {}, arrays],
    ["another optimizer", /the trainer's optimizers.0.name is "sgd"/, { optimizer: sgd() }, {}, arrays],
    [
      "another model",
      /of another model or optimizer: its 0.weight is float32\[6, 3\], and this trainer's is float32\[7, 3\]/,
      () => ({ model: new Sequential(new Linear(3, 7), new BatchNorm1d(7), new ReLU(), new Dropout(0.3), new Linear(7, 2)) }),
      {},
      arrays,
    ],
    [
      "a smaller model",
      /of another model or optimizer: its 1.weight is float32\[6\], and this trainer's is float32\[2, 6\]/,
      () => ({ model: new Sequential(new Linear(3, 6), new Linear(6, 2)) }),
      {},
      arrays,
    ],
  ] as const)("refuses %s of another training, and changes nothing", async (_, message, trainerOptions, fitOptions, data) => {
    const snapshot = await snapshotAfter(8);
    manualSeed(3);
    const trainer = maker(trainerOptions as never)();
    const before = comparable(await trainer.snapshot());
    const error = await refusal(() =>
      trainer.fit(data(), { ...options()(), ...fitOptions, resume: snapshot } as FitOptions<never, never>),
    );
    expect(error.message).toMatch(message);
    expect(comparable(await trainer.snapshot())).toEqual(before);
    // And it trains as if nothing had been tried.
    manualSeed(3);
    const other = maker(trainerOptions as never)();
    const run = { ...options()(), callbacks: [] };
    expect((await trainer.fit(arrays(), run)).steps).toEqual((await other.fit(arrays(), run)).steps);
  });

  it("two schedules of one name are told apart by their values", async () => {
    const scheduled = (totalSteps: number): Make =>
      maker(() => ({ optimizer: adamw({ learningRate: schedules.cosine(0.05, { totalSteps }) }) }));
    const snapshot = await snapshotAfter(8, scheduled(18));
    const error = await refusal(() => scheduled(30)().fit(arrays(), { ...options()(), resume: snapshot }));
    expect(error.message).toMatch(/the trainer's schedules.*Take the same schedules/s);
    await scheduled(18)().fit(arrays(), { ...options()(), resume: snapshot });
  });

  it("a preparation that fails leaves the trainer as it was", async () => {
    const snapshot = await snapshotAfter(8);
    const trainer = maker()();
    await trainer.fit(arrays(), { ...options()(), callbacks: [] });
    const before = comparable(await trainer.snapshot());
    const monitor: Callback<"valLoss"> = {
      name: "monitoring",
      monitor: "valNothing" as "valLoss",
      state: () => null,
      onStep: () => undefined,
    };
    const custom = { ...options()(), callbacks: [monitor], resume: snapshot } as unknown as FitOptions<never, never>;
    await refusal(() => trainer.fit(arrays(), custom));
    expect(comparable(await trainer.snapshot())).toEqual(before);
  });

  it("data that can be read once are refused with the way out, where an epoch is left", async () => {
    const snapshot = await snapshotAfter(
      3,
      maker(),
      options(() => ({ epochs: 1 })),
    );
    const withoutData = { ...snapshot, settings: { ...snapshot.settings, fit: null } };
    const once = stream(samples(), { columns });
    const error = await refusal(() => maker()().fit(once, { ...options()(), epochs: 1, resume: withoutData }));
    expect(error.message).toMatch(/can be read once: training cannot be taken up in the middle of it\. Pass a function/);
  });

  it("a stream that gives other samples is refused", async () => {
    const snapshot = await snapshotAfter(0 + 3, maker(), options());
    const cursorOf = stream(samples, { columns });
    const streamed = maker()();
    manualSeed(1);
    await streamed.fit(cursorOf, { ...options()(), callbacks: [interruptAfter(3)] } as FitOptions<never, never>);
    const taken = await streamed.snapshot();
    const others = stream(
      function* () {
        for (const sample of samples()) yield { ...sample, inputs: [0, 0, 0] };
      },
      { columns },
    );
    const error = await refusal(() => maker()().fit(others, { ...options()(), resume: taken }));
    expect(error.message).toMatch(/hash differs/);
    expect(snapshot.host.cursor).toBe(12);
  });

  it("says which callbacks begin anew", async () => {
    const stateful = (name: string): Callback => ({ name, state: () => 7, restore: () => undefined, onStep: () => undefined });
    const plain: Callback = { name: "plain", onStep: () => undefined };
    const trainer = maker()();
    await trainer.fit(arrays(), { ...options()(), callbacks: [stateful("gone"), interruptAfter(3)] });
    const notices: string[] = [];
    const resume = await trainer.snapshot();
    const callbacks = [plain, stateful("new")];
    await maker()().fit(arrays(), { ...options()(), callbacks, resume, notice: (text) => void notices.push(text) });
    expect(notices.map((text) => /callback (\w+)/.exec(text)![1])).toEqual(["plain", "new", "gone"]);
  });

  it("says that bits may differ on another backend, and goes on", async () => {
    const snapshot = await snapshotAfter(8);
    const notices: string[] = [];
    const other = maker({ backend: { ...reference(), engine: "another engine" } })();
    const history = await other.fit(arrays(), {
      ...options()(),
      callbacks: [],
      resume: snapshot,
      notice: (text) => void notices.push(text),
    });
    expect(history.steps.length).toBe(18);
    expect(notices).toEqual([expect.stringMatching(/goes on on reference \(another engine\)/)]);
  });

  it.each([5, "runs/a", {}, null, Promise.resolve(undefined)])("refuses %s", async (resume) => {
    const error = await refusal(() => maker()().fit(arrays(), { ...options()(), resume } as never));
    expect([error.code, error.message]).toEqual([
      "ERMINE_OPTION",
      expect.stringMatching(/resume is a snapshot, or a source of them/),
    ]);
  });
});

describe("trainer.snapshot and trainer.restore", () => {
  it("a snapshot is a copy, and puts everything back", async () => {
    const trainer = maker()();
    await trainer.fit(arrays(), options()());
    const snapshot = await trainer.snapshot();
    const before = JSON.stringify(comparable(snapshot));
    await trainer.fit(arrays(), options()());
    expect(JSON.stringify(comparable(snapshot))).toBe(before);
    expect(JSON.stringify(comparable(await trainer.snapshot()))).not.toBe(before);
    await trainer.restore(snapshot);
    expect(JSON.stringify(comparable(await trainer.snapshot()))).toBe(before);
    expect(trainer.step).toBe(18);
    const fresh = maker()();
    await fresh.restore(snapshot);
    expect(JSON.stringify(comparable(await fresh.snapshot()))).toBe(before);
    // Both go on alike.
    const [a, b] = [await trainer.fit(arrays(), options()()), await fresh.fit(arrays(), options()())];
    expect(a).toEqual(b);
  });

  it("has the weights of training while their averages are in the model", async () => {
    const trainer = maker(() => ({ optimizer: exponentialAverage(adamw(), { decay: 0.5 }) }))();
    await trainer.fit(arrays(), options()());
    const before = comparable(await trainer.snapshot());
    const during = await trainer.withAveragedWeights(async () => comparable(await trainer.snapshot()));
    expect(during).toEqual(before);
  });

  it("while a fit runs both say what to do, and change nothing", async () => {
    const trainer = maker()();
    const before = await trainer.snapshot();
    const messages: string[] = [];
    const asking: Callback = {
      name: "asking",
      async onStep({ step }) {
        if (step !== 2) return;
        messages.push((await refusal(() => trainer.snapshot())).message, (await refusal(() => trainer.restore(before))).message);
      },
    };
    await trainer.fit(arrays(), { ...options()(), callbacks: [asking] });
    expect(messages).toEqual([expect.stringMatching(/requestSnapshot/), expect.stringMatching(/in a fit/)]);
    expect(trainer.step).toBe(18);
  });

  it.each([undefined, 5, {}, Promise.resolve()])("restore refuses %s", async (wrong) => {
    const error = await refusal(() => maker()().restore(wrong as never));
    expect(error.message).toMatch(/is restored from a snapshot/);
  });

  it("a callback's state that no snapshot can keep is named", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    for (const [state, message] of [
      [() => 5, /What state\(\) of odd gives is/],
      [{ deep: [1, new Map()] }, /gives\.deep\[1\] is/],
      [{ big: new BigInt64Array(1) }, /gives\.big is/],
      [circular, /gives\.self refers to itself/],
    ] as const) {
      const odd: Callback = { name: "odd", onStep: () => undefined, state: () => state as unknown as SavedState };
      const trainer = maker()();
      await trainer.fit(arrays(), { ...options()(), callbacks: [odd] });
      expect((await refusal(() => trainer.snapshot())).message).toMatch(message);
    }
  });

  it("leaves nothing on the backend", async () => {
    const backend = reference();
    const trainer = maker(() => ({ backend }))();
    await trainer.fit(arrays(), options()());
    const snapshot = await trainer.snapshot();
    await trainer.fit(arrays(), { ...options()(), resume: snapshot });
    const held = backend.memory().tensors;
    for (let i = 0; i < 3; i++) {
      await trainer.restore(await trainer.snapshot());
      await trainer.fit(arrays(), { ...options(() => ({ epochs: 4 }))(), resume: snapshot });
      await trainer.restore(snapshot);
      await trainer.fit(arrays(), { ...options()(), resume: snapshot });
    }
    expect(backend.memory().tensors).toBeLessThanOrEqual(held);
  });
});
