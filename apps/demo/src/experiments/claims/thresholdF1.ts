import { bceWithLogits, manualSeed, normal, uniform } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { adamw } from "@ermine/trainer";
import type { Samples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { asDataset, outputsOf, train } from "../training.js";

/** One in ten is positive, and a standard deviation and a half apart. */
function rare(count: number, seed: number): Samples {
  manualSeed(seed);
  const [draw, noise] = [uniform([count]).dataSync(), normal([count]).dataSync()];
  const targets = Float32Array.from(draw, (u) => (u < 0.1 ? 1 : 0));
  return { task: "values", inputs: targets.map((label, i) => 1.5 * label + noise[i]!), targets, classes: 1 };
}

/** F1 of the rule "positive above this logit". */
function f1(outputs: Float32Array, targets: Float32Array, threshold: number): number {
  let [hits, wrong] = [0, 0];
  targets.forEach((label, i) => {
    const positive = outputs[i]! > threshold;
    if (positive && label === 1) hits++;
    else if (positive || label === 1) wrong++;
  });
  return hits === 0 ? 0 : (2 * hits) / (2 * hits + wrong);
}

export const thresholdF1: Experiment = {
  name: "threshold-f1",
  claim:
    "A model trained on log loss and used for F1 needs a threshold of its own: one that is tuned on validation data beats 0.5 on test data.",
  method:
    "Logistic regression where one in ten is positive; the threshold with the best F1 on 2,000 validation samples is tried on 4,000 others.",
  async run(seed) {
    const [training, validation, test] = [rare(2000, 3 * seed), rare(2000, 3 * seed + 1), rare(4000, 3 * seed + 2)];
    manualSeed(seed);
    const model = new Linear(1, 1);
    await train({
      model,
      data: asDataset(training),
      loss: bceWithLogits,
      optimizer: adamw({ learningRate: 0.05 }),
      epochs: 20,
      seed,
    });
    const [held, tried] = [outputsOf(model, validation), outputsOf(model, test)];
    const x = Array.from({ length: 61 }, (_, i) => -4 + i / 10);
    const curve = x.map((threshold) => f1(held, validation.targets, threshold));
    const best = x[curve.indexOf(Math.max(...curve))]!;
    const [tuned, half] = [f1(tried, test.targets, best), f1(tried, test.targets, 0)];
    return {
      figures: [
        { name: "F1 at probability 0.5", value: half },
        { name: "F1 at the tuned threshold", value: tuned },
        { name: "tuned threshold, as a logit", value: best },
      ],
      holds: tuned > half + 0.02,
      plot: { axis: "threshold (logit)", x, lines: [{ name: "F1 on validation data", values: curve }] },
    };
  },
};
