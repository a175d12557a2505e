/** Unpacks what scripts/build-wasm.mjs packed. It is loaded with the build that it unpacks. */
import { unpacker } from "./wasm/unpacker.js";

export function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

interface Unpacker {
  readonly memory: WebAssembly.Memory;
  unpack(packed: number, out: number, size: number): void;
}

/** The bytes of a .lzma file, itself as base64. */
/* @__NO_SIDE_EFFECTS__ */
export function unpack(base64: string): Uint8Array<ArrayBuffer> {
  const packed = decode(base64);
  const size = new DataView(packed.buffer).getUint32(5, true);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(decode(unpacker)));
  const { memory, unpack: run } = exports as unknown as Unpacker;
  const at = 16384;
  const out = at + packed.length;
  memory.grow(Math.ceil((out + size) / 65536));
  new Uint8Array(memory.buffer).set(packed, at);
  run(at, out, size);
  return new Uint8Array(memory.buffer).slice(out, out + size) as Uint8Array<ArrayBuffer>;
}
