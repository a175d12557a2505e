/** Where the demo keeps a training: in `--folder`, or, where it is interrupted without one, in a temporary folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { History } from "@ermine/trainer";
import type { CheckpointCallback } from "@ermine/trainer/checkpoint";
import { checkpoint, type CheckpointOptions } from "@ermine/trainer/checkpoint/node";

export interface KeptTraining {
  readonly folder: string;
  /** Writes, and is what `fit` goes on from. */
  readonly saves: CheckpointCallback;
  /** Leaves no folder that nobody asked for, unless the training was interrupted. @returns was it? */
  end(history: Pick<History, "stopped">): boolean;
}

/** SIGINT and SIGTERM end the training after its update, with a checkpoint and a message. */
export function keptIn(given: string | undefined): KeptTraining {
  const folder = given ?? mkdtempSync(join(tmpdir(), "ermine-demo-"));
  // Without a folder only the end is written, for it may be an interruption.
  const every: CheckpointOptions["every"] = given === undefined ? { seconds: Number.MAX_VALUE } : { epochs: 1 };
  return {
    folder,
    saves: checkpoint({ folder, every, signals: true }),
    end({ stopped }) {
      const isInterrupted = stopped.startsWith("interrupted");
      if (given === undefined && !isInterrupted) rmSync(folder, { recursive: true, force: true });
      return isInterrupted;
    },
  };
}
