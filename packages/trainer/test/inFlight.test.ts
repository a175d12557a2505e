import { describe, expect, it } from "vitest";
import { crossEntropy, ErmineError, manualSeed, type Backend } from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, schedules, stream, Trainer, type Callback, type FitOptions, type TrainerOptions } from "../src/index.js";
import { late } from "./late.js";

const samples = 40;
const batchSize = 5;
const batches = samples / batchSize;

/** Samples, those of some batches with an input so large that the forward overflows, those of others without a target that counts. */
function data(refused: readonly number[] = [], empty: readonly number[] = []) {
  const inputs = Float32Array.from({ length: samples * 3 }, (_, i) => Math.sin(i));
  const targets = Int32Array.from({ length: samples }, (_, i) => i % 2);
  for (const batch of refused) inputs.fill(3e38, batch * batchSize * 3, batch * batchSize * 3 + 3);
  for (const batch of empty) targets.fill(-100, batch * batchSize, (batch + 1) * batchSize);
  return dataset({ inputs: { data: inputs, shape: [samples, 3] }, targets });
}

function make(backend: Backend, options: Partial<TrainerOptions<never>> = {}): Trainer {
  manualSeed(0);
  const model = new Sequential(new Linear(3, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.3), new Linear(8, 2));
  const optimizer = adamw({ learningRate: schedules.cosine(0.05, { totalSteps: 2 * batches }) });
  return new Trainer({ model, loss: crossEntropy, optimizer, backend, seed: 4, ...options });
}

const weights = async ({ model }: Trainer): Promise<number[]> =>
  Object.values(await model.stateDict()).flatMap(({ data: values }) => Array.from(values));

type Options = Partial<FitOptions<never, never>>;
const run = (trainer: Trainer, set = data(), options: Options = {}) =>
  trainer.fit(set, { epochs: 2, batchSize, shuffle: false, notice: () => undefined, ...options });

async function result(backend: Backend, set = data(), options: Options = {}) {
  const trainer = make(backend);
  const notices: string[] = [];
  let thrown = "";
  let steps: readonly number[] = [];
  try {
    ({ steps } = await run(trainer, set, { ...options, notice: (text) => void notices.push(text) }));
  } catch (error) {
    if (!(error instanceof ErmineError)) throw error;
    thrown = error.message;
  }
  return { steps, thrown, notices, taken: trainer.step, weights: await weights(trainer) };
}

const atOnce = (): Backend => reference({ precision: "float32" });

describe.each([1, 2, 4])("%i steps in flight", (k) => {
  it("are as many as may be, and give the bits of one at a time", async () => {
    const backend = late(k, { turns: 50 });
    await run(make(backend));
    expect(backend.answers.most).toBe(k);
    expect(await result(late(k))).toEqual(await result(atOnce()));
  });

  it("of a stream too", async () => {
    const backend = late(k);
    const source = () =>
      stream(() => [data().select([...Array(17).keys()]), data().select(Array.from({ length: 23 }, (_, i) => 17 + i))]);
    const [a, b] = [make(backend), make(atOnce())];
    const options = { epochs: 2, batchSize, notice: () => undefined };
    const history = [await a.fit(source(), options), await b.fit(source(), options)];
    expect(history[0]!.steps).toEqual(history[1]!.steps);
    expect(await weights(a)).toEqual(await weights(b));
  });

  it.each(Array.from({ length: batches }, (_, i) => i))(
    "stop at a refusal of batch %i: nothing after it was done",
    async (bad) => {
      const outcome = await result(late(k), data([bad]));
      expect(outcome).toEqual(await result(atOnce(), data([bad])));
      expect(outcome.taken).toBe(bad);
      expect(outcome.thrown).toMatch(new RegExp(`Update ${bad + 1} gave a number that is not finite, first in`));
    },
  );

  it.each(Array.from({ length: batches }, (_, i) => i))("leave out batch %i where that is asked for", async (bad) => {
    const outcome = await result(late(k), data([bad]), { onRefusal: "skip" });
    expect(outcome).toEqual(await result(atOnce(), data([bad]), { onRefusal: "skip" }));
    expect(outcome.notices.filter((text) => text.includes(`batch ${bad + 1} was left out`))).toHaveLength(1);
    expect([outcome.thrown, outcome.taken, outcome.steps.length]).toEqual(["", 2 * (batches - 1), 2 * (batches - 1)]);
    expect(outcome.weights.every(Number.isFinite)).toBe(true);
  });

  it("with several refused and empty batches among them", async () => {
    const set = data([1, 2, 6], [0, 3, 7]);
    const outcome = await result(late(k), set, { onRefusal: "skip" });
    expect(outcome).toEqual(await result(atOnce(), set, { onRefusal: "skip" }));
    expect([outcome.taken, outcome.steps.length]).toEqual([2 * 5, 2 * 2]);
  });

  it("come to their end before evaluate, an abort, and what a callback reads at an epoch's end", async () => {
    const observe = async (backend: Backend): Promise<unknown[]> => {
      const trainer = make(backend);
      const events: unknown[] = [];
      const controller = new AbortController();
      const callback: Callback = {
        name: "reads",
        async onStep({ step }) {
          // Steps after this one may be done already, so that only their number is compared.
          if (step === 3) events.push(Number.isFinite((await trainer.evaluate(data())).loss));
          if (step === batches + 3) controller.abort();
        },
        async onEpochEnd({ logs }) {
          events.push(logs, await weights(trainer), (await trainer.evaluate(data())).loss);
        },
      };
      const history = await run(trainer, data(), { callbacks: [callback], signal: controller.signal });
      return [...events, history.stopped, history.epochs];
    };
    expect(await observe(late(k))).toEqual(await observe(atOnce()));
  });

  it("keep to the parameters that are trained, where a callback freezes a layer between two epochs", async () => {
    const frozen = async (backend: Backend) => {
      const trainer = make(backend);
      const freeze: Callback = {
        name: "freezes",
        onEpochEnd: () =>
          void (trainer.model as Sequential)
            .parameters()
            .slice(0, 2)
            .forEach((p) => (p.trainable = false)),
      };
      await run(trainer, data(), { callbacks: [freeze] });
      return weights(trainer);
    };
    expect(await frozen(late(k))).toEqual(await frozen(atOnce()));
  });

  it("go on in a second fit, and after one that was refused", async () => {
    const twice = async (backend: Backend) => {
      const trainer = make(backend);
      await run(trainer, data([5])).catch(() => undefined);
      await run(trainer);
      await run(trainer, data([], [2]));
      return weights(trainer);
    };
    expect(await twice(late(k))).toEqual(await twice(atOnce()));
  });

  it("end where the trainer is disposed", async () => {
    const trainer = make(late(k));
    const callback: Callback = { name: "disposes", onStep: ({ step }) => void (step === 3 && trainer.dispose()) };
    await expect(run(trainer, data(), { callbacks: [callback] })).rejects.toThrow(/trainer\.dispose\(\) was called/);
    expect((await weights(trainer)).every(Number.isFinite)).toBe(true);
  });
});

it("the same bits where the step is not compiled", async () => {
  const [a, b] = [make(late(4), { compile: false }), make(atOnce(), { compile: false })];
  await run(a);
  await run(b);
  expect(await weights(a)).toEqual(await weights(b));
});
