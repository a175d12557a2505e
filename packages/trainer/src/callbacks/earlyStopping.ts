/** Stops when a log no longer gets better, and puts the best weights back. */
import { ErmineError, scope } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import type { StateDict } from "@ermine/core/nn";
import { checkMode, nanReason, signOf, type Mode } from "../monitor.js";
import { requireNumber } from "../schedules/schedule.js";
import type { SavedState } from "../step/contract.js";
import type { Callback, Control } from "./callback.js";

/** The options of `earlyStopping`. */
export interface EarlyStoppingOptions<Name extends string> {
  /** A log of the trainer's: "loss", "valLoss", "valAccuracy". */
  readonly monitor: Name;
  /** Epochs without a gain before it stops. Default 5. */
  readonly patience?: number;
  /** A change must be larger than this to count as an improvement. Default 0. */
  readonly minDelta?: number;
  /** Direction of improvement. Default: the metric's (`Metric.better`); "min" for the loss and its parts. */
  readonly mode?: Mode;
  /** Put the best epoch's weights back at the end. Default true. */
  readonly restoreBest?: boolean;
}

/** State in one `fit`: trainers may share the callback. */
interface Progress {
  sign: 1 | -1;
  best: number | undefined;
  waited: number;
  missing: number;
  weights: StateDict | undefined;
}

/** State that a snapshot stores. */
interface SavedProgress {
  readonly best: number | null;
  readonly waited: number;
  readonly missing: number;
  readonly weights: StateDict | null;
}

/**
 * Ends training when `monitor` has not improved by more than minDelta (0) for `patience` (5) epochs, and puts the best epoch's weights back.
 * NaN is no improvement; a stop after epochs of NaN says so in its reason.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit; from `fit`, before the first step, where
 * neither `mode` nor the metric says which way is better
 * @example
 * await trainer.fit(data, { epochs: 5, validationSplit: 0.25, callbacks: [earlyStopping({ monitor: "valLoss", patience: 2 })] });
 */
export function earlyStopping<const Name extends string>(options: EarlyStoppingOptions<Name>): Callback<Name> {
  if (arguments.length > 1) checkArguments("earlyStopping", arguments, 1);
  checkOptions("earlyStopping", options, {
    monitor: "string",
    patience: "number",
    minDelta: "number",
    mode: "string",
    restoreBest: "boolean",
  });
  if (typeof options?.monitor !== "string") {
    throw new ErmineError("ERMINE_OPTION", 'earlyStopping needs the log that it follows: earlyStopping({ monitor: "valLoss" }).');
  }
  const { monitor, patience = 5, minDelta = 0, mode, restoreBest = true } = options;
  checkMode("earlyStopping", mode);
  requireNumber("earlyStopping", "minDelta", minDelta, 0);
  if (!Number.isInteger(patience) || patience < 0) {
    throw new ErmineError("ERMINE_OPTION", `earlyStopping: patience is a whole number of epochs ≥ 0, got ${show(patience)}.`);
  }
  const fits = new WeakMap<Control, Progress>();
  return {
    name: "earlyStopping",
    monitor,
    state(control) {
      const { best = null, waited, missing, weights = null } = fits.get(control)!;
      return { best, waited, missing, weights } as unknown as SavedState;
    },
    restore(state, control) {
      const { best, waited, missing, weights } = state as unknown as SavedProgress;
      fits.set(control, { sign: 1, best: best ?? undefined, waited, missing, weights: weights ?? undefined });
    },
    onTrainBegin(control, { better }) {
      const sign = signOf("earlyStopping", monitor, mode, better[monitor]);
      const restored = fits.get(control);
      if (restored === undefined) fits.set(control, { sign, best: undefined, waited: 0, missing: 0, weights: undefined });
      else restored.sign = sign;
    },
    async onEpochEnd({ epoch, logs }, control) {
      const progress = fits.get(control)!;
      const { sign, best } = progress;
      const value = logs[monitor]!;
      if (sign * value > (best === undefined ? -Infinity : sign * best + minDelta)) {
        [progress.best, progress.waited, progress.missing] = [value, 0, 0];
        if (restoreBest) progress.weights = await control.model.stateDict();
        return;
      }
      progress.waited++;
      if (Number.isNaN(value)) progress.missing++;
      const { waited, missing } = progress;
      if (waited < patience) return;
      const since = best === undefined ? "" : `, best ${best}`;
      const why = missing === 0 ? "" : `; ${nanReason(monitor, missing, waited)}`;
      control.stop(`${monitor} has not improved for ${waited} epochs (epoch ${epoch + 1}${since})${why}`);
    },
    onTrainEnd(control) {
      const { weights } = fits.get(control)!;
      // In a scope, so that what the parameters held before is freed now.
      if (weights !== undefined) scope(() => void control.model.loadStateDict(weights));
    },
  };
}
