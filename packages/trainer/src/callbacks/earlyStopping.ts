/** Stops when a log no longer gets better, and puts the best weights back. */
import { checkOptions, ErmineError } from "@ermine/core";
import type { StateDict } from "@ermine/core/nn";
import type { Callback } from "./callback.js";

export interface EarlyStoppingOptions<Name extends string> {
  /** A log of the trainer's: "loss", "valLoss", "valAccuracy". */
  readonly monitor: Name;
  /** Epochs without a gain before it stops. Default 5. */
  readonly patience?: number;
  /** What counts as a gain. Default 0. */
  readonly minDelta?: number;
  /** "min" or "max"; default: "max" for a log whose name ends in Accuracy, F1, Auc, Precision, Recall or R2, else "min". */
  readonly mode?: "min" | "max";
  /** Put the best epoch's weights back at the end. Default true. */
  readonly restoreBest?: boolean;
}

const grows = /(accuracy|precision|recall|f1|auc|r2)$/i;

/**
 * Ends training when `monitor` has not improved by minDelta (0) for `patience` (5) epochs, and puts the best epoch's weights back.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit
 */
export function earlyStopping<const Name extends string>(options: EarlyStoppingOptions<Name>): Callback<Name> {
  checkOptions("earlyStopping", options, ["monitor", "patience", "minDelta", "mode", "restoreBest"]);
  const { monitor, patience = 5, minDelta = 0, restoreBest = true } = options;
  const sign = (options.mode ?? (grows.test(monitor) ? "max" : "min")) === "max" ? 1 : -1;
  if (!Number.isInteger(patience) || patience < 0) {
    throw new ErmineError("ERMINE_OPTION", `earlyStopping: patience is a whole number of epochs ≥ 0, got ${String(patience)}.`);
  }
  let best = -Infinity;
  let waited = 0;
  let weights: StateDict | undefined;
  return {
    name: "earlyStopping",
    monitor,
    onTrainBegin() {
      [best, waited, weights] = [-Infinity, 0, undefined];
    },
    async onEpochEnd({ epoch, logs }, control) {
      const value = sign * logs[monitor]!;
      if (value > best + minDelta) {
        [best, waited] = [value, 0];
        if (restoreBest) weights = await control.model.stateDict();
        return;
      }
      waited++;
      if (waited >= patience)
        control.stop(`${monitor} has not improved for ${waited} epochs (epoch ${epoch + 1}, best ${sign * best})`);
    },
    onTrainEnd(control) {
      if (weights !== undefined) control.model.loadStateDict(weights);
    },
  };
}
