import { describe, expect, expectTypeOf, it } from "vitest";
import { crossEntropy, ErmineError, manualSeed, mse, mul, softmax, sum, tensor } from "@ermine/core";
import { Linear, ReLU, Sequential, Softmax, Tanh } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, adamw, dataset, earlyStopping, sgd, Trainer, type TrainerOptions } from "../src/index.js";
import { reduceOnPlateau } from "../src/schedules/index.js";
import { refusal } from "./refusal.js";

/** Two classes in a square, apart along its diagonal; every `flipEvery`th has the wrong label. */
function line(samples: number, flipEvery = Infinity) {
  const inputs = Float32Array.from({ length: samples * 2 }, (_, i) => ((i * 37) % 23) / 11 - 1);
  const targets = Int32Array.from({ length: samples }, (_, i) =>
    inputs[2 * i]! > inputs[2 * i + 1]! !== (i % flipEvery === 1) ? 1 : 0,
  );
  return dataset({ inputs: { data: inputs, shape: [samples, 2] }, targets: { data: targets, shape: [samples] } });
}

function make(options: Partial<TrainerOptions<"accuracy">> = {}) {
  manualSeed(0);
  return new Trainer({
    model: new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 2)),
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.02 }),
    backend: reference(),
    metrics: [accuracy()],
    ...options,
  });
}

async function parameters(trainer: { model: { stateDict(): Promise<Record<string, { data: ArrayLike<number> }>> } }) {
  return Object.values(await trainer.model.stateDict()).flatMap(({ data }) => Array.from(data));
}

describe("fit", () => {
  it("minimizes; its history has a loss an update and logs an epoch", async () => {
    const trainer = make();
    const history = await trainer.fit(line(50), { epochs: 40, batchSize: 16, validation: line(31) });
    expect(history.steps).toHaveLength(40 * 4);
    expect(history.epochs).toHaveLength(40);
    expect(Object.keys(history.epochs[0]!)).toEqual(["loss", "valLoss", "valAccuracy", "learningRate"]);
    expect(history.epochs.at(-1)!["valAccuracy"]).toBeGreaterThan(0.95);
    expect(history.stopped).toBe("finished");
  });

  it.each([1, 3, 7, 50])("evaluates to the same risk for batches of %i", async (batchSize) => {
    const trainer = make();
    const fullBatchLogs = await trainer.evaluate(line(50), { batchSize: 50 });
    const parts = await trainer.evaluate(line(50), { batchSize });
    expect(parts.loss).toBeCloseTo(fullBatchLogs.loss, 10);
    expect(parts.accuracy).toBe(fullBatchLogs.accuracy);
  });

  it.each([
    [2, 8],
    [4, 4],
    [5, 3],
    [16, 1],
  ])("%i micro-batches of %i are one batch, also where weights make them uneven", async (accumulate, batchSize) => {
    const weight = tensor([0.2, 3]);
    const loss = crossEntropy.with({ weight });
    const fullBatchTrainer = make({ loss, optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) });
    const parts = make({ loss, optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), accumulate });
    const data = line(accumulate * batchSize * 2 + 1);
    await fullBatchTrainer.fit(data, { epochs: 3, batchSize: accumulate * batchSize });
    await parts.fit(data, { epochs: 3, batchSize });
    const [a, b] = [await parameters(fullBatchTrainer), await parameters(parts)];
    a.forEach((value, i) => expect(b[i]).toBeCloseTo(value, 6));
  });

  it("stops after the step where the signal is aborted", async () => {
    const controller = new AbortController();
    const trainer = make();
    const onStep = ({ step }: { step: number }): void => {
      if (step === 3) controller.abort();
    };
    const history = await trainer.fit(line(64), {
      epochs: 10,
      batchSize: 8,
      signal: controller.signal,
      callbacks: [{ name: "aborts", onStep }],
    });
    expect(history).toMatchObject({ stopped: "aborted", epochs: [] });
    expect(trainer.step).toBe(3);
  });

  it("early stopping puts the best epoch's weights back", async () => {
    const trainer = make();
    const data = line(40);
    const steps: { loss: number; weights: number[] }[] = [];
    const record = {
      name: "record",
      async onEpochEnd({ logs }: { logs: Readonly<Record<string, number>> }) {
        steps.push({ loss: logs["valLoss"]!, weights: await parameters(trainer) });
      },
    };
    const history = await trainer.fit(data, {
      epochs: 200,
      batchSize: 4,
      validation: line(21, 4),
      callbacks: [record, earlyStopping({ monitor: "valLoss", patience: 2 })],
    });
    expect(history.stopped).toMatch(/valLoss has not improved for 2 epochs/);
    expect(steps.length).toBeLessThan(200);
    const best = steps.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(await parameters(trainer)).toEqual(best.weights);
  });

  it("holds out a share by seed, the same for the same seed", async () => {
    const run = async (seed: number) => {
      const history = await make({ seed }).fit(line(60), { epochs: 1, validationSplit: 0.25 });
      return history.epochs[0]!["valLoss"];
    };
    expect(await run(1)).toBe(await run(1));
    expect(await run(1)).not.toBe(await run(2));
  });

  it("a loss of one's own is a function of outputs and batch", async () => {
    const square = make({ loss: (outputs) => mul(sum(mul(outputs, outputs)), 0.5) });
    const history = await square.fit(line(16), { epochs: 30, batchSize: 16 });
    expect(history.epochs.at(-1)!["loss"]).toBeLessThan(history.epochs[0]!["loss"]! / 2);
  });
});

