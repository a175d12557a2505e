/** A model's bytes, from where they are. */
import { ErmineError } from "@ermine/core";

/** Bytes, an address, or in Node a path. */
export type PredictorSource = Uint8Array | ArrayBuffer | Blob | URL | string;

/** What this file uses of Node's process. */
interface NodeProcess {
  getBuiltinModule?(name: string): { readFile(path: string | URL): Promise<Uint8Array> } | undefined;
}

const isAddress = (source: string): boolean => /^(https?|data|blob|file):/i.test(source);

/** @throws ErmineError ERMINE_FILE where it cannot be read, ERMINE_USAGE for something else than a source */
export async function readSource(source: PredictorSource): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof Blob !== "undefined" && source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (typeof source !== "string" && !(source instanceof URL))
    throw new ErmineError("ERMINE_USAGE", "loadPredictor takes bytes, an address, or in Node a path.");
  try {
    return (await readFromDisk(source)) ?? (await fetched(source));
  } catch (cause) {
    throw new ErmineError(
      "ERMINE_FILE",
      `loadPredictor: ${JSON.stringify(String(source).slice(0, 200))} cannot be read (${(cause as Error).message}).`,
      {
        cause,
      },
    );
  }
}

/** Of a path or a file's address, where there is a disk. Asked of the process, so that bundlers for pages find no import of Node's. */
function readFromDisk(source: string | URL): Promise<Uint8Array> | undefined {
  const isFile = source instanceof URL ? source.protocol === "file:" : !isAddress(source) || /^file:/i.test(source);
  if (!isFile) return undefined;
  const { process } = globalThis as { readonly process?: NodeProcess };
  const files = process?.getBuiltinModule?.("node:fs/promises");
  const path = typeof source === "string" && /^file:/i.test(source) ? new URL(source) : source;
  return files?.readFile(path);
}

async function fetched(source: string | URL): Promise<Uint8Array> {
  const response = await fetch(source);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
