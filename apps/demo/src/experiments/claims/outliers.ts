import { huber, l1, manualSeed, mse, normal, uniform } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { adamw, type AnyLoss } from "@ermine/trainer";
import type { Samples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { asDataset, mean, train } from "../training.js";

const losses: Readonly<Record<string, AnyLoss>> = { mse, l1, huber: huber.with({ delta: 0.5 }) };

/** y = 2x + 1 with noise, and a share of values that are 10 too large. */
function line(share: number, seed: number): Samples {
  manualSeed(seed);
  const count = 400;
  const [x, noise, draw] = [uniform([count], -1, 1).dataSync(), normal([count], 0, 0.1).dataSync(), uniform([count]).dataSync()];
  const targets = Float32Array.from({ length: count }, (_, i) => 2 * x[i]! + 1 + noise[i]! + (draw[i]! < share ? 10 : 0));
  return { task: "values", inputs: Float32Array.from(x), targets, classes: 1 };
}

async function fitted(samples: Samples, loss: AnyLoss, seed: number): Promise<{ slope: number; bias: number }> {
  manualSeed(seed);
  const model = new Linear(1, 1);
  for (const learningRate of [0.1, 0.01])
    await train({ model, data: asDataset(samples), loss, optimizer: adamw({ learningRate, weightDecay: 0 }), epochs: 40, seed });
  return { slope: model.weight.value.dataSync()[0]!, bias: model.bias!.value.dataSync()[0]! };
}

export const outliers: Experiment = {
  name: "outliers",
  claim: "Outliers pull a fit by MSE away, and hardly one by MAE or Huber; MAE finds the median where MSE finds the mean.",
  method:
    "A line is fitted to data of which 0 to 20 % are far too large; the figure is how far it is from the true one at 0. A constant is fitted to values whose mean and median differ.",
  async run(seed) {
    const shares = [0, 0.05, 0.1, 0.15, 0.2];
    const lines: { name: string; values: number[] }[] = [];
    for (const [name, loss] of Object.entries(losses)) {
      const values: number[] = [];
      for (const share of shares) values.push(Math.abs((await fitted(line(share, seed), loss, seed)).bias - 1));
      lines.push({ name, values });
    }
    manualSeed(seed);
    const skewed = Float32Array.from(uniform([401]).dataSync(), (u) => 4 * u * u * u);
    const constants = { task: "values", inputs: new Float32Array(401), targets: skewed, classes: 1 } as const;
    const [atMean, atMedian] = [await fitted(constants, mse, seed), await fitted(constants, l1, seed)];
    const median = [...skewed].sort((a, b) => a - b)[200]!;
    const [ofMse, ofL1, ofHuber] = lines.map(({ values }) => values.at(-1)!) as [number, number, number];
    return {
      figures: [
        { name: "error at 20 %, MSE", value: ofMse },
        { name: "error at 20 %, MAE", value: ofL1 },
        { name: "error at 20 %, Huber", value: ofHuber },
        { name: "mean", value: mean(skewed) },
        { name: "constant by MSE", value: atMean.bias },
        { name: "median", value: median },
        { name: "constant by MAE", value: atMedian.bias },
      ],
      holds:
        ofMse > 5 * ofL1 &&
        ofMse > 5 * ofHuber &&
        Math.abs(atMedian.bias - median) < 0.08 &&
        Math.abs(atMean.bias - mean(skewed)) < 0.08,
      plot: { axis: "share of outliers", x: shares, lines },
    };
  },
};
