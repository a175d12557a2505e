/** Schedules without a stated total take the length of `fit`. */
import { describe, expect, it } from "vitest";
import { crossEntropy, ErmineError, manualSeed, type Backend } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adamw,
  chain,
  dataset,
  scaleByAdam,
  scaleByLearningRate,
  schedules,
  sgd,
  stream,
  Trainer,
  type Callback,
  type Optimizer,
  type Schedule,
} from "../src/index.js";
import { late } from "./late.js";
import { schedules as catalog } from "../src/catalog.js";

const samples = 12;
const data = dataset({
  inputs: { data: Float32Array.from({ length: samples * 2 }, (_, i) => Math.sin(i)), shape: [samples, 2] },
  targets: Int32Array.from({ length: samples }, (_, i) => i % 2),
});
const batchSize = 4;
const stepsOf = (epochs: number): number => (epochs * samples) / batchSize;
const fit = { batchSize, shuffle: false, notice: () => undefined } as const;

function make(optimizer: Optimizer, options: { backend?: Backend; compile?: boolean; accumulate?: number } = {}): Trainer {
  manualSeed(1);
  return new Trainer({ model: new Linear(2, 2), loss: crossEntropy, optimizer, backend: reference(), ...options });
}

const recorder = () => {
  const rates: number[] = [];
  const callback: Callback = {
    name: "recorder",
    state: () => null,
    onStep: ({ learningRates }) => void rates.push(learningRates[0]!),
  };
  return { rates, callback };
};

/** The same schedule with its total stated. */
const pairs: Readonly<Record<string, (total?: number) => Schedule>> = {
  cosine: (totalSteps) => schedules.cosine(0.1, totalSteps === undefined ? {} : { totalSteps }),
  linear: (totalSteps) => schedules.linear(0.1, { startFactor: 1, endFactor: 0.1, ...(totalSteps && { totalSteps }) }),
  polynomial: (totalSteps) => schedules.polynomial(0.1, { power: 2, ...(totalSteps && { totalSteps }) }),
  oneCycle: (totalSteps) => schedules.oneCycle(0.1, totalSteps === undefined ? {} : { totalSteps }),
  "oneCycle in three phases": (totalSteps) => schedules.oneCycle(0.1, { threePhase: true, ...(totalSteps && { totalSteps }) }),
  warmupCosine: (totalSteps) => schedules.warmupCosine(0.1, { warmupSteps: 2, ...(totalSteps && { totalSteps }) }),
  "a warm-up before a cosine": (totalSteps) =>
    schedules.warmup(schedules.cosine(0.1, totalSteps === undefined ? {} : { totalSteps: totalSteps - 3 }), { steps: 3 }),
  "a sequence": (totalSteps) =>
    schedules.sequence(
      [
        schedules.cosine(0.1, totalSteps === undefined ? {} : { totalSteps: 4 }),
        schedules.linear(0.05, { startFactor: 1, endFactor: 0, ...(totalSteps && { totalSteps: totalSteps - 4 }) }),
      ],
      [4],
    ),
};

