/** Numbers for laws: the same for the same seed, away from 0, where many derivatives jump. */
import { tensor, type Domain, type Tensor, type TypedArray } from "@ermine/core";
import { type Draw, withDomain } from "@ermine/core/define";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** @internal Mulberry32: uniform in (0, 1). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/** Numbers of every kind, the same for the same seed. */
export function draw(seed: number): Draw {
  const next = uniform(seed);
  // Rounded as every backend stores them: all start from the same numbers.
  const filled = (shape: readonly number[], one: () => number): Float32Array =>
    Float32Array.from({ length: product(shape) }, () => one());
  const tagged = <D extends Domain>(data: TypedArray, shape: readonly number[], domain: D): Tensor<D> =>
    withDomain(tensor(data, { shape, dtype: data instanceof Int32Array ? "int32" : "float32" }), domain);
  const sign = (): number => (next() < 0.5 ? -1 : 1);
  return {
    real: (shape) =>
      tagged(
        filled(shape, () => sign() * (0.05 + 2.95 * next())),
        shape,
        "real",
      ),
    positive: (shape) =>
      tagged(
        filled(shape, () => 0.1 + 2.9 * next()),
        shape,
        "real",
      ),
    probabilities: (shape) =>
      tagged(
        filled(shape, () => 0.02 + 0.96 * next()),
        shape,
        "probabilities",
      ),
    logProbabilities(shape) {
      const data = filled(shape, () => 4 * next());
      const classes = shape[shape.length - 1] ?? 1;
      for (let row = 0; row < data.length; row += classes) {
        const total = Math.log(data.subarray(row, row + classes).reduce((sum, z) => sum + Math.exp(z), 0));
        for (let k = row; k < row + classes; k++) data[k]! -= total;
      }
      return tagged(data, shape, "logProbabilities");
    },
    labels: (shape) =>
      tagged(
        filled(shape, () => Number(next() < 0.5)),
        shape,
        "real",
      ),
    signs: (shape) => tagged(filled(shape, sign), shape, "real"),
    integers: (shape, low, high) =>
      tagged(
        Int32Array.from({ length: product(shape) }, () => low + Math.floor((high - low + 1) * next())),
        shape,
        "real",
      ),
  };
}
