/** A callback has the trainer that runs it: it may evaluate, predict and ask for rates between two steps, and changes nothing by it. */
import { describe, expect, it } from "vitest";
import { bceWithLogits, manualSeed } from "@ermine/core";
import { Dropout, Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, adam, dataset, exponentialAverage, schedules, Trainer, type Callback } from "../src/index.js";

const points = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i * 1.3));
const data = dataset({
  inputs: { data: points, shape: [16, 2] },
  targets: { data: Float32Array.from({ length: 16 }, (_, i) => Number(points[2 * i]! > 0)), shape: [16, 1] },
});
const rate = schedules.exponential(0.05, { gamma: 0.9 });

async function trained(callbacks: readonly Callback[], late: boolean) {
  manualSeed(2);
  const trainer = new Trainer({
    model: new Sequential(new Linear(2, 4), new Dropout(0.2), new Linear(4, 1)),
    loss: bceWithLogits,
    optimizer: exponentialAverage(adam({ learningRate: rate }), { decay: 0.9 }),
    metrics: [accuracy()],
    backend: reference({ late }),
  });
  const { epochs, steps } = await trainer.fit(data, { epochs: 3, batchSize: 4, callbacks });
  const weights = Object.values(await trainer.model.stateDict()).map((tensor) => [...tensor.data]);
  return { trainer, result: { epochs, steps, weights } };
}

describe.each([false, true])("control.trainer, on a backend that answers later: %s", (late) => {
  it("is the trainer itself, in every hook", async () => {
    const members = new Set<unknown>();
    const see = (control: { trainer: unknown }): void => void members.add(control.trainer);
    const { trainer } = await trained(
      [
        {
          name: "sees",
          state: (control) => (see(control), null),
          onTrainBegin: see,
          onEpochBegin: (_, control) => see(control),
          onBatch: (_, control) => see(control),
          onStep: (_, control) => see(control),
          onEpochEnd: (_, control) => see(control),
          onSnapshot: (_, control) => see(control),
          onTrainEnd: see,
        },
      ],
      late,
    );
    expect([...members]).toEqual([trainer]);
  });

  it("evaluates, predicts and tells rates within steps and epochs, and the training is as without it", async () => {
    const messages: unknown[] = [];
    const asks: Callback = {
      name: "asks",
      async onStep({ step }, { trainer }) {
        expect(trainer.step).toBe(step);
        expect(trainer.rateNow(rate)).toBeCloseTo(0.05 * 0.9 ** step, 12);
        const { data: classes } = await trainer.predict(data, { as: "classes" });
        expect(classes).toHaveLength(16);
      },
      async onEpochEnd({ logs }, { trainer }) {
        const { loss, accuracy: right } = await trainer.evaluate(data);
        const averaged = await trainer.evaluate(data, { metrics: [], weights: "averaged" });
        expect(Object.keys(averaged)).toEqual(["loss"]);
        expect(averaged["loss"]).not.toBe(loss);
        await trainer
          .withAveragedWeights(() => trainer.evaluate(data, { metrics: [] }))
          .then((same) => expect(same).toEqual(averaged));
        messages.push([logs["loss"], loss, right]);
      },
    };
    const plain = await trained([], late);
    const { result } = await trained([asks], late);
    expect(result).toEqual(plain.result);
    expect(messages).toHaveLength(3);
  });
});
