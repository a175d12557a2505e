import { describe, expect, it } from "vitest";
import { manualSeed } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, schedules, sgd, stream, type Callback, type FitOptions, type TrainingSnapshot } from "../src/index.js";
import { refusal } from "./refusal.js";
import { comparable, interruptAfter, outcome, uninterrupted, type Make } from "./resumed.js";
import { arrays, columns, count, maker, options, samples, x, y } from "./resumableTraining.js";

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
    const uninterruptedHistory = await trainer.fit(arrays(), options()());
    const snapshot = await trainer.snapshot();
    let toldSteps = 0;
    const counting: Callback = { name: "counting", state: () => null, onStep: () => void toldSteps++ };
    const again = await maker()().fit(arrays(), { ...options()(), callbacks: [counting], resume: snapshot });
    expect(again.epochs).toEqual(uninterruptedHistory.epochs);
    expect([again.stopped, toldSteps]).toEqual(["finished", 0]);
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
    const streamSnapshot = await streamed.snapshot();
    const others = stream(
      function* () {
        for (const sample of samples()) yield { ...sample, inputs: [0, 0, 0] };
      },
      { columns },
    );
    const error = await refusal(() => maker()().fit(others, { ...options()(), resume: streamSnapshot }));
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
