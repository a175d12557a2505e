/** A folder as the store of a training: locked, its newest checkpoints kept, and the best. */
import type { ErmineError } from "@ermine/core";
import type { TrainingSnapshot } from "../../step/contract.js";
import type { CheckpointParts } from "../file.js";
import type { CheckpointStore } from "../store.js";
import { fileError } from "./fileSystem.js";
import { bestName, nameOf, type CheckpointFolder } from "./folder.js";
import { lockFolder } from "./lock.js";

export class FolderStore implements CheckpointStore {
  readonly place: string;
  readonly beginAnew = "To begin anew, take another folder, or remove them.";
  readonly byHand = "make room or take another folder, and write (await encodeCheckpoint(await trainer.snapshot())).parts there.";
  readonly #folder: CheckpointFolder;
  readonly #keep: number;
  #unlock: (() => Promise<void>) | undefined;

  constructor(folder: CheckpointFolder, keep: number) {
    this.#folder = folder;
    this.#keep = keep;
    this.place = `the folder ${folder.path}`;
  }

  async open(): Promise<void> {
    await this.#folder.create();
    const { fileSystem, path } = this.#folder;
    if (fileSystem.processes !== undefined) {
      try {
        this.#unlock = await lockFolder(fileSystem, fileSystem.processes, path);
      } catch (error) {
        throw fileError(`The folder ${path} of checkpoints cannot be locked`, error);
      }
    }
    try {
      await this.#folder.clean();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#folder.names()).length === 0;
  }

  latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined> {
    return this.#folder.latest(notice);
  }

  async write(update: number, file: CheckpointParts): Promise<readonly ErmineError[]> {
    return [...(await this.#folder.write(nameOf(update), file)), ...(await this.#folder.prune(update, this.#keep))];
  }

  writeBest(file: CheckpointParts): Promise<readonly ErmineError[]> {
    return this.#folder.write(bestName, file);
  }

  async close(): Promise<void> {
    const unlock = this.#unlock;
    this.#unlock = undefined;
    // A lock that stays is that of a process which is gone, and taken over.
    await unlock?.().catch(() => undefined);
  }
}
