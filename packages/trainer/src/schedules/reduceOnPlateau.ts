/** The schedule that follows a metric: lower when it has stopped to improve. */
import { checkOptions } from "@ermine/core";
import { requireNumber, requireOneOf, type Schedule } from "./schedule.js";

export interface ReduceOnPlateauOptions {
  /** The epoch's log that it watches. Default "valLoss". */
  readonly monitor?: string;
  readonly mode?: "min" | "max";
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

/** lr · factor once `patience` epochs have brought no improvement. PyTorch's ReduceLROnPlateau. */
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
  const { monitor = "valLoss", mode = "min", factor = 0.1, patience = 10, threshold = 1e-4 } = options;
  const { thresholdMode = "rel", cooldown = 0, minLearningRate = 0, epsilon = 1e-8 } = options;
  requireOneOf("reduceOnPlateau", "mode", mode, ["min", "max"]);
  requireOneOf("reduceOnPlateau", "thresholdMode", thresholdMode, ["rel", "abs"]);
  requireNumber("reduceOnPlateau", "factor", factor, 0, 1);
  const sign = mode === "min" ? -1 : 1;
  let now = { rate: learningRate, best: -sign * Infinity, bad: 0, cooling: 0 };

  const improves = (value: number): boolean => {
    if (!Number.isFinite(now.best)) return sign * (value - now.best) > 0;
    const limit = thresholdMode === "rel" ? now.best * (1 + sign * threshold) : now.best + sign * threshold;
    return sign * (value - limit) > 0;
  };
  return {
    name: "reduceOnPlateau",
    per: "epoch",
    monitor,
    at: () => now.rate,
    observe(value) {
      let { rate, best, bad, cooling } = now;
      if (improves(value)) [best, bad] = [value, 0];
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
