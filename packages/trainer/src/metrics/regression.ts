/** How far numbers are off. */
import { ErmineError } from "@ermine/core";
import { defineMetric, type HostBatch, type Metric } from "./metric.js";

/** @throws ErmineError ERMINE_SHAPE unless the shapes are equal */
function checkShapes(name: string, prediction: HostBatch, target: HostBatch): void {
  if (prediction.shape.length === target.shape.length && prediction.shape.every((size, i) => size === target.shape[i])) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name}: the prediction is [${prediction.shape.join(", ")}] and the target [${target.shape.join(", ")}]; they must be equal.`,
  );
}

function meanOf<const Name extends string>(name: Name, cost: (residual: number) => number): Metric<Name, readonly number[]> {
  return defineMetric({
    name,
    better: "lower",
    sums: 2,
    count(prediction, target) {
      checkShapes(name, prediction, target);
      let total = 0;
      for (let i = 0; i < target.data.length; i++) total += cost(prediction.data[i]! - target.data[i]!);
      return [total, target.data.length];
    },
    compute: ([total, seen]) => total! / seen!,
  });
}

/** Σ (ŷ − y)² / n. Streams: two sums. */
export const meanSquaredError = (): Metric<"meanSquaredError", readonly number[]> => meanOf("meanSquaredError", (r) => r * r);

/** Σ |ŷ − y| / n. Streams: two sums. */
export const meanAbsoluteError = (): Metric<"meanAbsoluteError", readonly number[]> => meanOf("meanAbsoluteError", Math.abs);

interface Spread {
  readonly residual: number;
  readonly count: number;
  readonly mean: number;
  /** Σ (y − mean)². */
  readonly squares: number;
}

/** Mean and squares of two parts as one, without cancellation (Chan et al. 1979). */
function join(a: Spread, b: Spread): Spread {
  const count = a.count + b.count;
  if (count === 0) return a;
  const apart = b.mean - a.mean;
  return {
    residual: a.residual + b.residual,
    count,
    mean: a.mean + (apart * b.count) / count,
    squares: a.squares + b.squares + (apart * apart * a.count * b.count) / count,
  };
}

/** 1 − Σ (ŷ − y)² / Σ (y − ȳ)²: 1 is perfect, 0 as good as the mean. Streams: four numbers. */
export const r2 = (): Metric<"r2", Spread> => ({
  name: "r2",
  better: "higher",
  init: () => ({ residual: 0, count: 0, mean: 0, squares: 0 }),
  update(state, prediction, target) {
    checkShapes("r2", prediction, target);
    const numbers = Array.from(target.data);
    const mean = numbers.reduce((a, b) => a + b, 0) / Math.max(1, numbers.length);
    const residual = numbers.reduce((total, y, i) => total + (prediction.data[i]! - y) ** 2, 0);
    const squares = numbers.reduce((total, y) => total + (y - mean) ** 2, 0);
    return join(state, { residual, count: numbers.length, mean, squares });
  },
  merge: join,
  compute: ({ residual, squares }) => (squares === 0 ? (residual === 0 ? 1 : 0) : 1 - residual / squares),
});
