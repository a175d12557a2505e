/** The callback that keeps a training in a store, and from which `fit` goes on. */
import { ErmineError } from "@ermine/core";
import { requireOptions, show } from "@ermine/core/define";
import type { Callback, Control } from "../callbacks/callback.js";
import { checkMode, signOf, type Mode } from "../monitor.js";
import type { SnapshotSource, TrainingSnapshot } from "../step/contract.js";
import { encodeCheckpoint, type CheckpointParts } from "./file.js";
import type { CheckpointStore } from "./store.js";

/** When a checkpoint is written, next to where training ends: every so many epochs, updates or seconds. */
export interface CheckpointInterval {
  /** Every so many epochs. Default: not by epochs. */
  readonly epochs?: number;
  /** Every so many updates. Default: not by updates. */
  readonly updates?: number;
  /** After an update, when so many seconds have gone by since the last one. Default: not by time. */
  readonly seconds?: number;
}

/** The best epoch by a log; its direction is `mode`, or what the metric says. */
export interface BestCheckpoint<Name extends string> {
  /** The log that is followed. */
  readonly monitor: Name;
  /** Is lower better, or higher? Default: what the metric says. */
  readonly mode?: Mode;
}

/** A callback that writes checkpoints, and the source of the newest one for `fit`'s `resume`. */
export type CheckpointCallback<Name extends string = never> = Callback<Name> & SnapshotSource;

/** An external event that requests a checkpoint, or the end of the training. */
export interface Interruptions {
  /** @returns takes the listeners away */
  listen(control: Control, place: string): () => void;
}

/** Checked options that both kinds of stores share. */
export interface CheckpointSettings {
  readonly due: Required<CheckpointInterval>;
  readonly monitor: string | undefined;
  readonly mode: Mode | undefined;
}

/** @throws ErmineError ERMINE_OPTION */
export function checkSettings(every: CheckpointInterval, best: string | BestCheckpoint<string> | undefined): CheckpointSettings {
  return { due: checkEvery(every), ...(best === undefined ? { monitor: undefined, mode: undefined } : checkBest(best)) };
}

function checkEvery(every: CheckpointInterval): Required<CheckpointInterval> {
  requireOptions<CheckpointInterval>("checkpoint: every", every, { epochs: "number", updates: "number", seconds: "number" });
  const { epochs = Infinity, updates = Infinity, seconds = Infinity } = every;
  const isCount = (value: number): boolean => value === Infinity || (Number.isInteger(value) && value >= 1);
  const isGiven = Object.values(every).some((value) => value !== undefined);
  if (isCount(epochs) && isCount(updates) && seconds > 0 && isGiven) return { epochs, updates, seconds };
  throw new ErmineError(
    "ERMINE_OPTION",
    `checkpoint: every is { epochs }, { updates } or { seconds }, whole numbers ≥ 1, got ${show(every)}. Write every: { updates: 500 }.`,
  );
}

function checkBest(best: string | BestCheckpoint<string>): { monitor: string; mode: Mode | undefined } {
  if (typeof best === "string") return { monitor: best, mode: undefined };
  requireOptions<BestCheckpoint<string>>("checkpoint: best", best, { monitor: "any", mode: "any" });
  const { monitor, mode } = best as { monitor: unknown; mode?: Mode };
  if (typeof monitor !== "string")
    throw new ErmineError(
      "ERMINE_OPTION",
      `checkpoint: best is the log that it follows, got ${show(best)}. Write best: "valLoss".`,
    );
  checkMode("checkpoint: best", mode);
  return { monitor, mode };
}

/** Writes into the store what its settings ask for. */
export function checkpointCallback<Name extends string>(
  store: CheckpointStore,
  settings: CheckpointSettings,
  interruptions: readonly Interruptions[],
): CheckpointCallback<Name> {
  return new Checkpoints(store, settings, interruptions).callback as CheckpointCallback<Name>;
}

/** State machine of one checkpoint callback. */
class Checkpoints {
  readonly #store: CheckpointStore;
  readonly #settings: CheckpointSettings;
  readonly #interruptions: readonly Interruptions[];
  #isOpen = false;
  #removeListeners: readonly (() => void)[] = [];
  /** Settles when what is being written is. */
  #writing: Promise<void> = Promise.resolve();
  /** Why the newest state is not in the store. */
  #failure: ErmineError | undefined;
  /** Has it read from the store, or written into it? Then the checkpoints there are of its training. */
  #isItsStore = false;
  #sign: 1 | -1 = 1;
  #best: number | null = null;
  /** Has the epoch that ends just now the best value? */
  #isBest = false;
  /** That of the best epoch, as long as it is not in the store. */
  #unwrittenBest: CheckpointParts | undefined;
  #lastTime = 0;

  constructor(store: CheckpointStore, settings: CheckpointSettings, interruptions: readonly Interruptions[]) {
    this.#store = store;
    this.#settings = settings;
    this.#interruptions = interruptions;
  }

