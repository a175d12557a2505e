/** The few operations of a storage that slots need, so that tests can cut each of them short. */

/** "opfs": the origin private file system; "indexeddb": IndexedDB. */
export type BuiltinStorage = "opfs" | "indexeddb";

/** A storage of bytes by run and slot. What goes wrong is an error whose `name` is that of a DOMException: QuotaExceededError, NotAllowedError. */
export interface CheckpointStorage {
  /** A slot's bytes, as far as they were written; undefined where there is none of that name. */
  read(run: string, slot: string): Promise<Uint8Array | undefined>;
  /**
   * Writes a slot anew: first `body` from byte `header.length` on, then `header` before it. When the promise settles it survives the end of the page. Its
   * memory may be taken over.
   */
  write(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void>;
  /** Removes all slots of a run. */
  remove(run: string): Promise<void>;
  /** The runs that have slots. */
  runs(): Promise<readonly string[]>;
  /** Takes a run for this page alone. @returns gives it back; undefined where another page has it. Default: nobody else has it. */
  lock?(run: string): Promise<(() => void) | undefined>;
  /** Can it be written in this place? Default: yes. */
  canWrite?(): Promise<boolean>;
  /** Ends what writing has started. */
  close?(): void;
}