describe.each(Object.entries(pairs))("%s", (_, of) => {
  it.each([1, 2, 3].filter((epochs) => stepsOf(epochs) > 4))(
    "ends with a fit of %i epochs, as one of that total",
    async (epochs) => {
      const { rates, callback } = recorder();
      await make(sgd({ learningRate: of() })).fit(data, { ...fit, epochs, callbacks: [callback] });
      const stated = of(stepsOf(epochs));
      expect(rates).toEqual(Array.from({ length: stepsOf(epochs) }, (__, t) => stated.at(t)));
    },
  );

  it("begins anew with the next fit, in its length", async () => {
    const schedule = of();
    const trainer = make(chain(scaleByAdam(), scaleByLearningRate(schedule)));
    await trainer.fit(data, { ...fit, epochs: 2 });
    const { rates, callback } = recorder();
    await trainer.fit(data, { ...fit, epochs: 3, callbacks: [callback] });
    const stated = of(stepsOf(3));
    expect(rates).toEqual(Array.from({ length: stepsOf(3) }, (__, t) => stated.at(t)));
  });

  it("is as at its beginning before the first fit, and at its end after it", async () => {
    const schedule = of();
    const trainer = make(sgd({ learningRate: schedule }));
    expect(trainer.rateNow(schedule)).toBe(of(stepsOf(2)).at(0));
    await trainer.fit(data, { ...fit, epochs: 2 });
    const stated = of(stepsOf(2));
    expect(trainer.rateNow(schedule)).toBe(stated.at(stepsOf(2)));
  });

  it("goes on within its length where a training resumes, bit for bit", async () => {
    const trained = async (trainer: Trainer): Promise<unknown> => (await trainer.model.stateDict())["weight"]!.data;
    const whole = make(adamw({ learningRate: of() }));
    // A fit before it, so that the length is not counted from the trainer's first step.
    await whole.fit(data, { ...fit, epochs: 1 + Number(stepsOf(1) <= 4) });
    const before = await whole.snapshot();
    const history = await whole.fit(data, { ...fit, epochs: 3 });
    const first = make(adamw({ learningRate: of() }));
    await first.restore(before);
    const stop = first.step + 5;
    const interrupt: Callback = {
      name: "interrupts",
      state: () => null,
      onStep: ({ step }, control) => void (step === stop && control.interrupt()),
    };
    await first.fit(data, { ...fit, epochs: 3, callbacks: [interrupt] });
    const second = make(adamw({ learningRate: of() }));
    expect((await second.fit(data, { ...fit, epochs: 3, resume: await first.snapshot() })).epochs).toEqual(history.epochs);
    expect(await trained(second)).toEqual(await trained(whole));
  });

  it("counts epochs where it is asked to, of a stream of unknown length too", async () => {
    const epochs = 6;
    const source = stream(() => [data.select([0, 1, 2, 3, 4]), data.select([5, 6, 7])]);
    const history = await make(sgd({ learningRate: schedules.perEpoch(of()) })).fit(source, { ...fit, epochs });
    const stated = of(epochs);
    expect(history.epochs.map(({ learningRate }) => learningRate)).toEqual(
      Array.from({ length: epochs }, (__, t) => stated.at(t)),
    );
  });

  it("is refused for a stream of unknown length before the first step, and trains after it", async () => {
    const trainer = make(sgd({ learningRate: of() }));
    const source = stream(() => [data.select([0, 1, 2, 3])]);
    const error = await trainer.fit(source, { ...fit, epochs: 6 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ErmineError);
    expect((error as ErmineError).message).toMatch(
      /takes the length of fit in steps, which is not known.*State totalSteps.*perEpoch/,
    );
    expect(trainer.step).toBe(0);
    await trainer.fit(data, { ...fit, epochs: 2 });
    expect(trainer.step).toBe(stepsOf(2));
  });
});

describe("the length of a fit", () => {
  it("is counted in updates: of micro-batches, of a dropped last batch, and in flight", async () => {
    const uneven = data.select([...Array(11).keys()]);
    for (const [options, more, updates] of [
      [{ accumulate: 2 }, {}, 4],
      [{ accumulate: 2, compile: false }, { dropLast: true }, 2],
      [{}, { dropLast: true }, 4],
      [{ backend: late(3) }, {}, 6],
      [{ backend: late(3), accumulate: 2 }, {}, 4],
    ] as const) {
      const { rates, callback } = recorder();
      await make(sgd({ learningRate: schedules.cosine(0.1) }), options).fit(uneven, {
        ...fit,
        ...more,
        epochs: 2,
        callbacks: [callback],
      });
      const stated = schedules.cosine(0.1, { totalSteps: updates });
      expect(rates).toEqual(Array.from({ length: updates }, (_, t) => stated.at(t)));
    }
  });

  it("is that of momentum and decay as well, which go with the rate", async () => {
    const rate = schedules.oneCycle(0.1);
    const trainer = make(
      sgd({ learningRate: rate, momentum: rate.momentum, weightDecay: schedules.linear(0.1, { endFactor: 0 }) }),
    );
    const toldRates: number[] = [];
    const reads: Callback = { name: "reads", onBatch: () => void toldRates.push(trainer.rateNow(rate.momentum)) };
    await trainer.fit(data, { ...fit, epochs: 2, callbacks: [reads] });
    const { momentum } = schedules.oneCycle(0.1, { totalSteps: 6 });
    expect(toldRates).toEqual([0, 1, 2, 3, 4, 5].map((t) => momentum.at(t)));
  });

  it("must be one that the schedule can have", async () => {
    for (const [rate, message] of [
      [schedules.warmupCosine(0.1, { warmupSteps: 3 }), /warmupCosine begins after 3 steps and ends with fit, which takes 3/],
      [
        schedules.warmup(schedules.perEpoch(schedules.cosine(0.1)), { steps: 1 }),
        /cosine begins after 1 epochs and ends with fit, which takes 1/,
      ],
      [schedules.perEpoch(schedules.oneCycle(0.1)), /oneCycle goes up and down within fit, which takes 1 step/],
    ] as const) {
      const trainer = make(sgd({ learningRate: rate }));
      await expect(trainer.fit(data, { ...fit, epochs: 1 })).rejects.toThrow(message);
      expect(trainer.step).toBe(0);
    }
  });

  it("stays that of the fit that was begun where a resumed one has other epochs, with a notice", async () => {
    const trainer = make(sgd({ learningRate: schedules.cosine(0.1) }));
    await trainer.fit(data, { ...fit, epochs: 2 });
    const notices: string[] = [];
    const { rates, callback } = recorder();
    const again = make(sgd({ learningRate: schedules.cosine(0.1) }));
    const notice = (text: string): void => void notices.push(text);
    await again.fit(data, { ...fit, epochs: 3, resume: await trainer.snapshot(), callbacks: [callback], notice });
    expect(rates).toEqual([0, 0, 0]);
    expect(notices.join()).toMatch(
      /cosine takes the length of the fit that was begun, 2 epochs, though this one resumes it with 3/,
    );
  });

  it("is handed to a schedule of one's own", async () => {
    const mine: Schedule = {
      name: "mine",
      per: "step",
      takesLength: true,
      at: (time, _, length = Infinity) => 0.1 * (1 - time / length),
    };
    const { rates, callback } = recorder();
    await make(sgd({ learningRate: mine })).fit(data, { ...fit, epochs: 1, callbacks: [callback] });
    expect(rates).toEqual([0, 1, 2].map((t) => 0.1 * (1 - t / 3)));
  });
});

describe("a schedule that is an object of a class", () => {
  class Halving implements Schedule {
    readonly name = "halving";
    readonly per = "step";
    readonly #base: number;
    constructor(base: number) {
      this.#base = base;
    }
    at(time: number): number {
      return this.#base / 2 ** time;
    }
  }
  class Falling implements Schedule<number> {
    readonly name = "falling";
    readonly per = "step";
    readonly monitor = "loss";
    #seen = 0;
    init = (): number => 1;
    at(_: number, state = 1): number {
      return 0.1 * state;
    }
    observe(state: number): number {
      this.#seen++;
      return state / 2;
    }
    get seen(): number {
      return this.#seen;
    }
  }

  it("keeps its methods and private fields in epochs, in a warm-up and in a sequence", () => {
    const made = schedules.perEpoch(new Halving(8));
    expect([made.per, made.at(0), made.at(3)]).toEqual(["epoch", 8, 1]);
    expect(schedules.warmup(new Halving(8), { steps: 1, startFactor: 0.5 }).at(2)).toBe(4);
    expect(schedules.sequence([new Halving(8), new Halving(2)], [2]).at(3)).toBe(1);
  });

  it("keeps following its log", async () => {
    const falling = new Falling();
    const trainer = make(sgd({ learningRate: schedules.perEpoch(falling) }));
    const { epochs } = await trainer.fit(data, { ...fit, epochs: 3 });
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.1, 0.05, 0.025]);
    expect(falling.seen).toBe(3);
  });

  it("takes the momentum of a cycle with it", () => {
    const rate = schedules.perEpoch(schedules.oneCycle(0.1, { totalSteps: 10 }));
    expect(schedules.rateAt(rate.momentum, { step: 500, epoch: 2 })).toBe(
      schedules.oneCycle(0.1, { totalSteps: 10 }).momentum.at(2),
    );
  });
});

it("every schedule of the catalog that states no total takes the length, or needs none", () => {
  const enough: Readonly<Record<string, object>> = {
    step: { stepSize: 2 },
    multiStep: { milestones: [2] },
    exponential: { gamma: 0.9 },
    cosineWarmRestarts: { firstCycleSteps: 3 },
    cyclic: { maxLearningRate: 1 },
    warmupCosine: { warmupSteps: 1 },
  };
  const taking = Object.keys(catalog).filter((name) => catalog[name]!(0.1, (enough[name] ?? {}) as never).takesLength === true);
  expect(taking).toEqual(["linear", "polynomial", "cosine", "oneCycle", "warmupCosine"]);
});
