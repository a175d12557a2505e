/** A folder of checkpoints: `update-000000123.safetensors` after that update, `best.safetensors`. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import type { TrainingSnapshot } from "../../step/contract.js";
import { decodeCheckpoint, type CheckpointParts } from "../file.js";
import { codeOf, fileError, nodeFileSystem, writeWhole, type CheckpointFileSystem } from "./fileSystem.js";

export const bestName = "best.safetensors";
const temporary = ".part";

export const nameOf = (update: number): string => `update-${String(update).padStart(9, "0")}.safetensors`;

/** The update of a checkpoint's name; undefined where it is none. */
export function updateOf(name: string): number | undefined {
  const digits = name.startsWith("update-") && name.endsWith(".safetensors") ? name.slice(7, -12) : "";
  return digits.length >= 9 && [...digits].every((digit) => digit >= "0" && digit <= "9") ? Number(digits) : undefined;
}

export class CheckpointFolder {
  readonly path: string;
  readonly fileSystem: CheckpointFileSystem;

  constructor(path: string, fileSystem: CheckpointFileSystem) {
    this.path = path;
    this.fileSystem = fileSystem;
  }

  /** Makes the folder, where it is not there, so that it survives a power cut. */
  async create(): Promise<void> {
    try {
      await this.fileSystem.createFolder(this.path);
      await this.fileSystem.syncFolder(parentOf(this.path));
    } catch (error) {
      throw fileError(`The folder ${this.path} of checkpoints cannot be made`, error);
    }
  }

