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
  /** Names of checkpoints that are later than the one that training goes on from. */
  #superseded: readonly string[] = [];

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

  async begin(update: number): Promise<void> {
    this.#superseded = await this.#folder.namesAfter(update);
  }

  async write(update: number, file: CheckpointParts): Promise<readonly ErmineError[]> {
    const problems = await this.#folder.write(nameOf(update), file);
    try {
      await this.#folder.prune(
        this.#superseded.filter((name) => name !== nameOf(update)),
        this.#keep,
      );
      this.#superseded = [];
    } catch (error) {
      return [...problems, fileError(`An older checkpoint in ${this.#folder.path} stays there`, error)];
    }
    return problems;
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
