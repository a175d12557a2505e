/** The engine's own reader of gzip. */
import { builtin } from "./threads/builtin.js";

/** As far as it is used here. */
export type Decompression = new (format: "gzip") => {
  readonly readable: {
    getReader(): { read(): Promise<{ readonly done: true } | { readonly done: false; readonly value: Uint8Array }> };
  };
  readonly writable: { getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> } };
};

/** undefined: it has none. Test runners that make globals of their own (jsdom) hide it in Node. */
export const decompression = (): Decompression | undefined =>
  (globalThis as { DecompressionStream?: Decompression }).DecompressionStream ??
  builtin<{ DecompressionStream?: Decompression }>("node:stream/web")?.DecompressionStream;
