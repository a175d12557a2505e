/** The storages that browsers have: files of the origin, or a database where those cannot be written. */
import { ErmineError } from "@ermine/core";
import { readRecord, recordRuns, removeRecords, writeRecord } from "./database.js";
import { originRuns, readOriginFile, removeOriginFiles } from "./originFiles.js";
import type { BuiltinStorage, CheckpointStorage } from "./storage.js";
import { SlotWriter } from "./writer.js";

/**
 * Of this kind; default: both, the one to be written first.
 *
 * @throws ErmineError ERMINE_UNSUPPORTED in a place that has none
 */
export function browserStorages(kind?: BuiltinStorage): readonly CheckpointStorage[] {
  checkBrowser();
  const storages = { opfs: new OriginFiles(), indexeddb: new Database() };
  return kind === undefined ? Object.values(storages) : [storages[kind]];
}

function checkBrowser(): void {
  const { navigator, indexedDB } = globalThis as { readonly navigator?: Partial<Navigator>; readonly indexedDB?: unknown };
  if (navigator?.locks !== undefined && navigator.storage !== undefined && indexedDB !== undefined) return;
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    "Checkpoints of a page are in its storage, and this place has none, or no locks for it: browsers have both on pages that are served by https or from localhost. In Node take checkpoint " +
      "of @ermine/trainer/checkpoint/node; elsewhere give a storage of your own: checkpoint({ run, storage }).",
  );
}

/** Time to wait for a run that a closing page still holds, in milliseconds. */
const patience = 2000;

/** The name is free when the page that has it has ended, however it did. */
async function lock(run: string): Promise<(() => void) | undefined> {
  const name = `ermine checkpoints: ${run}`;
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(
        name,
        { signal: AbortSignal.timeout(patience) },
        () => new Promise<void>((release) => resolve(() => void release())),
      )
      .catch((error: unknown) => {
        const { name: kind } = error as { readonly name?: unknown };
        if (kind === "TimeoutError" || kind === "AbortError") resolve(undefined);
        else reject(error);
      });
  });
}

/** Base of both storages: the worker, started on first use. */
abstract class BrowserStorage implements CheckpointStorage {
  #writer: SlotWriter | undefined;

  get writer(): SlotWriter {
    return (this.#writer ??= new SlotWriter());
  }

  lock(run: string): Promise<(() => void) | undefined> {
    return lock(run);
  }

  close(): void {
    this.#writer?.close();
    this.#writer = undefined;
  }

  abstract read(run: string, slot: string): Promise<Uint8Array | undefined>;
  abstract write(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void>;
  abstract remove(run: string): Promise<void>;
  abstract runs(): Promise<readonly string[]>;
}

class OriginFiles extends BrowserStorage {
  async canWrite(): Promise<boolean> {
    return typeof Worker === "function" && (await this.writer.opfs) === true;
  }
  async write(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void> {
    if (!(await this.canWrite()))
      throw new ErmineError(
        "ERMINE_UNSUPPORTED",
        "Files of the origin (OPFS) are written by a worker, and this page may start none of a blob (worker-src blob: in its Content-Security-Policy), or its browser has no createSyncAccessHandle. " +
          'Take storage: "indexeddb".',
      );
    return this.writer.write("opfs", run, slot, header, body);
  }
  readonly read = readOriginFile;
  readonly remove = removeOriginFiles;
  readonly runs = originRuns;
}

class Database extends BrowserStorage {
  async write(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void> {
    // A service worker starts no workers, and some pages may not: the database is written without one, too.
    const isWorker = typeof Worker === "function" && (await this.writer.opfs) !== undefined;
    return isWorker ? this.writer.write("indexeddb", run, slot, header, body) : writeRecord(run, slot, header, body);
  }
  readonly read = readRecord;
  readonly remove = removeRecords;
  readonly runs = recordRuns;
}
