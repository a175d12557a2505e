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

/** Number of reads of a lock that is being written, and the time between them. */
const patience = 20;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

/** @returns gives it back @throws ErmineError ERMINE_USAGE where a process that is there has it */
export async function lockFolder(
  fileSystem: CheckpointFileSystem,
  processes: ProcessTable,
  folder: string,
): Promise<() => Promise<void>> {
  const path = `${folder}/${lockName}`;
  const holder: Holder = { pid: processes.pid, host: processes.host, started: processes.startOf(processes.pid) ?? "" };
  const bytes = new TextEncoder().encode(JSON.stringify(holder));
  for (let attempt = 0; ; attempt++) {
    try {
      await writeWhole(fileSystem, path, [bytes], true);
      return async () => {
        const present = await holderOf(fileSystem, path);
        if (present !== undefined && isSame(present, holder)) await fileSystem.remove(path);
      };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const currentHolder = await holderOf(fileSystem, path);
    if (currentHolder === undefined && attempt < patience) {
      // It is being written, or was given back just now.
      await pause();
      continue;
    }
    if (currentHolder !== undefined && isThere(currentHolder, processes)) throw inUse(folder, currentHolder, processes);
    await takeAway(fileSystem, path, currentHolder, `${path}.${processes.pid}`);
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
async function takeAway(
  fileSystem: CheckpointFileSystem,
  path: string,
  staleHolder: Holder | undefined,
  temporaryPath: string,
): Promise<void> {
  try {
    await fileSystem.rename(path, temporaryPath);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const movedHolder = await holderOf(fileSystem, temporaryPath);
  // That of a process which was faster is put back.
  if (movedHolder !== undefined && (staleHolder === undefined || !isSame(movedHolder, staleHolder)))
    await fileSystem.rename(temporaryPath, path);
  else await fileSystem.remove(temporaryPath);
}

function inUse(folder: string, { pid, host }: Holder, processes: ProcessTable): ErmineError {
  const isHere = host === processes.host;
  const isThisProcess = isHere && pid === processes.pid;
  const user = isThisProcess ? "another training of this process" : `process ${pid}${isHere ? "" : ` on ${host}`}`;
  const remedy = isThisProcess
    ? "Take another folder, or wait; fit takes one checkpoint({ folder }) as resume and among its callbacks, not two of one folder."
    : `Take another folder, or wait. If that process is gone or no training, remove ${folder}/${lockName}.`;
  return new ErmineError(
    "ERMINE_USAGE",
    `The checkpoints in ${folder} are in use by ${user}: one training writes into a folder. ${remedy}`,
  );
}
