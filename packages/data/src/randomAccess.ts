/** Parts of a file by their places: what formats need that have their directory at the end. */
import { ErmineError } from "@ermine/core";
import { byteSource, fetchedBytes, type FileSource, type RandomAccess } from "./bytes.js";

/** A file, its name for messages, and how it is opened for a pass. */
export interface RandomAccessSource {
  readonly name: string;
  access(): Promise<RandomAccess>;
}

/**
 * The source as one of which any part can be read: a file, a `Blob` and bytes by their places, an address by requests for ranges. A source that has no `access`, and a server
 * that answers no ranges, give all their bytes, which are held in memory.
 *
 * @throws ErmineError ERMINE_DATA where it is no source
 */
export function randomAccess(where: string, source: FileSource): RandomAccessSource {
  const stream = byteSource(where, source);
  const { name } = stream;
  if (source instanceof URL) return { name, access: () => ofAddress(source) };
  if (source instanceof Uint8Array) return { name, access: async () => ofBytes(name, source) };
  if (typeof Blob !== "undefined" && source instanceof Blob) return { name, access: async () => ofBlob(name, source) };
  if (stream.access !== undefined) return { name, access: () => stream.access!() };
  return { name, access: async () => ofBytes(name, await gathered(stream.open())) };
}

const ofBytes = (name: string, bytes: Uint8Array): RandomAccess => ({
  size: bytes.length,
  read: async (start, end) => wholeRange(name, bytes.subarray(start, end), start, end),
  close: async () => undefined,
});

const ofBlob = (name: string, blob: Blob): RandomAccess => ({
  size: blob.size,
  async read(start, end) {
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (error) {
      throw new ErmineError("ERMINE_DATA", `${name} cannot be read: ${(error as Error).message}.`, { cause: error });
    }
    return wholeRange(name, bytes, start, end);
  },
  close: async () => undefined,
});

/** By requests for ranges; where the server answers none, or does not say how long the file is, by one request for all of it. */
async function ofAddress(url: URL): Promise<RandomAccess> {
  const head = await fetch(url, { method: "HEAD" }).catch(() => undefined);
  const length = head?.headers.get("content-length");
  const takesRanges = head?.ok === true && head.headers.get("accept-ranges") !== "none" && /^\d+$/.test(length ?? "");
  if (!takesRanges) return ofBytes(url.href, await gathered(fetchedBytes(url)));
  const size = Number(length);
  const version = versionOf(head.headers);
  let all: Uint8Array | undefined;
  return {
    size,
    async read(start, end) {
      if (all !== undefined) return wholeRange(url.href, all.subarray(start, end), start, end);
      if (start === end) return new Uint8Array(0);
      const response = await fetch(url, { headers: { range: `bytes=${start}-${end - 1}` } }).catch((error: unknown) => {
        throw new ErmineError("ERMINE_DATA", `${url.href} cannot be fetched: ${(error as Error).message}.`, { cause: error });
      });
      if (!response.ok)
        throw new ErmineError(
          "ERMINE_DATA",
          `${url.href} cannot be fetched: the server answered ${response.status} ${response.statusText} for the bytes ${start} to ${end}.`,
        );
      if (versionOf(response.headers) !== version)
        throw new ErmineError("ERMINE_DATA", `${url.href} has changed while it was read. Open it again.`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status === 206) return wholeRange(url.href, bytes, start, end);
      all = bytes;
      return wholeRange(url.href, all.subarray(start, end), start, end);
    },
    close: async () => undefined,
  };
}

/** What tells one state of a file from another. */
const versionOf = (headers: Headers): string => headers.get("etag") ?? headers.get("last-modified") ?? "";

/** @throws ErmineError ERMINE_DATA where there are fewer bytes than were asked for */
export function wholeRange(name: string, bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes.length === end - start) return bytes;
  throw new ErmineError(
    "ERMINE_DATA",
    `${name} gave ${bytes.length} of the ${end - start} bytes from ${start} on: it is cut short, or has changed while it was read.`,
  );
}

export async function gathered(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let size = 0;
  for await (const part of parts) {
    all.push(part);
    size += part.length;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
