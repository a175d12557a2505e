/** The logs of a training: their names, which way each gets better, and who follows them. */
import { ErmineError } from "@ermine/core";
import type { Metric } from "./metrics/metric.js";
import type { Better, Directions } from "./monitor.js";
import type { Optimizer } from "./optimizers/optimizer.js";
import type { OptimizerSetup, ParameterGroup } from "./optimizers/groups.js";
import { isSum, partsOf, type AnyLoss } from "./risk/objective.js";
import type { Schedule } from "./schedules/schedule.js";

/** @throws ErmineError ERMINE_OPTION where two logs would have one name */
export function checkLogNames(where: string, loss: AnyLoss, metrics: readonly Metric[]): void {
  const names = [...(isSum(loss) ? loss.parts.map(({ name }) => name) : []), ...metrics.map(({ name }) => name)];
  const twice = names.find((name, i) => names.indexOf(name) !== i || name === "loss");
  if (twice === undefined) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: "${twice}" would name two logs. Metrics and parts of the loss have names of their own.`,
  );
}

const groupsOf = (setup: OptimizerSetup): readonly Pick<ParameterGroup, "optimizer">[] =>
  Array.isArray(setup) ? (setup as readonly ParameterGroup[]) : [{ optimizer: setup as Optimizer }];

/** The schedules that follow a log. */
export const followers = (setup: OptimizerSetup): (Schedule & { readonly monitor: string })[] =>
  groupsOf(setup)
    .flatMap(({ optimizer }) => optimizer.rates)
    .filter((rate) => typeof rate === "object" && rate.monitor !== undefined) as (Schedule & { readonly monitor: string })[];

/** "valAccuracy" for "accuracy". */
export const validationName = (name: string): string => `val${name[0]!.toUpperCase()}${name.slice(1)}`;

/** Which way each log of a training gets better. Of a part that is maximized, by a negative weight, higher is. */
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
