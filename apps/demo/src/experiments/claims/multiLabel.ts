import { bceWithLogits, crossEntropy, manualSeed, scope, sigmoid, softmax, tensor, uniform, type Tensor } from "@ermine/core";
import { ReLU } from "@ermine/core/nn";
import { adamw, dataset, type AnyLoss } from "@ermine/trainer";
import type { Experiment } from "../experiment.js";
import { network, train } from "../training.js";

const count = 500;
const labels = 3;

export const multiLabel: Experiment = {
  name: "multi-label",
  claim: "Labels that may be true together need a sigmoid each: a softmax shares out a single 1 among them.",
  method:
    "Three labels, each true where its coordinate is above 0. Trained are BCE with logits, and crossEntropy on the labels' shares; counted are samples of which all labels are right at 0.5.",
  async run(seed) {
    manualSeed(seed);
    const inputs = Float32Array.from(uniform([count * labels], -1, 1).dataSync());
    const truth = inputs.map((value) => (value > 0 ? 1 : 0));
    const shares = truth.map((label, i) => {
      const row = truth.subarray(i - (i % labels), i - (i % labels) + labels);
      const total = row.reduce((a, b) => a + b, 0);
      return total === 0 ? 1 / labels : label / total;
    });
    const trained = async (loss: AnyLoss, targets: Float32Array, probabilities: (z: Tensor<"real">) => Tensor) => {
      const model = network([labels, 32, labels], () => new ReLU(), seed);
      const data = dataset({
        inputs: { data: inputs, shape: [count, labels] },
        targets: { data: targets, shape: [count, labels] },
      });
      await train({ model, data, loss, optimizer: adamw({ learningRate: 0.01 }), epochs: 60, seed });
      const read = scope(() => [...probabilities(model.forward(tensor(inputs, { shape: [count, labels] }))).dataSync()]);
      const right = Array.from({ length: count }, (_, row) =>
        Array.from({ length: labels }, (__, k) => row * labels + k).every((i) => read[i]! > 0.5 === (truth[i] === 1)),
      );
      return right.filter(Boolean).length / count;
    };
    const each = await trained(bceWithLogits, truth, (z) => sigmoid(z));
    const together = await trained(crossEntropy, shares, (z) => softmax(z));
    return {
      figures: [
        { name: "all labels right, BCE with logits", value: each },
        { name: "all labels right, softmax", value: together },
      ],
      holds: each > 0.9 && together < 0.6,
    };
  },
};
