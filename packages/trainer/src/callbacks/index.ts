/** Callbacks. */
export type { BatchInfo, Callback, Control, EpochBeginInfo, EpochInfo, LogName, Logs, StepInfo, TrainInfo } from "./callback.js";
export { earlyStopping, type EarlyStoppingOptions } from "./earlyStopping.js";
export { progressBar, type ProgressBarOptions } from "./progressBar.js";
export type { RunningTrainer } from "./runningTrainer.js";
