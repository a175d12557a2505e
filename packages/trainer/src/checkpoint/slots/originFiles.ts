/** The origin private file system: a folder for each run, a file for each slot. */
import { writeSlot, type SyncAccessHandle } from "./syncAccess.js";

const folderName = "ermine-checkpoints";
/** Before a run's name: ".." is no name of a folder. */
const prefix = "run-";

interface SyncFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle & { close(): void }>;
}

type Folder = FileSystemDirectoryHandle & { keys(): AsyncIterable<string> };

export const folderOf = (run: string): string => prefix + encodeURIComponent(run);

async function folder(create: boolean): Promise<Folder> {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle(folderName, { create })) as Folder;
}

/** undefined where there is none: no such file, or no such file system (a private window may have none). */
async function unlessMissing<T>(fn: () => Promise<T>): Promise<T | undefined> {
  if (!("getDirectory" in navigator.storage)) return undefined;
  try {
    return await fn();
  } catch (error) {
    const { name } = error as { readonly name?: unknown };
    if (name === "NotFoundError" || name === "SecurityError") return undefined;
    throw error;
  }
}

/** Has this worker what writing needs? */
export async function canWriteFiles(): Promise<boolean> {
  const { FileSystemFileHandle } = globalThis as { readonly FileSystemFileHandle?: { readonly prototype: object } };
  if (FileSystemFileHandle === undefined || !("createSyncAccessHandle" in FileSystemFileHandle.prototype)) return false;
  try {
    await folder(true);
    return true;
  } catch {
    return false;
  }
}

/** In a worker alone. */
export async function writeOriginFile(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void> {
  const runs = await folder(true);
  const file = await (await runs.getDirectoryHandle(folderOf(run), { create: true })).getFileHandle(slot, { create: true });
  const handle = await (file as SyncFile).createSyncAccessHandle();
  try {
    writeSlot(handle, header, body);
  } finally {
    handle.close();
  }
}

export const readOriginFile = (run: string, slot: string): Promise<Uint8Array | undefined> =>
  unlessMissing(async () => {
    const runs = await folder(false);
    const file = await (await runs.getDirectoryHandle(folderOf(run))).getFileHandle(slot);
    try {
      return new Uint8Array(await (await file.getFile()).arrayBuffer());
    } catch (error) {
      // It was written meanwhile.
      if ((error as { readonly name?: unknown }).name === "NotReadableError") return new Uint8Array(0);
      throw error;
    }
  });

export async function removeOriginFiles(run: string): Promise<void> {
  await unlessMissing(async () => (await folder(false)).removeEntry(folderOf(run), { recursive: true }));
}

export async function originRuns(): Promise<readonly string[]> {
  const runs: string[] = [];
  const all = await unlessMissing(() => folder(false));
  if (all !== undefined)
    for await (const name of all.keys()) if (name.startsWith(prefix)) runs.push(decodeURIComponent(name.slice(prefix.length)));
  return runs;
}
