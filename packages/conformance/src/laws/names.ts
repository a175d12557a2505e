/** The law of names: a definition of one's own means what it says, whatever it is called. Names are for people. */
import { add, manualSeed, mul, square, sub } from "@ermine/core";
import { apply1, defineActivation, defineFusedOp, defineLoss } from "@ermine/core/define";
import type { Backend, Tensor } from "@ermine/core";
import { activationModule, Linear, Sequential } from "@ermine/core/nn";
import { dataset, defineOptimizer, sgd, Trainer, type CommonOptions, type Metric, type TrainerOptions } from "@ermine/trainer";
import { metrics } from "@ermine/trainer/catalog";
import { run, type Call } from "./call.js";
import { exportedOps } from "./definitions.js";
import type { Law, Trial } from "./law.js";

const unfamiliar = "unfamiliar";
const modes = ["eager", "compiled"] as const;
type Mode = (typeof modes)[number];

/** An op of 3x + y whose gradients, 5 and 7, are not the slopes: its backward op is seen to run. */
function opNamed(name: string): (x: Tensor, y: Tensor) => Tensor {
  const op = defineFusedOp<Record<never, never>>({
    name,
    inputs: [{ name: "x" }, { name: "y" }],
    infer: ([x]) => [x!],
    decompose: ([x, y]) => [add(mul(x!, 3), y!)],
    gradient: ([g]) => [mul(g!, 5), mul(g!, 7)],
  });
  return (x, y) => apply1(op, [x, y], {});
}

/** Results and gradients of ops of these names: a text for each name. */
async function valuesOfOps(names: readonly string[], backend: Backend, mode: Mode): Promise<string[]> {
  const ops = names.map(opNamed);
  const call: Call = {
    name: names.join(),
    inputs: (size, draw) => ops.flatMap(() => [draw.real([size, 2]), draw.real([size, 2])]),
    // Between other ops, with which a compiler may join it.
    run: (...inputs) => ops.map((op, i) => mul(op(add(inputs[2 * i]!, 1), inputs[2 * i + 1]!), 2)),
    largest: 3,
    composed: true,
  };
  const values = (await run(call, backend, mode, 3, 1)).map(({ data }) => data.join(" "));
  const gradients = values.slice(ops.length);
  return ops.map((_, i) => `${values[i]} with the gradients ${gradients[2 * i]} and ${gradients[2 * i + 1]}`);
}

const samples = 6;
const data = dataset({
  inputs: { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] },
  targets: { data: Float32Array.from({ length: samples }, (_, i) => i / 3 - 1), shape: [samples, 1] },
});

const lossNamed = (name: string, [first, second]: readonly [string, string] = ["first", "second"]) =>
  defineLoss({
    name,
    link: "identity",
    inputs: [{ name: first }, { name: second }],
    elements: ([p, t]: readonly [Tensor, Tensor]) => ({ value: square(sub(p, mul(t, 2))) }),
  });
/** The same, the target first: roles say which is which. */
const lossFromTargets = (names: readonly [string, string]) =>
  defineLoss({
    name: unfamiliar,
    link: "identity",
    inputs: [
      { name: names[0], role: "target" },
      { name: names[1], role: "prediction" },
    ],
    elements: ([t, p]: readonly [Tensor, Tensor]) => ({ value: square(sub(p, mul(t, 2))) }),
  });
const inputNames: readonly (readonly [string, string])[] = [
  ["prediction", "target"],
  ["logits", "labels"],
  ["target", "prediction"],
  ["prediction", "predictionOther"],
  ["inputs", "weight"],
];
const activationNamed = (name: string) =>
  activationModule(defineActivation({ name, decompose: (t) => mul(t, 10), gradient: (g) => mul(g, 9) }));
/** With the slots, the scalars and the options of another, and a step of its own. */
const optimizerNamed = (name: string, like = sgd()) =>
  defineOptimizer({
    name,
    defaults: like.options as unknown as CommonOptions,
    slots: (_, shape) => like.slots(shape),
    scalars: (_, { step }) => Object.fromEntries(Object.entries(like.scalars({ step, epoch: 0 }))),
    step: ({ p, g, slots }) => [sub(p, mul(g, 0.003)), ...slots],
  });
const metricNamed = (name: string): Metric<string, number> => ({
  name,
  better: "lower",
  init: () => 0,
  update: (state, prediction, target) => state + 3 * prediction.data[0]! + target.data[0]!,
  merge: (a, b) => a + b,
  compute: (state) => state,
});

