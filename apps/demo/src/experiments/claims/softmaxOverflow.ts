import { div, exp, scope, softmax, sum, tensor } from "@ermine/core";
import type { Experiment } from "../experiment.js";

export const softmaxOverflow: Experiment = {
  name: "softmax-overflow",
  claim: "eˣ / Σ eˣ as it is written overflows at ±1000; softmax, which takes the maximum away first, does not.",
  method: "Both are computed in float32 for logits (s, 0, −s), s from 1 to 1000.",
  run() {
    return Promise.resolve(
      scope(() => {
        const sizes = [1, 10, 50, 80, 88, 89, 100, 300, 1000];
        const largest = (size: number, isNaive: boolean): number => {
          const logits = tensor([size, 0, -size]);
          const powers = exp(logits);
          return (isNaive ? div(powers, sum(powers)) : softmax(logits)).dataSync()[0]!;
        };
        const [naive, stable] = [sizes.map((size) => largest(size, true)), sizes.map((size) => largest(size, false))];
        return {
          figures: [
            { name: "naive at 1000", value: naive.at(-1)! },
            { name: "softmax at 1000", value: stable.at(-1)! },
            { name: "largest s that the naive one bears", value: Math.max(...sizes.filter((_, i) => Number.isFinite(naive[i]))) },
          ],
          holds: Number.isNaN(naive.at(-1)!) && stable.every((share) => share > 0.6 && share <= 1) && stable.at(-1) === 1,
          plot: {
            axis: "s",
            x: sizes,
            lines: [
              { name: "naive", values: naive },
              { name: "softmax", values: stable },
            ],
          },
        };
      }),
    );
  },
};
