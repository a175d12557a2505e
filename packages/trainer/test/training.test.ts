import { describe, expect, it } from "vitest";
import { findLoss } from "@ermine/core/catalog";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import type { Loss } from "@ermine/core";
import { dataset, l2Penalty, Trainer } from "../src/index.js";
import { optimizers, schedules } from "../src/catalog.js";
import { differences, fromGolden, goldenCases, numbers, type GoldenTensor } from "./golden.js";

type Options = Record<string, unknown>;
interface Case {
  id: string;
  model: ({ type: string } & Options)[];
  initialParameters: Record<string, GoldenTensor>;
  data: { inputs: GoldenTensor; targets: GoldenTensor };
  batches: number[][];
  loss: { name: string; options: Options };
  optimizer: { name: string; options: Options };
  schedule?: { name: string; options: Options };
  expected: { lossPerStep: number[]; finalParameters: Record<string, GoldenTensor>; finalBuffers?: Record<string, GoldenTensor> };
}

const layers: Record<string, (o: Record<string, never>) => nn.Layer> = {
  linear: ({ inFeatures, outFeatures, ...o }) => new nn.Linear(inFeatures!, outFeatures!, o),
  relu: () => new nn.ReLU(),
  tanh: () => new nn.Tanh(),
  gelu: (o) => new nn.GELU(o),
  silu: () => new nn.SiLU(),
  leakyRelu: (o) => new nn.LeakyReLU(o),
  flatten: () => new nn.Flatten(),
  conv2d: ({ inChannels, outChannels, kernelSize, ...o }) => new nn.Conv2d(inChannels!, outChannels!, kernelSize!, o),
  maxPool2d: ({ kernelSize, ...o }) => new nn.MaxPool2d(kernelSize!, o),
  batchNorm1d: ({ numFeatures, ...o }) => new nn.BatchNorm1d(numFeatures!, o),
};

const tensors = (options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).map(([k, v]) => [
      k,
      typeof v === "object" && v !== null && "data" in v ? fromGolden(v as GoldenTensor) : v,
    ]),
  );

describe.each([
  ["float64, compiled", "float64", true],
  ["float32, compiled", "float32", true],
  ["float64, eager", "float64", false],
] as const)("golden trajectories, %s", (_, precision, compile) => {
  it.each(goldenCases<Case>("training").map((c) => [c.id, c] as const))("%s", async (_id, c) => {
    const model = new nn.Sequential(...c.model.map(({ type, ...o }) => layers[type]!(o as never)));
    model.loadStateDict(
      Object.fromEntries(
        Object.entries(c.initialParameters).map(([name, g]) => [name, { shape: g.shape, data: Float32Array.from(numbers(g)) }]),
      ),
      {
        strict: false,
      },
    );
    const { l2, ...lossOptions } = tensors(c.loss.options) as { l2?: number };
    const rate = c.optimizer.options["learningRate"] as number;
    const learningRate = c.schedule === undefined ? rate : schedules[c.schedule.name]!(rate, c.schedule.options);
    const trainer = new Trainer({
      model,
      loss: (findLoss(c.loss.name).loss as Loss).with(lossOptions),
      optimizer: optimizers[c.optimizer.name]!({ ...c.optimizer.options, learningRate }),
      backend: reference({ precision }),
      regularizers: l2 === undefined ? [] : [l2Penalty(l2)],
      compile,
    });
    const all = dataset({ inputs: fromGolden(c.data.inputs), targets: fromGolden(c.data.targets) });
    const losses: number[] = [];
    for (const rows of c.batches) {
      const history = await trainer.fit(all.select(rows), { epochs: 1, batchSize: rows.length, shuffle: false });
      losses.push(...history.steps);
    }
    expect(differences(losses, c.expected.lossPerStep, 1e-4, 1e-3)).toEqual([]);
    const state = await model.stateDict();
    for (const [name, golden] of Object.entries({ ...c.expected.finalParameters, ...c.expected.finalBuffers })) {
      expect(differences(state[name]!.data, numbers(golden), 1e-4, 1e-3), name).toEqual([]);
    }
    trainer.dispose();
  });
});
