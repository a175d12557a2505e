import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed, mse, type Backend } from "@ermine/core";
import { BatchNorm1d, Linear, Sequential, Tanh } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adam,
  adamw,
  dataset,
  exponentialAverage,
  schedules,
  sgd,
  Trainer,
  type Optimizer,
  type Schedule,
  type OptimizerSetup,
} from "../src/index.js";

const data = dataset({
  inputs: { data: Float32Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) / 6 - 0.8), shape: [8, 3] },
  targets: { data: Float32Array.from({ length: 16 }, (_, i) => ((i * 5) % 7) / 4 - 0.6), shape: [8, 2] },
});
const model = (): Sequential => {
  manualSeed(3);
  return new Sequential(new Linear(3, 4), new Tanh(), new Linear(4, 2));
};
type Weights = Record<string, number[]>;
async function weights(from: Sequential): Promise<Weights> {
  return Object.fromEntries(
    Object.entries(await from.stateDict()).map(([name, { data: numbers }]) => [name, Array.from(numbers)]),
  );
}
const make = (optimizer: OptimizerSetup, options: { compile?: boolean; backend?: Backend } = {}) =>
  new Trainer({ model: model(), loss: mse, optimizer, backend: reference(), ...options });
const once = { epochs: 1, batchSize: 8, shuffle: false } as const;
const apart = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe.each([true, false])("layers frozen and thawed between fits (compiled: %s)", (compile) => {
  it("stay as they are, and are trained again", async () => {
    const trainer = make(adam({ learningRate: 0.05 }), { compile });
    const net = trainer.model as Sequential;
    await trainer.fit(data, once);
    net[0]!.freeze();
    const before = await weights(net);
    await trainer.fit(data, { ...once, epochs: 3 });
    const frozen = await weights(net);
    expect(frozen["0.weight"]).toEqual(before["0.weight"]);
    expect(frozen["2.weight"]).not.toEqual(before["2.weight"]);
    net[0]!.thaw();
    await trainer.fit(data, once);
    expect((await weights(net))["0.weight"]).not.toEqual(frozen["0.weight"]);
    trainer.dispose();
  });

  it("a layer's bias corrections count its own updates, as PyTorch's optimizer state does", async () => {
    // Frozen from the start and thawed at update 4: Adam's first step on a weight is learningRate · sign(g), whatever its size.
    const trainer = make(adam({ learningRate: 0.05 }), { compile });
    const net = trainer.model as Sequential;
    net[0]!.freeze();
    await trainer.fit(data, { ...once, epochs: 4 });
    const before = await weights(net);
    net[0]!.thaw();
    await trainer.fit(data, once);
    const after = await weights(net);
    after["0.weight"]!.forEach((w, i) => expect(Math.abs(w - before["0.weight"]![i]!)).toBeCloseTo(0.05, 4));
    trainer.dispose();
  });

  it("a callback thaws between epochs", async () => {
    const trainer = make(sgd({ learningRate: 0.1 }), { compile });
    const net = trainer.model as Sequential;
    net[0]!.freeze();
    const before = await weights(net);
    const snapshots: Weights[] = [];
    const thaws = {
      name: "thaws",
      onEpochEnd: async ({ epoch }: { epoch: number }) => {
        snapshots.push(await weights(net));
        if (epoch === 0) net[0]!.thaw();
      },
    };
    await trainer.fit(data, { ...once, epochs: 2, callbacks: [thaws] });
    expect(snapshots[0]!["0.weight"]).toEqual(before["0.weight"]);
    expect(snapshots[1]!["0.weight"]).not.toEqual(before["0.weight"]);
    trainer.dispose();
  });

  it("with micro-batches too", async () => {
    const trainer = new Trainer({
      model: model(),
      loss: mse,
      optimizer: sgd({ learningRate: 0.1 }),
      backend: reference(),
      accumulate: 2,
      compile,
    });
    const net = trainer.model as Sequential;
    net[2]!.freeze();
    const before = await weights(net);
    await trainer.fit(data, { ...once, batchSize: 4 });
    expect((await weights(net))["2.bias"]).toEqual(before["2.bias"]);
    net[2]!.thaw();
    await trainer.fit(data, { ...once, batchSize: 4 });
    expect((await weights(net))["2.bias"]).not.toEqual(before["2.bias"]);
    trainer.dispose();
  });
});

