import { crossEntropy, currentBackend, manualSeed } from "@ermine/core";
import { ReLU } from "@ermine/core/nn";
import { sgd, Trainer } from "@ermine/trainer";
import { drawSamples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { asDataset, mean, network } from "../training.js";

export const batchMeans: Experiment = {
  name: "batch-means",
  claim: "A mean of batch means is not the mean where batches differ in size; ermine's is the same for every batch size.",
  method:
    "The loss over 101 samples is evaluated in one batch, in batches of 10 (the last has one sample), and as the mean of the means of those.",
  async run(seed) {
    const samples = drawSamples("moons", { samples: 101, noise: 0.3, outliers: 0, seed, points: [] });
    const data = asDataset(samples);
    manualSeed(seed);
    const model = network([2, 8, 2], () => new ReLU(), seed);
    const trainer = new Trainer({
      model,
      loss: crossEntropy,
      optimizer: sgd({ learningRate: 0.1 }),
      backend: currentBackend(),
      seed,
    });
    try {
      const { loss: whole } = await trainer.evaluate(data, { batchSize: 101 });
      const { loss: inBatches } = await trainer.evaluate(data, { batchSize: 10 });
      const means: number[] = [];
      for (let from = 0; from < 101; from += 10) {
        const rows = Int32Array.from({ length: Math.min(10, 101 - from) }, (_, i) => from + i);
        means.push((await trainer.evaluate(data.select(rows))).loss);
      }
      const naive = mean(means);
      return {
        figures: [
          { name: "in one batch", value: whole },
          { name: "in batches of 10", value: inBatches },
          { name: "mean of batch means", value: naive },
        ],
        holds: Math.abs(inBatches - whole) < 1e-6 && Math.abs(naive - whole) > 1e-4,
      };
    } finally {
      trainer.dispose();
    }
  },
};
