/** Writes a slot through a file's synchronous handle, which only workers have. */

/** The operations of a `FileSystemSyncAccessHandle` that are used. */
export interface SyncAccessHandle {
  truncate(size: number): void;
  /** @returns how many bytes were written */
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  flush(): void;
}

/** The header, which says that the slot is whole, comes when all before it is on the device. */
export function writeSlot(handle: SyncAccessHandle, header: Uint8Array, body: Uint8Array): void {
  handle.truncate(0);
  handle.flush();
  writeAll(handle, body, header.length);
  handle.flush();
  writeAll(handle, header, 0);
  handle.flush();
}

function writeAll(handle: SyncAccessHandle, bytes: Uint8Array, from: number): void {
  for (let at = 0; at < bytes.length;) {
    const writtenBytes = handle.write(bytes.subarray(at), { at: from + at });
    // Chromium's private windows answer -8 as an unsigned number in place of throwing, where there is no room (seen in version 156).
    if (!(writtenBytes > 0 && writtenBytes <= bytes.length - at))
      throw Object.assign(new Error("the device took no more bytes"), { name: "QuotaExceededError" });
    at += writtenBytes;
  }
}
