/** Regression metrics. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions } from "@ermine/core/define";
import { defineMetric, weightsOf, type HostBatch, type Metric, type NoOptions } from "./metric.js";

/** @throws ErmineError ERMINE_SHAPE unless the shapes are equal */
function checkShapes(name: string, prediction: HostBatch, target: HostBatch): void {
  if (prediction.shape.length === target.shape.length && prediction.shape.every((size, i) => size === target.shape[i])) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name}: the prediction is [${prediction.shape.join(", ")}] and the target [${target.shape.join(", ")}]; they must be equal.`,
  );
}

function meanOf<const Name extends string>(
  name: Name,
  options: NoOptions,
  cost: (residual: number) => number,
): Metric<Name, readonly number[]> {
  checkOptions(name, options, {});
  return defineMetric({
    name,
    better: "lower",
    weighted: true,
    sums: 2,
    count(prediction, target, weights) {
      checkShapes(name, prediction, target);
      const weightOf = weightsOf(name, target, target.data.length, weights);
      let [total, weightSum] = [0, 0];
      for (let i = 0; i < target.data.length; i++) {
        total += weightOf(i) * cost(prediction.data[i]! - target.data[i]!);
        weightSum += weightOf(i);
      }
      return [total, weightSum];
    },
    compute: ([total, weightSum]) => total! / weightSum!,
  });
}

/**
 * Σ w (ŷ − y)² / Σ w, w each sample's weight. Streams: two sums.
 *
 * @example
 * meanSquaredError().better; // => lower
 */
export function meanSquaredError(options: NoOptions = {}): Metric<"meanSquaredError", readonly number[]> {
  if (arguments.length > 1) checkArguments("meanSquaredError", arguments, 1);
  return meanOf("meanSquaredError", options, (r) => r * r);
}

/**
 * Σ w |ŷ − y| / Σ w, w each sample's weight. Streams: two sums.
 *
 * @example
 * meanAbsoluteError().better; // => lower
 */
export function meanAbsoluteError(options: NoOptions = {}): Metric<"meanAbsoluteError", readonly number[]> {
  if (arguments.length > 1) checkArguments("meanAbsoluteError", arguments, 1);
  return meanOf("meanAbsoluteError", options, Math.abs);
}

interface Spread {
  /** Σ w (ŷ − y)². */
  readonly residual: number;
  /** Σ w. */
  readonly count: number;
  /** Σ w y / Σ w. */
  readonly mean: number;
  /** Σ w (y − mean)². */
  readonly squares: number;
}

/** Mean and squares of two parts as one, without cancellation (Chan et al. 1979). */
function join(a: Spread, b: Spread): Spread {
  const count = a.count + b.count;
  // Elements of weight 0 may be NaN.
  if (count === 0) return { ...a, residual: a.residual + b.residual };
  const meanDifference = b.mean - a.mean;
  return {
    residual: a.residual + b.residual,
    count,
    mean: a.mean + (meanDifference * b.count) / count,
    squares: a.squares + b.squares + (meanDifference * meanDifference * a.count * b.count) / count,
  };
}

const empty: Spread = { residual: 0, count: 0, mean: 0, squares: 0 };

/** Of one output: numbers that stand `width` apart. */
function spreadOf(
  prediction: HostBatch,
  target: HostBatch,
  [first, width]: readonly [first: number, width: number],
  weightOf: (i: number) => number,
): Spread {
  let [residual, count, total] = [0, 0, 0];
  for (let i = first; i < target.data.length; i += width) {
    const weight = weightOf(i);
    count += weight;
    total += weight * target.data[i]!;
    residual += weight * (prediction.data[i]! - target.data[i]!) ** 2;
  }
  if (count === 0) return { ...empty, residual };
  const mean = total / count;
  let squares = 0;
  for (let i = first; i < target.data.length; i += width) squares += weightOf(i) * (target.data[i]! - mean) ** 2;
  return { residual, count, mean, squares };
}

/** Of one output; NaN where nothing counts. */
const explained = ({ residual, count, squares }: Spread): number =>
  count === 0 ? NaN : squares === 0 && !Number.isNaN(residual) ? (residual === 0 ? 1 : 0) : 1 - residual / squares;

/**
 * 1 − Σ w (ŷ − y)² / Σ w (y − ȳ)², w each sample's weight and ȳ the weighted mean: 1 is perfect, 0 as good as the mean. Of several outputs a sample, (N, d…), the mean over them, as scikit-learn's. Streams: four
 * numbers an output.
 *
 * @example
 * r2().better; // => higher
 */
export function r2(options: NoOptions = {}): Metric<"r2", readonly Spread[]> {
  if (arguments.length > 1) checkArguments("r2", arguments, 1);
  checkOptions("r2", options, {});
  const merge = (a: readonly Spread[], b: readonly Spread[]): readonly Spread[] =>
    Array.from({ length: Math.max(a.length, b.length) }, (_, k) => join(a[k] ?? empty, b[k] ?? empty));
  return {
    name: "r2",
    better: "higher",
    weighted: true,
    init: () => [],
    update(state, prediction, target, weights) {
      checkShapes("r2", prediction, target);
      const weightOf = weightsOf("r2", target, target.data.length, weights);
      const width = target.shape.slice(1).reduce((a, b) => a * b, 1);
      return merge(
        state,
        Array.from({ length: width }, (_, k) => spreadOf(prediction, target, [k, width], weightOf)),
      );
    },
    merge,
    compute: (outputs) => outputs.reduce((total, output) => total + explained(output), 0) / outputs.length,
  };
}
