/** A model with a loop of its own trains, compiled as eagerly; what goes wrong inside of a step is named there. */
import { describe, expect, it } from "vitest";
import {
  add,
  linear,
  log,
  manualSeed,
  mse,
  mul,
  normal,
  Parameter,
  scan,
  tanh,
  transpose,
  zeros,
  type Tensor,
} from "@ermine/core";
import { BatchNorm1d, Dropout, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adam, dataset, Trainer } from "../src/index.js";

const [rows, steps, size] = [12, 6, 4];
const values = Float32Array.from({ length: rows * steps }, (_, i) => ((i * 7) % 11) / 5 - 1);
const data = dataset({
  inputs: { data: values, shape: [rows, steps, 1] },
  targets: {
    data: Float32Array.from({ length: rows }, (_, i) => values[i * steps + 5]! - 0.5 * values[i * steps + 4]!),
    shape: [rows, 1],
  },
});

/** A recurrent network with dropout in each step. */
class Memory extends Module {
  readonly input = new Linear(1, size);
  readonly hidden = new Parameter(normal([size, size], 0, 0.5));
  readonly drop = new Dropout(0.1);
  readonly head = new Linear(size, 1);

  forward(x: Tensor): Tensor {
    const step = (h: Tensor, xt: Tensor): [Tensor, undefined] => [
      this.next(add(this.input.forward(xt), linear(this.drop.forward(h), this.hidden.value))),
      undefined,
    ];
    return this.head.forward(scan(step, zeros([x.shape[0]!, size]), transpose(x, 0, 1))[0]);
  }

  next(gates: Tensor): Tensor {
    return tanh(gates);
  }
}

const trained = async (options: { compile?: boolean; accumulate?: number }) => {
  manualSeed(5);
  const model = new Memory();
  const trainer = new Trainer({
    model,
    loss: mse,
    optimizer: adam({ learningRate: 0.03 }),
    backend: reference(),
    seed: 2,
    ...options,
  });
  const { epochs } = await trainer.fit(data, { epochs: 30, batchSize: 5 });
  const { loss } = await trainer.evaluate(data);
  const numbers = (await Promise.all(model.parameters().map((p) => p.data()))).flatMap((all) => [...all]);
  trainer.dispose();
  return { first: epochs[0]!.loss, loss, numbers };
};

describe("a model with a loop", () => {
  it("learns, and compiled as eagerly", async () => {
    const [compiled, eager] = [await trained({}), await trained({ compile: false })];
    expect(compiled.loss).toBeLessThan(0.3 * compiled.first!);
    compiled.numbers.forEach((n, i) => expect(n).toBeCloseTo(eager.numbers[i]!, 8));
  });

  it("a step that is not finite is refused, with the op in the loop that began it", async () => {
    class Failing extends Memory {
      override next(gates: Tensor): Tensor {
        return log(mul(gates, 0));
      }
    }
    const trainer = new Trainer({ model: new Failing(), loss: mse, optimizer: adam(), backend: reference() });
    await expect(trainer.fit(data, { epochs: 1, batchSize: 5 })).rejects.toThrow(/in log|in mul/);
    trainer.dispose();
  });

  it("statistics that each step would write are refused, with the remedy", async () => {
    class Measuring extends Memory {
      readonly norm = new BatchNorm1d(size);
      override next(gates: Tensor): Tensor {
        return this.norm.forward(gates);
      }
    }
    const trainer = new Trainer({ model: new Measuring(), loss: mse, optimizer: adam(), backend: reference() });
    await expect(trainer.fit(data, { epochs: 1, batchSize: 6 })).rejects.toThrow(
      /norm.*writes norm\.runningMean|writes .*make it part of the carry/s,
    );
    trainer.dispose();
  });
});
