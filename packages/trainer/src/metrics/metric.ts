/** Interface of a metric: a mergeable state over the whole set, exact for any batch size, read from what the loss's link gives. */
import { ErmineError, type Domain, type TypedArray } from "@ermine/core";
import { checkArgument, checkArguments, checkDefinition, isTypedArray, show } from "@ermine/core/define";

/** Numbers of a batch on the host. */
export interface HostBatch {
  /** The elements, row by row. */
  readonly data: TypedArray;
  /** The shape, the axis of the samples first. */
  readonly shape: readonly number[];
  /** Domain of the elements; absent: unknown. */
  readonly domain?: Domain;
}

/**
 * For metrics that read probabilities.
 *
 * @throws ErmineError ERMINE_DOMAIN where the prediction is known to be something else
 */
export function requireProbabilities(metric: string, { domain }: HostBatch, remedy = ""): void {
  if (domain === undefined || domain === "probabilities") return;
  throw new ErmineError(
    "ERMINE_DOMAIN",
    `${metric} reads probabilities, and the loss says of the model's output only that it is ${domain === "real" ? "numbers" : domain}. ` +
      `Train on a loss of logits (crossEntropy, bceWithLogits), whose link makes them${remedy}.`,
  );
}

/** A metric of predictions and targets, reported next to the loss. */
export interface Metric<Name extends string = string, S = unknown> {
  /** Its name in logs and in `monitor`. */
  readonly name: Name;
  /** Direction of improvement, used by `earlyStopping` and `reduceOnPlateau`. */
  readonly better: "higher" | "lower";
  /**
   * Does `update` count each sample by its weight? A string says why it cannot. Where it is not true, data that have sample weights are refused before they
   * are read; `unweighted(metric)` counts all samples alike. Default false.
   */
  readonly weighted?: boolean | string;
  /** The state of no samples. */
  init(): S;
  /**
   * Takes in a batch.
   *
   * @param prediction the model's output after the loss's link: probabilities for a classifier
   * @param weights what each sample counts for, (N), where the data have `sampleWeights`: finite and not below 0
   */
  update(state: S, prediction: HostBatch, target: HostBatch, weights?: ArrayLike<number>): S;
  /** Two parts of a set as one. */
  merge(a: S, b: S): S;
  /** The value that a state stands for; NaN where nothing has counted. */
  compute(state: S): number;
}

/** Of a metric that has none: it takes an empty object, as all others do. */
export type NoOptions = Readonly<Record<never, never>>;

/** @throws ErmineError ERMINE_USAGE where an argument is neither a typed array nor a list of numbers */
export function checkNumbers(signature: string, name: string, values: ArrayLike<number>): void {
  if (isTypedArray(values)) return;
  checkArgument(signature, name, values, "list");
  for (let i = 0; i < values.length; i++) checkArgument(signature, `${name}[${i}]`, values[i], "number");
}

/** @throws ErmineError ERMINE_USAGE where an argument is no batch */
export function checkHostBatch(signature: string, name: string, batch: HostBatch): void {
  if (typeof batch === "object" && batch !== null && isTypedArray(batch.data) && Array.isArray(batch.shape)) return;
  throw wrongBatch(signature, name, batch);
}

const wrongBatch = (signature: string, name: string, batch: unknown): ErmineError =>
  new ErmineError("ERMINE_USAGE", `${signature}: ${name} is { data, shape } of a batch on the host, got ${show(batch)}.`);

const methods = ["init", "update", "merge", "compute"] as const;

/** @throws ErmineError ERMINE_OPTION where something in the list is no metric */
export function checkMetrics(where: string, metrics: readonly Metric[]): void {
  if (!Array.isArray(metrics)) {
    throw new ErmineError("ERMINE_OPTION", `${where}: metrics is a list: metrics: [accuracy()].`);
  }
  for (const metric of metrics as readonly unknown[]) {
    if (typeof metric === "function" || typeof metric === "string") {
      const name = typeof metric === "string" ? metric : metric.name;
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: the metric ${name} is a ${typeof metric}. Call the function: metrics: [${name === "" ? "accuracy" : name}()]${typeof metric === "string" ? `, with import { ${name} } from "@ermine/trainer"` : ""}.`,
      );
    }
    const fields = (metric ?? {}) as Partial<Record<string, unknown>>;
    if (typeof fields["name"] !== "string" || fields["name"] === "") {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: each metric has a name, which its log has: { name, better, init, update, merge, compute }.`,
      );
    }
    const missing = methods.find((method) => typeof fields[method] !== "function");
    if (missing !== undefined) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: the metric ${fields["name"]} has no function ${missing}. defineMetric makes one of sums.`,
      );
    }
    const weighted = fields["weighted"];
    if (weighted !== undefined && typeof weighted !== "boolean" && typeof weighted !== "string") {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: weighted of the metric ${fields["name"]} is true, or why it takes no sample weights, got ${show(weighted)}.`,
      );
    }
    const better = fields["better"];
    if (better !== undefined && better !== "higher" && better !== "lower") {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: better of the metric ${fields["name"]} is "higher" or "lower", got ${show(better)}.`,
      );
    }
  }
}

/**
 * Weight of each prediction: its sample's weight; 1 without weights.
 *
 * @param shape of the targets, the axis of the samples first
 * @param answers how many there are, those of a sample next to each other
 * @throws ErmineError ERMINE_SHAPE unless there is a weight for each sample, ERMINE_VALUE for one that is negative or not finite
 */
export function weightsOf(
  metric: string,
  { shape }: Pick<HostBatch, "shape">,
  answers: number,
  weights: ArrayLike<number> | undefined,
): (answer: number) => number {
  if (weights === undefined) return () => 1;
  const samples = shape[0] ?? 1;
  if (weights.length !== samples) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${metric}: there are ${samples} samples and ${weights.length} sample weights. Give one weight for each sample.`,
    );
  }
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! >= 0 && weights[i]! < Infinity) continue;
    throw new ErmineError("ERMINE_VALUE", `${metric}: sample weight ${i} is ${weights[i]}. Weights are finite and not below 0.`);
  }
  const answersOfSample = answers / samples;
  return (i) => weights[Math.floor(i / answersOfSample)]!;
}

