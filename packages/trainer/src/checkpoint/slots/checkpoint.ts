/** Checkpoints in a browser's storage. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, requireOptions, show } from "@ermine/core/define";
import type { TrainingSnapshot } from "../../step/contract.js";
import {
  checkpointCallback,
  checkSettings,
  type BestCheckpoint,
  type CheckpointCallback,
  type CheckpointInterval,
  type Interruptions,
} from "../callback.js";
import { browserStorages } from "./browserStorage.js";
import { folderOf } from "./originFiles.js";
import { inUse, Slots, SlotStore, storageError } from "./slotStore.js";
import type { BuiltinStorage, CheckpointStorage } from "./storage.js";

/** Storage of a run's checkpoints in the browser. */
export interface StorageOptions {
  /**
   * "opfs": files of the origin, written by a worker and flushed; "indexeddb": a database, whose transactions wait for the device; or a storage of your own. Default:
   * files where this place can write them, else the database; what was kept in either is found.
   */
  readonly storage?: BuiltinStorage | CheckpointStorage;
}

/** The options of `checkpoint`. */
export interface CheckpointOptions<Name extends string = never> extends StorageOptions {
  /** The name of the training among those of this site. One page or worker has it at a time. */
  readonly run: string;
  /** When one is written, next to where training ends: every so many epochs, updates or seconds. Default { epochs: 1 }. */
  readonly every?: CheckpointInterval;
  /** Keeps the best epoch too: by that log, whose direction its metric says, or `mode`. Default: none. */
  readonly best?: Name | BestCheckpoint<Name>;
  /** Writes one when the page is hidden as well, after which a browser may end it without a word; on the page's own thread alone. Default true. */
  readonly whenHidden?: boolean;
}

/**
 * Keeps a training in the browser: after every epoch, or as `every` says, all of it is written off the training thread, into one of two slots in turns. Whatever ends the
 * page, the last or the second-to-last checkpoint is there, whole, at its next visit.
 *
 * Among the callbacks it writes; as `resume` it gives the newest: the same page, opened again, goes on where it was closed. Where a checkpoint
 * cannot be written training goes on with a notice; where the last one cannot, `fit` fails at its end with the reason, and the trainer has it all.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist, or its value does not fit; from `fit`, before the first step, ERMINE_USAGE where another tab has the
 * run, or where it has checkpoints that `fit` does not resume; ERMINE_UNSUPPORTED where there is no storage
 * @example
 * const train = () => {
 *   const saves = checkpoint({ run: "digits", every: { seconds: 10 }, best: "valLoss" });
 *   return trainer.fit(data, { epochs: 20, validationSplit: 0.25, callbacks: [saves], resume: saves });
 * };
 */
export function checkpoint<const Name extends string = never>(options: CheckpointOptions<Name>): CheckpointCallback<Name> {
  if (arguments.length > 1) checkArguments("checkpoint", arguments, 1);
  requireOptions<CheckpointOptions<Name>>("checkpoint", options, {
    run: "any",
    every: "object",
    best: ["string", "object"],
    whenHidden: "boolean",
    storage: ["string", "object"],
  });
  const { run, every = { epochs: 1 }, best, whenHidden = true, storage } = options;
  checkRun("checkpoint", run);
  const settings = checkSettings(every, best);
  const store = new SlotStore(run, storagesOf("checkpoint", storage));
  return checkpointCallback(store, settings, whenHidden ? [hiddenPage] : []);
}

const hiddenPage: Interruptions = {
  listen(control) {
    const { document } = globalThis as { readonly document?: Document };
    const listener = (): void => {
      if (document!.visibilityState === "hidden") control.requestSnapshot();
    };
    document?.addEventListener("visibilitychange", listener);
    return () => document?.removeEventListener("visibilitychange", listener);
  },
};

/** The options of `readCheckpoint`. */
export interface ReadCheckpointOptions extends StorageOptions {
  /** Checkpoint to read: "latest" (default), or "best" (what `checkpoint({ best })` has kept). */
  readonly which?: "latest" | "best";
  /** Told of a newer checkpoint that is damaged. Default console.warn. */
  readonly notice?: (message: string) => void;
}

