/** The schedule that follows a metric: lower when it has stopped to improve. */
import { checkOptions } from "@ermine/core";
import { checkMode, signOf, type Better, type Mode } from "../monitor.js";
import { requireCount, requireNumber, requireOneOf, type Schedule } from "./schedule.js";

export interface ReduceOnPlateauOptions {
  /** The epoch's log that it watches. Default "valLoss". */
  readonly monitor?: string;
  /** Which way is better. Default: what the metric says (`Metric.better`); "min" for the loss and its parts. */
  readonly mode?: Mode;
  /** Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that it puts up with. Default 10. */
  readonly patience?: number;
  /** What counts as an improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Of the best value ("rel", the default) or as it stands. */
  readonly thresholdMode?: "rel" | "abs";
  /** Epochs after a reduction in which nothing is counted. Default 0. */
  readonly cooldown?: number;
  readonly minLearningRate?: number;
  /** Smaller changes are not made. Default 1e-8. */
  readonly epsilon?: number;
}

/** Logs whose direction needs no metric: what a loop of one's own tells of them is a loss. */
const losses: readonly string[] = ["loss", "valLoss"];

/**
 * lr · factor once more than `patience` epochs have brought no improvement; NaN is none. PyTorch's ReduceLROnPlateau.
 *
 * `observe(value, better)` is told which way is better where `mode` does not say.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit; from `fit`, before the first step, where
 * neither `mode` nor the metric says which way is better
 */
export function reduceOnPlateau(
  learningRate: number,
  options: ReduceOnPlateauOptions = {},
): Schedule & Required<Pick<Schedule, "observe" | "state" | "restore">> {
  checkOptions("reduceOnPlateau", options, [
    "monitor",
    "mode",
    "factor",
    "patience",
    "threshold",
    "thresholdMode",
    "cooldown",
    "minLearningRate",
    "epsilon",
  ]);
  const { monitor = "valLoss", mode, factor = 0.1, patience = 10, threshold = 1e-4 } = options;
  const { thresholdMode = "rel", cooldown = 0, minLearningRate = 0, epsilon = 1e-8 } = options;
  requireNumber("reduceOnPlateau", "learningRate", learningRate, 0);
  checkMode("reduceOnPlateau", mode);
  requireOneOf("reduceOnPlateau", "thresholdMode", thresholdMode, ["rel", "abs"]);
  requireNumber("reduceOnPlateau", "factor", factor, 0, 1);
  requireCount("reduceOnPlateau", "patience", patience, 0);
  requireCount("reduceOnPlateau", "cooldown", cooldown, 0);
  requireNumber("reduceOnPlateau", "threshold", threshold);
  requireNumber("reduceOnPlateau", "minLearningRate", minLearningRate, 0);
  requireNumber("reduceOnPlateau", "epsilon", epsilon, 0);
  const signFor = (better: Better | undefined): 1 | -1 =>
    signOf("reduceOnPlateau", monitor, mode, better ?? (losses.includes(monitor) ? "lower" : undefined));
  // NaN: there is no best value yet.
  let now = { rate: learningRate, best: NaN, bad: 0, cooling: 0 };

  const improves = (value: number, sign: 1 | -1): boolean => {
    if (!Number.isFinite(now.best)) return sign * value > (Number.isNaN(now.best) ? -Infinity : sign * now.best);
    const limit = thresholdMode === "rel" ? now.best * (1 + sign * threshold) : now.best + sign * threshold;
    return sign * (value - limit) > 0;
  };
  return {
    name: "reduceOnPlateau",
    per: "epoch",
    monitor,
    at: () => now.rate,
    checkDirection: (better) => void signFor(better),
    observe(value, better) {
      const sign = signFor(better);
      let { rate, best, bad, cooling } = now;
      if (improves(value, sign)) [best, bad] = [value, 0];
      else bad++;
      if (cooling > 0) [cooling, bad] = [cooling - 1, 0];
      if (bad > patience) {
        const next = Math.max(rate * factor, minLearningRate);
        if (rate - next > epsilon) rate = next;
        [cooling, bad] = [cooldown, 0];
      }
      now = { rate, best, bad, cooling };
    },
    state: () => ({ ...now }),
    restore(state) {
      now = { ...now, ...state };
    },
  };
}
