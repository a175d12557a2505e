import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  adam,
  dataset,
  earlyStopping,
  schedules,
  sgd,
  Trainer,
  weightedSum,
  type Control,
  type FitOptions,
  type Metric,
  type TrainerOptions,
} from "../src/index.js";
import { refusal } from "./refusal.js";

const data = dataset({
  inputs: Array.from({ length: 8 }, (_, i) => [i / 4 - 1, 1]),
  targets: { data: Int32Array.from({ length: 8 }, (_, i) => i & 1), shape: [8] },
});

/** A metric that gives these values, an evaluation after the other. */
function metricOfValues(values: readonly number[], rest: Partial<Metric> = { better: "higher" }, name = "score"): Metric<string> {
  let next = 0;
  return {
    name,
    init: () => 0,
    update: (state) => state,
    merge: (a) => a,
    compute: () => values[Math.min(next++, values.length - 1)]!,
    ...rest,
  } as Metric<string>;
}

function make(metrics: readonly Metric<string>[], options: Partial<TrainerOptions<string>> = {}): Trainer<string> {
  manualSeed(0);
  return new Trainer<string>({
    model: new Linear(2, 2),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    backend: reference(),
    metrics,
    ...options,
  });
}

const fit = (
  trainer: Trainer<string>,
  options: Omit<Partial<FitOptions>, "callbacks"> & { callbacks?: readonly unknown[] } = {},
) => trainer.fit(data, { validation: data, ...(options as FitOptions<string, never>), epochs: options.epochs ?? 9 });

describe("a monitor goes the way that the metric says", () => {
  it("early stopping of a metric of one's own that grows, under any name", async () => {
    for (const name of ["score", "loss2", "errorFree"]) {
      const trainer = make([metricOfValues([0.388, 0.399, 0.41, 0.421, 0.432], { better: "higher" }, name)]);
      const monitor = `val${name[0]!.toUpperCase()}${name.slice(1)}`;
      const history = await fit(trainer, { epochs: 5, callbacks: [earlyStopping({ monitor, patience: 2 })] });
      expect(history.stopped).toBe("finished");
    }
  });

  it("a metric that is called accuracy and is better lower", async () => {
    const falling = make([metricOfValues([0.5, 0.4, 0.3, 0.2], { better: "lower" }, "inaccuracy")]);
    expect(
      (await fit(falling, { epochs: 4, callbacks: [earlyStopping({ monitor: "valInaccuracy", patience: 1 })] })).stopped,
    ).toBe("finished");
    const rising = make([metricOfValues([0.2, 0.3, 0.4], { better: "lower" }, "inaccuracy")]);
    expect((await fit(rising, { callbacks: [earlyStopping({ monitor: "valInaccuracy", patience: 2 })] })).stopped).toBe(
      "valInaccuracy has not improved for 2 epochs (epoch 3, best 0.2)",
    );
  });

  it("what the option says wins", async () => {
    const trainer = make([metricOfValues([1, 2, 3])]);
    const history = await fit(trainer, { callbacks: [earlyStopping({ monitor: "valScore", patience: 1, mode: "min" })] });
    expect(history.stopped).toMatch(/epoch 2, best 1/);
  });

  it("the loss's parts are better lower, one with a negative weight higher", async () => {
    const loss = weightedSum([
      { name: "accuracyGap", loss: crossEntropy },
      { name: "spread", loss: crossEntropy, weight: -0.1 },
    ]);
    const directions: unknown[] = [];
    const trainer = make([metricOfValues([1])], { loss: loss as never });
    await fit(trainer, {
      epochs: 1,
      callbacks: [{ name: "sees", onTrainBegin: (_: unknown, { better }: { better: unknown }) => void directions.push(better) }],
    });
    expect(directions).toEqual([
      {
        loss: "lower",
        accuracyGap: "lower",
        spread: "higher",
        valLoss: "lower",
        valAccuracyGap: "lower",
        valSpread: "higher",
        valScore: "higher",
      },
    ]);
  });

  it("reduceOnPlateau, in the trainer and in a loop of one's own", async () => {
    const rate = (): ReturnType<typeof schedules.reduceOnPlateau> =>
      schedules.reduceOnPlateau(1, { monitor: "valScore", patience: 0, factor: 0.5 });
    const rising = rate();
    const higher = make([metricOfValues([1, 2, 3, 4])], { optimizer: sgd({ learningRate: rising }) });
    await fit(higher, { epochs: 4 });
    expect(higher.rateNow(rising)).toBe(1);
    const falling = rate();
    const lower = make([metricOfValues([4, 3, 2, 1])], { optimizer: adam({ learningRate: falling }) });
    await fit(lower, { epochs: 4 });
    expect(lower.rateNow(falling)).toBe(0.125);
    lower.dispose();
    expect(lower.rateNow(falling)).toBe(1);
    const plateauRate = rate();
    const plateauState = [1, 2, 3].reduce((state, value) => plateauRate.observe(state, value, "higher"), plateauRate.init());
    expect(plateauRate.at(3, plateauState)).toBe(1);
    expect(() => plateauRate.observe(plateauState, 1)).toThrow(/follows "valScore", and nothing says which way.*mode: "max"/);
    const ofLoss = schedules.reduceOnPlateau(1, { patience: 0, factor: 0.5 });
    const worse = [3, 2, 2.5].reduce((state, value) => ofLoss.observe(state, value), ofLoss.init());
    expect([ofLoss.at(3, worse), ofLoss.at(3)]).toEqual([0.5, 1]);
  });

  it("a metric that does not say is refused before the first step, unless the option does", async () => {
    const silent = () => metricOfValues([1, 2, 3], {});
    for (const act of [
      () => fit(make([silent()]), { callbacks: [earlyStopping({ monitor: "valScore" })] }),
      () => fit(make([silent()], { optimizer: sgd({ learningRate: schedules.reduceOnPlateau(1, { monitor: "valScore" }) }) })),
    ]) {
      const error = await refusal(act);
      expect(error.code).toBe("ERMINE_OPTION");
      expect(error.message).toMatch(/valScore.*which way it gets better.*mode: "max".*better: "higher"/);
    }
    const trainer = make([silent()]);
    await fit(trainer, { epochs: 1, callbacks: [earlyStopping({ monitor: "valScore", mode: "max" })] });
    expect(trainer.step).toBe(1);
    expect(() => make([metricOfValues([1], { better: "max" as "higher" })])).toThrow(
      /better of the metric score is "higher" or "lower"/,
    );
    expect(() => earlyStopping({ monitor: "valLoss", mode: "mix" as "max" })).toThrow(/mode is one of min, max/);
  });

  it("a monitor of a function of one's own is checked once its parts are known", async () => {
    const loss = (outputs: never, { targets }: { targets: unknown }) => ({ part: crossEntropy(outputs, targets as never) });
    const error = await refusal(() =>
      fit(make([], { loss: loss as never }), { callbacks: [earlyStopping({ monitor: "valPrat", mode: "min" })] }),
    );
    expect(error.message).toMatch(/follows "valPrat", and this training logs loss, part, valLoss, valPart/);
  });
});

