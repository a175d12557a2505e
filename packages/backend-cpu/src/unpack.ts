/** Unpacks what scripts/build-wasm.mjs packs. It is loaded with the build that it unpacks. */
import { decode } from "./base64.js";
import { decompression } from "./decompression.js";

/**
 * The bytes of a gzip file, itself as base64, in an engine that has `decompression()`.
 *
 * @throws the engine's own error where the file is broken
 */
export async function unpack(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = decode(base64);
  // A gzip file ends with the size of its contents.
  const bytes = new Uint8Array(new DataView(packed.buffer).getUint32(packed.length - 4, true));
  const { readable, writable } = new (decompression()!)("gzip");
  const writer = writable.getWriter();
  // The reader names the fault in the file, too.
  const ignored = (): void => undefined;
  writer.write(packed).catch(ignored);
  writer.close().catch(ignored);
  const reader = readable.getReader();
  for (let at = 0; ;) {
    const chunk = await reader.read();
    if (chunk.done) return bytes;
    bytes.set(chunk.value, at);
    at += chunk.value.length;
  }
}
