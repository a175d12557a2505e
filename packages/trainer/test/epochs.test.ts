import { afterEach, expect, it, vi } from "vitest";
import { manualSeed, mse } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, schedules, Trainer, type Callback } from "../src/index.js";
import { OptimizerState } from "../src/step/optimizerState.js";

const data = dataset({
  inputs: { data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), shape: [8, 3] },
  targets: { data: new Float32Array(8).fill(1), shape: [8, 1] },
});

afterEach(() => vi.restoreAllMocks());

/** Number of times that `fit` walks the model and its groups. */
async function definitions(
  epochs: number,
  callbacks: readonly Callback[] = [],
  model = new Sequential(new Linear(3, 4), new ReLU(), new Linear(4, 1)),
) {
  manualSeed(0);
  const groups = vi.spyOn(OptimizerState.prototype, "groups");
  const trainer = new Trainer({ model, loss: mse, optimizer: adamw(), backend: reference() });
  await trainer.fit(data, { epochs, batchSize: 4, callbacks: [...callbacks] });
  const { length } = groups.mock.calls;
  groups.mockRestore();
  return length;
}

it("an epoch defines the program again only where other parameters are trained", async () => {
  expect(await definitions(5)).toBe(1);
  const first = new Linear(3, 4);
  const freezes: Callback = {
    name: "freezes",
    onEpochEnd({ epoch }) {
      if (epoch === 1) first.freeze();
    },
  };
  expect(await definitions(5, [freezes], new Sequential(first, new ReLU(), new Linear(4, 1)))).toBe(2);
});

it("the rates of a step are one list where none has a schedule", async () => {
  const toldLearningRates = async (learningRate: Parameters<typeof schedules.rateAt>[0]) => {
    const lists: (readonly number[])[] = [];
    const model = new Linear(3, 1);
    const trainer = new Trainer({ model, loss: mse, optimizer: adamw({ learningRate }), backend: reference() });
    const callback: Callback = { name: "rates", onStep: ({ learningRates }) => void lists.push(learningRates) };
    await trainer.fit(data, { epochs: 2, batchSize: 4, callbacks: [callback] });
    return lists;
  };
  const constant = await toldLearningRates(0.1);
  expect(new Set(constant).size).toBe(1);
  expect(constant[0]).toEqual([0.1]);
  const falling = await toldLearningRates(schedules.exponential(0.1, { gamma: 0.5 }));
  expect(falling.map(([rate]) => rate)).toEqual([0.1, 0.05, 0.025, 0.0125]);
});
