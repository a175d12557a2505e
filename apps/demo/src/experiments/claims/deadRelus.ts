import { crossEntropy, greater, scope } from "@ermine/core";
import { LeakyReLU, ReLU, type Layer, type Sequential } from "@ermine/core/nn";
import { adamw } from "@ermine/trainer";
import { drawSamples, type Samples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { accuracyOf, asDataset, inputsOf, network, train } from "../training.js";

/** The share of hidden units whose sum is above 0 for no sample. */
const deadShare = (model: Sequential, samples: Samples): number =>
  scope(() => {
    let [dead, units, x] = [0, 0, inputsOf(samples)];
    [...model].forEach((layer, i) => {
      x = layer.forward(x);
      if (i % 2 === 1 || i === model.length - 1) return;
      const width = x.shape[1] as number;
      const alive = greater(x, 0).dataSync();
      for (let unit = 0; unit < width; unit++) {
        units++;
        if (samples.targets.every((_, row) => alive[row * width + unit] === 0)) dead++;
      }
    });
    return dead / units;
  });

export const deadRelus: Experiment = {
  name: "dead-relus",
  claim: "A high learning rate kills ReLU units for good: at a small one they stay dead, where leaky ReLU learns again.",
  method:
    "A network 2-32-32-2 is trained on two spirals at the learning rate 0.3, then at 0.003. Counted are units that are negative for every sample, before and after the second part.",
  async run(seed) {
    const samples = drawSamples("spirals", { samples: 300, noise: 0.05, outliers: 0, seed, points: [] });
    const data = asDataset(samples);
    const trained = async (activation: () => Layer) => {
      const model = network([2, 32, 32, 2], activation, seed);
      const shared = { model, data, loss: crossEntropy, seed };
      const harsh = await train({ ...shared, optimizer: adamw({ learningRate: 0.3 }), epochs: 20 });
      const before = deadShare(model, samples);
      const gentle = await train({ ...shared, optimizer: adamw({ learningRate: 0.003 }), epochs: 60 });
      return { losses: [...harsh, ...gentle], before, after: deadShare(model, samples), accuracy: accuracyOf(model, samples) };
    };
    const relu = await trained(() => new ReLU());
    const leaky = await trained(() => new LeakyReLU({ negativeSlope: 0.2 }));
    return {
      figures: [
        { name: "dead units after 0.3", value: relu.before },
        { name: "dead units after 0.003", value: relu.after },
        { name: "accuracy with ReLU", value: relu.accuracy },
        { name: "accuracy with leaky ReLU", value: leaky.accuracy },
      ],
      holds: relu.before > 0.3 && relu.after >= 0.9 * relu.before && leaky.accuracy > relu.accuracy,
      plot: {
        axis: "epoch",
        x: relu.losses.map((_, i) => i + 1),
        logarithmic: true,
        lines: [
          { name: "ReLU", values: relu.losses },
          { name: "leaky ReLU", values: leaky.losses },
        ],
      },
    };
  },
};
