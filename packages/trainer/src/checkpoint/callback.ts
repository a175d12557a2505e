/** The callback that keeps a training in a folder, and from which `fit` goes on. */
import { ErmineError } from "@ermine/core";
import { checkArguments, requireOptions, show } from "@ermine/core/define";
import type { Callback, Control } from "../callbacks/callback.js";
import { checkMode, signOf, type Mode } from "../monitor.js";
import type { SnapshotSource, TrainingSnapshot } from "../step/contract.js";
import { encodeCheckpoint } from "./file.js";
import { fileError, nodeFileSystem, type CheckpointFileSystem } from "./fileSystem.js";
import { bestName, checkFolder, CheckpointFolder, nameOf } from "./folder.js";
import { lockFolder } from "./lock.js";
import { onSignals } from "./signals.js";

/** The options of `checkpoint`. */
export interface CheckpointOptions<Name extends string = never> {
  /** Where the checkpoints are; it is made where it is not there. One training has it at a time. */
  readonly folder: string;
  /** When one is written, next to where training ends: every so many epochs, updates or seconds. Default { epochs: 1 }. */
  readonly every?: { readonly epochs?: number; readonly updates?: number; readonly seconds?: number };
  /** How many of the newest stay. Default 2. */
  readonly keep?: number;
  /** Keeps the best epoch too, as best.safetensors: by that log, whose direction its metric says, or `mode`. Default: none. */
  readonly best?: Name | { readonly monitor: Name; readonly mode?: Mode };
  /**
   * SIGINT (Ctrl+C) and SIGTERM end training after the update that runs, with a checkpoint and a message; a second one ends the process at once. For programs;
   * a library leaves signals to its program. Default false.
   */
  readonly signals?: boolean;
  /** Where files are. Default: the machine's, in Node. */
  readonly fileSystem?: CheckpointFileSystem;
}

/** A callback that writes checkpoints, and the source of the newest one for `fit`'s `resume`. */
export type CheckpointCallback<Name extends string = never> = Callback<Name> & SnapshotSource;

interface Due {
  readonly epochs: number;
  readonly updates: number;
  readonly seconds: number;
}

/**
 * Keeps a training in a folder: after every epoch, or as `every` says, all of it is written into a file of its own, off the training thread. A checkpoint is
 * there whole or not at all, whatever ends the process or the power, and what is damaged later is found by its SHA-256, so that an older one is taken.
 *
 * Among the callbacks it writes; as `resume` it gives the newest: the same program, started again, goes on where it was ended. Where a
 * checkpoint cannot be written training goes on with a notice; where the last one cannot, `fit` fails at its end with the reason, and the trainer has it all.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit; from `fit`, before the first step, ERMINE_FILE where the folder cannot be
 * written, ERMINE_USAGE where another process has it, or where it has checkpoints that `fit` does not resume
 * @example
 * const saves = checkpoint({ folder, every: { updates: 500 }, keep: 3, best: "valLoss" });
 * await trainer.fit(data, { epochs: 2, validationSplit: 0.25, callbacks: [saves], resume: saves });
 */
export function checkpoint<const Name extends string = never>(options: CheckpointOptions<Name>): CheckpointCallback<Name> {
  if (arguments.length > 1) checkArguments("checkpoint", arguments, 1);
  requireOptions<CheckpointOptions<Name>>("checkpoint", options, {
    folder: "any",
    every: "object",
    keep: "number",
    best: ["string", "object"],
    signals: "boolean",
    fileSystem: "object",
  });
  const { folder, every = { epochs: 1 }, keep = 2, best, signals = false, fileSystem = nodeFileSystem() } = options;
  checkFolder("checkpoint", folder);
  const due = checkEvery(every);
  if (!Number.isInteger(keep) || keep < 1)
    throw new ErmineError("ERMINE_OPTION", `checkpoint: keep is a whole number of checkpoints ≥ 1, got ${show(keep)}.`);
  const monitored = best === undefined ? undefined : checkBest<Name>(best);
  return new Checkpoints(new CheckpointFolder(folder, fileSystem), { due, keep, signals, ...monitored })
    .callback as CheckpointCallback<Name>;
}

function checkEvery(every: NonNullable<CheckpointOptions["every"]>): Due {
  requireOptions<NonNullable<CheckpointOptions["every"]>>("checkpoint: every", every, {
    epochs: "number",
    updates: "number",
    seconds: "number",
  });
  const { epochs = Infinity, updates = Infinity, seconds = Infinity } = every;
  const isCount = (value: number): boolean => value === Infinity || (Number.isInteger(value) && value >= 1);
  if (isCount(epochs) && isCount(updates) && seconds > 0 && Object.keys(every).length > 0) return { epochs, updates, seconds };
  throw new ErmineError(
    "ERMINE_OPTION",
    `checkpoint: every is { epochs }, { updates } or { seconds }, whole numbers ≥ 1, got ${show(every)}. Write every: { updates: 500 }.`,
  );
}