it("layers have learning rates of their own", async () => {
  const groups: OptimizerSetup = [
    { parameters: (name) => name.startsWith("0."), optimizer: sgd({ learningRate: 0.01 }) },
    { parameters: () => true, optimizer: sgd({ learningRate: 0.1 }) },
  ];
  const moves = async (optimizer: OptimizerSetup): Promise<Weights> => {
    const trainer = make(optimizer);
    const before = await weights(trainer.model as Sequential);
    await trainer.fit(data, once);
    const after = await weights(trainer.model as Sequential);
    trainer.dispose();
    return Object.fromEntries(Object.keys(after).map((name) => [name, after[name]!.map((w, i) => w - before[name]![i]!)]));
  };
  const [movesOfGroups, all] = [await moves(groups), await moves(sgd({ learningRate: 0.1 }))];
  movesOfGroups["0.weight"]!.forEach((move, i) => expect(move).toBeCloseTo(all["0.weight"]![i]! / 10, 6));
  movesOfGroups["2.weight"]!.forEach((move, i) => expect(move).toBeCloseTo(all["2.weight"]![i]!, 6));
});

it("weight decay follows a schedule: each step decays by its own rate (adamw: θ ← (1 − lr · λₜ)θ)", async () => {
  const decays = [0.5, 0.25, 0];
  const schedule = { name: "given", per: "step", at: (t: number) => decays[t]! } as const;
  const scheduled = make(adamw({ learningRate: 0.1, weightDecay: schedule }));
  await scheduled.fit(data, { ...once, epochs: 3 });
  const byHand = make(adamw({ learningRate: 0.1, weightDecay: 0 }));
  for (const decay of decays) {
    // The gradient is that of the weights before the decay: take the step, then shrink what was there before it.
    const before = await weights(byHand.model as Sequential);
    await byHand.fit(data, once);
    for (const [name, parameter] of (byHand.model as Sequential).namedParameters()) {
      const now = await parameter.data();
      parameter.write(Float32Array.from(now, (w, i) => w - 0.1 * decay * before[name]![i]!));
    }
  }
  const [a, b] = [await weights(scheduled.model as Sequential), await weights(byHand.model as Sequential)];
  for (const name of Object.keys(a)) expect(apart(a[name]!, b[name]!)).toBeLessThan(1e-5);
});

it("a schedule that groups share is told of a metric once an epoch", async () => {
  const toldRates: number[] = [];
  const plateau = schedules.reduceOnPlateau(0.1, { monitor: "loss" });
  const shared: Schedule = {
    ...(plateau as Schedule),
    observe(state, value) {
      toldRates.push(value);
      return state;
    },
  };
  const group = (match: string): { parameters: (name: string) => boolean; optimizer: Optimizer } => ({
    parameters: (name) => name.startsWith(match),
    optimizer: sgd({ learningRate: shared }),
  });
  await make([group("0."), group("2.")]).fit(data, { ...once, epochs: 2 });
  expect(toldRates).toHaveLength(2);
});

it("a schedule that follows a log which this training does not have is refused before the first step", async () => {
  const trainer = make(sgd({ learningRate: schedules.reduceOnPlateau(0.1) }));
  const before = await weights(trainer.model as Sequential);
  await expect(trainer.fit(data, once)).rejects.toThrow(
    /reduceOnPlateau follows "valLoss", and this training logs loss\..*validation data/,
  );
  expect(await weights(trainer.model as Sequential)).toEqual(before);
  expect(trainer.step).toBe(0);
});