describe("a log that is NaN", () => {
  it("stops with a reason that says so", async () => {
    const always = make([metricOfValues([NaN])]);
    expect((await fit(always, { callbacks: [earlyStopping({ monitor: "valScore", patience: 3 })] })).stopped).toMatch(
      /^valScore has not improved for 3 epochs \(epoch 3\); valScore was NaN in all of these 3 epochs.*both classes/,
    );
    const later = make([metricOfValues([0.5, NaN, 0.4])]);
    expect((await fit(later, { callbacks: [earlyStopping({ monitor: "valScore", patience: 2 })] })).stopped).toMatch(
      /\(epoch 3, best 0.5\); valScore was NaN in 1 of these 2 epochs/,
    );
    const recovers = make([metricOfValues([NaN, NaN, 0.5, 0.6])]);
    expect((await fit(recovers, { epochs: 4, callbacks: [earlyStopping({ monitor: "valScore", patience: 3 })] })).stopped).toBe(
      "finished",
    );
  });

  it("is no improvement for reduceOnPlateau, which is said", async () => {
    const rate = schedules.reduceOnPlateau(1, { monitor: "valScore", patience: 1, factor: 0.5 });
    const notices: string[] = [];
    const trainer = make([metricOfValues([NaN])], { optimizer: sgd({ learningRate: rate }) });
    await fit(trainer, {
      epochs: 2,
      notice: (text) => void notices.push(text),
    });
    expect(trainer.rateNow(rate)).toBe(0.5);
    expect(notices).toEqual([1, 2].map((epoch) => expect.stringMatching(`"valScore", which was NaN after epoch ${epoch}`)));
  });
});

