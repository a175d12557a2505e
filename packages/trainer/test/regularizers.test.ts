import { describe, expect, it } from "vitest";
import { mse, tensor } from "@ermine/core";
import { Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  adamw,
  dataset,
  elasticNet,
  l1Penalty,
  l2Penalty,
  sgd,
  Trainer,
  undecayedBiasesAndNorms,
  type OptimizerSetup,
  type Regularizer,
} from "../src/index.js";

const start = {
  "0.weight": { shape: [1, 2], data: Float32Array.of(2, -3) },
  "0.bias": { shape: [1], data: Float32Array.of(0.5) },
};

/** One step on data whose loss has no gradient: what moves, moves by the penalty or the decay. */
async function stepped(regularizers: Regularizer[], optimizer: OptimizerSetup = sgd({ learningRate: 1 })) {
  const model = new Sequential(new Linear(2, 1));
  model.loadStateDict(start);
  const trainer = new Trainer({ model, loss: mse, optimizer, backend: reference(), regularizers });
  const data = dataset({ inputs: tensor([[0, 0]]), targets: tensor([[0.5]]) });
  const history = await trainer.fit(data, { epochs: 1 });
  const state = await model.stateDict();
  trainer.dispose();
  return { loss: history.steps[0], weight: Array.from(state["0.weight"]!.data), bias: state["0.bias"]!.data[0] };
}
const near = (numbers: readonly number[]): unknown[] => numbers.map((x) => expect.closeTo(x, 5));

describe("a penalty is in the loss, and its gradient in the step", () => {
  it("l1: λ Σ|θ|", async () => {
    const { loss, weight, bias } = await stepped([l1Penalty(0.1)]);
    expect(loss).toBeCloseTo(0.55, 5);
    expect([...weight, bias]).toEqual(near([1.9, -2.9, 0.4]));
  });

  it("l2: λ Σθ², of the parameters that are chosen", async () => {
    const { loss, weight, bias } = await stepped([l2Penalty(0.1, { parameters: (name) => name.endsWith("weight") })]);
    expect(loss).toBeCloseTo(1.3, 5);
    expect([...weight, bias]).toEqual(near([1.6, -2.4, 0.5]));
  });

  it("elastic net: both by their ratio", async () => {
    const { loss, weight, bias } = await stepped([elasticNet(0.1, 0.25)]);
    expect(loss).toBeCloseTo(0.1 * (0.25 * 5.5 + 0.75 * 13.25), 5);
    expect([...weight, bias]).toEqual(near([2 - 0.1 * (0.25 + 3), -3 + 0.1 * (0.25 + 4.5), 0.5 - 0.1 * (0.25 + 0.75)]));
  });

  it("refuses a strength, a ratio or a choice that means nothing", async () => {
    expect(() => l1Penalty(-1)).toThrow(/strength is a number ≥ 0/);
    expect(() => elasticNet(1, 2)).toThrow(/ratio is in \[0, 1\]/);
    await expect(stepped([l2Penalty(1, { parameters: () => false })])).rejects.toThrow(
      /takes no parameter of 0\.weight, 0\.bias/,
    );
  });
});

it("the ready groups leave biases undecayed, where one optimizer for all decays them", async () => {
  const decaying = (weightDecay: number) => adamw({ learningRate: 0.1, weightDecay });
  expect(await stepped([], decaying(0.5))).toMatchObject({ weight: near([1.9, -2.85]), bias: expect.closeTo(0.475, 5) });
  const groups = undecayedBiasesAndNorms(decaying, 0.5);
  expect(await stepped([], groups)).toMatchObject({ weight: near([1.9, -2.85]), bias: 0.5 });
});