describe("a step that is not finite", () => {
  it("commits nothing, and names step, layer and op", async () => {
    const backend = reference({ precision: "float32" });
    const model = new Sequential(new Linear(2, 8), new ReLU(), new Linear(8, 2));
    const trainer = make({ model, backend, optimizer: sgd({ learningRate: 1e38 }) });
    const snapshots: number[][] = [];
    const record = { name: "record", onStep: async () => void snapshots.push(await parameters(trainer)) };
    const error = await refusal(() => trainer.fit(line(32), { epochs: 5, batchSize: 8, callbacks: [record] }));
    expect(error.code).toBe("ERMINE_NOT_FINITE");
    expect(error.message).toMatch(/Update 2 .*first in \w+ of the layer 2/);
    expect(error.message).toMatch(/learning rate/);
    const after = await parameters(trainer);
    expect(after).toEqual(snapshots.at(-1));
    expect(after.every(Number.isFinite)).toBe(true);
  });
});

describe("bad input is refused, says what and where, and changes nothing", () => {
  const rows = (count: number, shape: readonly number[] = [count, 2]) => ({
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    shape,
  });
  const classes = (...values: number[]) => ({ data: Int32Array.from(values), shape: [values.length] });
  it.each<readonly [string, () => unknown, RegExp]>([
    ["batch size 0", () => make().fit(line(8), { epochs: 1, batchSize: 0 }), /batchSize must be a whole number ≥ 1, got 0/],
    ["epochs −1", () => make().fit(line(8), { epochs: -1 }), /epochs/],
    ["unequal lengths", () => dataset({ inputs: rows(3), targets: classes(0, 1) }), /3.*2|2.*3/],
    ["no samples", () => dataset({ inputs: rows(0), targets: classes() }), /empty|no samples/i],
    ["a class out of range", () => make().fit(dataset({ inputs: rows(3), targets: classes(0, 1, 2) }), { epochs: 1 }), /2/],
    [
      "NaN in the data",
      () => {
        const inputs = rows(2);
        inputs.data[3] = NaN;
        return make().fit(dataset({ inputs, targets: classes(0, 1) }), { epochs: 1 });
      },
      /NaN/,
    ],
    [
      "inputs of another width",
      () => make().fit(dataset({ inputs: rows(2, [2, 5]), targets: classes(0, 1) }), { epochs: 1 }),
      /5.*2|2.*5/,
    ],
    [
      "a target whose shape would only broadcast",
      () =>
        make({ loss: mse }).fit(dataset({ inputs: rows(4), targets: { data: new Float32Array(4), shape: [4] } }), { epochs: 1 }),
      /shape/,
    ],
    [
      "softmax before cross-entropy",
      () => make({ model: new Sequential(new Linear(2, 2), new Softmax()) }).fit(line(8), { epochs: 1 }),
      /logits/i,
    ],
    ["an option of PyTorch's spelling", () => adamw({ lr: 0.1 } as never), /learningRate/],
    ["epsilon for eps", () => adamw({ epsilon: 1e-6 } as never), /no option "epsilon".*"eps"/],
    [
      "epsilon for eps in a schedule",
      () => reduceOnPlateau(0.1, { monitor: "loss", epsilon: 1e-6 } as never),
      /"epsilon".*"eps"/,
    ],
    ["an option that does not exist", () => make({ optimiser: sgd({ learningRate: 1 }) } as never), /optimizer/],
    [
      "a monitor that is no log",
      () => make().fit(line(8), { epochs: 1, validation: line(4), callbacks: [earlyStopping({ monitor: "valF1" }) as never] }),
      /valF1/,
    ],
  ])("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});

it("types: metrics name the logs that a callback can follow", async () => {
  const trainer = make();
  expectTypeOf((await trainer.evaluate(line(4))).accuracy).toEqualTypeOf<number>();
  // @ts-expect-error there is no metric f1 here
  const wrong = () => trainer.fit(line(4), { epochs: 1, callbacks: [earlyStopping({ monitor: "valF1" })] });
  // @ts-expect-error there is no option lr
  const misspelt = () => adamw({ lr: 0.1 });
  // @ts-expect-error cross-entropy takes logits
  const doubled = () => crossEntropy(softmax(tensor([[1, 2]])), tensor([0], { dtype: "int32" }));
  await expect(wrong()).rejects.toThrow(ErmineError);
  expect(misspelt).toThrow(ErmineError);
  expect(doubled).toThrow(ErmineError);
});
