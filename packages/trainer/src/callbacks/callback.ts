/** What happens beside training: told of steps and epochs, never touching its random numbers. */
import type { Module } from "@ermine/core/nn";
import type { Directions } from "../monitor.js";

/** Names that an epoch's logs have, given the names of the metrics and of the loss's parts. */
export type LogName<M extends string = string, T extends string = never> = "loss" | T | "valLoss" | `val${Capitalize<M | T>}`;

export type Logs = { readonly [name: string]: number };

export interface StepInfo {
  readonly epoch: number;
  /** Updates of the whole training so far, this one included. */
  readonly step: number;
  /** Steps of this epoch done, and in all. */
  readonly stepInEpoch: number;
  readonly stepsPerEpoch: number;
  /** Samples of this epoch so far. */
  readonly samples: number;
  /** Of this step: Σ value / Σ normalizer, plus the penalty. */
  readonly loss: number;
  /** The means of the loss's parts, by name, where it has several; NaN where nothing counted. */
  readonly parts: Logs;
}

export interface EpochInfo {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly samplesPerSecond: number;
  readonly logs: Logs;
}

/** What a training will be. */
export interface TrainInfo {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Which way each log gets better, by its name: of the loss and its parts "lower", of a metric what it says. */
  readonly better: Directions;
}

/** What a callback can do. */
export interface Control {
  readonly model: Module;
  /** Ends training after this step. The reason becomes the history's `stopped`; default "stopped". */
  stop(reason?: string): void;
}

/** `Name` is the log that it follows: one that the trainer does not make does not compile. */
export interface Callback<Name extends string = never> {
  readonly name: string;
  readonly monitor?: Name;
  onTrainBegin?(control: Control, info: TrainInfo): void | Promise<void>;
  onStep?(info: StepInfo, control: Control): void | Promise<void>;
  onEpochEnd?(info: EpochInfo, control: Control): void | Promise<void>;
  onTrainEnd?(control: Control): void | Promise<void>;
}
