import { bceWithLogits, manualSeed, mul, normal, tensor } from "@ermine/core";
import { portableMath } from "@ermine/core/define";
import type { Experiment } from "../experiment.js";
import { mean } from "../training.js";

const sizes = [10, 30, 100, 300, 1000, 3000];
const draws = 40;

/** The losses of a fixed model, logit = 1.5x, on samples of two overlapping classes. */
function losses(count: number): ArrayLike<number> {
  const noise = normal([count]).dataSync();
  const labels = Float32Array.from({ length: count }, (_, i) => i % 2);
  const x = tensor(labels.map((label, i) => 2 * label - 1 + noise[i]!));
  return bceWithLogits(mul(x, 1.5), tensor(labels), { reduction: "none" }).dataSync();
}

export const empiricalRisk: Experiment = {
  name: "empirical-risk",
  claim: "The empirical risk approaches the expected risk as 1 / √n.",
  method:
    "The mean loss of a fixed model over n samples is compared with that over 200,000; the figure is the slope of the mean distance over n, both logarithmic, which would be −0.5.",
  run(seed) {
    manualSeed(seed);
    const expected = mean(losses(200_000));
    const distances = sizes.map((size) => mean(Array.from({ length: draws }, () => Math.abs(mean(losses(size)) - expected))));
    const [x, y] = [sizes, distances].map((values) => values.map((value) => portableMath.log(value))) as [number[], number[]];
    const [centreX, centreY] = [mean(x), mean(y)];
    const slope =
      mean(x.map((at, i) => (at - centreX) * (y[i]! - centreY))) / mean(x.map((at) => (at - centreX) * (at - centreX)));
    return Promise.resolve({
      figures: [
        { name: "expected risk", value: expected },
        { name: "distance at 10", value: distances[0]! },
        { name: "distance at 3000", value: distances.at(-1)! },
        { name: "slope", value: slope },
      ],
      holds: slope > -0.65 && slope < -0.35,
      plot: { axis: "n", x: sizes, logarithmic: true, lines: [{ name: "mean distance", values: distances }] },
    });
  },
};
