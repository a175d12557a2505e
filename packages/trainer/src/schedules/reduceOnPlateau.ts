/** The schedule that follows a metric: lower when it has stopped to improve. */
import { checkArguments, checkOptions } from "@ermine/core/define";
import { checkMode, signOf, type Better, type Mode } from "../monitor.js";
import { requireCount, requireNumber, requireOneOf, type Schedule } from "./schedule.js";

/** The options of `schedules.reduceOnPlateau`. */
export interface ReduceOnPlateauOptions {
  /** The epoch's log that it watches. Default "valLoss". */
  readonly monitor?: string;
  /** Direction of improvement. Default: the metric's (`Metric.better`); "min" for the loss and its parts. */
  readonly mode?: Mode;
  /** Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that it puts up with. Default 10. */
  readonly patience?: number;
  /** The least change that counts as an improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Of the best value ("rel", the default) or as it stands. */
  readonly thresholdMode?: "rel" | "abs";
  /** Epochs after a reduction in which nothing is counted. Default 0. */
  readonly cooldown?: number;
  /** The rate is not reduced below it. Default 0. */
  readonly minLearningRate?: number;
  /** Smaller changes are not made. Default 1e-8. */
  readonly eps?: number;
}

/** State of the schedule in one training. */
export interface PlateauState {
  readonly rate: number;
  /** The best value so far; NaN before the first. */
  readonly best: number;
  /** Epochs without improvement since the best, or since the last reduction. */
  readonly bad: number;
  /** Epochs of the cooldown that are left. */
  readonly cooling: number;
}

/** Logs whose direction needs no metric: what a loop of one's own tells of them is a loss. */
const losses: readonly string[] = ["loss", "valLoss"];

/**
 * lr · factor once more than `patience` epochs have brought no improvement; NaN is none. PyTorch's ReduceLROnPlateau.
 *
 * It keeps nothing itself: a trainer has a state of its own for it, also where trainers share it. `observe(state, value, better)` is told which way is
 * better where `mode` does not say.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit; from `fit`, before the first step, where
 * neither `mode` nor the metric says which way is better
 * @example
 * const rate = schedules.reduceOnPlateau(0.1, { patience: 0 });
 * let state = rate.init(); // in a loop of your own
 * for (const valLoss of [0.7, 0.6, 0.65]) state = rate.observe(state, valLoss, "lower"); // after each epoch
 * rate.at(3, state); // => 0.01
 */
export function reduceOnPlateau(
  learningRate: number,
  options: ReduceOnPlateauOptions = {},
): Schedule<PlateauState> & Required<Pick<Schedule<PlateauState>, "init" | "observe">> {
  if (arguments.length > 2) checkArguments("reduceOnPlateau", arguments, 2);
  checkOptions(
    "reduceOnPlateau",
    options,
    {
      monitor: "string",
      mode: "string",
      factor: "number",
      patience: "number",
      threshold: "number",
      thresholdMode: "string",
      cooldown: "number",
      minLearningRate: "number",
      eps: "number",
    },
    [learningRate],
  );
  const { monitor = "valLoss", mode, factor = 0.1, patience = 10, threshold = 1e-4 } = options;
  const { thresholdMode = "rel", cooldown = 0, minLearningRate = 0, eps = 1e-8 } = options;
  requireNumber("reduceOnPlateau", "learningRate", learningRate, 0);
  checkMode("reduceOnPlateau", mode);
  requireOneOf("reduceOnPlateau", "thresholdMode", thresholdMode, ["rel", "abs"]);
  requireNumber("reduceOnPlateau", "factor", factor, 0, 1);
  requireCount("reduceOnPlateau", "patience", patience, 0);
  requireCount("reduceOnPlateau", "cooldown", cooldown, 0);
  requireNumber("reduceOnPlateau", "threshold", threshold);
  requireNumber("reduceOnPlateau", "minLearningRate", minLearningRate, 0);
  requireNumber("reduceOnPlateau", "eps", eps, 0);
  const signFor = (better: Better | undefined): 1 | -1 =>
    signOf("reduceOnPlateau", monitor, mode, better ?? (losses.includes(monitor) ? "lower" : undefined));
  const init = (): PlateauState => ({ rate: learningRate, best: NaN, bad: 0, cooling: 0 });

  const improves = (best: number, value: number, sign: 1 | -1): boolean => {
    if (!Number.isFinite(best)) return sign * value > (Number.isNaN(best) ? -Infinity : sign * best);
    const limit = thresholdMode === "rel" ? best * (1 + sign * threshold) : best + sign * threshold;
    return sign * (value - limit) > 0;
  };
  return {
    name: "reduceOnPlateau",
    per: "epoch",
    monitor,
    init,
    at: (_, state = init()) => state.rate,
    checkDirection: (better) => void signFor(better),
    observe(state, value, better) {
      const sign = signFor(better);
      let { rate, best, bad, cooling } = state;
      if (improves(best, value, sign)) [best, bad] = [value, 0];
      else bad++;
      if (cooling > 0) [cooling, bad] = [cooling - 1, 0];
      if (bad > patience) {
        const next = Math.max(rate * factor, minLearningRate);
        if (rate - next > eps) rate = next;
        [cooling, bad] = [cooldown, 0];
      }
      return { rate, best, bad, cooling };
    },
  };
}
