/** The law of metrics: one of which a prediction is NaN is NaN, or is refused; it is never a number. In whatever parts the set comes. */
import { crossEntropy, ErmineError } from "@ermine/core";
import { metrics } from "@ermine/trainer/catalog";
import type { HostBatch, Metric } from "@ermine/trainer";
import type { Law } from "./law.js";

export interface MetricSample {
  readonly prediction: HostBatch;
  readonly target: HostBatch;
}

/** Samples in each. */
export const n = 7;
const spread = (i: number): number => ((i * 37 + 11) % 19) / 20 + 0.01;

/** Rows that add up to 1. */
function distributions(classes: number): Float32Array {
  const data = Float32Array.from({ length: n * classes }, (_, i) => spread(i));
  for (let row = 0; row < n; row++) {
    const distribution = data.subarray(row * classes, (row + 1) * classes);
    const total = distribution.reduce((a, b) => a + b, 0);
    distribution.forEach((value, k) => (distribution[k] = value / total));
  }
  return data;
}

const batch = (data: HostBatch["data"], ...shape: number[]): HostBatch => ({ data, shape, domain: "probabilities" });

/** Inputs of metrics: each is tried on those for which it gives a value. */
export const metricSamples: Readonly<Record<string, MetricSample>> = {
  classes: {
    prediction: batch(distributions(4), n, 4),
    target: batch(
      Int32Array.from({ length: n }, (_, i) => (i * 3) % 4),
      n,
    ),
  },
  "classes at positions": {
    prediction: batch(
      Float32Array.from({ length: n * 6 }, (_, i) => spread(i)),
      n,
      3,
      2,
    ),
    target: batch(
      Int32Array.from({ length: n * 2 }, (_, i) => i % 3),
      n,
      2,
    ),
  },
  "one probability": {
    prediction: batch(
      Float32Array.from({ length: n }, (_, i) => spread(i)),
      n,
    ),
    target: batch(
      Float32Array.from({ length: n }, (_, i) => i & 1),
      n,
    ),
  },
  labels: {
    prediction: batch(
      Float32Array.from({ length: n * 3 }, (_, i) => spread(i)),
      n,
      3,
    ),
    target: batch(
      Float32Array.from({ length: n * 3 }, (_, i) => Number(i % 5 > 1)),
      n,
      3,
    ),
  },
  "shares of classes": { prediction: batch(distributions(3), n, 3), target: batch(distributions(3).reverse(), n, 3) },
};

export const metricOptions: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { average: "micro" },
  { average: "weighted" },
  { average: "binary" },
  { k: 2 },
  { bins: 3 },
];

/** undefined: it has no such option. */
export function metricWith(name: string, given: Readonly<Record<string, unknown>>): Metric | undefined {
  try {
    return metrics[name]!(given);
  } catch (error) {
    if (error instanceof ErmineError && error.code === "ERMINE_OPTION") return undefined;
    throw error;
  }
}

/** The samples from one to before another. */
function metricRows({ data, shape, domain }: HostBatch, from: number, to: number): HostBatch {
  const width = data.length / shape[0]!;
  return { data: data.slice(from * width, to * width), shape: [to - from, ...shape.slice(1)], domain: domain! };
}

/**
 * A metric's value of a sample that comes in parts; undefined: it refuses.
 *
 * @param ends where the parts end
 * @param weights one for each row. Default: none
 */
export function metricValue(
  metric: Metric,
  { prediction, target }: MetricSample,
  ends: readonly number[],
  weights?: Float64Array,
): number | undefined {
  try {
    const states = ends.map((end, i) => {
      const from = i === 0 ? 0 : ends[i - 1]!;
      const part = [metricRows(prediction, from, end), metricRows(target, from, end)] as const;
      return metric.update(metric.init(), ...part, weights?.slice(from, end));
    });
    return metric.compute(states.reduce((a, b) => metric.merge(a, b)));
  } catch (error) {
    if (error instanceof ErmineError) return undefined;
    throw error;
  }
}

function check(name: string): void {
  let tried = 0;
  for (const given of metricOptions) {
    const metric = metricWith(name, given);
    if (metric === undefined) continue;
    for (const [kind, sample] of Object.entries(metricSamples)) {
      const clean = metricValue(metric, sample, [n]);
      if (clean === undefined || !Number.isFinite(clean)) continue;
      for (let place = 0; place < sample.prediction.data.length; place++) {
        const data = sample.prediction.data.slice();
        data[place] = NaN;
        for (const ends of [[n], [3, n]]) {
          tried++;
          const value = metricValue(metric, { ...sample, prediction: { ...sample.prediction, data } }, ends);
          if (value === undefined || Number.isNaN(value)) continue;
          throw new Error(
            `${kind}, ${JSON.stringify(given)}: number ${place} is NaN, and the metric is ${value}${ends.length > 1 ? " of two parts" : ""}`,
          );
        }
      }
    }
  }
  if (tried === 0) throw new Error(`no sample of the law's is one of which ${name} makes a number`);
}

/** A law about ermine's own metrics, which run on the host: tried where its losses are. */
export const lawOfMetrics = (name: string, checkMetric: (metric: string) => void): Law => ({
  name,
  trials: ({ losses }) =>
    losses.some((loss) => loss.lossName === crossEntropy.lossName)
      ? Object.keys(metrics).map((metric) => ({ name: metric, check: async () => checkMetric(metric) }))
      : [],
});

export const metricsKeepNaN: Law = lawOfMetrics("a metric of NaN is NaN", check);
