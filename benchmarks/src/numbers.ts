/** Random numbers for what is measured: the same on every machine, and in no library's debt. */
import { product, type ParameterSpec } from "./model.js";

/** Marsaglia's xorshift with 32 bits: numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Starting values of all parameters, one behind the other. */
export function startingValues(parameters: readonly ParameterSpec[], seed: number): Float32Array {
  const random = randomNumbers(seed);
  const values = new Float32Array(parameters.reduce((sum, { shape }) => sum + product(shape), 0));
  let at = 0;
  for (const { shape, start } of parameters) {
    const end = at + product(shape);
    for (; at < end; at++) values[at] = "value" in start ? start.value : start.bound * (2 * random() - 1);
  }
  return values;
}

export function uniform(length: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length }, () => 2 * random() - 1);
}

export function labels(length: number, classes: number, seed: number): Int32Array {
  const random = randomNumbers(seed);
  return Int32Array.from({ length }, () => Math.floor(random() * classes));
}
