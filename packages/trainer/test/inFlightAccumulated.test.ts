import { describe, expect, it } from "vitest";
import {
  add,
  crossEntropy,
  ErmineError,
  manualSeed,
  mean,
  mse,
  mul,
  reshape,
  tensor,
  Variable,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { currentTrace } from "@ermine/core/backend";
import { BatchNorm1d, Dropout, Linear, Module, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adamw,
  dataset,
  schedules,
  Trainer,
  weightedSum,
  type AnyLoss,
  type Callback,
  type FitOptions,
  type TrainerOptions,
} from "../src/index.js";
import { late } from "./late.js";

const batchSize = 3;
const batches = 8;
const samples = batchSize * batches;

/** Those of some batches so large that the forward overflows. */
function inputsOf(refused: readonly number[]): Float32Array {
  const inputs = Float32Array.from({ length: samples * 3 }, (_, i) => Math.sin(i));
  for (const batch of refused) inputs.fill(3e38, batch * batchSize * 3, batch * batchSize * 3 + 3);
  return inputs;
}

/** Samples, those of some batches with an input so large that the forward overflows, those of others without a target that counts. */
function data(refused: readonly number[] = [], empty: readonly number[] = []) {
  const targets = Int32Array.from({ length: samples }, (_, i) => i % 2);
  for (const batch of empty) targets.fill(-100, batch * batchSize, (batch + 1) * batchSize);
  return dataset({ inputs: { data: inputsOf(refused), shape: [samples, 3] }, targets });
}

const network = (): Module =>
  new Sequential(new Linear(3, 6), new BatchNorm1d(6), new ReLU(), new Dropout(0.3), new Linear(6, 2));

function make(backend: Backend, accumulate: number, options: Partial<TrainerOptions<never>> = {}): Trainer {
  manualSeed(0);
  const optimizer = adamw({ learningRate: schedules.cosine(0.05, { totalSteps: 2 * batches }) });
  return new Trainer({ model: network(), loss: crossEntropy, optimizer, backend, seed: 4, accumulate, ...options });
}

const values = async ({ model }: Trainer): Promise<number[]> =>
  Object.values(await model.stateDict()).flatMap(({ data: elements }) => Array.from(elements));

type Options = Partial<FitOptions<never, never>>;
const run = (trainer: Trainer, set = data(), options: Options = {}) =>
  trainer.fit(set, { epochs: 2, batchSize, shuffle: false, notice: () => undefined, ...options });

/** Outcome of a training, however it ends. */
async function result(trainer: Trainer, set = data(), options: Options = {}) {
  const notices: string[] = [];
  let thrown = "";
  let losses: readonly number[] = [];
  try {
    ({ steps: losses } = await run(trainer, set, { ...options, notice: (text) => void notices.push(text) }));
  } catch (error) {
    if (!(error instanceof ErmineError)) throw error;
    thrown = error.message;
  }
  return { losses, thrown, notices, taken: trainer.step, values: await values(trainer) };
}

const atOnce = (): Backend => reference({ precision: "float32" });

/** Micro-batches an update, and runs in flight: fewer than an update has, as many, and more. */
const ways = [
  [2, 2],
  [3, 3],
  [3, 4],
  [3, 9],
  [2, 12],
] as const;
const updatesOf = (accumulate: number): number => Math.ceil(batches / accumulate);

describe.each(ways)("updates of %i micro-batches, %i runs in flight", (accumulate, k) => {
  it("keep as many runs waiting as may be, and give the bits of one at a time", async () => {
    const backend = late(k, { turns: 50 });
    const trainer = make(backend, accumulate);
    const { steps } = await run(trainer);
    expect(backend.answers.most).toBe(k);
    // One answer for each micro-batch, and one for each update that is taken.
    expect(backend.answers.reads).toBe(2 * (batches + updatesOf(accumulate)));
    expect(steps).toHaveLength(2 * updatesOf(accumulate));
    expect(await result(make(late(k), accumulate))).toEqual(await result(make(atOnce(), accumulate)));
  });

  it.each(Array.from({ length: batches }, (_, i) => i))(
    "stop where batch %i is refused: nothing of its update was done",
    async (bad) => {
      const refused = await result(make(late(k), accumulate), data([bad]));
      expect(refused).toEqual(await result(make(atOnce(), accumulate), data([bad])));
      const update = Math.floor(bad / accumulate);
      expect(refused.taken).toBe(update);
      expect(refused.thrown).toMatch(new RegExp(`Update ${update + 1} gave a number that is not finite, first in`));
      const before = make(atOnce(), accumulate);
      if (update > 0) await run(before, data().select([...Array(update * accumulate * batchSize).keys()]), { epochs: 1 });
      expect(refused.values).toEqual(await values(before));
    },
  );

  it.each(Array.from({ length: batches }, (_, i) => i))(
    "leave out the update of batch %i where that is asked for",
    async (bad) => {
      const skipped = await result(make(late(k), accumulate), data([bad]), { onRefusal: "skip" });
      expect(skipped).toEqual(await result(make(atOnce(), accumulate), data([bad]), { onRefusal: "skip" }));
      const takenUpdates = 2 * (updatesOf(accumulate) - 1);
      expect([skipped.thrown, skipped.taken, skipped.losses.length]).toEqual(["", takenUpdates, takenUpdates]);
    },
  );

  it("with several refused, empty and half empty updates among them", async () => {
    for (const [refused, empty] of [
      [
        [1, 2, 7],
        [0, 3, 4, 5],
      ],
      [[], [0, 1, 2]],
      [[7], [0, 1, 2, 3, 4, 5]],
    ] as const) {
      const options = { onRefusal: "skip" } as const;
      const inFlight = await result(make(late(k), accumulate), data(refused, empty), options);
      expect(inFlight).toEqual(await result(make(atOnce(), accumulate), data(refused, empty), options));
    }
  });

  it("whose loss has several parts", async () => {
    const loss = weightedSum([
      { name: "first", loss: crossEntropy },
      { name: "second", loss: (output) => mean(mul(output as Tensor, output as Tensor)), weight: 0.3 },
    ]);
    const trained = (backend: Backend) =>
      result(make(backend, accumulate, { loss: loss as AnyLoss<never> }), data([6], [1]), { onRefusal: "skip" });
    expect(await trained(late(k))).toEqual(await trained(atOnce()));
  });

  it("come to their end before evaluate, an abort, and what a callback reads at an epoch's end", async () => {
    const observe = async (backend: Backend): Promise<unknown[]> => {
      const trainer = make(backend, accumulate);
      const observed: unknown[] = [];
      const controller = new AbortController();
      const callback: Callback = {
        name: "reads",
        async onStep({ step }) {
          // Updates after this one may be done already, so that only their number is compared.
          if (step === 2) observed.push(Number.isFinite((await trainer.evaluate(data())).loss));
          if (step === updatesOf(accumulate) + 2) controller.abort();
        },
        async onEpochEnd({ logs }) {
          observed.push(logs, await values(trainer), (await trainer.evaluate(data())).loss);
        },
      };
      const history = await run(trainer, data(), { callbacks: [callback], signal: controller.signal });
      return [...observed, history.stopped, history.epochs];
    };
    expect(await observe(late(k))).toEqual(await observe(atOnce()));
  });

  it("end where the trainer is disposed, with whole updates", async () => {
    const backend = late(k);
    const trainer = make(backend, accumulate);
    const callback: Callback = { name: "disposes", onStep: ({ step }) => void (step === 2 && trainer.dispose()) };
    await expect(run(trainer, data(), { callbacks: [callback] })).rejects.toThrow(/trainer\.dispose\(\) was called/);
    expect(trainer.step).toBe(0);
    const after = await values(trainer);
    const possible = [2, 3, 4].map((updates) => valuesAfter(updates, accumulate));
    expect(await Promise.all(possible)).toContainEqual(after);
  });
});

/** Variables that a forward pass changes itself: counts, also integer ones, and a frozen parameter. */
class Counting extends Module {
  readonly forwards = new Variable(tensor(Int32Array.of(0)), { trainable: false });
  readonly halved = new Variable(tensor([1]), { trainable: false });
  readonly frozen = new Linear(1, 1).freeze();
  readonly out = new Linear(3, 1);

  forward(x: Tensor): Tensor {
    this.forwards.value = add(this.forwards.value, 1);
    this.halved.value = mul(this.halved.value, 0.5);
    if (currentTrace() !== undefined) this.frozen.weight.value = reshape(this.halved.value, [1, 1]);
    return mul(this.out.forward(x), add(this.halved.value, 1));
  }
}

it.each([true, false])("what a forward changes is changed where the update is taken (compiled: %s)", async (compile) => {
  const set = dataset({
    inputs: { data: inputsOf([4]), shape: [samples, 3] },
    targets: { data: new Float32Array(samples).fill(1), shape: [samples, 1] },
  });
  const trained = async (backend: Backend) => {
    const model = new Counting();
    const trainer = make(backend, 2, { model, loss: mse, compile });
    const outcome = await result(trainer, set, { epochs: 1, onRefusal: "skip" });
    // Three of four updates.
    expect([...(await model.forwards.data())]).toEqual([6]);
    expect([...(await model.halved.data())]).toEqual([1 / 64]);
    if (compile) expect([...(await model.frozen.weight.data())]).toEqual([1 / 64]);
    return outcome.losses;
  };
  expect(await trained(late(4))).toEqual(await trained(atOnce()));
});

it("an update is not awaited where the backend answers at once, and reads nothing but its reports", async () => {
  const base = atOnce();
  const counts = { reads: 0, later: 0 };
  const backend: Backend = {
    ...base,
    read: (storage) => (counts.later++, base.read(storage)),
    readSync: (storage) => (counts.reads++, base.readSync!(storage)),
  };
  const trainer = make(backend, 4);
  await run(trainer, data(), { epochs: 1 });
  expect(counts).toEqual({ reads: batches + 2, later: 0 });
});

/** The values after so many updates, one at a time. */
async function valuesAfter(updates: number, accumulate: number): Promise<number[]> {
  const trainer = make(atOnce(), accumulate);
  const stop: Callback = { name: "stops", onStep: ({ step }, control) => void (step === updates && control.interrupt()) };
  if (updates > 0) await run(trainer, data(), { callbacks: [stop] });
  return values(trainer);
}

describe.each([1, 2])("after a fit that failed while updates of %i micro-batches were in flight", (accumulate) => {
  const goesOn = async (backend: Backend, failing: (trainer: Trainer) => Promise<unknown>) => {
    const trainer = make(backend, accumulate);
    await expect(failing(trainer)).rejects.toThrow("on purpose");
    const { step } = trainer;
    // Only completed work is counted.
    expect(await values(trainer)).toEqual(await valuesAfter(step, accumulate));
    const { steps } = await run(trainer);
    expect([steps.length, trainer.step - step]).toEqual([2 * updatesOf(accumulate), 2 * updatesOf(accumulate)]);
  };

  it("in a callback, the next one trains", () =>
    goesOn(late(4), (trainer) => {
      const fails: Callback = {
        name: "fails",
        onStep({ step }) {
          if (step === 2) throw new Error("on purpose");
        },
      };
      return run(trainer, data(), { callbacks: [fails] });
    }));

  it.each([1, 4, 5])("in the answer of run %i, the next one trains", (failing) => {
    const backend = late(4, {
      before(read) {
        if (read === failing) throw new Error("on purpose");
      },
    });
    return goesOn(backend, (trainer) => run(trainer));
  });

  it("in the source, the next one trains, and the steps before it count", async () => {
    let calls = 0;
    const set = data();
    const column = set.inputs as unknown as { gather: (...args: unknown[]) => void };
    const gather = column.gather.bind(column);
    column.gather = (...args) => {
      if (++calls === 6) throw new Error("on purpose");
      gather(...args);
    };
    await goesOn(late(4), (trainer) => run(trainer, set));
  });
});
