import { crossEntropy } from "@ermine/core";
import { GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh, type Layer } from "@ermine/core/nn";
import { adamw } from "@ermine/trainer";
import { drawSamples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { asDataset, network, train } from "../training.js";

const activations: Readonly<Record<string, () => Layer>> = {
  relu: () => new ReLU(),
  leakyRelu: () => new LeakyReLU(),
  gelu: () => new GELU(),
  silu: () => new SiLU(),
  tanh: () => new Tanh(),
  sigmoid: () => new Sigmoid(),
};

export const activationsCompared: Experiment = {
  name: "activations-compared",
  claim: "On one task, with all else equal, sigmoid is the slowest of ReLU, leaky ReLU, GELU, SiLU, tanh and sigmoid.",
  method:
    "A network 2-24-24-24-2 is trained on two spirals with each of them, from the same starting values, for the same updates.",
  async run(seed) {
    const data = asDataset(drawSamples("spirals", { samples: 300, noise: 0.05, outliers: 0, seed, points: [] }));
    const lines: { name: string; values: number[] }[] = [];
    for (const [name, activation] of Object.entries(activations)) {
      const model = network([2, 24, 24, 24, 2], activation, seed);
      lines.push({
        name,
        values: await train({ model, data, loss: crossEntropy, optimizer: adamw({ learningRate: 0.005 }), epochs: 80, seed }),
      });
    }
    const ends = lines.map(({ name, values }) => ({ name: `loss with ${name}`, value: values.at(-1)! }));
    const sigmoid = ends.at(-1)!.value;
    return {
      figures: ends,
      holds: ends.slice(0, -1).every(({ value }) => value < sigmoid),
      plot: { axis: "epoch", x: lines[0]!.values.map((_, i) => i + 1), lines },
    };
  },
};
