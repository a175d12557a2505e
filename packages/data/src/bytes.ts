/** Where a file's bytes come from. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** A file of which any part can be read. */
export interface RandomAccess {
  /** Bytes in it. */
  readonly size: number;
  /** The bytes from `start` to `end`, which is not among them. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Nothing more is read. */
  close(): Promise<void>;
}

/** A file: its name for messages, and its bytes, read anew each time. */
export interface ByteSource {
  /** What messages call it: "cars.csv". */
  readonly name: string;
  /** The bytes in order, in parts of any size. */
  open(): AsyncIterable<Uint8Array>;
  /** Parts of it by their places, for formats that need them (Parquet). Default: all bytes of `open()` are held in memory for such a format. */
  access?(): Promise<RandomAccess>;
}

/** A file's bytes: of an address, of a `Blob` (a page's file input gives one), in memory, or of a file (`file(path)` of `@ermine/data/node`). */
export type FileSource = ByteSource | URL | Blob | Uint8Array;

/** @throws ErmineError ERMINE_DATA where it is none of these */
export function byteSource(where: string, source: FileSource): ByteSource {
  if (source instanceof URL) return { name: source.href, open: () => fetchedBytes(source) };
  if (typeof Blob !== "undefined" && source instanceof Blob)
    return { name: "name" in source ? String(source.name) : "the blob", open: () => parts(source.stream()) };
  if (source instanceof Uint8Array) return { name: "the bytes", open: () => pieces(source) };
  if (typeof source === "object" && source !== null && "open" in source && typeof source.open === "function")
    return source as ByteSource;
  const remedy =
    typeof source === "string"
      ? "Of an address write new URL(…), of a file file(path) from @ermine/data/node, of a text new Blob([text])."
      : "Write new URL(…), a Blob, a Uint8Array, or file(path) from @ermine/data/node.";
  throw new ErmineError("ERMINE_DATA", `${where} reads a file, got ${show(source)}. ${remedy}`);
}

export async function* fetchedBytes(url: URL): AsyncGenerator<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new ErmineError("ERMINE_DATA", `${url.href} cannot be fetched: ${messageOf(error)}.`, { cause: error });
  }
  if (!response.ok)
    throw new ErmineError(
      "ERMINE_DATA",
      `${url.href} cannot be fetched: the server answered ${response.status} ${response.statusText}.`,
    );
  if (response.body !== null) yield* parts(response.body);
}

const messageOf = (error: unknown): string => {
  const cause = (error as { cause?: { message?: string } }).cause;
  return cause?.message ?? (error instanceof Error ? error.message : String(error));
};

// By its reader: streams are not asynchronous iterables in every engine.
async function* parts(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel();
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = 1 << 16;
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
