/** Law 7: definitions of one's own train with their own meaning, whatever they are called. */
import { defineActivation, defineLoss, manualSeed, mul, square, sub, type Tensor } from "@ermine/core";
import { activationModule, Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, defineOptimizer, sgd, Trainer, type CommonOptions, type TrainerOptions } from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import { ownDefinitions } from "../src/index.js";
import { law, type Instance } from "./law.js";

const { activations, losses } = ownDefinitions();
const samples = 6;
const data = dataset({
  inputs: { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] },
  targets: { data: Float32Array.from({ length: samples }, (_, i) => i / 3 - 1), shape: [samples, 1] },
});
const lossNamed = (name: string, first = "prediction", second = "target") =>
  defineLoss({
    name,
    link: "identity",
    inputs: [{ name: first }, { name: second }],
    elements: ([p, t]: readonly [Tensor, Tensor]) => ({ value: square(sub(p, mul(t, 2))) }),
  });
const activationNamed = (name: string) => activationModule(defineActivation({ name, decompose: (t) => mul(t, 100) }));
const optimizerNamed = (name: string) =>
  defineOptimizer({
    name,
    defaults: { learningRate: 0.01, weightDecay: 0, maximize: false } as CommonOptions,
    slots: () => ({}),
    scalars: (_, { learningRate }) => [learningRate],
    step: ({ p, g, s }) => [sub(p, mul(mul(g, s(0)), 3))],
  });

async function train(
  options: Partial<TrainerOptions>,
  middle: new () => object = activationNamed("unfamiliar"),
): Promise<string> {
  manualSeed(3);
  const model = new Sequential(new Linear(2, 3), new middle() as never, new Linear(3, 1));
  const given = {
    model,
    loss: lossNamed("unfamiliar"),
    optimizer: sgd({ learningRate: 1e-5 }),
    backend: reference(),
    ...options,
  };
  const trainer = new Trainer(given as TrainerOptions<never>);
  const { steps } = await trainer.fit(data, { epochs: 2, batchSize: 3 });
  const { data: predicted } = await trainer.predict(data);
  trainer.dispose();
  return [...steps, ...predicted].join();
}
const same = (named: () => Promise<string>, unfamiliar: () => Promise<string>) => async (): Promise<void> => {
  const [a, b] = [await named(), await unfamiliar()];
  if (a !== b) throw new Error(`by this name it gives ${a}, by another ${b}`);
};

const instances: Instance[] = [true, false].flatMap((compile) => {
  const mode = compile ? "compiled" : "eager";
  return [
    ...activations.map(({ activationName: name }) => ({
      name: `an activation ${name}, ${mode}`,
      check: same(
        () => train({ compile }, activationNamed(name) as never),
        () => train({ compile }),
      ),
    })),
    ...losses.map(({ lossName: name }) => ({
      name: `a loss ${name}, ${mode}`,
      check: same(
        () => train({ compile, loss: lossNamed(name) as never }),
        () => train({ compile }),
      ),
    })),
    ...Object.keys(optimizers).map((name) => ({
      name: `an optimizer ${name}, ${mode}`,
      check: same(
        () => train({ compile, optimizer: optimizerNamed(name)() }),
        () => train({ compile, optimizer: optimizerNamed("unfamiliar")() }),
      ),
    })),
    ...[
      ["logits", "labels"],
      ["a", "b"],
    ].map(([first, second]) => ({
      name: `a loss of ${first} and ${second}, ${mode}`,
      check: same(
        () => train({ compile, loss: lossNamed("own", first, second) as never }),
        () => train({ compile }),
      ),
    })),
  ];
});

law(
  "a definition is itself, whatever its name",
  "issue I, item 2: roles",
  instances,
  ["compiled", "eager"].flatMap((mode) => [`a loss of logits and labels, ${mode}`, `a loss of a and b, ${mode}`]),
);
