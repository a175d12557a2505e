import { crossEntropy } from "@ermine/core";
import { ReLU, type Linear } from "@ermine/core/nn";
import { adamw } from "@ermine/trainer";
import { drawSamples } from "../dataSets.js";
import type { Experiment } from "../experiment.js";
import { accuracyOf, asDataset, network, outputsOf, train } from "../training.js";

/** The one matrix and bias that a stack of linear layers is. */
function collapsed(layers: readonly Linear[]): (x: readonly number[]) => number[] {
  const parts = layers.map(({ weight, bias, inFeatures }) => ({
    w: [...weight.value.dataSync()],
    b: [...bias!.value.dataSync()],
    columns: inFeatures,
  }));
  const apply = (part: (typeof parts)[number], x: readonly number[]): number[] =>
    part.b.map((bias, i) => x.reduce((sum, value, j) => sum + value * part.w[i * part.columns + j]!, bias));
  const through = (x: readonly number[]): number[] => parts.reduce<number[]>((values, part) => apply(part, values), [...x]);
  const bias = through([0, 0]);
  const columns = [through([1, 0]), through([0, 1])].map((column) => column.map((value, i) => value - bias[i]!));
  return (x) => bias.map((value, i) => value + x[0]! * columns[0]![i]! + x[1]! * columns[1]![i]!);
}

export const linearCollapse: Experiment = {
  name: "linear-collapse",
  claim:
    "Linear layers without an activation between them are one matrix, and cannot tell two spirals apart; with ReLU between them they can.",
  method:
    "Three linear layers (2-32-32-2) are trained on two spirals with and without ReLU. The stack without is multiplied out to one matrix, whose outputs are compared.",
  async run(seed) {
    const samples = drawSamples("spirals", { samples: 300, noise: 0.05, outliers: 0, seed, points: [] });
    const data = asDataset(samples);
    const shared = { data, loss: crossEntropy, epochs: 120, seed };
    const stack = network([2, 32, 32, 2], undefined, seed);
    const linear = await train({ ...shared, model: stack, optimizer: adamw({ learningRate: 0.01 }) });
    const bent = network([2, 32, 32, 2], () => new ReLU(), seed);
    const relu = await train({ ...shared, model: bent, optimizer: adamw({ learningRate: 0.01 }) });
    const one = collapsed([...stack] as Linear[]);
    const outputs = outputsOf(stack, samples);
    const difference = Math.max(
      ...Array.from(samples.targets, (_, i) =>
        Math.max(
          ...one([samples.inputs[2 * i]!, samples.inputs[2 * i + 1]!]).map((value, k) => Math.abs(value - outputs[2 * i + k]!)),
        ),
      ),
    );
    const accuracies = [accuracyOf(stack, samples), accuracyOf(bent, samples)] as const;
    return {
      figures: [
        { name: "accuracy without an activation", value: accuracies[0] },
        { name: "accuracy with ReLU", value: accuracies[1] },
        { name: "largest difference from one matrix", value: difference },
      ],
      holds: accuracies[0] < 0.75 && accuracies[1] > 0.95 && difference < 1e-4,
      plot: {
        axis: "epoch",
        x: linear.map((_, i) => i + 1),
        lines: [
          { name: "linear", values: linear },
          { name: "ReLU", values: relu },
        ],
      },
    };
  },
};
