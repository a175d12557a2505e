/** Metrics: the whole set at once, and in uneven parts that are merged. */
import { confusionMatrix, type HostBatch, type Metric } from "@ermine/trainer";
import { metrics } from "@ermine/trainer/catalog";
import type { Comparison } from "../comparison.js";
import { Skip, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { numbersOf, optionsOf, type GoldenCase, type GoldenTensor } from "../schema.js";

export interface MetricCase extends GoldenCase {
  readonly name: string;
  readonly prediction: GoldenTensor;
  readonly target: GoldenTensor;
  readonly expected: number | string | GoldenTensor;
}

const hostBatch = (golden: GoldenTensor): HostBatch => ({
  shape: golden.shape,
  data: golden.dtype === "int32" ? Int32Array.from(numbersOf(golden)) : Float32Array.from(numbersOf(golden)),
});

function rows({ data, shape }: HostBatch, from: number, to: number): HostBatch {
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  return { data: data.slice(from * width, to * width), shape: [to - from, ...shape.slice(1)] };
}

export const metricKind: GoldenKind<MetricCase> = {
  name: "metrics",
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  usesBackend: false,
  async run({ name, options, ...golden }) {
    const [prediction, target] = [hostBatch(golden.prediction), hostBatch(golden.target)];
    const expected = typeof golden.expected === "object" ? golden.expected : [Number(golden.expected)];
    const compare = (what: string, got: unknown): Comparison => ({
      what,
      got: typeof got === "number" ? [got] : (got as ArrayLike<number>),
      expected,
    });
    if (name === "confusionMatrix") {
      return [compare("counts", confusionMatrix(prediction, target, options!["numClasses"] as number))];
    }
    const make = metrics[name];
    if (make === undefined) throw new Skip(`there is no metric "${name}"`);
    const metric: Metric = skipUnknownOptions(() => make(optionsOf(options)));
    const whole = metric.update(metric.init(), prediction, target);
    const count = target.shape[0]!;
    const cut = Math.ceil(count / 3);
    const part = (from: number, to: number): unknown =>
      metric.update(metric.init(), rows(prediction, from, to), rows(target, from, to));
    const merged = metric.merge(part(0, cut), part(cut, count));
    return [compare("value", metric.compute(whole)), compare("value of merged parts", metric.compute(merged))];
  },
};
