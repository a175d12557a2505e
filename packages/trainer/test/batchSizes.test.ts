import { describe, expect, it } from "vitest";
import { add, manualSeed, measuredCount, mse, mul, sum, variance, type Tensor } from "@ermine/core";
import { BatchNorm1d, BatchNorm2d, Flatten, InstanceNorm2d, Linear, Module, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, schedules, sgd, Trainer, type BatchColumn, type FitOptions } from "../src/index.js";
import { refusal } from "./refusal.js";

const rows = (samples: number, shape: readonly number[] = [2]) => {
  const width = shape.reduce((a, b) => a * b, 1);
  return dataset({
    inputs: { data: Float32Array.from({ length: samples * width }, (_, i) => Math.sin(1 + i)), shape: [samples, ...shape] },
    targets: { data: Float32Array.from({ length: samples }, (_, i) => i / samples), shape: [samples, 1] },
  });
};

const normed = (): Module => new Sequential(new Linear(2, 3), new BatchNorm1d(3), new Linear(3, 1));

const make = (model: Module, compile = true, accumulate = 1) => {
  manualSeed(2);
  return new Trainer({ model, loss: mse, optimizer: sgd({ learningRate: 0.05 }), backend: reference(), compile, accumulate });
};

const numbers = async (model: Module): Promise<number[]> =>
  Object.values(await model.stateDict()).flatMap(({ data }) => Array.from(data));

describe.each([true, false])("a batch of one sample under batch norm (compiled: %s)", (compile) => {
  it.each([1, 2])("is refused before the first step, with what to do (%i micro-batches)", async (accumulate) => {
    const model = normed();
    const trainer = make(model, compile, accumulate);
    const before = await numbers(model);
    const error = await refusal(() => trainer.fit(rows(9), { epochs: 1, batchSize: 8 }));
    expect(error.code).toBe("ERMINE_DATA");
    expect(error.message).toBe(
      "fit: the last batch has 1 sample (9 in batches of 8), and 1 (BatchNorm1d 3) cannot measure a variance over one value a channel. " +
        "Take another batchSize (7), or dropLast: true.",
    );
    expect(trainer.step).toBe(0);
    expect(await numbers(model)).toEqual(before);
    const other = await trainer.fit(rows(9), { epochs: 1, batchSize: 7 });
    const dropped = await trainer.fit(rows(9), { epochs: 1, batchSize: 8, dropLast: true });
    expect([...other.steps, ...dropped.steps].every(Number.isFinite)).toBe(true);
    expect((await numbers(model)).every(Number.isFinite)).toBe(true);
    expect((await trainer.predict(rows(9), { batchSize: 8 })).data.every(Number.isFinite)).toBe(true);
    expect(Number.isFinite((await trainer.evaluate(rows(9), { batchSize: 8 })).loss)).toBe(true);
  });

  it("batches of one altogether, and one sample in all", async () => {
    expect((await refusal(() => make(normed(), compile).fit(rows(9), { epochs: 1, batchSize: 1 }))).message).toMatch(
      /^fit: batches of 1 sample, and 1 \(BatchNorm1d 3\).*Take another batchSize \(3\)\.$/,
    );
    expect((await refusal(() => make(normed(), compile).fit(rows(1), { epochs: 1 }))).message).toMatch(/Give more samples/);
  });

  it("maps of 1 × 1 are told from larger ones", async () => {
    const net = (size: number): Module => new Sequential(new BatchNorm2d(2), new Flatten(), new Linear(2 * size * size, 1));
    const larger = make(net(2), compile);
    expect((await larger.fit(rows(9, [2, 2, 2]), { epochs: 1, batchSize: 8 })).steps).toHaveLength(2);
    expect((await refusal(() => make(net(1), compile).fit(rows(9, [2, 1, 1]), { epochs: 1, batchSize: 8 }))).message).toMatch(
      /0 \(BatchNorm2d 2\) cannot measure/,
    );
    const instances = new Sequential(new InstanceNorm2d(2, { trackRunningStats: true }), new Flatten(), new Linear(2, 1));
    const error = await refusal(() => make(instances, compile).fit(rows(9, [2, 1, 1]), { epochs: 1, batchSize: 4 }));
    expect(error.message).toMatch(/^0 \(InstanceNorm2d 2\): cannot measure a variance over one value a channel/);
  });

  it("without running statistics evaluation measures too, and refuses it", async () => {
    const model = new Sequential(new Linear(2, 3), new BatchNorm1d(3, { trackRunningStats: false }), new Linear(3, 1));
    const trainer = make(model, compile);
    expect((await refusal(() => trainer.evaluate(rows(9), { batchSize: 8 }))).message).toMatch(
      /^evaluate: the last batch has 1 sample \(9 in batches of 8\).*Take another batchSize \(7\)\.$/,
    );
    expect((await refusal(() => trainer.predict(rows(9), { batchSize: 8 }))).message).toMatch(/^predict: .*batchSize \(7\)\.$/);
    const validated = { epochs: 1, batchSize: 4, validation: rows(5) };
    expect((await refusal(() => trainer.fit(rows(8), validated))).message).toMatch(
      /^fit's validation: the last batch has 1 sample/,
    );
    expect(trainer.step).toBe(0);
  });

  it("is refused for any layer that says what it measures over", async () => {
    class Whitened extends Module {
      forward(x: Tensor): Tensor {
        measuredCount("Whitened", x, 0);
        return add(x, mul(sum(variance(x, { axis: 0 })), 0.1));
      }
    }
    const trainer = make(new Sequential(new Linear(2, 1), new Whitened()), compile);
    expect((await refusal(() => trainer.fit(rows(5), { epochs: 1, batchSize: 4 }))).message).toMatch(
      /1 \(Whitened\) cannot measure/,
    );
    expect((await trainer.fit(rows(5), { epochs: 1, batchSize: 3 })).steps).toHaveLength(2);
  });

  it("statistics that are not finite are not committed", async () => {
    const backend = reference({ precision: "float32" });
    class Aside extends Module {
      readonly norm = new BatchNorm1d(1);
      readonly linear = new Linear(1, 1);
      forward(x: Tensor): Tensor {
        // The variance of 1e30 is beyond float32, and what is divided by its root is 0: finite.
        return add(this.linear.forward(x), this.norm.forward(mul(x, 1e30)));
      }
    }
    manualSeed(0);
    const model = new Aside();
    const trainer = new Trainer({ model, loss: mse, optimizer: sgd({ learningRate: 0.05 }), backend, compile });
    const data = dataset({ inputs: [[1], [2], [3]], targets: [[1], [2], [3]] });
    const error = await refusal(() => trainer.fit(data, { epochs: 1 }));
    expect(error.code).toBe("ERMINE_NOT_FINITE");
    expect(error.message).toMatch(/of the layer norm/);
    expect((await numbers(model)).every(Number.isFinite)).toBe(true);
  });
});

