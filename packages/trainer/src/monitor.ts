/** Helpers of callbacks and schedules that monitor a log: direction of improvement, and the message for a log that is NaN. */
import { show } from "@ermine/core/define";
import { ErmineError } from "@ermine/core";

/** Values by name: "loss", "valLoss", metrics as "valAccuracy". */
export type Logs = { readonly [name: string]: number };

/** Direction of improvement of a log. */
export type Better = "higher" | "lower";

/** The direction of each log, by name; a log of a metric that states none is undefined. */
export type Directions = Readonly<Record<string, Better | undefined>>;

/** A direction as options state it, in PyTorch's and Keras' words. */
export type Mode = "min" | "max";

const isMode = (mode: unknown): mode is Mode | undefined => mode === undefined || mode === "min" || mode === "max";

/** @throws ErmineError ERMINE_OPTION where `mode` is neither "min" nor "max" */
export function checkMode(where: string, mode: unknown): void {
  if (isMode(mode)) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: mode is one of min, max; got ${show(mode)}.`);
}

/**
 * 1 where higher values of the log are better, −1 where lower ones are: what the option says, else what the metric says.
 *
 * @throws ErmineError ERMINE_OPTION where neither does
 */
export function signOf(where: string, monitor: string, mode: Mode | undefined, better: Better | undefined): 1 | -1 {
  if (mode !== undefined) return mode === "max" ? 1 : -1;
  if (better === "higher") return 1;
  if (better === "lower") return -1;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where} follows "${monitor}", and nothing says which way it gets better. State it: mode: "max" (or "min"), or better: "higher" (or "lower") in the metric.`,
  );
}

/** "valAuc was NaN in 2 of these 5 epochs": for the reason of a stop. */
export const nanReason = (monitor: string, missing: number, epochs: number): string =>
  `${monitor} was NaN in ${missing === epochs ? (epochs === 1 ? "that epoch" : `all of these ${epochs} epochs`) : `${missing} of these ${epochs} epochs`}, ` +
  "so there was nothing to compare: a metric is NaN where it is not defined for the validation data (an AUC needs both classes), " +
  "or where the model's outputs are NaN";
