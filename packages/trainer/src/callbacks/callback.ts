/** Interface of a callback: notified of steps and epochs, without an effect on the training's random numbers. */
import type { Module } from "@ermine/core/nn";
import type { ToldLogs } from "../logs.js";
import type { Directions, Logs } from "../monitor.js";
import type { SavedState, TrainingSnapshot } from "../step/contract.js";
import type { RunningTrainer } from "./runningTrainer.js";

export type { Logs } from "../monitor.js";

/** Names that an epoch's logs have, given the names of the metrics and of the loss's parts. */
export type LogName<M extends string = string, T extends string = never> = "loss" | M | T | "valLoss" | `val${Capitalize<M | T>}`;

/** Information for callbacks after an update. */
export interface StepInfo {
  /** The epoch that runs, from 0. */
  readonly epoch: number;
  /** Updates of the whole training so far, this one included. */
  readonly step: number;
  /** Steps of this epoch done, and in all. */
  readonly stepInEpoch: number;
  /** undefined where the data's length is not known beforehand. */
  readonly stepsPerEpoch: number | undefined;
  /** Samples of this epoch so far. */
  readonly samples: number;
  /** Of this step: Σ value / Σ normalizer, plus the penalty. */
  readonly loss: number;
  /** The means of the loss's parts, by name, where it has several; NaN where nothing counted. */
  readonly parts: Logs;
  /** The learning rate of each parameter group in this update, in the order of the trainer's groups; NaN of an optimizer that has none. */
  readonly learningRates: readonly number[];
  /**
   * The norm of all gradients together in this update, before `clipGradNorm` and after `clipGradValue`; undefined where the trainer has neither
   * `clipGradNorm` nor `logGradNorm`.
   */
  readonly gradNorm: number | undefined;
}

/** Information for callbacks after an epoch. */
export interface EpochInfo<Name extends string = never> {
  /** The epoch that has ended, from 0. */
  readonly epoch: number;
  /** Number of epochs. */
  readonly epochs: number;
  /** Updates taken so far. */
  readonly step: number;
  /** Training samples a second in this epoch. */
  readonly samplesPerSecond: number;
  /** The means of the epoch, by name, and the learning rate of its last update. */
  readonly logs: ToldLogs<Name>;
}

/** An epoch that begins. */
export interface EpochBeginInfo {
  /** The epoch that begins, from 0. */
  readonly epoch: number;
  /** Number of epochs. */
  readonly epochs: number;
  /** Updates of the whole training so far. */
  readonly step: number;
  /** The rate of each parameter group at the next update, in the order of the trainer's groups. */
  readonly learningRates: readonly number[];
}

/** A batch that is about to be trained on. The object is used again for the next one. */
export interface BatchInfo {
  /** The epoch that runs, from 0. */
  readonly epoch: number;
  /** Its number within the epoch, from 0. */
  readonly batch: number;
  /** Samples in it, those of all its micro-batches. */
  readonly size: number;
  /** Updates of the whole training so far. */
  readonly step: number;
}

/** Information for callbacks before training. */
export interface TrainInfo {
  /** Number of epochs. */
  readonly epochs: number;
  /** undefined where the data's length is not known beforehand. */
  readonly stepsPerEpoch: number | undefined;
  /** The training goes on from a snapshot: `restore` was called, and what the callback keeps must stay. Default false. */
  readonly resumed: boolean;
  /** Direction of improvement of each log, by name: "lower" for the loss and its parts, `Metric.better` for a metric. */
  readonly better: Directions;
}

/** Control of the running training, for callbacks. */
export interface Control {
  /** The model that is trained. */
  readonly model: Module;
  /** The trainer whose `fit` runs: to evaluate and predict, and for its step and rates. */
  readonly trainer: RunningTrainer;
  /** Ends training after this step. The reason becomes the history's `stopped`; default "stopped". A training that is resumed after it has ended, too. */
  stop(reason?: string): void;
  /**
   * Ends training after this step as an aborted `signal` does: the epoch stays where it is, and a training that is resumed goes on from there.
   *
   * @param reason the history's `stopped`; default "interrupted"
   */
  interrupt(reason?: string): void;
  /** Asks for a snapshot: `onSnapshot` is told of it when all callbacks have been told of the update, or of the epoch, that is running. */
  requestSnapshot(): void;
  /** Says something to whoever runs the training: `fit`'s `notice`. */
  notice(message: string): void;
}

/**
 * Told of what training does, and able to end it. `Name` is the log that it follows: one that the trainer does not make does not compile.
 *
 * A callback that keeps something from one epoch to the next says it in `state` and takes it back in `restore`, so that a training that was
 * interrupted goes on as if it had not been.
 */
export interface Callback<Name extends string = never> {
  /** For messages, and by which a snapshot finds its state again. */
  readonly name: string;
  /** The log that it follows. */
  readonly monitor?: Name;
  /** State of the callback in this `fit`: plain JSON that may contain typed arrays; called for every snapshot, which copies it. null: no state. */
  state?(control: Control): SavedState;
  /** Takes up what `state` gave in another process. Called before `onTrainBegin`, which is then told `resumed: true`. */
  restore?(state: SavedState, control: Control): void;
  /** Before the first step. Where `info.resumed` is true nothing that was restored may be reset. */
  onTrainBegin?(control: Control, info: TrainInfo): void | Promise<void>;
  /** Before the first batch of an epoch. */
  onEpochBegin?(info: EpochBeginInfo, control: Control): void | Promise<void>;
  /** Before the update over a batch. */
  onBatch?(info: BatchInfo, control: Control): void | Promise<void>;
  /** After an update that was taken, when its report was read. */
  onStep?(info: StepInfo, control: Control): void | Promise<void>;
  /** After an epoch and its validation. */
  onEpochEnd?(info: EpochInfo<Name>, control: Control): void | Promise<void>;
  /**
   * Between two updates, or two epochs, after a `requestSnapshot`, and where training ends, before `onTrainEnd`; not where nothing has changed since the
   * last snapshot. The next update waits for it.
   */
  onSnapshot?(snapshot: TrainingSnapshot, control: Control): void | Promise<void>;
  /** After the last epoch, or where training was ended or aborted; not where it failed. */
  onTrainEnd?(control: Control): void | Promise<void>;
  /** Last of all, however `fit` ended: also where it failed, before or after its first step. Called without a `control`, for what the callback holds open. */
  release?(): void | Promise<void>;
}
