/** The few operations of a file system that checkpoints need, so that tests can let each of them fail. */
import { readFileSync, promises as files } from "node:fs";
import { hostname } from "node:os";
import { kill, pid, platform } from "node:process";
import { checkArguments } from "@ermine/core/define";
import { ErmineError } from "@ermine/core";

/** A file that is being written. */
export interface CheckpointFile {
  /** Writes some of the bytes. @returns how many */
  write(bytes: Uint8Array): Promise<number>;
  /** Flushes the file, so that its contents survive a power cut. */
  sync(): Promise<void>;
  /** Gives the file back. */
  close(): Promise<void>;
}

/** A file system. What goes wrong is an error whose `code` is that of the operating system: ENOENT, EEXIST, ENOSPC, EROFS, EIO. */
export interface CheckpointFileSystem {
  /** Makes a folder and those above it, where they are not there. */
  createFolder(path: string): Promise<void>;
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** A whole file. */
  read(path: string): Promise<Uint8Array>;
  /** A new, empty file. `isNew`: fails with EEXIST where there is one of that name; else that one is emptied. */
  create(path: string, isNew: boolean): Promise<CheckpointFile>;
  /** Gives a file another name at once; what had that name is gone. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** The names in a folder survive a power cut. */
  syncFolder(path: string): Promise<void>;
  /** The processes that may have a folder in use. Default: nobody else has it, and no lock is written. */
  readonly processes?: ProcessTable;
}

/** The processes of this machine, for locks. */
export interface ProcessTable {
  /** This one's number. */
  readonly pid: number;
  /** The machine's name. */
  readonly host: string;
  /** When a process started, in the system's own terms; "" where that is not known, undefined where there is no such process. */
  startOf(pid: number): string | undefined;
}

/** The file system of Node. */
export function nodeFileSystem(): CheckpointFileSystem {
  if (arguments.length > 0) checkArguments("nodeFileSystem", arguments, 0);
  return {
    createFolder: async (path) => void (await files.mkdir(path, { recursive: true })),
    list: (folder) => files.readdir(folder),
    // Small files are parts of a pool: copied, they begin where their memory does.
    async read(path) {
      const bytes = await files.readFile(path);
      return bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength
        ? new Uint8Array(bytes.buffer)
        : Uint8Array.from(bytes);
    },
    async create(path, isNew) {
      const handle = await files.open(path, isNew ? "wx" : "w");
      return {
        write: async (bytes) => (await handle.write(bytes)).bytesWritten,
        sync: () => handle.sync(),
        close: () => handle.close(),
      };
    },
    processes: nodeProcesses(),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.rm(path),
    async syncFolder(path) {
      // Windows has no such thing: there a rename is written through.
      if (platform === "win32") return;
      const handle = await files.open(path, "r");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}

/** The processes that Node sees. */
function nodeProcesses(): ProcessTable {
  return {
    pid,
    host: hostname(),
    startOf(processId) {
      try {
        kill(processId, 0);
      } catch (error) {
        // Of another user, it is there all the same.
        if ((error as { code?: string }).code !== "EPERM") return undefined;
      }
      try {
        // What follows the name, which may hold anything: the start is the 20th of it.
        const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
        return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
      } catch {
        return "";
      }
    },
  };
}

export const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null | undefined)?.code ?? "");

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "There is no room left on the device: free some, or keep fewer checkpoints (keep: 1).",
  EDQUOT: "The quota is used up: free some room, or keep fewer checkpoints (keep: 1).",
  EFBIG: "The file is larger than this process may write (ulimit -f).",
  EROFS: "The file system is read-only: take a folder elsewhere.",
  EACCES: "This user may not write there: change the folder's permissions, or take another one.",
  EPERM: "This user may not do that there: change the folder's permissions, or take another one.",
  EIO: "The device reports an error: look at its health, and take a folder elsewhere.",
  ENOENT: "A folder or a file is not there any more: was it removed meanwhile?",
  ENOTDIR: "A part of the path is a file, not a folder.",
};

/** Error of a file system operation, with the path and a remedy. */
export const fileError = (operation: string, error: unknown): ErmineError => {
  if (error instanceof ErmineError) return error;
  const code = codeOf(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new ErmineError(
    "ERMINE_FILE",
    `${operation}: ${reason}. ${remedies[code] ?? "Look at the folder and at its file system."}`,
    {
      cause: error,
    },
  );
};

/** Writes a file whole, and makes its contents survive a power cut. What was written of it is removed where something fails. */
export async function writeWhole(
  fileSystem: CheckpointFileSystem,
  path: string,
  parts: readonly Uint8Array[],
  isNew = false,
): Promise<void> {
  const file = await fileSystem.create(path, isNew);
  try {
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length;) {
          const writtenBytes = await file.write(part.subarray(at));
          if (!(writtenBytes > 0)) throw Object.assign(new Error("the device took no more bytes"), { code: "ENOSPC" });
          at += writtenBytes;
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await fileSystem.remove(path).catch(() => undefined);
    throw error;
  }
}