describe("callbacks that would never be called are refused", () => {
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ["a misspelt hook", [{ name: "mine", onEpochENd() {} }], /mine has a hook "onEpochENd".*Did you mean "onEpochEnd"/],
    ["another spelling", [{ on_epoch_end() {} }], /"on_epoch_end".*"onEpochEnd"/],
    ["another framework's", [{ onBatchEnd() {} }], /"onBatchEnd".*"onStep"/],
    [
      "a hook that there is not",
      [{ onEpochEnd() {}, onPredict() {} }],
      /"onPredict".*There are: onTrainBegin, onEpochBegin, onBatch, onStep/,
    ],
    [
      "a method of a class",
      [
        new (class {
          onStepp(): void {}
        })(),
      ],
      /"onStepp".*"onStep"/,
    ],
    ["no hook at all", [{ name: "idle", monitor: "loss" }], /idle has none of the hooks/],
    ["a promise", [Promise.resolve({})], /promise: await it/],
    ["a hook that is no function", [{ onStep: "log" }], /onStep of a callback is a function, got log/],
    ["a function that was not called", [earlyStopping], /earlyStopping is a function.*earlyStopping\(\)/],
    ["a name", ["earlyStopping"], /a callback is an object with hooks/],
    ["true", [true], /a callback is an object/],
    ["one that is in no list", earlyStopping({ monitor: "loss" }), /callbacks is a list/],
    ["a string", "progressBar", /callbacks is a list/],
  ];
  it.each(cases)("%s", async (_, callbacks, message) => {
    const trainer = make([]);
    const error = await refusal(() => fit(trainer, { callbacks: callbacks as never }));
    expect(error.code).toBe("ERMINE_OPTION");
    expect(error.message).toMatch(message);
    expect(trainer.step).toBe(0);
  });

  it("falsy entries are left out, and methods that are no hooks are the callback's own", async () => {
    const observedValues: number[] = [];
    class Mine {
      readonly name = "mine";
      note(epoch: number): void {
        observedValues.push(epoch);
      }
      onEpochEnd({ epoch }: { epoch: number }): void {
        this.note(epoch);
      }
    }
    await fit(make([]), { epochs: 2, callbacks: [false, null, undefined, "", 0, new Mine()] });
    expect(observedValues).toEqual([0, 1]);
  });

  it("stop() needs no reason", async () => {
    const stops = async (...reason: string[]): Promise<string> => {
      const trainer = make([]);
      const history = await fit(trainer, {
        callbacks: [{ name: "stops", onStep: (_: unknown, control: Control) => control.stop(...reason) }],
      });
      expect(trainer.step).toBe(1);
      return history.stopped;
    };
    expect(await stops()).toBe("stopped");
    expect(await stops("")).toBe("");
    expect(await stops("enough")).toBe("enough");
  });
});

describe("what is given under another name or as another kind is refused", () => {
  const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "sampleWeight",
      () => dataset({ inputs: [[1]], targets: [1], sampleWeight: [2] } as never),
      /"sampleWeight".*"sampleWeights"/,
    ],
    ["target", () => dataset({ inputs: [[1]], target: [1] } as never), /"target".*"targets"/],
    ["labels", () => dataset({ inputs: [[1]], labels: [1] } as never), /"labels".*"targets"/],
    ["x", () => dataset({ x: [[1]], targets: [1] } as never), /"x".*"inputs"/],
    ["an unknown part", () => dataset({ inputs: [[1]], groups: [1] } as never), /It has: inputs, targets, sampleWeights/],
    ["no parts", () => dataset([[1]] as never), /by name/],
    ["nothing", () => dataset(undefined as never), /by name/],
    [
      "a controller",
      () => fit(make([]), { signal: new AbortController() as never }),
      /got its controller. Give controller.signal/,
    ],
    ["a signal that is none", () => fit(make([]), { signal: true as never }), /signal is an AbortSignal, got true/],
    ["null as a signal", () => fit(make([]), { signal: null as never }), /signal is an AbortSignal, got null/],
    ["a notice that is none", () => fit(make([]), { notice: "quiet" as never }), /notice is a function/],
    ["a shuffle that is none", () => fit(make([]), { shuffle: 0 as never }), /shuffle is true or false/],
    ["validation that is no data set", () => fit(make([]), { validation: [data] as never }), /validation takes a data set/],
    ["a metric's name", () => make(["accuracy" as never]), /accuracy is a string.*accuracy\(\)/],
    ["a metric that was not called", () => make([accuracy as never]), /accuracy is a function.*accuracy\(\)/],
    ["a metric without a function", () => make([{ name: "half", better: "lower" } as never]), /half has no function init/],
    ["a metric without a name", () => make([{} as never]), /has a name/],
  ];
  it.each(cases)("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });

  it.each([
    ["a promise", { compute: () => Promise.resolve(1) }, /is async/],
    ["a rejected promise", { compute: () => Promise.reject(new Error("no")) }, /is async/],
    ["nothing", { compute: () => undefined }, /gives undefined.*compute returns a number/],
    ["a text", { compute: () => "0.5" }, /gives 0.5 \(string\)/],
    ["an object", { compute: () => ({ value: 1 }) }, /gives an object/],
    ["a bigint", { compute: () => 1n }, /gives 1 \(bigint\)/],
    ["an update that comes later", { update: () => Promise.resolve(0) }, /is async/],
    ["a start that comes later", { init: () => Promise.resolve(0) }, /is async/],
  ])("a metric that gives %s", async (_, wrong, message) => {
    const trainer = make([metricOfValues([1], { better: "higher", ...(wrong as object) })]);
    expect((await refusal(() => trainer.evaluate(data))).message).toMatch(message);
  });
});