/**
 * @param hasWeights do the data have sample weights?
 * @throws ErmineError ERMINE_OPTION where a metric cannot count samples by them
 */
export function checkWeighted(where: string, metrics: readonly Metric[], hasWeights: boolean): void {
  const metric = hasWeights ? metrics.find(({ weighted }) => weighted !== true) : undefined;
  if (metric === undefined) return;
  const { name, weighted } = metric;
  const remedy =
    typeof weighted === "string"
      ? `${weighted} To count all samples alike: unweighted(${name}).`
      : `One that counts samples by their weights states weighted: true and takes update(state, prediction, target, weights); to count all alike: unweighted(${name}).`;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: the data have sample weights, and the metric ${name} does not take them. ${remedy}`,
  );
}

/**
 * The metric with all samples counted alike, whatever weights the data have for the loss.
 *
 * @param metric a metric, in whose place and under whose name it is logged
 * @throws ErmineError ERMINE_OPTION where it is no metric
 * @example
 * const weighed = dataset({ inputs: [[1], [2]], targets: Int32Array.of(0, 1), sampleWeights: [1, 3] });
 * const model = new Linear(1, 2);
 * const options = { model, loss: crossEntropy, optimizer: adamw(), backend: await cpu() };
 * const { accuracy: share } = await new Trainer({ ...options, metrics: [unweighted(accuracy())] }).evaluate(weighed);
 * share * 2 === Math.round(share * 2); // => true
 */
export function unweighted<Name extends string, S>(metric: Metric<Name, S>): Metric<Name, S> {
  if (arguments.length > 1) checkArguments("unweighted", arguments, 1);
  checkMetrics("unweighted", [metric]);
  return {
    name: metric.name,
    better: metric.better,
    weighted: true,
    init: () => metric.init(),
    update: (state, prediction, target) => metric.update(state, prediction, target),
    merge: (a, b) => metric.merge(a, b),
    compute: (state) => metric.compute(state),
  };
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === "function";

/** A metric's state, or what it computes of one, as it was given. @throws ErmineError ERMINE_OPTION where it comes later */
export function atOnce<T>({ name }: Metric, value: T): T {
  if (!isPromise(value)) return value;
  // The refusal is this error; another one of the promise's would have nobody who waits for it.
  value.then(undefined, () => undefined);
  throw new ErmineError(
    "ERMINE_OPTION",
    `The metric ${name} is async: init, update and compute return their values at once. Read what they need before training.`,
  );
}

/** Value of a metric over a whole set. @throws ErmineError ERMINE_OPTION if it is not a number */
export function computed(metric: Metric, state: unknown): number {
  const value: unknown = atOnce(metric, metric.compute(state));
  if (typeof value === "number") return value;
  throw new ErmineError(
    "ERMINE_OPTION",
    `The metric ${metric.name} gives ${typeof value === "object" && value !== null ? "an object" : `${String(value)} (${typeof value})`}: ` +
      "compute returns a number, NaN where there is none.",
  );
}

const parts = {
  name: "string",
  better: "string",
  weighted: ["boolean", "string"],
  sums: "integer",
  count: "function",
  compute: "function",
} as const;

/**
 * A metric of sums: what most are.
 *
 * @example
 * const count = defineMetric({ name: "samples", better: "higher", sums: 1, count: (_, { shape }) => [shape[0] ?? 1], compute: ([n]) => n });
 * count.compute([3]); // => 3
 */
export function defineMetric<Name extends string>(
  metric: Omit<Metric<Name, readonly number[]>, "init" | "merge" | "update"> & {
    /** Number of sums in its state. */
    readonly sums: number;
    /** The batch's contribution to each sum; `weights` is passed if the data have sample weights and the metric is `weighted`. */
    count(prediction: HostBatch, target: HostBatch, weights?: ArrayLike<number>): readonly number[];
  },
): Metric<Name, readonly number[]> {
  if (arguments.length > 1) checkArguments("defineMetric", arguments, 1);
  checkDefinition<typeof metric>("defineMetric", metric, parts, ["name", "better", "sums", "count", "compute"]);
  if (metric.better !== "higher" && metric.better !== "lower")
    throw new ErmineError("ERMINE_OPTION", `defineMetric: better is "higher" or "lower", got ${show(metric.better)}.`);
  const { sums, count, ...rest } = metric;
  const merge = (a: readonly number[], b: readonly number[]): readonly number[] => a.map((value, i) => value + b[i]!);
  return {
    ...rest,
    init: () => Array.from({ length: sums }, () => 0),
    update: (state, prediction, target, weights) => merge(state, count(prediction, target, weights)),
    merge,
  };
}
