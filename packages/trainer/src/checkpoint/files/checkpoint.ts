/** Checkpoints in a folder of files. */
import { ErmineError } from "@ermine/core";
import { checkArguments, requireOptions, show } from "@ermine/core/define";
import {
  checkpointCallback,
  checkSettings,
  type BestCheckpoint,
  type CheckpointCallback,
  type CheckpointInterval,
} from "../callback.js";
import { nodeFileSystem, type CheckpointFileSystem } from "./fileSystem.js";
import { checkFolder, CheckpointFolder } from "./folder.js";
import { FolderStore } from "./folderStore.js";
import { signals as processSignals } from "./signals.js";

/** The options of `checkpoint`. */
export interface CheckpointOptions<Name extends string = never> {
  /** Folder of the checkpoints; created if it does not exist. One training has it at a time. */
  readonly folder: string;
  /** When one is written, next to where training ends: every so many epochs, updates or seconds. Default { epochs: 1 }. */
  readonly every?: CheckpointInterval;
  /** Number of newest checkpoints that are kept. Those later than the one that training resumed from (damaged ones) are removed with the first write. Default 2. */
  readonly keep?: number;
  /** Keeps the best epoch too, as best.safetensors: by that log, whose direction its metric says, or `mode`. Default: none. */
  readonly best?: Name | BestCheckpoint<Name>;
  /**
   * SIGINT (Ctrl+C) and SIGTERM end training after the update that runs, with a checkpoint and a message; a second one ends the process at once. For programs;
   * a library leaves signals to its program. Only on the main thread: in a worker it is refused. Default false.
   */
  readonly signals?: boolean;
  /** File system. Default: the machine's. */
  readonly fileSystem?: CheckpointFileSystem;
}

/**
 * Keeps a training in a folder: after every epoch, or as `every` says, all of it is written into a file of its own, off the training thread. A checkpoint is
 * there whole or not at all, whatever ends the process or the power, and what is damaged later is found by its SHA-256, so that an older one is taken.
 *
 * Among the callbacks it writes; as `resume` it gives the newest: the same program, started again, goes on where it was ended. Where a
 * checkpoint cannot be written training goes on with a notice; where the last one cannot, `fit` fails at its end with the reason, and the trainer has it all.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit; from `fit`, before the first step, ERMINE_FILE where the folder cannot be
 * written, ERMINE_USAGE where another process has it, or where it has checkpoints that `fit` does not resume, ERMINE_UNSUPPORTED for `signals` in a worker
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
  const settings = checkSettings(every, best);
  if (!Number.isInteger(keep) || keep < 1)
    throw new ErmineError("ERMINE_OPTION", `checkpoint: keep is a whole number of checkpoints ≥ 1, got ${show(keep)}.`);
  const store = new FolderStore(new CheckpointFolder(folder, fileSystem), keep);
  return checkpointCallback(store, settings, signals ? [processSignals] : []);
}
