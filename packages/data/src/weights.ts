/** Indices drawn with replacement, each as often as its weight says. */
import { ErmineError, hashKey, randomUniform24 } from "@ermine/core";
import { show } from "@ermine/core/define";
import type { Pass } from "./pass.js";

/** The sums of the weights up to each. @throws ErmineError ERMINE_VALUE for a weight that is none */
export function cumulativeWeights(weights: ArrayLike<number>, count: number): Float64Array {
  if (weights.length !== count)
    throw new ErmineError(
      "ERMINE_DATA",
      `weighted: there are ${count} items and ${show(weights.length)} weights. Give one for each item.`,
    );
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!;
    if (!(weight >= 0 && Number.isFinite(weight)))
      throw new ErmineError(
        "ERMINE_VALUE",
        `weighted: the weight of item ${i} is ${show(weight)}: weights are finite and at least 0.`,
      );
    sums[i] = sum += weight;
  }
  if (sum > 0) return sums;
  throw new ErmineError("ERMINE_VALUE", `weighted: all ${count} weights are 0: no item can be drawn.`);
}

/** So many draws for a pass. */
export function draws(sums: Float64Array, count: number, { epoch, seed = 0 }: Pass): Int32Array {
  const key = hashKey(seed, "weighted", epoch);
  const numbers = randomUniform24(2 * count, key, { step: 0, microBatch: 0, first: 0 });
  const total = sums.at(-1)!;
  // Two draws of 24 bits: one would not reach all of many items.
  return Int32Array.from({ length: count }, (_, i) =>
    firstAbove(sums, (numbers[2 * i]! + numbers[2 * i + 1]! * 2 ** -24) * total),
  );
}

/** The first index whose sum is above the value. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    // What rounds up to the total belongs to the last item that can be drawn.
    if (sums[middle]! > value || sums[middle] === sums.at(-1)) high = middle;
    else low = middle + 1;
  }
  return low;
}
