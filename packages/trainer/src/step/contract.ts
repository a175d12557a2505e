/**
 * Contract of a training step: maps a state and a batch to the next state and a report.
 *
 *     for await (const batch of loader) report = step.run(state, batch)
 */
import type { DType, TypedArray, VariableRole } from "@ermine/core";
import type { Batch, Cursor, Json } from "../data/source.js";
import type { Logs } from "../monitor.js";
import type { HostSums } from "../risk/means.js";
import type { Span } from "../schedules/schedule.js";

/**
 * Verdict on a batch.
 * - "taken": parameters, slots and buffers have new values.
 * - "empty": nothing in it counts (all targets ignored, all weights 0). Nothing but the counters changed; it counts as an update.
 * - "refused": the step would have written a value that is not finite. Nothing changed; it counts as a batch, and not as an update.
 */
export type Verdict = "taken" | "empty" | "refused";

/** Report of a step. Valid until the next call of `run`, which may use the object again. */
export interface StepReport {
  /** Was the update taken? */
  readonly verdict: Verdict;
  /** The number of the batch in the whole training, from 0: `state.batch` before it. */
  readonly batch: number;
  /** Samples in it, those of all its micro-batches. */
  readonly samples: number;
  /** The risk of the batch plus the penalty; NaN where it is empty. */
  readonly loss: number;
  /** Of the regularizers; 0 where there are none. */
  readonly penalty: number;
  /** The norm of all gradients together, before they are scaled to `clipGradNorm`; undefined where the trainer neither clips by it nor logs it. */
  readonly gradNorm: number | undefined;
  /** Σ value and Σ normalizer of each part of the loss. */
  readonly sums: readonly HostSums[];
}

/** Takes one update of the parameters after the other. */
export interface Step<State = TrainingState> {
  /**
   * Takes an update over a batch, or over the micro-batches of one, and changes `state` in place. On a backend that answers later it queues the work
   * and returns a promise; the next step may be queued before it settles (`Backend.runsInFlight`). A step that was queued after a refused one
   * changes nothing.
   *
   * @param batch one batch; where the trainer accumulates, the micro-batches of one update
   * @throws ErmineError where something does not fit; `state` is as it was
   */
  run(state: State, batch: Batch | readonly Batch[]): StepReport | Promise<StepReport>;
}

/** Of an epoch that is not over: what its steps add up. */
export interface EpochSums {
  /** The sums of each part of the loss. */
  readonly parts: readonly HostSums[];
  /** The sum of the regularizers' penalties. */
  readonly penalty: number;
  /** The sum of the norms of the gradients; 0 where they are not computed. */
  readonly gradNorm: number;
  /** Updates taken whose batches counted. */
  readonly steps: number;
  /** Samples seen. */
  readonly samples: number;
  /** Updates that were asked for: taken, empty, and left out. */
  readonly batches: number;
}

/** The updates that a parameter went without: before it was first trained, or while it was frozen. Bias corrections leave them out. */
export interface ParameterAge {
  /** Updates in which the parameter was frozen. */
  readonly skippedSteps: number;
  /** It is frozen since this update; null where it is trained. */
  readonly frozenSince: number | null;
}

/** State of a callback or a schedule: plain JSON, in which numbers may be NaN or infinite, and typed arrays. */
export type SavedState =
  | null
  | boolean
  | number
  | string
  | TypedArray
  | readonly SavedState[]
  | { readonly [key: string]: SavedState };

/** A callback's state under its name, in the order of the list that `fit` was given. */
export interface CallbackState {
  /** The callback's name. */
  readonly name: string;
  /** Result of its `state()`. */
  readonly state: SavedState;
}

/** State of training on the host: plain JSON, except for NaN and the typed arrays of callbacks. */
export interface HostState {
  /** Batches submitted, refused ones too. Random numbers are keyed by it. */
  readonly batch: number;
  /** Updates accepted, empty ones too. Bias corrections and schedules count by it. */
  readonly update: number;
  /** Epochs ended. */
  readonly epoch: number;
  /** Position in the epoch's data: the cursor of the last batch taken; null between two epochs. */
  readonly cursor: Cursor;
  /** Seed of shuffling and of random ops. */
  readonly seed: number;
  /** The states of schedules that follow a log: for each parameter group one for each of its rates, null where it has none. */
  readonly schedules: readonly (readonly SavedState[])[];
  /** By the parameter's name. */
  readonly ages: Readonly<Record<string, ParameterAge>>;
  /** The names of the parameters that are frozen. */
  readonly frozen: readonly string[];
  /** Within an epoch: the names of the parameters that its updates move, since what is frozen or thawed in one counts from the next; null between two epochs. */
  readonly trained: readonly string[] | null;
  /** Was a rate so large that from then on every value that an update writes is looked at before? */
  readonly hasLargeScalars: boolean;
  /** The sums of the epoch so far. */
  readonly sums: EpochSums;
  /** Of this `fit`, so far. */
  readonly history: { readonly epochs: readonly Logs[]; readonly steps: readonly number[] };
  /** Start and planned length of this `fit`: what schedules of its length count in; null where none has run. */
  readonly span: Span | null;
  /** Why a callback's `stop` has ended this `fit`; null where none has. */
  readonly stopped: string | null;
  /** The state of each callback that has one. */
  readonly callbacks: readonly CallbackState[];
}

/** A variable as it was. */
export interface VariableState {
  /** The variable's name, unique among those of its role. */
  readonly name: string;
  /** Role of the variable. */
  readonly role: VariableRole;
  /** The shape of its value. */
  readonly shape: readonly number[];
  /** The dtype of its value. */
  readonly dtype: DType;
  /** Its elements, copied. */
  readonly data: TypedArray;
}

/** Settings of a training, as plain JSON: a training that goes on from it has the same settings. */
export interface SnapshotSettings {
  /** ermine's version. */
  readonly version: string;
  /** Backend of the training: results are reproducible on the same backend and engine. */
  readonly backend: { readonly name: string; readonly engine: string };
  /** The trainer's: loss, optimizers with their options, clipping, accumulation, seed. */
  readonly trainer: Json;
  /** Those of `fit`, and what its data were; null where nothing was trained. */
  readonly fit: Json;
}

/** All of a training at one moment, copied: what a checkpoint writes. Training goes on from it bit for bit. */
export interface TrainingSnapshot {
  /** Everything that lies on the backend, copied. */
  readonly variables: readonly VariableState[];
  /** Everything that is known on the host. */
  readonly host: HostState;
  /** Settings of the training. */
  readonly settings: SnapshotSettings;
}

/** Source of the snapshot to resume from: a folder of checkpoints, a database. */
export interface SnapshotSource {
  /**
   * The newest snapshot; undefined where there is none yet: training then begins.
   *
   * @param notice told of snapshots that are damaged, so that an older one is taken
   */
  latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined>;
  /** Called when `fit` has ended, however it did. */
  release?(): void | Promise<void>;
}

/** Progress of a training. */
export interface TrainingState {
  /**
   * Batches submitted so far.
   *
   * @see HostState.batch
   */
  readonly batch: number;
  /**
   * Updates taken so far.
   *
   * @see HostState.update
   */
  readonly update: number;
  /**
   * Epochs ended.
   *
   * @see HostState.epoch
   */
  readonly epoch: number;
}
