/** The law of distributions: what gives probabilities over an axis sums to 1 there, and does not see what is added to all. */
import { add, exp, scope, tensor, withBackend, type Activation, type Backend } from "@ermine/core";
import { draw } from "./draw.js";
import type { Law } from "./law.js";
import { property } from "./property.js";

async function distribution(backend: Backend, activation: Activation, rows: number, size: number, seed: number, shift: number) {
  const x = draw(seed).real([rows, size]);
  const y = withBackend(backend, () =>
    scope(() => {
      const distribution = activation(add(x, tensor(shift)), { axis: -1 });
      return activation.output === "logProbabilities" ? exp(distribution) : add(distribution, 0);
    }),
  );
  const data = await y.data();
  y.dispose();
  x.dispose();
  return data;
}

export const distributionsSumToOne: Law = {
  name: "probabilities sum to 1, and are shift invariant",
  trials: ({ activations }) =>
    activations
      .filter(({ output, defaults }) => output !== "real" && "axis" in defaults)
      .map((activation) => ({
        name: activation.activationName,
        check: (backend) =>
          property({ largest: 1000 }, async (size, seed) => {
            if (size === 0) return undefined;
            const rows = 3;
            const plain = await distribution(backend, activation, rows, size, seed, 0);
            const shifted = await distribution(backend, activation, rows, size, seed, 40);
            for (let row = 0; row < rows; row++) {
              const total = Array.from(plain.subarray(row * size, (row + 1) * size)).reduce((sum, p) => sum + p, 0);
              if (!(Math.abs(total - 1) < 1e-5)) return `row ${row} sums to ${total}`;
            }
            // x + 40 is rounded to 2⁻¹⁹.
            const worst = plain.findIndex((p, i) => !(Math.abs(p - shifted[i]!) < 1e-5));
            return worst < 0 ? undefined : `element ${worst} is ${plain[worst]}, and ${shifted[worst]} when 40 is added to all`;
          }),
      })),
};
