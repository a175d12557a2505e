/** Optimizers, schedules and metrics by name: for configuration files, command lines and conformance. */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, nearestName, show } from "@ermine/core/define";
import * as metricModule from "./metrics/index.js";
import type { Metric } from "./metrics/index.js";
import * as optimizerModule from "./optimizers/index.js";
import type { Optimizer } from "./optimizers/index.js";
import * as scheduleModule from "./schedules/index.js";
import type { Schedule } from "./schedules/index.js";

type Options = Readonly<Record<string, unknown>>;

const {
  sgd,
  rmsprop,
  adam,
  adamw,
  adagrad,
  adadelta,
  adamax,
  nadam,
  radam,
  asgd,
  rprop,
  lion,
  lamb,
  adafactor,
  muon,
  sparseAdam,
} = optimizerModule;

/** Every optimizer, by name. */
export const optimizers: Readonly<Record<string, (options?: Options) => Optimizer>> = {
  sgd,
  rmsprop,
  adam,
  adamw,
  adagrad,
  adadelta,
  adamax,
  nadam,
  radam,
  asgd,
  rprop,
  lion,
  lamb,
  adafactor,
  muon,
  sparseAdam,
};

const {
  step,
  multiStep,
  exponential,
  linear,
  constant,
  polynomial,
  cosine,
  cosineWarmRestarts,
  oneCycle,
  cyclic,
  warmupCosine,
  reduceOnPlateau,
} = scheduleModule;

/** Every schedule, by name: from the base learning rate and its options. */
export const schedules = {
  step,
  multiStep,
  exponential,
  linear,
  constant,
  polynomial,
  cosine,
  cosineWarmRestarts,
  // In a table of one signature, what these two start from is an option.
  oneCycle: (learningRate: number, { maxLearningRate = learningRate, ...rest }: Options) =>
    oneCycle(maxLearningRate as number, rest as never),
  cyclic: (learningRate: number, { baseLearningRate = learningRate, ...rest }: Options) =>
    cyclic(baseLearningRate as number, rest as never),
  warmupCosine,
  reduceOnPlateau,
} as unknown as Readonly<Record<string, (learningRate: number, options: Options) => Schedule>>;

/** Every metric of a single number, by name. */
export const metrics = {
  accuracy: metricModule.accuracy,
  topKAccuracy: metricModule.topKAccuracy,
  logLoss: metricModule.logLoss,
  precision: metricModule.precision,
  recall: metricModule.recall,
  f1: metricModule.f1,
  rocAuc: metricModule.rocAuc,
  averagePrecision: metricModule.averagePrecision,
  meanSquaredError: metricModule.meanSquaredError,
  meanAbsoluteError: metricModule.meanAbsoluteError,
  r2: metricModule.r2,
  calibrationError: metricModule.calibrationError,
} as unknown as Readonly<Record<string, (options?: Options) => Metric>>;

/** The entry of that name. @throws ErmineError ERMINE_OPTION with the nearest name */
export function find<T>(kind: string, table: Readonly<Record<string, T>>, name: string): T {
  if (arguments.length > 3) checkArguments("find", arguments, 3);
  checkArgument("find(kind, table, name)", "kind", kind, "string");
  checkArgument("find(kind, table, name)", "table", table, "object");
  const entry = typeof name === "string" && Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry !== undefined) return entry;
  const near = nearestName(name, Object.keys(table));
  throw new ErmineError(
    "ERMINE_OPTION",
    `There is no ${kind} ${show(name)}. ${near === undefined ? `There are: ${Object.keys(table).join(", ")}.` : `Did you mean "${near}"?`}`,
  );
}
