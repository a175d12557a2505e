/** The logs of a training: their names, which way each gets better, and who follows them. */
import { ErmineError } from "@ermine/core";
import type { Metric } from "./metrics/metric.js";
import type { Better, Directions, Logs } from "./monitor.js";
import { learningRateOf, optimizersOf, type OptimizerSetup } from "./optimizers/groups.js";
import { partsOf, type AnyLoss } from "./risk/objective.js";
import type { Rate, Schedule } from "./schedules/schedule.js";

/** Logs of every training, and those of a training whose metrics and parts are not known to the compiler. */
type CommonLogs = {
  /** The mean risk of the epoch's batches, plus the mean penalty. */
  readonly loss: number;
  /**
   * The learning rate of the epoch's last update, of the first parameter group: the optimizer's option, before corrections of its own. Where another group
   * was given another rate, that of the group with index i is `learningRate<i>`. NaN where the optimizer has none (a chain without `scaleByLearningRate`).
   */
  readonly learningRate: number;
  /**
   * The mean over the epoch's updates of the norm of all gradients together, before `clipGradNorm` and after `clipGradValue`; there where the trainer has
   * `clipGradNorm` or `logGradNorm`.
   */
  readonly gradNorm?: number;
};

/** Logs by name, `Is`: are they there? */
type LogsNamed<Name extends string, Is extends boolean> = [Is] extends [true]
  ? { readonly [K in Name]: number }
  : [Is] extends [false]
    ? unknown
    : { readonly [K in Name]?: number };

/**
 * The logs of an epoch by their names. `M` are the names of the trainer's metrics, `T` those of the loss's parts; `V`: is there validation data; `A`: are
 * metrics logged over the training data too.
 */
export type EpochLogs<
  M extends string = string,
  T extends string = string,
  V extends boolean = boolean,
  A extends boolean = boolean,
> = string extends M | T
  ? CommonLogs & { readonly [name: string]: number | undefined }
  : CommonLogs & { readonly [group: `learningRate${number}`]: number } & LogsNamed<T, true> &
      LogsNamed<M, A> &
      LogsNamed<"valLoss" | `val${Capitalize<M | T>}`, V>;

/** The logs that a callback is told of: `Name` are those that the trainer may make. */
export type ToldLogs<Name extends string = never> = Logs &
  CommonLogs & { readonly [K in Exclude<Name, keyof CommonLogs>]?: number };

/**
 * @param loss the parts of a function of one's own are known when it was called
 * @param setup whose learning rates are logged; undefined: none are
 * @throws ErmineError ERMINE_OPTION where two logs would have one name
 */
export function checkLogNames(where: string, loss: AnyLoss, metrics: readonly Metric[], setup?: OptimizerSetup): void {
  const reserved = setup === undefined ? ["loss"] : ["loss", "gradNorm", ...loggedRates(setup).map(([name]) => name)];
  const names = [...partsOf(loss).flatMap(({ name }) => name ?? []), ...metrics.map(({ name }) => name)];
  const twice = names.find((name, i) => names.indexOf(name) !== i || reserved.includes(name));
  if (twice === undefined) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: "${twice}" would name two logs. Metrics and parts of the loss have names of their own.`,
  );
}

/** The learning rates that are logged, by name: the first group's, and that of each group which was given another one than all before it. */
export function loggedRates(setup: OptimizerSetup): readonly (readonly [name: string, rate: Rate | undefined])[] {
  const rates = optimizersOf(setup).map(learningRateOf);
  return rates.flatMap((rate, i) =>
    rates.indexOf(rate) < i ? [] : [[i === 0 ? "learningRate" : `learningRate${i}`, rate] as const],
  );
}

/** The schedules that follow a log. */
export const followers = (setup: OptimizerSetup): (Schedule & { readonly monitor: string })[] =>
  optimizersOf(setup)
    .flatMap(({ rates }) => rates)
    .filter((rate) => typeof rate === "object" && rate.monitor !== undefined) as (Schedule & { readonly monitor: string })[];

/** "valAccuracy" for "accuracy". */
export const validationName = (name: string): string => `val${name[0]!.toUpperCase()}${name.slice(1)}`;

/** Direction of improvement of each log of a training. Of a part that is maximized, by a negative weight, higher is. */
export function directionsOf(
  { loss, metrics = [] }: { readonly loss: AnyLoss; readonly metrics?: readonly Metric[] | undefined },
  { validated, trainMetrics }: { readonly validated: boolean; readonly trainMetrics: boolean },
): Directions {
  const ofLoss: [string, Better][] = [
    ["loss", "lower"],
    ...partsOf(loss).flatMap(({ name, weight }): [string, Better][] =>
      name === undefined ? [] : [[name, weight < 0 ? "higher" : "lower"]],
    ),
  ];
  const ofMetrics = metrics.map(({ name, better }): [string, Better] => [name, better]);
  return Object.fromEntries([
    ...ofLoss,
    ...(trainMetrics ? ofMetrics : []),
    ...(validated ? [...ofLoss, ...ofMetrics].map(([name, better]) => [validationName(name), better] as const) : []),
  ]);
}

/** @throws ErmineError ERMINE_OPTION where something follows a log that there is not */
export function checkMonitors(monitors: readonly { readonly name: string; readonly monitor?: string }[], logs: Directions): void {
  const names = Object.keys(logs);
  for (const { name, monitor } of monitors) {
    if (monitor === undefined || names.includes(monitor)) continue;
    const validated = names.includes("valLoss");
    throw new ErmineError(
      "ERMINE_OPTION",
      `${name} follows "${monitor}", and this training logs ${names.join(", ")}.${validated ? "" : " Give validation data for the others."}`,
    );
  }
}
