/** Runs of the playground, in Node: the same bits for the same settings, however they are paced, and findings where they arise. */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataSets, drawSamples, splitSamples } from "../../src/experiments/dataSets.js";
import { findingsOf, type Finding } from "../../site/src/playground/findings.js";
import { inspect, picture } from "../../site/src/playground/inspect.js";
import { hiddenActivations, lossChoices, optimizerNames, scheduleNames } from "../../site/src/playground/options.js";
import { Run, type CurvePoint } from "../../site/src/playground/run.js";
import { fitting, initialSettings, type Settings } from "../../site/src/playground/settings.js";

let backend: CpuBackend;
beforeAll(async () => {
  backend = await cpu({ numerics: "portable", threads: 1 });
  useBackend(backend);
});
afterAll(() => {
  backend.dispose();
});

interface Ended {
  readonly curve: readonly CurvePoint[];
  readonly weights: readonly number[];
  readonly findings: readonly Finding[];
  readonly accuracy: number | undefined;
  readonly loss: number;
}

/** Trains for so many updates; `look` is called before each, as a page does that draws. */
async function train(settings: Settings, updates: number, look: (run: Run) => void = () => {}): Promise<Ended> {
  const run = new Run(settings, backend);
  let [left, reached]: [number, () => void] = [updates, () => {}];
  const isReached = new Promise<void>((resolve) => (reached = resolve));
  let failure: { code: string; message: string } | undefined;
  const training = run
    .start(() => {
      look(run);
      if (left-- > 0) return undefined;
      reached();
      return new Promise<void>((resolve) => setImmediate(resolve));
    })
    .catch((error: Error & { code: string }) => {
      failure = error;
      reached();
    });
  await isReached;
  const inspection = inspect(run);
  const { curve } = run;
  const findings = findingsOf({ settings, classes: run.training.classes, inspection, curve, failure });
  const ended = {
    curve: [...curve],
    weights: picture(run).weights.flatMap(({ values }) => [...values]),
    findings,
    accuracy: inspection.accuracy?.validation,
    loss: inspection.losses.training,
  };
  await run.stop();
  await training;
  return ended;
}

const settings = (part: Partial<Settings>): Settings => fitting({ ...initialSettings, ...part });
const ids = ({ findings }: Ended): string[] => findings.map(({ id }) => id);

describe("data sets", () => {
  it("are the same for a seed, others for another, with all of their classes near the picture", () => {
    for (const { name } of dataSets) {
      if (name === "custom") continue;
      const options = { samples: 200, noise: 0.1, outliers: 0.1, seed: 5, points: [] };
      const samples = drawSamples(name, options);
      expect(drawSamples(name, options), name).toEqual(samples);
      expect(drawSamples(name, { ...options, seed: 6 }).inputs, name).not.toEqual(samples.inputs);
      if (samples.task === "classes") expect(new Set(samples.targets).size, name).toBe(samples.classes);
      expect(samples.inputs.filter((x) => Math.abs(x) > 1.25).length, name).toBeLessThan(0.02 * samples.inputs.length);
    }
  });

  it("are split into seven tenths and three, each sample once", () => {
    const samples = drawSamples("blobs", { samples: 100, noise: 0, outliers: 0, seed: 1, points: [] });
    const { training, validation } = splitSamples(samples, 1);
    expect([training.targets.length, validation.targets.length]).toEqual([70, 30]);
    const rows = ({ inputs }: typeof samples): string[] =>
      Array.from({ length: inputs.length / 2 }, (_, i) => `${inputs[2 * i]} ${inputs[2 * i + 1]}`);
    expect([...rows(training), ...rows(validation)].sort()).toEqual(rows(samples).sort());
  });
});

