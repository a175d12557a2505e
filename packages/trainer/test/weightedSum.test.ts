import { describe, expect, expectTypeOf, it } from "vitest";
import {
  add,
  crossEntropy,
  gaussianNll,
  manualSeed,
  mean,
  mse,
  mul,
  softplus,
  square,
  sub,
  tripletMargin,
  type Tensor,
} from "@ermine/core";
import { BatchNorm1d, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { accuracy, adam, dataset, earlyStopping, sgd, Trainer, weightedSum, type AnyLoss } from "../src/index.js";

/** A classifier with a second head. */
class TwoHeads extends Module {
  readonly trunk = new Linear(3, 5);
  readonly norm = new BatchNorm1d(5);
  readonly label = new Linear(5, 3);
  readonly size = new Linear(5, 2);
  forward(x: Tensor): { label: Tensor; size: Tensor } {
    const features = this.norm.forward(this.trunk.forward(x));
    return { label: this.label.forward(features), size: this.size.forward(features) };
  }
}

const rows = 13;
const labels = Int32Array.from({ length: rows }, (_, i) => (i % 5 === 2 ? -100 : (i * 7) % 3));
const sizes = Float32Array.from({ length: rows * 2 }, (_, i) => ((i * 5) % 9) / 4 - 1);
const inputs = { data: Float32Array.from({ length: rows * 3 }, (_, i) => ((i * 11) % 13) / 6 - 1), shape: [rows, 3] };
const data = dataset({
  inputs,
  targets: { label: { data: labels, shape: [rows] }, size: { data: sizes, shape: [rows, 2] } },
});
const two = weightedSum([
  { name: "label", loss: crossEntropy, output: "label", target: "label" },
  { name: "size", loss: mse, weight: 0.3, output: "size", target: "size" },
]);
type Heads = { label: Tensor; size: Tensor };
const byHand: AnyLoss<never> = (outputs: Heads, { targets }) => {
  const expectedTargets = targets as unknown as Heads;
  return add(crossEntropy(outputs.label, expectedTargets.label), mul(mse(outputs.size, expectedTargets.size), 0.3));
};
const make = <T extends string>(loss: AnyLoss<T>, options: { accumulate?: number; compile?: boolean } = {}) => {
  manualSeed(1);
  return new Trainer({
    model: new TwoHeads(),
    loss,
    optimizer: sgd({ learningRate: 0.1 }),
    backend: reference(),
    metrics: [accuracy()],
    ...options,
  });
};
const weights = async (trainer: { model: Module }): Promise<number[]> =>
  Object.values(await trainer.model.stateDict()).flatMap(({ data: numbers }) => Array.from(numbers));
const close = (a: readonly number[], b: readonly number[], digits = 5): void => {
  expect(a).toHaveLength(b.length);
  a.forEach((value, i) => expect(value).toBeCloseTo(b[i]!, digits));
};

describe.each([true, false])("a sum of several losses (compiled: %s)", (compile) => {
  it("is minimized as it would be by hand, and each part is reported by name", async () => {
    const trainer = make(two, { compile });
    const same = make(byHand, { compile });
    const steps: Readonly<Record<string, number>>[] = [];
    const record = {
      name: "record",
      onStep: ({ loss, parts }: { loss: number; parts: object }) => void steps.push({ loss, ...parts }),
    };
    const options = { epochs: 3, batchSize: rows, shuffle: false } as const;
    const history = await trainer.fit(data, { ...options, validation: data, callbacks: [record] });
    const expected = await same.fit(data, options);
    close(history.steps, expected.steps);
    close(await weights(trainer), await weights(same));
    expect(Object.keys(history.epochs[0]!)).toEqual([
      "loss",
      "label",
      "size",
      "valLoss",
      "valLabel",
      "valSize",
      "valAccuracy",
      "learningRate",
    ]);
    for (const logs of [...history.epochs, ...steps]) expect(logs["loss"]).toBeCloseTo(logs["label"]! + 0.3 * logs["size"]!, 5);
    const values = await trainer.evaluate(data);
    expectTypeOf(values.label).toEqualTypeOf<number>();
    expect(values.loss).toBeCloseTo(values.label + 0.3 * values.size, 6);
  });

  it("is exact for any batch size in evaluation: each part over what counts for it", async () => {
    const trainer = make(two, { compile });
    const expectedLogs = await trainer.evaluate(data, { batchSize: rows });
    for (const batchSize of [1, 4, 5]) {
      const parts = await trainer.evaluate(data, { batchSize });
      for (const name of ["loss", "label", "size", "accuracy"] as const) expect(parts[name]).toBeCloseTo(expectedLogs[name], 6);
    }
  });

  it("of uneven micro-batches is that of the joined batch, though parts count differently in each", async () => {
    class Heads3 extends TwoHeads {
      // Without a batch norm, whose statistics are those of a micro-batch.
      override forward(x: Tensor): Heads {
        const features = this.trunk.forward(x);
        return { label: this.label.forward(features), size: this.size.forward(features) };
      }
    }
    const run = async (batchSize: number, accumulate: number): Promise<[number[], number[]]> => {
      manualSeed(1);
      const trainer = new Trainer({
        model: new Heads3(),
        loss: two,
        optimizer: adam({ learningRate: 0.05 }),
        backend: reference(),
        accumulate,
        compile,
      });
      const history = await trainer.fit(data, { epochs: 2, batchSize, shuffle: false });
      return [await weights(trainer), history.epochs.flatMap((logs) => [logs["loss"]!, logs["label"]!, logs["size"]!])];
    };
    const [a, b] = [await run(rows, 1), await run(2, 7)];
    close(b[0], a[0]);
    close(b[1], a[1]);
  });

  it("may be a function's terms by name", async () => {
    const named = (outputs: Heads, { targets }: { targets: unknown }) => {
      const expectedTargets = targets as Heads;
      return {
        label: crossEntropy(outputs.label, expectedTargets.label),
        size: mul(mse(outputs.size, expectedTargets.size), 0.3),
      };
    };
    for (const accumulate of [1, 2]) {
      const trainer = make(named as AnyLoss<never>, { compile, accumulate });
      const same = make(byHand, { compile, accumulate });
      const options = { epochs: 2, batchSize: 5, shuffle: false } as const;
      const history = await trainer.fit(data, options);
      close(await weights(trainer), (await same.fit(data, options), await weights(same)));
      expect(Object.keys(history.epochs[0]!)).toEqual(["loss", "label", "size", "learningRate"]);
      // The names of a function's parts are not known to the compiler.
      const logs: Readonly<Record<string, number | undefined>> = history.epochs[1]!;
      expect(logs["loss"]).toBeCloseTo(logs["label"]! + logs["size"]!, 5);
    }
  });

  it("leaves out a part for which nothing in the batch counts", async () => {
    const none = dataset({
      inputs,
      targets: { label: { data: new Int32Array(rows).fill(-100), shape: [rows] }, size: { data: sizes, shape: [rows, 2] } },
    });
    const trainer = make(two, { compile });
    const history = await trainer.fit(none, { epochs: 1, batchSize: rows, shuffle: false });
    expect(history.epochs[0]!["label"]).toBeNaN();
    expect(history.epochs[0]!["loss"]).toBeCloseTo(0.3 * history.epochs[0]!["size"]!, 6);
    expect((await weights(trainer)).every(Number.isFinite)).toBe(true);
  });
});

it("the first part is what metrics and predictions read", async () => {
  const trainer = make(two);
  const classes = await trainer.predict(data, { as: "classes" });
  const { accuracy: share } = await trainer.evaluate(data);
  const isCorrect = [...labels].flatMap((label, i) => (label === -100 ? [] : [Number(classes.data[i] === label)]));
  expect(share).toBeCloseTo(isCorrect.reduce((a, b) => a + b, 0) / isCorrect.length, 10);
});

it("a loss of several predictions takes them from the model, in its call order", async () => {
  class Spread extends Module {
    readonly both = new Linear(3, 4);
    forward(x: Tensor): readonly [Tensor, Tensor] {
      const y = this.both.forward(x);
      return [y, softplus(y)];
    }
  }
  class Embed extends Module {
    readonly map = new Linear(3, 2);
    forward(a: Tensor, b: Tensor, c: Tensor): readonly Tensor[] {
      return [a, b, c].map((x) => this.map.forward(x));
    }
  }
  const wide = { data: Float32Array.from({ length: rows * 4 }, (_, i) => (i % 7) / 3 - 1), shape: [rows, 4] };
  const gaussian = new Trainer({ model: new Spread(), loss: gaussianNll, optimizer: sgd(), backend: reference() });
  const { loss } = await gaussian.evaluate(dataset({ inputs, targets: wide }));
  const byFunction = new Trainer({
    model: gaussian.model,
    loss: ([x, v]: readonly [Tensor, Tensor], { targets }) => gaussianNll(x, targets as Tensor, v),
    optimizer: sgd(),
    backend: gaussian.backend!,
  });
  gaussian.dispose();
  expect((await byFunction.evaluate(dataset({ inputs, targets: wide }))).loss).toBeCloseTo(loss, 6);
  const triplet = new Trainer({
    model: new Embed(),
    loss: tripletMargin,
    optimizer: sgd({ learningRate: 0.1 }),
    backend: reference(),
  });
  const history = await triplet.fit(
    dataset({
      inputs: [inputs, { ...inputs, data: inputs.data.map((x) => x + 0.1) }, { ...inputs, data: inputs.data.map((x) => -x) }],
    }),
    { epochs: 5 },
  );
  expect(history.steps.at(-1)).toBeLessThan(history.steps[0]!);
});

describe("what does not fit is refused", () => {
  it("parts without a name of their own, or without a loss", () => {
    expect(() => weightedSum([])).toThrow(/at least one part/);
    expect(() => weightedSum([{ name: "loss", loss: mse }])).toThrow(/other than "loss"/);
    expect(() =>
      weightedSum([
        { name: "a", loss: mse },
        { name: "a", loss: mse },
      ]),
    ).toThrow(/"a" again/);
    // @ts-expect-error there is no option factor
    expect(() => weightedSum([{ name: "a", loss: mse, factor: 2 }])).toThrow(/no option "factor"/);
    expect(() => make(weightedSum([{ name: "accuracy", loss: crossEntropy, output: "label", target: "label" }]))).toThrow(
      /"accuracy" would name two logs/,
    );
  });
  it("outputs, targets and monitors that are not there", async () => {
    const wrong = (part: object) =>
      make(weightedSum([{ name: "label", loss: crossEntropy, output: "label", target: "label", ...part }])).fit(data, {
        epochs: 1,
      });
    await expect(wrong({ output: "lable" })).rejects.toThrow(/"label" reads the output "lable", and there are: label, size/);
    await expect(wrong({ target: 0 })).rejects.toThrow(/reads the target 0, and there are: label, size/);
    const trainer = make(two);
    // @ts-expect-error no part has that name
    const misspelt = () => trainer.fit(data, { epochs: 1, validation: data, callbacks: [earlyStopping({ monitor: "valSise" })] });
    await expect(misspelt()).rejects.toThrow(
      /follows "valSise", and this training logs loss, label, size, valLoss, valLabel, valSize, valAccuracy/,
    );
    await trainer.fit(data, { epochs: 1, validation: data, callbacks: [earlyStopping({ monitor: "valSize" })] });
  });
  it("a function that gives no tensors", async () => {
    const nothing = new Trainer({ model: new TwoHeads(), loss: (() => ({})) as never, optimizer: sgd(), backend: reference() });
    await expect(nothing.fit(data, { epochs: 1 })).rejects.toThrow(/must return a tensor/);
  });
});

it("a value for each sample and a mean are the same risk", async () => {
  const each = make((({ size }: Heads, { targets }: { targets: unknown }) =>
    mean(square(sub(size, (targets as Heads).size)), { axis: 1 })) as AnyLoss<never>);
  const meanRisk = make((({ size }: Heads, { targets }: { targets: unknown }) =>
    mse(size, (targets as Heads).size)) as AnyLoss<never>);
  expect((await each.evaluate(data, { batchSize: 4 })).loss).toBeCloseTo(
    (await meanRisk.evaluate(data, { batchSize: 5 })).loss,
    6,
  );
});
