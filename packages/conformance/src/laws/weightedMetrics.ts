/** The law of weighted metrics: a weight is that many samples, in whatever parts the set comes; or the metric refuses weights with the reason. */
import type { HostBatch } from "@ermine/trainer";
import type { Law } from "./law.js";
import { lawOfMetrics, metricOptions, metricSamples, metricValue, metricWith, n } from "./metrics.js";

const weights = Float64Array.from({ length: n }, (_, i) => 1 + ((i * 5) % 3));

/** Each row as often as its weight says. */
function repeated(batch: HostBatch): HostBatch {
  const width = batch.data.length / n;
  const rows = Array.from(weights).flatMap((weight, i) => Array<number>(weight).fill(i));
  const data = batch.data.slice(0, 0).constructor as new (values: number[]) => HostBatch["data"];
  const values = rows.flatMap((row) => Array.from(batch.data.slice(row * width, (row + 1) * width)));
  return { ...batch, data: new data(values), shape: [rows.length, ...batch.shape.slice(1)] };
}

function check(name: string): void {
  let tried = 0;
  // Over pairs of classes as well.
  for (const given of [...metricOptions, { multiClass: "ovo" }]) {
    const metric = metricWith(name, given);
    if (metric === undefined) continue;
    for (const [kind, sample] of Object.entries(metricSamples)) {
      const many = { prediction: repeated(sample.prediction), target: repeated(sample.target) };
      const right = metricValue(metric, many, [many.target.shape[0]!]);
      if (right === undefined || Number.isNaN(right)) continue;
      const where = `${kind}, ${JSON.stringify(given)}`;
      tried++;
      if (metric.weighted !== true) {
        if (typeof metric.weighted !== "string") throw new Error(`${where}: it takes no weights, and does not say why`);
        if (
          sample.prediction.shape.length > sample.target.shape.length &&
          metricValue(metric, sample, [n], weights) !== undefined
        )
          throw new Error(`${where}: it takes no weights, and takes them all the same`);
        continue;
      }
      for (const ends of [[n], [3, n], [1, 2, 3, 4, 5, 6, n]]) {
        for (const scale of [1, 0.25, 8]) {
          const value = metricValue(
            metric,
            sample,
            ends,
            weights.map((weight) => weight * scale),
          );
          if (value !== undefined && Math.abs(value - right) < 1e-9 * Math.max(1, Math.abs(right))) continue;
          throw new Error(
            `${where}: by weights of ${scale} a sample, in ${ends.length} parts, it is ${value}, and of that many samples ${right}`,
          );
        }
      }
    }
  }
  if (tried === 0) throw new Error(`no sample of the law's is one of which ${name} makes a number`);
}

export const metricsAreWeighted: Law = lawOfMetrics("a weight is that many samples to a metric", check);
