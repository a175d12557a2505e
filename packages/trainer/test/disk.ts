/** A disk with a volatile cache, whose operations can fail, and which can lose its power between any two of them. */
import type { CheckpointFile, CheckpointFileSystem, ProcessTable } from "../src/checkpoint/node.js";

/** A file's contents as programs see them, and what of them is on the platters. */
interface Inode {
  bytes: Uint8Array;
  durable: Uint8Array;
}

/** A change of a folder's names that is not on the platters yet: each may get there, or not. */
type Change = ReadonlyMap<string, Inode | undefined>;

/** Fault of an operation. */
export type Fault = { readonly code: string } | { readonly shortTo: number };

export interface DiskOptions {
  /** A file's `sync` does nothing. */
  readonly withoutFileSync?: boolean;
  /** A folder's `sync` does nothing. */
  readonly withoutFolderSync?: boolean;
  readonly processes?: ProcessTable;
}

const failure = (code: string): Error => Object.assign(new Error(`${code}: pretended`), { code });

/** One folder of files; paths are its names after the last slash. */
export class Disk implements CheckpointFileSystem {
  /** Operations so far. */
  operations: string[] = [];
  /** The operation that fails, and its fault. */
  fault: { readonly at: number; readonly what: Fault; readonly lasts?: boolean } | undefined;
  /** Called before each operation. */
  before: ((operation: number) => void) | undefined;
  readonly processes?: ProcessTable;
  readonly #options: DiskOptions;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #changes: Change[] = [];
  /** A mkdir that is not on the platters. */
  #exists = false;
  #existsDurably = false;

  constructor(options: DiskOptions = {}) {
    this.#options = options;
    if (options.processes !== undefined) this.processes = options.processes;
  }

  get names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Contents as they are, to be changed at will. */
  file(name: string): Uint8Array {
    return this.#names.get(name)!.bytes;
  }

  put(name: string, bytes: Uint8Array): void {
    this.#exists = this.#existsDurably = true;
    const inode = { bytes, durable: bytes };
    this.#names.set(name, inode);
    this.#durableNames.set(name, inode);
  }

  /** A disk with the same contents. */
  copy(): Disk {
    const copy = new Disk(this.#options);
    for (const [name, { bytes }] of this.#names) copy.put(name, bytes.slice());
    return copy;
  }

  /** Every state that the disk may be in after the power went now. */
  *afterCrash(): Generator<Disk> {
    if (!this.#existsDurably) yield new Disk(this.#options);
    if (!this.#exists) return;
    const changes = this.#changes;
    for (let subset = 0; subset < 2 ** changes.length; subset++) {
      const names = new Map(this.#durableNames);
      changes.forEach((change, i) => {
        if ((subset & (1 << i)) === 0) return;
        for (const [name, inode] of change) {
          if (inode === undefined) names.delete(name);
          else names.set(name, inode);
        }
      });
      // Of what was not flushed: nothing, a part, all, or zeros are there.
      const open = [...names].filter(([, { bytes, durable }]) => bytes !== durable);
      const variants = (inode: Inode): Uint8Array[] => [
        inode.durable,
        inode.bytes.slice(0, inode.bytes.length >> 1),
        inode.bytes,
        new Uint8Array(inode.bytes.length),
      ];
      for (let choice = 0; choice < 4 ** open.length; choice++) {
        const disk = new Disk(this.#options);
        disk.#exists = disk.#existsDurably = true;
        for (const [name, inode] of names) {
          const place = open.findIndex(([other]) => other === name);
          disk.put(name, place < 0 ? inode.bytes : variants(inode)[Math.floor(choice / 4 ** place) % 4]!);
        }
        yield disk;
      }
    }
  }

  #do(operation: string): Fault | undefined {
    const number = this.operations.push(operation) - 1;
    this.before?.(number);
    const { fault } = this;
    if (fault === undefined || (fault.lasts === true ? number < fault.at : number !== fault.at)) return undefined;
    if ("code" in fault.what) throw failure(fault.what.code);
    return fault.what;
  }

  #change(change: Change): void {
    for (const [name, inode] of change) {
      if (inode === undefined) this.#names.delete(name);
      else this.#names.set(name, inode);
    }
    this.#changes.push(change);
  }

  async createFolder(): Promise<void> {
    this.#do("createFolder");
    this.#exists = true;
  }

  async list(): Promise<string[]> {
    this.#do("list");
    if (!this.#exists) throw failure("ENOENT");
    return this.names;
  }

  async read(path: string): Promise<Uint8Array> {
    this.#do(`read ${nameOf(path)}`);
    const inode = this.#names.get(nameOf(path));
    if (inode === undefined) throw failure("ENOENT");
    return inode.bytes.slice();
  }

  async create(path: string, isNew: boolean): Promise<CheckpointFile> {
    const name = nameOf(path);
    this.#do(`create ${name}`);
    if (isNew && this.#names.has(name)) throw failure("EEXIST");
    const inode: Inode = { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
    this.#change(new Map([[name, inode]]));
    return {
      write: async (bytes) => {
        const fault = this.#do(`write ${name}`);
        // Never all at once.
        const most = Math.max(1, Math.ceil(bytes.length / 2));
        const acceptedBytes = bytes.subarray(0, fault !== undefined && "shortTo" in fault ? fault.shortTo : most);
        const next = new Uint8Array(inode.bytes.length + acceptedBytes.length);
        next.set(inode.bytes);
        next.set(acceptedBytes, inode.bytes.length);
        inode.bytes = next;
        return acceptedBytes.length;
      },
      sync: async () => {
        this.#do(`sync ${name}`);
        if (this.#options.withoutFileSync !== true) inode.durable = inode.bytes;
      },
      close: async () => void this.#do(`close ${name}`),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#do(`rename ${nameOf(from)}`);
    const inode = this.#names.get(nameOf(from));
    if (inode === undefined) throw failure("ENOENT");
    this.#change(
      new Map([
        [nameOf(from), undefined],
        [nameOf(to), inode],
      ]),
    );
  }

  async remove(path: string): Promise<void> {
    this.#do(`remove ${nameOf(path)}`);
    if (!this.#names.has(nameOf(path))) throw failure("ENOENT");
    this.#change(new Map([[nameOf(path), undefined]]));
  }

  async syncFolder(path: string): Promise<void> {
    this.#do(`syncFolder ${path}`);
    if (this.#options.withoutFolderSync === true) return;
    if (path === folder) {
      this.#durableNames = new Map(this.#names);
      this.#changes = [];
    } else this.#existsDurably = this.#exists;
  }
}

/** Folder of the tests' checkpoints. */
export const folder = "runs/test";

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
