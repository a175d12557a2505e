/** The law of training: a network with the activation inside learns, compiled as it does eagerly, and leaves nothing behind. */
import { crossEntropy, manualSeed, type Activation, type Backend } from "@ermine/core";
import { activationModule, Linear, Sequential } from "@ermine/core/nn";
import { adamw, dataset, Trainer, type Dataset } from "@ermine/trainer";
import type { Law } from "./law.js";

const hidden = 8;

/** Points of the square, on either side of its diagonal; 21 of them, so that the last batch is ragged. */
function diagonal(samples = 21): Dataset {
  const inputs = Float32Array.from({ length: samples * 2 }, (_, i) => ((i * 37) % 23) / 11 - 1);
  const targets = Int32Array.from({ length: samples }, (_, i) => Number(inputs[2 * i]! > inputs[2 * i + 1]!));
  return dataset({ inputs: { data: inputs, shape: [samples, 2] }, targets: { data: targets, shape: [samples] } });
}

/** How many features the activation makes of `hidden`. */
function width({ op, defaults }: Activation): number {
  const attributes = typeof defaults["axis"] === "number" ? { ...defaults, axis: 1 } : defaults;
  return op.infer([{ shape: [1, hidden], dtype: "float32", domain: "real" }], attributes)[0]!.shape[1] as number;
}

/** The risk before and after, and the numbers of all parameters. */
async function train(backend: Backend, activation: Activation, compile: boolean) {
  manualSeed(3);
  const Middle = activationModule(activation);
  const model = new Sequential(new Linear(2, hidden), new Middle(), new Linear(width(activation), 2));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.05 }), backend, compile, seed: 3 });
  try {
    const before = (await trainer.evaluate(diagonal())).loss;
    await trainer.fit(diagonal(), { epochs: 4, batchSize: 8 });
    const after = (await trainer.evaluate(diagonal())).loss;
    const state = Object.values(await model.stateDict());
    return { before, after, parameters: state.flatMap(({ data }) => Array.from(data)) };
  } finally {
    trainer.dispose();
    for (const [, variable] of model.namedVariables()) variable.value.dispose();
  }
}

export const activationsTrain: Law = {
  name: "a network trains, compiled as eagerly",
  trials: ({ activations }) =>
    activations.map((activation) => ({
      name: activation.activationName,
      async check(backend) {
        const compiled = await train(backend, activation, true);
        const eager = await train(backend, activation, false);
        // Scalars that the backend keeps are there by now.
        const held = backend.memory().tensors;
        if (!(compiled.after < compiled.before)) throw new Error(`the risk went from ${compiled.before} to ${compiled.after}`);
        const worst = compiled.parameters.findIndex((value, i) => !(Math.abs(value - eager.parameters[i]!) < 1e-3));
        if (worst >= 0) {
          throw new Error(`parameter ${worst} is ${compiled.parameters[worst]} compiled and ${eager.parameters[worst]} eagerly`);
        }
        await train(backend, activation, true);
        await train(backend, activation, false);
        const left = backend.memory().tensors - held;
        if (left > 0) throw new Error(`training leaves ${left} tensors behind`);
      },
    })),
};
