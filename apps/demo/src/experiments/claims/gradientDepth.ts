import { manualSeed, normal, scope, square, sum, valueAndGrad, kaimingNormal, xavierNormal } from "@ermine/core";
import { initializeParameters, ReLU, Sigmoid, Tanh, type Layer, type Linear } from "@ermine/core/nn";
import type { Experiment } from "../experiment.js";
import { network } from "../training.js";

const depth = 20;
const width = 32;

/** The norm of the gradient of a random linear function of the outputs in each layer's weight. */
function norms(activation: () => Layer, initializer: ReturnType<typeof xavierNormal>, seed: number): number[] {
  const model = network(
    Array.from({ length: depth + 1 }, () => width),
    activation,
    seed,
  );
  manualSeed(seed);
  initializeParameters(model, initializer);
  const x = normal([64, width]);
  return scope(() => {
    const weights = [...model].flatMap((layer) => ("weight" in layer ? [(layer as Linear).weight] : []));
    const { grads } = valueAndGrad(() => sum(square(model.forward(x))), weights);
    return grads.map((gradient) => Math.sqrt(sum(square(gradient)).item() as number));
  });
}

export const gradientDepth: Experiment = {
  name: "gradient-depth",
  claim: "Through 20 layers a gradient vanishes with sigmoid; with tanh (Xavier) and ReLU (Kaiming) it arrives.",
  method:
    "In stacks of 20 layers of 32 units, each with the initialization that is made for it, the norm of the first layer's gradient is divided by that of the last layer's.",
  run(seed) {
    const lines = [
      { name: "sigmoid", values: norms(() => new Sigmoid(), xavierNormal(), seed) },
      { name: "tanh", values: norms(() => new Tanh(), xavierNormal(5 / 3), seed) },
      { name: "relu", values: norms(() => new ReLU(), kaimingNormal(), seed) },
    ];
    const figures = lines.map(({ name, values }) => ({
      name: `first / last layer with ${name}`,
      value: values[0]! / values.at(-1)!,
    }));
    const [sigmoid, tanh, relu] = figures.map(({ value }) => value) as [number, number, number];
    return Promise.resolve({
      figures,
      holds: sigmoid < 1e-6 && tanh > 1e-2 && relu > 1e-2,
      plot: { axis: "layer", x: lines[0]!.values.map((_, i) => i + 1), logarithmic: true, lines },
    });
  },
};
