/** Results of `predict`: all outputs of a model in their tree, one of them, probabilities, and classes from a threshold on. */
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { bceWithLogits, crossEntropy, manualSeed, mse, sum, tensor, type Tensor } from "@ermine/core";
import { Linear, Module, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, sgd, Trainer, weightedSum, type Prediction } from "../src/index.js";
import { refusal } from "./refusal.js";

class Heads extends Module {
  readonly trunk = new Linear(2, 4);
  readonly kind = new Linear(4, 3);
  readonly flags = new Linear(4, 2);
  forward(x: Tensor): { kind: Tensor; rest: readonly [Tensor, Tensor] } {
    const hidden = this.trunk.forward(x);
    const flags = this.flags.forward(hidden);
    return { kind: this.kind.forward(hidden), rest: [flags, flags] };
  }
}

class Pair extends Module {
  readonly kind = new Linear(2, 3);
  readonly flags = new Linear(2, 2);
  forward(x: Tensor): { kind: Tensor; flags: Tensor } {
    return { kind: this.kind.forward(x), flags: this.flags.forward(x) };
  }
}

const x = Array.from({ length: 7 }, (_, i) => [i / 3 - 1, (i * i) / 20]);
const optimizer = sgd({ learningRate: 0.1 });
const values = (prediction: Prediction): number[] => Array.from(prediction.data);
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const both = weightedSum([
  { name: "kind", loss: crossEntropy, output: "kind", target: "kind" },
  { name: "flags", loss: bceWithLogits, output: "flags", target: "flags" },
]);
const pair = (compile = true) => {
  manualSeed(3);
  return new Trainer({ model: new Pair(), loss: both, optimizer, backend: reference(), compile });
};

describe.each([true, false])("compile: %s", (compile) => {
  it("all outputs come in the model's tree, of batches joined; one that is there twice too", async () => {
    manualSeed(3);
    const model = new Heads();
    const trainer = new Trainer({
      model,
      loss: ({ kind }: { kind: Tensor }) => sum(kind),
      optimizer,
      backend: reference(),
      compile,
    });
    const outputs = await trainer.predict(x, { batchSize: 3 });
    expectTypeOf(outputs).toEqualTypeOf<{ readonly kind: Prediction; readonly rest: readonly [Prediction, Prediction] }>();
    expect(outputs.kind.shape).toEqual([7, 3]);
    expect(outputs.rest.map(({ shape }) => shape)).toEqual([
      [7, 2],
      [7, 2],
    ]);
    expect(values(outputs.rest[0])).toEqual(values(outputs.rest[1]));
    const kind = await trainer.predict(tensor(x), { output: "kind" });
    expectTypeOf(kind).toEqualTypeOf<Prediction>();
    expect(values(kind)).toEqual(values(outputs.kind));
    const rest = await trainer.predict({ data: Float32Array.from(x.flat()), shape: [7, 2] }, { output: "rest" });
    expectTypeOf(rest).toEqualTypeOf<readonly [Prediction, Prediction]>();
    expect(values(rest[1])).toEqual(values(outputs.rest[1]));
    const message = (await refusal(() => trainer.predict(x, { output: "kinds" as never }))).message;
    expect(message).toMatch(/predict reads the output "kinds", and there are: kind, rest/);
    expect(values((await trainer.predict(x)).kind)).toEqual(values(outputs.kind));
    trainer.dispose();
  });

  it("probabilities and classes of any output whose part of the loss has a link", async () => {
    const trainer = pair(compile);
    const targets = { kind: Int32Array.from(x, (_, i) => i % 3), flags: x.map((_, i) => [i & 1, (i >> 1) & 1]) };
    await trainer.fit(dataset({ inputs: x, targets }), { epochs: 1 });
    const logits = await trainer.predict(x);
    const flags = await trainer.predict(x, { as: "probabilities", output: "flags" });
    values(flags).forEach((p, i) => expect(p).toBeCloseTo(sigmoid(logits.flags.data[i]!), 6));
    const kinds = await trainer.predict(x, { as: "classes" });
    expect(values(kinds)).toEqual(values(await trainer.predict(x, { as: "classes", output: "kind" })));
    expect(kinds.shape).toEqual([7]);
    const marked = await trainer.predict(x, { as: "classes", output: "flags", threshold: 0.3, batchSize: 2 });
    expect(values(marked)).toEqual(values(flags).map((p) => (p >= 0.3 ? 1 : 0)));
    expect(values(marked)).not.toEqual(values(await trainer.predict(x, { as: "classes", output: "flags" })));
    trainer.dispose();
  });
});

it("refuses what cannot be read, and goes on", async () => {
  const trainer = pair();
  const message = async (options: object): Promise<string> => (await refusal(() => trainer.predict(x, options as never))).message;
  expect(await message({ as: "logits" })).toMatch(/as is one of output, probabilities, classes; got "logits"/);
  expect(await message({ as: "probabilities", output: "size" })).toMatch(
    /No part of the loss reads the output "size".*"kind", "flags"/,
  );
  expect(await message({ output: -1 })).toMatch(/key or the place/);
  expect(await message({ threshold: 0.3 })).toMatch(/threshold is for classes/);
  expect(await message({ as: "classes", output: "flags", threshold: 1.5 })).toMatch(/between 0 and 1, got 1.5/);
  const targets = { kind: new Int32Array(7), flags: x.map(() => [0, 1]) };
  await trainer.evaluate(dataset({ inputs: x, targets }));
  expect(await message({ as: "classes", threshold: 0.3 })).toMatch(/largest of several probabilities/);
  expect((await trainer.predict(x)).kind.shape).toEqual([7, 3]);
});

it("a scalar output, and an output that is absent, are refused by name", async () => {
  class Scalar extends Linear {
    override forward(input: Tensor): never {
      const y = super.forward(input);
      return { y, mean: sum(y) } as never;
    }
  }
  const loss = ({ y }: { y: Tensor }): Tensor => sum(y, { axis: 1 });
  const trainer = new Trainer({ model: new Scalar(2, 1), loss, optimizer, backend: reference() });
  expect((await refusal(() => trainer.predict(x))).message).toMatch(/a scalar.*output: key/);
  class Absent extends Linear {
    override forward(input: Tensor): never {
      return { y: super.forward(input), aux: undefined } as never;
    }
  }
  const other = new Trainer({ model: new Absent(2, 1), loss, optimizer, backend: reference() });
  expect((await refusal(() => other.predict(x))).message).toMatch(/gives undefined as "aux"/);
});

it("a NaN in any output is noticed once, with its samples", async () => {
  const trainer = pair();
  const notice = vi.fn();
  const rows = x.map((row, i) => (i === 2 || i === 5 ? [NaN, 0] : row));
  await trainer.predict(rows, { batchSize: 3, notice });
  expect(notice).toHaveBeenCalledOnce();
  expect(notice.mock.calls[0]![0]).toMatch(/NaN for 2 of 7 samples, the first of which is sample 2/);
});

it("of a model whose type is not known the prediction is one", async () => {
  const model: Module = new Sequential(new Linear(2, 1));
  const trainer = new Trainer({ model, loss: mse, optimizer, backend: reference() });
  const prediction = await trainer.predict(x);
  expectTypeOf(prediction).toEqualTypeOf<Prediction>();
  expect(prediction.shape).toEqual([7, 1]);
  const widenedTrainer: Trainer = trainer;
  expectTypeOf(widenedTrainer.predict(x)).resolves.toEqualTypeOf<Prediction>();
});