describe("dropLast", () => {
  it("leaves out the rest, another one each epoch, and is counted everywhere", async () => {
    const data = rows(10);
    const run = async (options: Partial<FitOptions<never, never>>, accumulate = 1) => {
      const trainer = make(new Linear(2, 1), true, accumulate);
      const stepSizes: (number | undefined)[][] = [];
      const history = await trainer.fit(data, {
        epochs: 2,
        batchSize: 4,
        callbacks: [
          {
            name: "sees",
            onTrainBegin: (_, { stepsPerEpoch }) => void stepSizes.push([stepsPerEpoch]),
            onStep: ({ stepInEpoch, stepsPerEpoch, samples }) => void stepSizes.push([stepInEpoch, stepsPerEpoch, samples]),
          },
        ],
        ...options,
      });
      return { seen: stepSizes, steps: history.steps.length, taken: trainer.step };
    };
    expect(await run({ dropLast: true })).toEqual({
      seen: [[2], [1, 2, 4], [2, 2, 8], [1, 2, 4], [2, 2, 8]],
      steps: 4,
      taken: 4,
    });
    expect(await run({})).toMatchObject({ steps: 6, taken: 6 });
    expect(await run({ dropLast: true }, 2)).toEqual({ seen: [[1], [1, 1, 8], [1, 1, 8]], steps: 2, taken: 2 });
  });

  it("a schedule over all steps ends with them", async () => {
    const rate = schedules.warmupCosine(0.1, { warmupSteps: 1, totalSteps: 2 * 3 });
    const trainer = new Trainer({
      model: new Linear(2, 1),
      loss: mse,
      optimizer: sgd({ learningRate: rate }),
      backend: reference(),
    });
    await trainer.fit(rows(10), { epochs: 3, batchSize: 4, dropLast: true });
    expect(rate.at(trainer.step)).toBeCloseTo(0, 12);
  });

  it("shows every sample in some epoch, and validation is whole", async () => {
    const checkedSizes = new Set<number>();
    const ten = dataset({ inputs: Float32Array.from({ length: 10 }, (_, i) => i) });
    for (let epoch = 0; epoch < 20; epoch++) {
      for (const { size, columns } of ten.batches({ batchSize: 4, seed: 1, epoch })) {
        const values = new Float32Array(size);
        (columns.inputs as BatchColumn).copyInto(values);
        if (size === 4) for (const value of values) checkedSizes.add(value);
      }
    }
    expect(checkedSizes.size).toBe(10);
    const trainer = make(new Linear(2, 1));
    const history = await trainer.fit(rows(8), { epochs: 1, batchSize: 4, dropLast: true, validation: rows(5) });
    expect(history.epochs[0]!["valLoss"]).toBeCloseTo((await trainer.evaluate(rows(5))).loss, 10);
  });

  it("that would leave nothing is refused, and so is what is no yes or no", async () => {
    const trainer = make(new Linear(2, 1));
    expect((await refusal(() => trainer.fit(rows(5), { epochs: 1, batchSize: 8, dropLast: true }))).message).toMatch(
      /dropLast leaves no batch: there are 5 samples to train on, and batchSize is 8/,
    );
    expect((await refusal(() => trainer.fit(rows(5), { epochs: 1, dropLast: 1 as never }))).message).toMatch(
      /dropLast is true or false/,
    );
    expect(trainer.step).toBe(0);
  });
});
