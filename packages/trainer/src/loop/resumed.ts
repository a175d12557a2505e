/** Interface between `fit` and resuming. */
import type { Control } from "../callbacks/callback.js";
import type { ColumnTypes } from "../data/source.js";
import type { FitRun } from "./fitOptions.js";
import type { SnapshotSettings } from "../step/contract.js";

/** Settings of the trainer, and of a `fit`, that a snapshot stores. */
export type SettingsOf = (fit?: { readonly run: FitRun; readonly types: ColumnTypes }) => Promise<SnapshotSettings>;

/** A `fit` that goes on. */
export interface Resumed {
  /** Makes the training what it was, and then what `prepare` makes of it; where that throws, the training is as it was before. */
  restored<T>(prepare: () => T): Promise<T>;
  restoreCallbacks(control: Control): void;
}
