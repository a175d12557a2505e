/** One process writes into a folder of checkpoints. The lock is a file that says which; that of a process which is gone is taken over. */
import { ErmineError } from "@ermine/core";
import { codeOf, writeWhole, type CheckpointFileSystem, type ProcessTable } from "./fileSystem.js";

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it started: a number of a process is used again. */
  readonly started: string;
}

const lockName = "lock.json";

/** How often a lock is read that is being written, and the time between. */
const patience = 20;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

/** @returns gives it back @throws ErmineError ERMINE_USAGE where a process that is there has it */
export async function lockFolder(
  fileSystem: CheckpointFileSystem,
  processes: ProcessTable,
  folder: string,
): Promise<() => Promise<void>> {
  const path = `${folder}/${lockName}`;
  const own: Holder = { pid: processes.pid, host: processes.host, started: processes.startOf(processes.pid) ?? "" };
  const bytes = new TextEncoder().encode(JSON.stringify(own));
  for (let attempt = 0; ; attempt++) {
    try {
      await writeWhole(fileSystem, path, [bytes], true);
      return async () => {
        const holder = await holderOf(fileSystem, path);
        if (holder !== undefined && isSame(holder, own)) await fileSystem.remove(path);
      };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const holder = await holderOf(fileSystem, path);
    if (holder === undefined && attempt < patience) {
      // It is being written, or was given back just now.
      await pause();
      continue;
    }
    if (holder !== undefined && isThere(holder, processes)) throw inUse(folder, holder, processes);
    await takeAway(fileSystem, path, holder, `${path}.${processes.pid}`);
  }
}

const isSame = (a: Holder, b: Holder): boolean => a.pid === b.pid && a.host === b.host && a.started === b.started;

/** undefined where there is none, or not all of it. */
async function holderOf(fileSystem: CheckpointFileSystem, path: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(new TextDecoder().decode(await fileSystem.read(path))) as Partial<Holder> | null;
    const isHolder = typeof holder?.pid === "number" && typeof holder.host === "string" && typeof holder.started === "string";
    return isHolder ? (holder as Holder) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Of another machine it cannot be told. */
function isThere({ pid, host, started }: Holder, processes: ProcessTable): boolean {
  if (host !== processes.host) return true;
  const start = processes.startOf(pid);
  return start !== undefined && (start === "" || started === "" || start === started);
}

/** Takes away the lock of a process that is gone; another process may do so at the same time. */
async function takeAway(fileSystem: CheckpointFileSystem, path: string, stale: Holder | undefined, aside: string): Promise<void> {
  try {
    await fileSystem.rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const taken = await holderOf(fileSystem, aside);
  // That of a process which was faster is put back.
  if (taken !== undefined && (stale === undefined || !isSame(taken, stale))) await fileSystem.rename(aside, path);
  else await fileSystem.remove(aside);
}

function inUse(folder: string, { pid, host }: Holder, processes: ProcessTable): ErmineError {
  const isOwn = pid === processes.pid && host === processes.host;
  const who = isOwn ? "another training of this process" : `process ${pid}${host === processes.host ? "" : ` on ${host}`}`;
  const remedy = host === processes.host ? "" : ` If that process is gone, remove ${folder}/${lockName}.`;
  return new ErmineError(
    "ERMINE_USAGE",
    `The checkpoints in ${folder} are in use by ${who}: one training writes into a folder. Take another folder, or wait.${remedy}`,
  );
}
