/** What a metric is: a mergeable state over the whole set, exact for any batch size, read from what the loss's link gives. */
import { ErmineError, type Domain, type TypedArray } from "@ermine/core";
import { checkArgument, checkArguments, checkDefinition, isTypedArray, show } from "@ermine/core/define";

/** Numbers of a batch on the host. */
export interface HostBatch {
  /** The elements, row by row. */
  readonly data: TypedArray;
  /** The shape, the axis of the samples first. */
  readonly shape: readonly number[];
  /** What is known of the numbers; absent: nothing. */
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

/** What is reported of predictions and targets next to the loss. */
export interface Metric<Name extends string = string, S = unknown> {
  /** Its name in logs and in `monitor`. */
  readonly name: Name;
  /** Which way is better: what `earlyStopping` and `reduceOnPlateau` go by. */
  readonly better: "higher" | "lower";
  /** The state of no samples. */
  init(): S;
  /** Takes in a batch: the prediction behind the loss's link (probabilities for a classifier), and the target. */
  update(state: S, prediction: HostBatch, target: HostBatch): S;
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
    const given = (metric ?? {}) as Partial<Record<string, unknown>>;
    if (typeof given["name"] !== "string" || given["name"] === "") {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: each metric has a name, which its log has: { name, better, init, update, merge, compute }.`,
      );
    }
    const missing = methods.find((method) => typeof given[method] !== "function");
    if (missing !== undefined) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: the metric ${given["name"]} has no function ${missing}. defineMetric makes one of sums.`,
      );
    }
    const better = given["better"];
    if (better !== undefined && better !== "higher" && better !== "lower") {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: better of the metric ${given["name"]} is "higher" or "lower", got ${show(better)}.`,
      );
    }
  }
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

/** What a metric gives for a whole set. @throws ErmineError ERMINE_OPTION where that is no number */
export function computed(metric: Metric, state: unknown): number {
  const value: unknown = atOnce(metric, metric.compute(state));
  if (typeof value === "number") return value;
  throw new ErmineError(
    "ERMINE_OPTION",
    `The metric ${metric.name} gives ${typeof value === "object" && value !== null ? "an object" : `${String(value)} (${typeof value})`}: ` +
      "compute returns a number, NaN where there is none.",
  );
}

const parts = { name: "string", better: "string", sums: "integer", count: "function", compute: "function" } as const;

/**
 * A metric of sums: what most are.
 *
 * @example
 * const count = defineMetric({ name: "samples", better: "higher", sums: 1, count: (_, { shape }) => [shape[0] ?? 1], compute: ([n]) => n });
 * count.compute([3]); // => 3
 */
export function defineMetric<Name extends string>(
  metric: Omit<Metric<Name, readonly number[]>, "init" | "merge" | "update"> & {
    /** How many sums it keeps. */
    readonly sums: number;
    /** What the batch adds to each sum. */
    count(prediction: HostBatch, target: HostBatch): readonly number[];
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
    update: (state, prediction, target) => merge(state, count(prediction, target)),
    merge,
  };
}
