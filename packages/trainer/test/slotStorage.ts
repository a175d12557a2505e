/** A storage of slots in memory, whose writes go through a cache and can be cut short, refused, or torn by the end of the page. */
import type { CheckpointStorage } from "../src/checkpoint/browser.js";
import { writeSlot, type SyncAccessHandle } from "../src/checkpoint/slots/syncAccess.js";

/** Size of an atomic write of a device; a header is smaller. */
const block = 1024;

/** Changes of a file, not all of which need to be on the device. */
type Change = (bytes: Uint8Array) => Uint8Array;

interface SlotFile {
  bytes: Uint8Array;
  durable: Uint8Array;
  changes: Change[];
}

const written = (bytes: Uint8Array, part: Uint8Array, at: number): Uint8Array => {
  const next = new Uint8Array(Math.max(bytes.length, at + part.length));
  next.set(bytes);
  next.set(part, at);
  return next;
};

export class SlotMemory implements CheckpointStorage {
  readonly files = new Map<string, SlotFile>();
  /** Called before each operation of a write. */
  before: (() => void) | undefined;
  /** Error that a write fails with. */
  refusal: Error | undefined;
  isWritable = true;
  readonly #flushes: boolean;
  readonly #locked = new Set<string>();

  /** @param flushes without: a flush does nothing */
  constructor(flushes = true) {
    this.#flushes = flushes;
  }

  put(name: string, bytes: Uint8Array): void {
    this.files.set(name, { bytes, durable: bytes, changes: [] });
  }

  bytes(name: string): Uint8Array {
    return this.files.get(name)!.bytes;
  }

  /** Every state that the files may be in after the page, the browser or the power ended now. */
  *afterEnd(): Generator<SlotMemory> {
    const names = [...this.files.keys()];
    const variants = names.map((name) => {
      const { durable, changes } = this.files.get(name)!;
      return Array.from({ length: 2 ** changes.length }, (_, subset) =>
        changes.reduce((bytes, change, i) => ((subset & (1 << i)) === 0 ? bytes : change(bytes)), durable),
      );
    });
    const total = variants.reduce((product, { length }) => product * length, 1);
    for (let choice = 0; choice < total; choice++) {
      const state = new SlotMemory();
      let rest = choice;
      names.forEach((name, i) => {
        state.put(name, variants[i]![rest % variants[i]!.length]!);
        rest = Math.floor(rest / variants[i]!.length);
      });
      yield state;
    }
  }

  async canWrite(): Promise<boolean> {
    return this.isWritable;
  }

  async lock(run: string): Promise<(() => void) | undefined> {
    if (this.#locked.has(run)) return undefined;
    this.#locked.add(run);
    return () => void this.#locked.delete(run);
  }

  async read(run: string, slot: string): Promise<Uint8Array | undefined> {
    return this.files.get(`${run}/${slot}`)?.bytes.slice();
  }

  async remove(run: string): Promise<void> {
    for (const name of this.files.keys()) if (name.startsWith(`${run}/`)) this.files.delete(name);
  }

  async runs(): Promise<string[]> {
    return [...new Set([...this.files.keys()].map((name) => name.split("/")[0]!))];
  }

  async write(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void> {
    const name = `${run}/${slot}`;
    if (!this.files.has(name)) this.put(name, new Uint8Array(0));
    const file = this.files.get(name)!;
    const change = (one: Change): void => {
      this.before?.();
      if (this.refusal !== undefined) throw this.refusal;
      file.changes.push(one);
      file.bytes = one(file.bytes);
    };
    const handle: SyncAccessHandle = {
      truncate: (size) => change((bytes) => bytes.slice(0, size)),
      write: (bytes, { at }) => {
        const part = bytes.slice(0, block);
        change((before) => written(before, part, at));
        return part.length;
      },
      flush: () => {
        this.before?.();
        if (!this.#flushes) {
          // Only so many changes that their subsets can be tried.
          while (file.changes.length > 3) file.durable = file.changes.shift()!(file.durable);
          return;
        }
        file.durable = file.bytes;
        file.changes = [];
      },
    };
    writeSlot(handle, header, body);
  }
}
