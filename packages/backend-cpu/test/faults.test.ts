/** Faults that were found in use, as tests of the right behaviour. */
import { describe, expect, test } from "vitest";
import { compile, exp, mse, mul, sum, tensor, valueAndGrad, withBackend, type Tensor } from "@ermine/core";
import { apply1, defineActivation, defineOp } from "@ermine/core/define";
import { Linear, Sequential } from "@ermine/core/nn";
import { adam, adamw, dataset, defineOptimizer, sgd, Trainer, type CommonOptions } from "@ermine/trainer";
import { cpu } from "../src/index.js";
import { pretending } from "./pretended.js";

const backend = await cpu({ threads: 1 });
const x = () => tensor([-1, 0.5, 2]);
const value = (fn: (t: Tensor) => Tensor, compiled: boolean): number[] =>
  withBackend(backend, () => Array.from((compiled ? compile(fn) : fn)(x()).dataSync()));
const valueAndGradient = (fn: (t: Tensor) => Tensor, compiled: boolean): number[] =>
  withBackend(backend, () => {
    const both = (t: Tensor) => {
      const { value, grads } = valueAndGrad(() => {
        const y = fn(t);
        return [sum(y), y] as const;
      }, t);
      return [value[1], grads] as const;
    };
    const program = compiled ? compile(both) : both;
    return program(x()).flatMap((t) => Array.from(t.dataSync()));
  });

// Definitions with the names of built-in ones that have kernels, and others that mean something else.
describe.each([false, true])("A5: a definition is itself whatever its name is (compiled: %s)", (compiled) => {
  const names = ["mish", "relu", "sigmoid", "gelu", "tanh", "softplus", "hardSwish", "elu"];
  test.each(names)("an activation named %s", (name) => {
    const hundredfold = defineActivation({ name, decompose: (t) => mul(t, 100) });
    expect(value((t) => hundredfold(t), compiled)).toEqual([-100, 50, 200]);
  });
  test("an activation named unfamiliarly", () => {
    const hundredfold = defineActivation({ name: "hundredfold", decompose: (t) => mul(t, 100) });
    expect(value((t) => hundredfold(t), compiled)).toEqual([-100, 50, 200]);
    expect(valueAndGradient((t) => hundredfold(t), compiled)).toEqual([-100, 50, 200, 100, 100, 100]);
  });
  test.each(["neg", "exp", "abs", "sqrt"])("an op named %s", (name) => {
    const threefold = defineOp<Record<never, never>>({
      name,
      inputs: [{ name: "x" }],
      infer: ([t]) => [t!],
      decompose: ([t]) => [mul(t!, 3)],
    });
    expect(value((t) => apply1(threefold, [t], {}), compiled)).toEqual([-3, 1.5, 6]);
  });
  test("a fused backward of an activation named mish", () => {
    const exponential = defineActivation({ name: "mish", decompose: (t) => exp(t), gradient: (g, _, y) => mul(g, y) });
    const expected = [-1, 0.5, 2].map(Math.exp);
    valueAndGradient((t) => exponential(t), compiled).forEach((value, i) => expect(value).toBeCloseTo(expected[i % 3]!, 5));
  });
});

test.each([sgd(), sgd({ momentum: 0.9 }), adam(), adamw()])("an optimizer named $name trains by its own step", async (model) => {
  // The slots, scalars and options of the built-in one, and a step that leaves the parameters as they are.
  const standingStill = defineOptimizer({
    name: model.name,
    defaults: model.options as unknown as CommonOptions,
    slots: (_, shape) => model.slots(shape),
    scalars: (_, { step }) => Object.fromEntries(Object.entries(model.scalars({ step, epoch: 0 }))),
    step: ({ p, slots }) => [p, ...slots],
  });
  const net = new Sequential(new Linear(2, 1));
  const before = await net.stateDict();
  const trainer = new Trainer({ model: net, loss: mse, optimizer: standingStill(), backend });
  const inputs = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
  await trainer.fit(dataset({ inputs, targets: { data: Float32Array.of(9, 9), shape: [2, 1] } }), { epochs: 1 });
  expect(await net.stateDict()).toEqual(before);
});

describe("B18: flags of V8 are asked for", () => {
  test("fault B18: an engine that nobody asked for wide vectors sets no flag", async () => {
    const { flags } = await pretending({}, () => cpu());
    expect(flags).toEqual([]);
  });
  test("fault B18: Bun, which reports a version of V8, is not asked", async () => {
    const { value, flags } = await pretending({ versions: { bun: "1.2.0" }, env: { ERMINE_WIDE_VECTORS: "1" } }, () => cpu());
    expect(value.details).toMatchObject({ vectors: 128 });
    expect(flags).toEqual([]);
  });
});
