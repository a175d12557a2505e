import { crossEntropy, manualSeed, mse, tensor, uniform, type Tensor } from "@ermine/core";
import { Linear, Module, Tanh, type Sequential } from "@ermine/core/nn";
import { adamw, dataset, weightedSum } from "@ermine/trainer";
import type { Experiment } from "../experiment.js";
import { mean, network, train } from "../training.js";

const samples = 600;
const labelled = 24;
const columns = 6;
const repetitions = 4;

/** A trunk with two outputs: the class, and what the auxiliary loss asks for. */
class TwoHeads extends Module {
  readonly trunk: Sequential;
  readonly main: Linear;
  readonly auxiliary: Linear;

  constructor(seed: number) {
    super();
    this.trunk = network([columns, 32, 4], undefined, seed);
    this.main = new Linear(4, 2);
    this.auxiliary = new Linear(4, 1);
  }

  forward(x: Tensor): { main: Tensor; auxiliary: Tensor } {
    const tanh = new Tanh();
    const features = [...this.trunk].reduce((values, layer) => tanh.forward(layer.forward(values)), x);
    return { main: this.main.forward(features), auxiliary: this.auxiliary.forward(features) };
  }
}

export const auxiliaryLoss: Experiment = {
  name: "auxiliary-loss",
  claim: "Where labels are few, an auxiliary loss that has all of the data helps.",
  method:
    "Of six coordinates two matter: the class is the sign of their product, known for 24 of 600 samples. One model is trained on it alone, another also predicts the product, which is known for all; tried on 2,000 others; the mean over four data sets.",
  async run(seed) {
    const pairs: { alone: number; helped: number }[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) pairs.push(await compare(repetitions * seed + repetition));
    const [alone, helped] = [mean(pairs.map((pair) => pair.alone)), mean(pairs.map((pair) => pair.helped))];
    return {
      figures: [
        { name: "accuracy with the main loss alone", value: alone },
        { name: "accuracy with the auxiliary loss", value: helped },
      ],
      holds: helped > alone + 0.02,
    };
  },
};

/** Accuracies on samples that neither model has seen. */
async function compare(seed: number): Promise<{ alone: number; helped: number }> {
  manualSeed(seed);
  const inputs = Float32Array.from(uniform([columns * samples], -1, 1).dataSync());
  const tried = Float32Array.from(uniform([columns * 2000], -1, 1).dataSync());
  const products = (points: Float32Array): Float32Array =>
    Float32Array.from({ length: points.length / columns }, (_, i) => 3 * points[columns * i]! * points[columns * i + 1]!);
  const targets = products(inputs);
  const classes = Int32Array.from(targets, (product, i) => (i < labelled ? Number(product > 0) : -100));
  const trained = async (weight: number): Promise<number> => {
    const model = new TwoHeads(seed);
    const data = dataset({
      inputs: { data: inputs, shape: [samples, columns] },
      targets: { main: { data: classes, shape: [samples] }, auxiliary: { data: targets, shape: [samples, 1] } },
    });
    const loss = weightedSum([
      { name: "main", loss: crossEntropy, output: "main", target: "main" },
      { name: "auxiliary", loss: mse, weight, output: "auxiliary", target: "auxiliary" },
    ]);
    await train({ model, data, loss, optimizer: adamw({ learningRate: 0.01 }), epochs: 500, batchSize: samples, seed });
    const logits = model.forward(tensor(tried, { shape: [2000, columns] })).main.dataSync();
    return mean(Array.from(products(tried), (product, i) => (logits[2 * i + 1]! > logits[2 * i]! === product > 0 ? 1 : 0)));
  };
  return { alone: await trained(0), helped: await trained(5) };
}