interface Named {
  readonly activation?: string;
  readonly loss?: string | ReturnType<typeof lossNamed>;
  readonly metric?: string;
  readonly optimizer?: ReturnType<ReturnType<typeof optimizerNamed>>;
}

/** The outcome of training with definitions of these names, as text. */
async function trained(backend: Backend, mode: Mode, named: Named): Promise<string> {
  const { activation = unfamiliar, loss = unfamiliar, metric = unfamiliar, optimizer = sgd({ learningRate: 1e-4 }) } = named;
  manualSeed(3);
  const model = new Sequential(new Linear(2, 3), new (activationNamed(activation))(), new Linear(3, 1));
  const trainer = new Trainer({
    model,
    loss: typeof loss === "string" ? lossNamed(loss) : loss,
    optimizer,
    metrics: [metricNamed(metric)],
    backend,
    compile: mode === "compiled",
  } as unknown as TrainerOptions<never>);
  try {
    const { steps } = await trainer.fit(data, { epochs: 1, batchSize: 3 });
    return [...(steps as Iterable<unknown>), ...Object.values(await trainer.evaluate(data))].join(" ");
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

const usual = new WeakMap<Backend, Map<Mode, Promise<string>>>();

/** The outcome where no name is taken, computed once for a backend. */
function trainedUsually(backend: Backend, mode: Mode): Promise<string> {
  const byMode = usual.get(backend) ?? new Map<Mode, Promise<string>>();
  usual.set(backend, byMode);
  const result = byMode.get(mode) ?? trained(backend, mode, {});
  byMode.set(mode, result);
  return result;
}

/** Training with these names comes to what it does with others. */
const training = (name: string, named: Named, other?: Named): Trial => ({
  name,
  async check(backend) {
    for (const mode of modes) {
      const outcome = await trained(backend, mode, named);
      const expected = await (other === undefined ? trainedUsually(backend, mode) : trained(backend, mode, other));
      if (outcome !== expected) throw new Error(`${mode}, by this name it comes to ${outcome}, by another to ${expected}`);
    }
  },
});

const opsNamedAsOthers: Trial = {
  name: "ops named as those of core and of the backend",
  async check(backend) {
    const takenNames = [...exportedOps().map(({ name }) => name), ...backend.capabilities.ops.keys(), "chain", "constructor"];
    const names = [...new Set(takenNames)];
    for (const mode of modes) {
      for (let from = 0; from < names.length; from += 50) {
        const some = names.slice(from, from + 50);
        const values = await valuesOfOps(some, backend, mode);
        const expected = await valuesOfOps(
          some.map((_, i) => unfamiliar + i),
          backend,
          mode,
        );
        const wrong = values.findIndex((value, i) => value !== expected[i]);
        if (wrong >= 0)
          throw new Error(`${mode}, the op named ${some[wrong]} gives ${values[wrong]}, by another name ${expected[wrong]}`);
      }
    }
  },
};

export const namesMeanNothing: Law = {
  name: "a definition is itself, whatever its name",
  trials({ activations, losses, calls, optimizers = {} }) {
    const [activationNames, lossNames, metricNames] = [
      activations.map(({ activationName }) => activationName),
      losses.map(({ lossName }) => lossName),
      Object.keys(metrics),
    ];
    const most = Math.max(activationNames.length, lossNames.length);
    return [
      ...(calls.length === 0 ? [] : [opsNamedAsOthers]),
      // Several at once: a training for each name of each kind would take minutes.
      ...Array.from({ length: most }, (_, i): Trial => {
        const named: Named = {
          ...(i < activationNames.length ? { activation: activationNames[i]! } : {}),
          ...(i < lossNames.length ? { loss: lossNames[i]! } : {}),
          metric: metricNames[i % metricNames.length]!,
        };
        return training(
          Object.entries(named)
            .map(([kind, name]) => `${kind} ${String(name)}`)
            .join(", "),
          named,
        );
      }),
      ...(losses.length === 0 ? [] : inputNames).flatMap((names) => [
        training(`a loss of ${names.join(" and ")}`, { loss: lossNamed(unfamiliar, names) }),
        training(`a loss of ${names.join(" and ")}, the target first`, { loss: lossFromTargets(names) }),
      ]),
      ...Object.entries(optimizers).map(([name, make]) =>
        training(
          `optimizer ${name}`,
          { optimizer: optimizerNamed(name, make())() },
          { optimizer: optimizerNamed(unfamiliar, make())() },
        ),
      ),
    ];
  },
};