describe("a run", () => {
  it("learns moons, with the same bits each time, whether anybody looks or not", async () => {
    const first = await train(settings({ dropout: 0.05, schedule: "cosine" }), 600);
    let turn = 0;
    const second = await train(settings({ dropout: 0.05, schedule: "cosine" }), 600, (run) => {
      if (turn++ % 7 === 0) inspect(run);
      if (turn % 11 === 0) picture(run);
    });
    expect(second.curve).toEqual(first.curve);
    expect(second.weights).toEqual(first.weights);
    expect(first.accuracy).toBeGreaterThan(0.95);
    const other = await train(settings({ seed: 2 }), 600);
    expect(other.weights).not.toEqual(first.weights);
  });

  it("has every activation, optimizer, schedule and loss of the page, and each changes the run", async () => {
    const before = JSON.stringify((await train(settings({}), 30)).weights);
    const variations: Partial<Settings>[] = [
      ...hiddenActivations.map((activation) => ({ activation })),
      ...optimizerNames.map((optimizer) => ({ optimizer, weightDecay: 0.01 })),
      ...scheduleNames.map((schedule) => ({ schedule, updates: 50 })),
      ...lossChoices.map(({ name, task }) => ({ loss: name, data: task === "values" ? ("curve" as const) : ("blobs" as const) })),
    ];
    const names = new Map<string, string[]>();
    for (const variation of variations) {
      const { weights, loss, findings } = await train(settings(variation), 30);
      expect(
        findings.filter(({ id }) => id === "failed" || id === "notFinite"),
        JSON.stringify(variation),
      ).toEqual([]);
      expect(loss, JSON.stringify(variation)).toBeLessThan(20);
      expect(weights.every(Number.isFinite), JSON.stringify(variation)).toBe(true);
      const key = JSON.stringify(weights);
      names.set(key, [...(names.get(key) ?? []), Object.values(variation)[0] as string]);
    }
    // What is the same by definition, or over the few values that 30 updates reach.
    const alike = [...names.values()].filter(({ length }) => length > 1);
    expect(alike).toEqual([
      ["celu", "elu"],
      ["relu", "relu6", "threshold"],
      ["tanh", "constant"],
    ]);
    expect(names.has(before)).toBe(true);
  });

  it("keeps a curve that a chart can show, from the beginning to now", async () => {
    const { curve } = await train(settings({ samples: 20, batchSize: 1000 }), 2500);
    expect(curve.length).toBeGreaterThan(799);
    expect(curve.length).toBeLessThan(1601);
    expect(curve[0]!.update).toBe(1);
    expect(curve.at(-1)!.update).toBeGreaterThan(2490);
  });

  it("is refused with the reason where there are too few points", () => {
    expect(() => new Run(settings({ data: "custom", points: [{ x: 0, y: 0, label: 0 }] }), backend)).toThrow(/too few points/);
  });
});

describe("findings", () => {
  it("are none of a run that is well", async () => {
    expect(ids(await train(settings({}), 200))).toEqual([]);
  });

  it.each<[string, Partial<Settings>, number]>([
    ["dead", { activation: "relu", learningRate: 1, data: "spirals" }, 300],
    ["saturated", { activation: "sigmoid", learningRate: 1, data: "spirals" }, 300],
    ["softmaxTwice", { output: "softmax" }, 0],
    ["linear", { activation: "identity" }, 0],
    ["notFinite", { optimizer: "sgd", learningRate: 100, data: "curve", loss: "mse", activation: "relu" }, 300],
    ["vanishing", { activation: "sigmoid", hidden: [8, 8, 8, 8, 8] }, 20],
    ["overfitting", { data: "moons", noise: 0.4, samples: 50, hidden: [10, 10, 10], learningRate: 0.03 }, 1500],
    ["exploding", { optimizer: "sgd", learningRate: 3, data: "spirals", activation: "relu", hidden: [10, 10, 10] }, 0],
  ])("%s arises, and says what to try", async (id, part, updates) => {
    if (id === "exploding") {
      // A run whose loss leaps at a given update is hard to come by: the evidence is given.
      const run = new Run(settings(part), backend);
      const curve = [1, 0.5, 0.05].map((training, i) => ({ update: i, training, validation: training }));
      const inspection = { ...inspect(run), update: 30, losses: { training: 7, validation: 7 } };
      expect(
        findingsOf({ settings: settings(part), classes: 2, inspection, curve, failure: undefined }).map((f) => f.id),
      ).toContain(id);
      return;
    }
    const ended = await train(settings(part), updates);
    expect(ids(ended)).toContain(id);
    const finding = ended.findings.find((each) => each.id === id)!;
    expect(finding.remedies.length).toBeGreaterThan(0);
    for (const { change } of finding.remedies) expect(() => new Run(settings({ ...part, ...change }), backend)).not.toThrow();
  });

  it("of a softmax before crossEntropy name the floor, which the loss keeps", async () => {
    const ended = await train(settings({ output: "softmax", data: "blobs", noise: 0, learningRate: 0.03 }), 1500);
    const floor = Math.log(Math.E + 2) - 1;
    expect(ended.loss).toBeGreaterThan(floor);
    expect(ended.loss).toBeLessThan(floor + 0.01);
    expect(ended.findings[0]!.text).toContain(floor.toPrecision(3));
  });
});