  /** The names of the checkpoints, the newest first. */
  async names(): Promise<string[]> {
    const names = (await this.#list()).filter((name) => updateOf(name) !== undefined);
    return names.sort((a, b) => updateOf(b)! - updateOf(a)!);
  }

  async hasBest(): Promise<boolean> {
    return (await this.#list()).includes(bestName);
  }

  /** Removes what a process that has ended left half written. */
  async clean(): Promise<void> {
    for (const name of await this.#list()) if (name.endsWith(temporary)) await this.remove(name);
  }

  async #list(): Promise<readonly string[]> {
    try {
      return await this.fileSystem.list(this.path);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw fileError(`The folder ${this.path} of checkpoints cannot be read`, error);
    }
  }

  /**
   * Writes a checkpoint: into another file first, whose contents are on the device before it gets its name.
   *
   * @returns why it may not survive a power cut, if it may not
   * @throws ErmineError ERMINE_FILE that names the operation; the checkpoints that were there are there
   */
  async write(name: string, { parts }: CheckpointParts): Promise<readonly ErmineError[]> {
    const { fileSystem, path } = this;
    const part = `${path}/${name}${temporary}`;
    try {
      await writeWhole(fileSystem, part, parts);
      try {
        await fileSystem.rename(part, `${path}/${name}`);
      } catch (error) {
        await fileSystem.remove(part).catch(() => undefined);
        throw error;
      }
    } catch (error) {
      throw fileError(`The checkpoint ${path}/${name} was not written`, error);
    }
    try {
      await fileSystem.syncFolder(path);
    } catch (error) {
      return [
        fileError(`The checkpoint ${path}/${name} was written, but whether it would survive a power cut is not known`, error),
      ];
    }
    return [];
  }

  /** The names of the checkpoints after that update. */
  async namesAfter(update: number): Promise<string[]> {
    return (await this.names()).filter((name) => updateOf(name)! > update);
  }

  /** Removes those that are superseded, so that they stay removed, and leaves the newest of the others. */
  async prune(superseded: readonly string[], keep: number): Promise<void> {
    for (const name of superseded) await this.remove(name);
    if (superseded.length > 0) await this.fileSystem.syncFolder(this.path);
    for (const name of (await this.names()).slice(keep)) await this.remove(name);
  }

  async remove(name: string): Promise<void> {
    try {
      await this.fileSystem.remove(`${this.path}/${name}`);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw fileError(`The file ${this.path}/${name} cannot be removed`, error);
    }
  }

  /** @throws ErmineError ERMINE_FILE where it cannot be read, ERMINE_DATA where it is damaged */
  async read(name: string): Promise<TrainingSnapshot> {
    let bytes: Uint8Array;
    try {
      bytes = await this.fileSystem.read(`${this.path}/${name}`);
    } catch (error) {
      throw fileError(`The checkpoint ${this.path}/${name} cannot be read`, error);
    }
    try {
      return await decodeCheckpoint(bytes);
    } catch (error) {
      if (error instanceof ErmineError) throw error.at(`The checkpoint ${this.path}/${name}`);
      throw error;
    }
  }

  /**
   * The newest checkpoint that can be read; undefined where there is none.
   *
   * @param notice told of newer ones that are damaged
   * @throws ErmineError ERMINE_DATA where all are: a training would begin anew in the place of one that was kept
   */
  async latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined> {
    const errors: ErmineError[] = [];
    for (const name of await this.names()) {
      try {
        const snapshot = await this.read(name);
        for (const { message } of errors) notice(`ermine: ${message} Training goes on from ${name}, which is older.`);
        return snapshot;
      } catch (error) {
        if (!(error instanceof ErmineError)) throw error;
        errors.push(error);
      }
    }
    const [first] = errors;
    if (first === undefined) return undefined;
    throw new ErmineError(
      first.code,
      `None of the ${errors.length} checkpoints in ${this.path} can be read. ${first.message} To begin anew, take another folder.`,
      { cause: first },
    );
  }
}

/** The folder that a path lies in. */
function parentOf(path: string): string {
  const trimmed = path.replace(/[/\\]+$/, "");
  const cut = Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\"));
  return cut < 0 ? "." : cut === 0 ? "/" : trimmed.slice(0, cut);
}

/** The options of `readCheckpoint`. */
export interface ReadCheckpointOptions {
  /** Checkpoint to read: "latest" (default), "best" (what `checkpoint({ best })` has kept), or the name of a file in the folder. */
  readonly which?: "latest" | "best" | (string & {});
  /** File system. Default: the machine's, in Node. */
  readonly fileSystem?: CheckpointFileSystem;
  /** Told of newer checkpoints that are damaged. Default console.warn. */
  readonly notice?: (message: string) => void;
}

/**
 * A checkpoint out of a folder: for `trainer.restore`, or with `modelState` for a model alone. The folder may be in use by a training.
 *
 * @throws ErmineError ERMINE_DATA where there is none, or where it is damaged; ERMINE_FILE where it cannot be read
 * @example
 * const saves = checkpoint({ folder, best: "valLoss" });
 * await trainer.fit(data, { epochs: 2, validationSplit: 0.25, callbacks: [saves] });
 * const snapshot = await readCheckpoint(folder, { which: "best" });
 * model.loadStateDict(modelState(snapshot));
 */
export async function readCheckpoint(folder: string, options: ReadCheckpointOptions = {}): Promise<TrainingSnapshot> {
  if (arguments.length > 2) checkArguments("readCheckpoint", arguments, 2);
  checkOptions<ReadCheckpointOptions>(
    "readCheckpoint",
    options,
    { which: "string", fileSystem: "object", notice: "function" },
    "folder",
  );
  checkFolder("readCheckpoint", folder);
  const { which = "latest", fileSystem = nodeFileSystem(), notice = console.warn } = options;
  const files = new CheckpointFolder(folder, fileSystem);
  if (which === "best") {
    if (await files.hasBest()) return files.read(bestName);
    throw new ErmineError(
      "ERMINE_DATA",
      `There is no best checkpoint in ${folder}. checkpoint({ folder, best: "valLoss" }) among the callbacks of fit writes it.`,
    );
  }
  if (which !== "latest") {
    // A name, and no way out of the folder.
    if (updateOf(which) === undefined && which !== bestName)
      throw new ErmineError(
        "ERMINE_OPTION",
        `readCheckpoint: which is "latest", "best" or the name of a checkpoint (${nameOf(100)}), got ${show(which)}.`,
      );
    return files.read(which);
  }
  const snapshot = await files.latest(notice);
  if (snapshot !== undefined) return snapshot;
  throw new ErmineError(
    "ERMINE_DATA",
    `There is no checkpoint in ${folder}. checkpoint({ folder }) among the callbacks of fit writes them.`,
  );
}

/** @throws ErmineError ERMINE_OPTION */
export function checkFolder(where: string, folder: unknown): asserts folder is string {
  if (typeof folder === "string" && folder !== "") return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: folder is the path of a folder, got ${show(folder)}. Write folder: "runs/digits".`,
  );
}