function checkBest<Name extends string>(
  best: NonNullable<CheckpointOptions<Name>["best"]>,
): { monitor: string; mode: Mode | undefined } {
  if (typeof best === "string") return { monitor: best, mode: undefined };
  const { monitor, mode } = best as { monitor: unknown; mode?: Mode };
  if (typeof monitor !== "string")
    throw new ErmineError(
      "ERMINE_OPTION",
      `checkpoint: best is the log that it follows, got ${show(best)}. Write best: "valLoss".`,
    );
  checkMode("checkpoint: best", mode);
  return { monitor, mode };
}

interface Settings {
  readonly due: Due;
  readonly keep: number;
  readonly signals: boolean;
  readonly monitor?: string | undefined;
  readonly mode?: Mode | undefined;
}

/** What one callback does. */
class Checkpoints {
  readonly #folder: CheckpointFolder;
  readonly #settings: Settings;
  #unlock: (() => Promise<void>) | undefined;
  #isLocked = false;
  #removeSignals: (() => void) | undefined;
  /** Settles when what is being written is. */
  #writing: Promise<void> = Promise.resolve();
  /** Why the newest state is not in the folder. */
  #failure: ErmineError | undefined;
  /** Was a checkpoint of this callback's written or read? Then those in the folder are of its training. */
  #isItsFolder = false;
  #sign: 1 | -1 = 1;
  #best: number | null = null;
  #isBest = false;
  #lastTime = 0;

  constructor(folder: CheckpointFolder, settings: Settings) {
    this.#folder = folder;
    this.#settings = settings;
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

  async #lock(): Promise<void> {
    if (this.#isLocked) return;
    await this.#folder.create();
    const { fileSystem, path } = this.#folder;
    if (fileSystem.processes !== undefined) {
      try {
        this.#unlock = await lockFolder(fileSystem, fileSystem.processes, path);
      } catch (error) {
        throw fileError(`The folder ${path} of checkpoints cannot be locked`, error);
      }
    }
    this.#isLocked = true;
    await this.#folder.clean();
  }

  async #latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined> {
    await this.#lock();
    const snapshot = await this.#folder.latest(notice);
    this.#isItsFolder = true;
    return snapshot;
  }

  async #begin(
    control: Control,
    isResumed: boolean,
    better: Parameters<NonNullable<Callback["onTrainBegin"]>>[1]["better"],
  ): Promise<void> {
    const { monitor, mode, signals } = this.#settings;
    if (monitor !== undefined) this.#sign = signOf("checkpoint: best", monitor, mode, better[monitor]);
    await this.#lock();
    if (!isResumed && !this.#isItsFolder && (await this.#folder.names()).length > 0) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `The folder ${this.#folder.path} has checkpoints of a training, which this one does not resume. To go on from them: fit(data, { resume: saves, callbacks: [saves], … }), saves being ` +
          "this callback. To begin anew, take another folder, or remove them.",
      );
    }
    if (!isResumed) this.#best = null;
    this.#isBest = false;
    this.#failure = undefined;
    this.#lastTime = performance.now();
    if (!signals) return;
    this.#removeSignals = onSignals((signal) => {
      control.notice(
        `ermine: ${signal}: training ends after this update, with a checkpoint in ${this.#folder.path}. A second one ends the process at once.`,
      );
      control.interrupt(`interrupted by ${signal}`);
    });
  }

  async #save(snapshot: TrainingSnapshot, control: Control): Promise<void> {
    const isBest = this.#isBest;
    this.#isBest = false;
    this.#lastTime = performance.now();
    // One after the other; training goes on while one is written.
    await this.#writing;
    this.#writing = this.#write(snapshot, isBest).then(
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

  async #write(snapshot: TrainingSnapshot, isBest: boolean): Promise<void> {
    const folder = this.#folder;
    const file = await encodeCheckpoint(snapshot);
    await folder.write(nameOf(snapshot.host.update), file);
    this.#isItsFolder = true;
    if (isBest) await folder.write(bestName, file);
    await folder.prune(this.#settings.keep);
  }

  async #end(): Promise<void> {
    await this.#writing;
    const failure = this.#failure;
    if (failure === undefined) return;
    throw new ErmineError(
      failure.code,
      `The end of the training is not kept: ${failure.message} The trainer has all of it: make room or take another folder, and write (await encodeCheckpoint(await trainer.snapshot())).parts there.`,
      { cause: failure },
    );
  }

  async #release(): Promise<void> {
    this.#removeSignals?.();
    this.#removeSignals = undefined;
    await this.#writing.catch(() => undefined);
    const unlock = this.#unlock;
    this.#unlock = undefined;
    this.#isLocked = false;
    // A lock that stays is that of a process which is gone, and taken over.
    await unlock?.().catch(() => undefined);
  }
}
