import { describe, expect, it } from "vitest";
import { crossEntropy, ErmineError, mse } from "@ermine/core";
import * as o from "../src/index.js";

/** Compiles, and throws no error. */
describe("options that exist compile", () => {
  it("of every optimizer, climbing and scheduled", () => {
    const rate = o.schedules.cosine(0.1, { totalSteps: 10 });
    const common = { learningRate: rate, maximize: true } as const;
    const all = [
      o.sgd({ ...common, momentum: 0.9, nesterov: true, weightDecay: rate }),
      o.adam({ ...common, amsgrad: true, decoupledWeightDecay: true }),
      o.adamw({ ...common, amsgrad: true }),
      o.rmsprop({ ...common, centered: true }),
      o.adagrad({ ...common, initialAccumulatorValue: 1 }),
      o.adadelta(common),
      o.adamax(common),
      o.nadam({ ...common, decoupledWeightDecay: true }),
      o.radam({ ...common, decoupledWeightDecay: true }),
      o.asgd({ ...common, lambda: 0.1 }),
      o.rprop({ ...common, etas: [0.4, 1.1], stepSizes: [1e-5, 1] }),
      o.lion(common),
      o.lamb(common),
      o.adafactor({ ...common, eps: [null, 1e-2] }),
      o.muon({ ...common, adjustLrFn: "spectralUnclamped" }),
      o.sparseAdam(common),
    ];
    expect(all.every(({ options }) => options["maximize"] === true)).toBe(true);
  });
});

describe("options that do not exist, and values that do not fit, do not compile and are refused", () => {
  const refused = (make: () => unknown): void => expect(make).toThrow(ErmineError);
  it("optimizers", () => {
    // @ts-expect-error PyTorch's spelling
    refused(() => o.adam({ lr: 0.1 }));
    // @ts-expect-error adam has no momentum
    refused(() => o.adam({ momentum: 0.9 }));
    // @ts-expect-error asgd's is lambda
    refused(() => o.asgd({ lambd: 0.1 }));
    // @ts-expect-error a pair
    refused(() => o.adafactor({ eps: 1e-3 }));
    // @ts-expect-error no such function
    refused(() => o.muon({ adjustLrFn: "unclamped" }));
    // @ts-expect-error two factors
    refused(() => o.rprop({ etas: [1.2, 0.5, 1] }) && o.rprop({ etas: [1.2, 0.5] }));
    refused(() => o.sgd({ learningRate: -1 }));
  });
  it("schedules, metrics and links", () => {
    // @ts-expect-error stepSize is missing
    refused(() => o.schedules.step(0.1, {}));
    // @ts-expect-error no such average
    refused(() => o.f1({ average: "samples" }));
    // @ts-expect-error top 0 of an unknown option
    refused(() => o.topKAccuracy({ top: 1 }));
    // @ts-expect-error a link is no optimizer
    refused(() => o.lookahead(o.centralize()));
    refused(() => o.chain());
  });
  it("columns of a data set", () => {
    // @ts-expect-error a string is no column
    refused(() => o.dataset({ inputs: "nonsense" }));
    // @ts-expect-error nor is it within a tree
    refused(() => o.dataset({ inputs: { a: "x" } }));
    // @ts-expect-error nor in a row
    refused(() => o.dataset({ inputs: [["a"]] }));
    // @ts-expect-error one number is no column
    refused(() => o.dataset({ inputs: 3 }));
    // @ts-expect-error nor in a tree
    refused(() => o.dataset({ inputs: { a: 3 } }));
    // @ts-expect-error a date has no rows
    refused(() => o.dataset({ inputs: new Date() }));
    // @ts-expect-error a function
    refused(() => o.dataset({ inputs: () => 1 }));
    // @ts-expect-error a promise
    refused(() => o.dataset({ inputs: Promise.resolve([1]) }));
    // @ts-expect-error nothing
    refused(() => o.dataset({ inputs: null }));
    // @ts-expect-error the elements of a shaped column are numbers
    refused(() => o.dataset({ inputs: { data: "abc", shape: [3] } }));
    // @ts-expect-error targets as well
    refused(() => o.dataset({ inputs: [[1]], targets: "abc" }));
    const rows: Float32Array[] = [Float32Array.of(1, 2)];
    expect(o.dataset({ inputs: { a: rows, b: [[[1], [2]]], c: [true] }, targets: [{ data: [1], shape: [1] }] }).length).toBe(1);
  });
  it("parts of a loss", () => {
    // @ts-expect-error a part needs a name
    refused(() => o.weightedSum([{ loss: mse }]));
    // @ts-expect-error "max" is no weight
    refused(() => o.weightedSum([{ name: "a", loss: crossEntropy, weight: "max" }]));
  });
});
