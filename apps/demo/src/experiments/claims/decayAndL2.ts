import { crossEntropy } from "@ermine/core";
import { Tanh, type Sequential } from "@ermine/core/nn";
import { adam, adamw, l2Penalty, sgd, type Optimizer } from "@ermine/trainer";
import { drawSamples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { asDataset, network, train } from "../training.js";

const decay = 0.05;

const weightsOf = (model: Sequential): number[] =>
  [...model.parameters()].flatMap((parameter) => [...parameter.value.dataSync()]);

export const decayAndL2: Experiment = {
  name: "decay-and-l2",
  claim: "In SGD weight decay is an L2 penalty; in Adam it is not.",
  method:
    "The same network is trained with decay λ and with the penalty λ/2 · ‖θ‖², by SGD and by Adam; the figure is the largest difference of a weight, relative to the largest weight.",
  async run(seed) {
    const data = asDataset(drawSamples("moons", { samples: 200, noise: 0.15, outliers: 0, seed, points: [] }));
    const trained = async (optimizer: Optimizer, isPenalized: boolean) => {
      const model = network([2, 8, 2], () => new Tanh(), seed);
      // Biases too, as the optimizers decay all parameters.
      const regularizers = isPenalized ? [l2Penalty(decay / 2, { parameters: () => true })] : [];
      await train({ model, data, loss: crossEntropy, optimizer, epochs: 30, regularizers, seed });
      return weightsOf(model);
    };
    const difference = (one: readonly number[], other: readonly number[]): number =>
      Math.max(...one.map((value, i) => Math.abs(value - other[i]!))) / Math.max(...one.map(Math.abs));
    const decayed = await trained(sgd({ learningRate: 0.1, weightDecay: decay }), false);
    const ofSgd = difference(decayed, await trained(sgd({ learningRate: 0.1 }), true));
    const ofDecay = difference(decayed, await trained(sgd({ learningRate: 0.1 }), false));
    const ofAdam = difference(
      await trained(adamw({ learningRate: 0.01, weightDecay: decay }), false),
      await trained(adam({ learningRate: 0.01 }), true),
    );
    return {
      figures: [
        { name: "SGD: difference", value: ofSgd },
        { name: "SGD: difference from no decay", value: ofDecay },
        { name: "Adam: difference", value: ofAdam },
      ],
      holds: ofSgd < 1e-4 && ofDecay > 0.05 && ofAdam > 0.05,
    };
  },
};