describe("averaged weights", () => {
  it("are evaluated and saved, and training goes on from its own", async () => {
    const trainer = make(exponentialAverage(sgd({ learningRate: 0.2 }), { decay: 0.5 }));
    const plain = make(sgd({ learningRate: 0.2 }));
    await trainer.fit(data, { ...once, epochs: 1 });
    await trainer.fit(data, { ...once, epochs: 1 });
    await plain.fit(data, once);
    const first = await weights(plain.model as Sequential);
    await plain.fit(data, once);
    const second = await weights(plain.model as Sequential);
    const finalWeights = await weights(trainer.model as Sequential);
    expect(finalWeights).toEqual(second);
    const saved = await trainer.withAveragedWeights(() => weights(trainer.model as Sequential));
    for (const [name, w] of Object.entries(saved)) {
      expect(
        apart(
          w,
          first[name]!.map((a, i) => 0.5 * a + 0.5 * second[name]![i]!),
        ),
      ).toBeLessThan(1e-6);
    }
    expect(await weights(trainer.model as Sequential)).toEqual(finalWeights);
    const averaged = await trainer.evaluate(data, { weights: "averaged" });
    const frozen = make(sgd());
    frozen.model.loadStateDict(
      Object.fromEntries(
        Object.entries(await (trainer.model as Sequential).stateDict()).map(([name, t]) => [
          name,
          { ...t, data: Float32Array.from(saved[name]!) },
        ]),
      ),
    );
    expect(averaged.loss).toBeCloseTo((await frozen.evaluate(data)).loss, 6);
    expect(averaged.loss).not.toBeCloseTo((await trainer.evaluate(data)).loss, 6);
    const history = await trainer.fit(data, { ...once, validation: data, validationWeights: "averaged" });
    expect(history.epochs[0]!["valLoss"]).toBeCloseTo((await trainer.evaluate(data, { weights: "averaged" })).loss, 6);
  });
  it("are put back where fn throws, and refused where there are none", async () => {
    const trainer = make(exponentialAverage(sgd({ learningRate: 0.2 }), { decay: 0.9 }));
    await trainer.fit(data, { ...once, epochs: 2 });
    const before = await weights(trainer.model as Sequential);
    await expect(trainer.withAveragedWeights(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await weights(trainer.model as Sequential)).toEqual(before);
    await expect(make(sgd()).evaluate(data, { weights: "averaged" })).rejects.toThrow(/no averaged weights.*exponentialAverage/);
    // @ts-expect-error there are no such weights
    await expect(trainer.evaluate(data, { weights: "best" })).rejects.toThrow(/"latest" or "averaged"/);
  });
});

it("a batch whose targets are all ignored changes nothing, says so, and counts as an update", async () => {
  const targets = Int32Array.of(0, 1, 1, 0, -100, -100, -100, -100, 1, 0, 1, 1);
  const inputs = Float32Array.from({ length: 36 }, (_, i) => ((i * 5) % 9) / 4 - 1);
  const labelled = dataset({ inputs: { data: inputs, shape: [12, 3] }, targets: { data: targets, shape: [12] } });
  for (const accumulate of [1, 2]) {
    const net = model();
    const trainer = new Trainer({
      model: net,
      loss: crossEntropy,
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
      backend: reference(),
      accumulate,
    });
    const notices: string[] = [];
    const after: Weights[] = [];
    const record = { name: "record", onStep: async () => void after.push(await weights(net)) };
    const options = {
      epochs: 1,
      batchSize: 4 / accumulate,
      shuffle: false,
      callbacks: [record],
      notice: (text: string) => void notices.push(text),
    };
    const history = await trainer.fit(labelled, options);
    expect(notices).toEqual([
      expect.stringMatching(/update 2 changed nothing: nothing in the batch counts \(all targets ignored/),
    ]);
    expect(history.steps).toHaveLength(2);
    expect(history.steps.every(Number.isFinite)).toBe(true);
    expect(trainer.step).toBe(3);
    expect(after).toHaveLength(2);
    // As if the batch had not been there.
    const rest = [...Array(4).keys(), 8, 9, 10, 11];
    const other = dataset({
      inputs: { data: Float32Array.from(rest.flatMap((r) => [...inputs.subarray(3 * r, 3 * r + 3)])), shape: [8, 3] },
      targets: { data: Int32Array.from(rest, (r) => targets[r]!), shape: [8] },
    });
    const same = new Trainer({
      model: model(),
      loss: crossEntropy,
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
      backend: reference(),
      accumulate,
    });
    await same.fit(other, { ...options, callbacks: [] });
    expect(await weights(net)).toEqual(await weights(same.model as Sequential));
  }
});

it.each([true, false])("a batch that is skipped does not reach batch norm's statistics (compiled: %s)", async (compile) => {
  const targets = Int32Array.of(-100, -100, -100, -100);
  const inputs = { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [4, 3] };
  for (const accumulate of [1, 2]) {
    const net = new Sequential(new BatchNorm1d(3), new Linear(3, 2));
    const before = await weights(net);
    const trainer = new Trainer({ model: net, loss: crossEntropy, optimizer: adam(), backend: reference(), accumulate, compile });
    const all = dataset({ inputs, targets: { data: targets, shape: [4] } });
    const notices: string[] = [];
    await trainer.fit(all, { epochs: 1, batchSize: 4 / accumulate, notice: (text) => void notices.push(text) });
    expect(notices.join()).toMatch(/changed nothing/);
    expect(await weights(net)).toEqual(before);
    trainer.dispose();
  }
});
