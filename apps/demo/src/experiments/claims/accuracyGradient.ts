import { crossEntropy, scope, tensor, valueAndGrad } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { manualSeed } from "@ermine/core";
import { drawSamples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { accuracyOf, inputsOf } from "../training.js";

export const accuracyGradient: Experiment = {
  name: "accuracy-gradient",
  claim: "Accuracy has no gradient: it stays the same for nearly every small step. Cross-entropy changes with each of them.",
  method: "One weight of a linear classifier is moved in 200 steps of 0.002. Counted are the steps at which either changes.",
  run(seed) {
    const samples = drawSamples("moons", { samples: 60, noise: 0.2, outliers: 0, seed, points: [] });
    manualSeed(seed);
    const model = new Linear(2, 2);
    const start = Float32Array.from(model.weight.value.dataSync());
    const target = tensor(Int32Array.from(samples.targets));
    const x = Array.from({ length: 201 }, (_, i) => i * 0.002);
    const points = x.map((step) =>
      scope(() => {
        const moved = Float32Array.from(start);
        moved[0]! += step;
        model.weight.value = tensor(moved, { shape: [2, 2] });
        const { value, grads } = valueAndGrad(() => crossEntropy(model.forward(inputsOf(samples)), target), model.weight);
        return { accuracy: accuracyOf(model, samples), loss: value.item() as number, slope: Math.abs(grads.dataSync()[0]!) };
      }),
    );
    const changes = (of: "accuracy" | "loss"): number =>
      points.slice(1).filter((point, i) => point[of] !== points[i]![of]).length / (points.length - 1);
    const figures = [
      { name: "steps that change the accuracy", value: changes("accuracy") },
      { name: "steps that change the loss", value: changes("loss") },
      { name: "least gradient of the loss", value: Math.min(...points.map(({ slope }) => slope)) },
    ];
    return Promise.resolve({
      figures,
      holds: figures[0]!.value < 0.15 && figures[1]!.value > 0.95 && figures[2]!.value > 0,
      plot: {
        axis: "moved by",
        x,
        lines: [
          { name: "accuracy", values: points.map(({ accuracy }) => accuracy) },
          { name: "cross-entropy", values: points.map(({ loss }) => loss) },
        ],
      },
    });
  },
};
