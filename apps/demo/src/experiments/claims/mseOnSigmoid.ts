import { bceWithLogits, mse, sigmoid, tensor, type Tensor } from "@ermine/core";
import { Linear, Module, type Layer } from "@ermine/core/nn";
import { manualSeed, normal } from "@ermine/core";
import { sgd, type AnyLoss } from "@ermine/trainer";
import type { Samples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { asDataset, mean, outputsOf, train } from "../training.js";

class Probability extends Module {
  readonly linear: Linear;

  constructor(linear: Linear) {
    super();
    this.linear = linear;
  }

  forward(x: Tensor): Tensor {
    return sigmoid(this.linear.forward(x));
  }
}

export const mseOnSigmoid: Experiment = {
  name: "mse-on-sigmoid",
  claim: "From a start that is surely wrong, MSE on a sigmoid hardly learns, and BCE does.",
  method: "A logistic unit begins with all logits of the wrong sign, about 8 in size, and is trained by SGD on both losses.",
  async run(seed) {
    manualSeed(seed);
    const noise = normal([200], 0, 0.1).dataSync();
    const targets = Float32Array.from({ length: 200 }, (_, i) => i % 2);
    const samples: Samples = {
      task: "values",
      inputs: targets.map((label, i) => 2 * label - 1 + noise[i]!),
      targets,
      classes: 1,
    };
    const trained = async (loss: AnyLoss, wrap: (linear: Linear) => Layer) => {
      const linear = new Linear(1, 1);
      linear.weight.value = tensor([[-8]]);
      linear.bias!.value = tensor([0]);
      const losses = await train({
        model: wrap(linear),
        data: asDataset(samples),
        loss,
        optimizer: sgd({ learningRate: 0.2 }),
        epochs: 40,
        seed,
      });
      return {
        losses,
        accuracy: mean(Array.from(outputsOf(linear, samples), (logit, i) => (logit > 0 === (targets[i] === 1) ? 1 : 0))),
      };
    };
    const squared = await trained(mse, (linear) => new Probability(linear));
    const entropy = await trained(bceWithLogits, (linear) => linear);
    return {
      figures: [
        { name: "accuracy after MSE", value: squared.accuracy },
        { name: "accuracy after BCE", value: entropy.accuracy },
      ],
      holds: squared.accuracy < 0.2 && entropy.accuracy > 0.99,
      plot: {
        axis: "epoch",
        x: squared.losses.map((_, i) => i + 1),
        logarithmic: true,
        lines: [
          { name: "MSE on a sigmoid", values: squared.losses },
          { name: "BCE", values: entropy.losses },
        ],
      },
    };
  },
};