/**
 * A checkpoint of a run: for `trainer.restore`, or with `modelState` for a model alone. The run may be in use by a training.
 *
 * @throws ErmineError ERMINE_DATA where there is none, or where it is damaged; ERMINE_FILE where it cannot be read
 * @example
 * const load = async () => model.loadStateDict(modelState(await readCheckpoint("digits", { which: "best" })));
 */
export async function readCheckpoint(run: string, options: ReadCheckpointOptions = {}): Promise<TrainingSnapshot> {
  if (arguments.length > 2) checkArguments("readCheckpoint", arguments, 2);
  checkOptions<ReadCheckpointOptions>(
    "readCheckpoint",
    options,
    { which: "string", storage: ["string", "object"], notice: "function" },
    "run",
  );
  checkRun("readCheckpoint", run);
  const { which = "latest", storage, notice = console.warn } = options;
  if (which !== "latest" && which !== "best")
    throw new ErmineError("ERMINE_OPTION", `readCheckpoint: which is "latest" or "best", got ${show(which)}.`);
  const slots = new Slots(run, storagesOf("readCheckpoint", storage));
  const snapshot = await slots.newest(which, notice);
  if (snapshot !== undefined) return snapshot;
  const option = which === "best" ? ', best: "valLoss"' : "";
  throw new ErmineError(
    "ERMINE_DATA",
    `There is no ${which === "best" ? "best " : ""}checkpoint of ${slots.place}. checkpoint({ run: ${JSON.stringify(run)}${option} }) among the callbacks of fit writes them.`,
  );
}

/**
 * Removes all checkpoints of a run.
 *
 * @throws ErmineError ERMINE_USAGE where a training has it
 * @example
 * const forget = () => removeCheckpoints("digits");
 */
export async function removeCheckpoints(run: string, options: StorageOptions = {}): Promise<void> {
  if (arguments.length > 2) checkArguments("removeCheckpoints", arguments, 2);
  checkOptions<StorageOptions>("removeCheckpoints", options, { storage: ["string", "object"] }, "run");
  checkRun("removeCheckpoints", run);
  const storages = storagesOf("removeCheckpoints", options.storage);
  const unlock = storages[0]!.lock === undefined ? () => undefined : await storages[0]!.lock(run);
  if (unlock === undefined) throw inUse(run);
  try {
    for (const storage of storages) await storage.remove(run);
  } catch (error) {
    throw storageError(`The checkpoints of the run ${JSON.stringify(run)} cannot be removed`, error);
  } finally {
    unlock();
  }
}

/**
 * The runs of this site that have checkpoints, in the order of their names.
 *
 * @throws ErmineError ERMINE_FILE where the storage cannot be read
 * @example
 * const show = async () => console.log(await listRuns());
 */
export async function listRuns(options: StorageOptions = {}): Promise<string[]> {
  if (arguments.length > 1) checkArguments("listRuns", arguments, 1);
  checkOptions<StorageOptions>("listRuns", options, { storage: ["string", "object"] });
  try {
    const runs = await Promise.all(storagesOf("listRuns", options.storage).map((storage) => storage.runs()));
    return [...new Set(runs.flat())].sort();
  } catch (error) {
    throw storageError("The runs of this site cannot be read", error);
  }
}

const operations = ["read", "write", "remove", "runs"] as const;

/** The first that can be is written, all are read. */
function storagesOf(where: string, storage: StorageOptions["storage"]): readonly CheckpointStorage[] {
  if (storage === undefined) return browserStorages();
  if (storage === "opfs" || storage === "indexeddb") return browserStorages(storage);
  const isStorage =
    typeof storage === "object" &&
    operations.every((name) => typeof (storage as Partial<CheckpointStorage>)[name] === "function");
  if (isStorage) return [storage];
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: storage is "opfs", "indexeddb", or an object with ${operations.join(", ")}; got ${show(storage)}.`,
  );
}

/** Names of files have at most 255 bytes. */
const longest = 200;

/** @throws ErmineError ERMINE_OPTION */
function checkRun(where: string, run: unknown): asserts run is string {
  if (typeof run === "string" && run !== "") {
    try {
      if (folderOf(run).length <= longest) return;
    } catch {
      // Half of a pair of surrogates.
    }
  }
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: run is the name of a training, of at most ${longest} bytes in an address, got ${show(run)}. Write run: "digits".`,
  );
}