  get callback(): CheckpointCallback<string> {
    const { monitor } = this.#settings;
    return {
      name: "checkpoint",
      ...(monitor === undefined ? {} : { monitor }),
      latest: (notice) => this.#latest(notice),
      state: () => ({ best: this.#best }),
      restore: (state) => void (this.#best = (state as { readonly best: number | null }).best),
      onTrainBegin: (control, info) => this.#begin(control, info.resumed, info.better),
      onStep: ({ step }, control) => {
        const { updates, seconds } = this.#settings.due;
        if (step % updates === 0 || (seconds !== Infinity && performance.now() - this.#lastTime >= seconds * 1000))
          control.requestSnapshot();
      },
      onEpochEnd: ({ epoch, logs }, control) => {
        if (monitor !== undefined && this.#sign * logs[monitor]! > (this.#best === null ? -Infinity : this.#sign * this.#best)) {
          this.#best = logs[monitor]!;
          this.#isBest = true;
        }
        if (this.#isBest || (epoch + 1) % this.#settings.due.epochs === 0) control.requestSnapshot();
      },
      onSnapshot: (snapshot, control) => this.#save(snapshot, control),
      onTrainEnd: () => this.#end(),
      release: () => this.#release(),
    };
  }

  async #open(): Promise<void> {
    if (this.#isOpen) return;
    await this.#store.open();
    this.#isOpen = true;
  }

  async #latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined> {
    await this.#open();
    const snapshot = await this.#store.latest(notice);
    this.#isItsStore = true;
    return snapshot;
  }

  async #begin(
    control: Control,
    isResumed: boolean,
    better: Parameters<NonNullable<Callback["onTrainBegin"]>>[1]["better"],
  ): Promise<void> {
    const { monitor, mode } = this.#settings;
    const { place, beginAnew } = this.#store;
    if (monitor !== undefined) this.#sign = signOf("checkpoint: best", monitor, mode, better[monitor]);
    await this.#open();
    if (!isResumed && !this.#isItsStore && !(await this.#store.isEmpty())) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `There are checkpoints of a training in ${place}, which this one does not resume. To go on from them: fit(data, { resume: saves, callbacks: [saves], … }), saves being ` +
          `this callback. ${beginAnew}`,
      );
    }
    this.#isItsStore = true;
    await this.#store.begin(control.trainer.step);
    if (!isResumed) this.#best = null;
    this.#isBest = false;
    this.#unwrittenBest = undefined;
    this.#failure = undefined;
    this.#lastTime = performance.now();
    this.#removeListeners = this.#interruptions.map((interruption) => interruption.listen(control, place));
  }

  async #save(snapshot: TrainingSnapshot, control: Control): Promise<void> {
    const isBest = this.#isBest;
    this.#isBest = false;
    this.#lastTime = performance.now();
    // One after the other; training goes on while one is written.
    await this.#writing;
    this.#writing = this.#write(snapshot, isBest, control).then(
      () => void (this.#failure = undefined),
      (error: unknown) => {
        if (!(error instanceof ErmineError)) throw error;
        this.#failure = error;
        control.notice(`ermine: ${error.message} Training goes on, and the next checkpoint is tried in its time.`);
      },
    );
    // Whoever waits for it is told.
    this.#writing.catch(() => undefined);
  }

  /**
   * The best one first, for the state of the other says that it is there: whatever ends the process in between, a training that goes on comes to that epoch again.
   * If it cannot be written, it is written with the next checkpoint.
   */
  async #write(snapshot: TrainingSnapshot, isBest: boolean, control: Control): Promise<void> {
    const file = await encodeCheckpoint(snapshot);
    if (isBest) this.#unwrittenBest = file;
    let failure: unknown;
    const problems: ErmineError[] = [];
    if (this.#unwrittenBest !== undefined) {
      try {
        problems.push(...(await this.#store.writeBest(this.#unwrittenBest)));
        this.#unwrittenBest = undefined;
      } catch (error) {
        failure = error;
      }
    }
    problems.push(...(await this.#store.write(snapshot.host.update, file)));
    for (const { message } of problems) control.notice(`ermine: ${message}`);
    if (failure !== undefined) throw failure;
  }

  async #end(): Promise<void> {
    await this.#writing;
    const failure = this.#failure;
    if (failure === undefined) return;
    throw new ErmineError(
      failure.code,
      `The end of the training is not kept: ${failure.message} The trainer has all of it: ${this.#store.byHand}`,
      { cause: failure },
    );
  }

  async #release(): Promise<void> {
    for (const remove of this.#removeListeners) remove();
    this.#removeListeners = [];
    await this.#writing.catch(() => undefined);
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // A lock that stays is that of a process which is gone, and taken over.
    await this.#store.close().catch(() => undefined);
  }
}
