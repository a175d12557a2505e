/** Store of one training's checkpoints: a folder, or a browser's storage. */
import type { ErmineError } from "@ermine/core";
import type { TrainingSnapshot } from "../step/contract.js";
import type { CheckpointParts } from "./file.js";

export interface CheckpointStore {
  /** For messages: "the folder runs/digits". */
  readonly place: string;
  /** Remedy in messages: how to start a new training if there are checkpoints of another one. */
  readonly beginAnew: string;
  /** Remedy in messages: how to store the newest state manually if it cannot be written. */
  readonly byHand: string;
  /** Takes the place for this training alone, and clears away what one that has ended left half done. */
  open(): Promise<void>;
  isEmpty(): Promise<boolean>;
  /** Training begins, or goes on, after that update: later checkpoints are damaged, or of a training that it does not go on from, and make way for its first. */
  begin(update: number): Promise<void>;
  /** The newest checkpoint that can be read; undefined where there is none. @param notice told of newer ones that are damaged */
  latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined>;
  /**
   * @param update after which it was taken
   * @returns what went wrong though the checkpoint is there
   * @throws ErmineError ERMINE_FILE; the one before it is there
   */
  write(update: number, file: CheckpointParts): Promise<readonly ErmineError[]>;
  /** That of the best epoch, in the place of the one before. The file stays the caller's. @returns @throws as `write` */
  writeBest(file: CheckpointParts): Promise<readonly ErmineError[]>;
  /** Gives the place back. */
  close(): Promise<void>;
}
