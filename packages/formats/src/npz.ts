/** npz: a zip archive of npy files, as `numpy.savez` writes it. zip.js reads and writes the archive, with the engine's own (de)compression. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter, type Entry } from "@zip.js/zip.js/lib/zip-core-native.js";
import { bytesOf, type Bytes } from "./bytes.js";
import { npyOf, type NpyArray } from "./npy/read.js";
import { npyFile, type WritableArray } from "./npy/write.js";
import { checkText, isByName } from "./writable.js";

export type { Bytes } from "./bytes.js";
export type { NpyArray } from "./npy/read.js";
export type { WritableArray } from "./npy/write.js";

/** The options of `readNpz`. */
export interface NpzReadOptions {
  /** Most bytes that all arrays together may have once they are decompressed: a small archive can claim any number. Default 2³⁰ (1 GiB). */
  readonly maxBytes?: number;
}

/** The options of `writeNpz`. */
export interface NpzWriteOptions {
  /** Deflate the arrays, as `numpy.savez_compressed` does. Default false. */
  readonly compress?: boolean;
}

const suffix = ".npy";

// No workers: whoever wants the archive read elsewhere runs this there.
const here = { useWebWorkers: false } as const;
const checked = { checkSignature: true, checkOverlappingEntry: true } as const;

const damaged = (problem: string, cause?: unknown): ErmineError =>
  new ErmineError(
    "ERMINE_DATA",
    `readNpz: ${problem}. The file is damaged, cut short or no npz file; save it again with numpy.savez.`,
    { cause },
  );

/** Takes bytes until there are more than there may be. */
function collector(limit: number, what: string): { readonly stream: WritableStream<Uint8Array>; bytes(): Uint8Array } {
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new WritableStream<Uint8Array>({
    write(part) {
      length += part.length;
      if (length > limit) throw damaged(`${what} has more bytes than the ${limit} that it says`);
      parts.push(part.slice());
    },
  });
  return {
    stream,
    bytes() {
      if (length !== limit) throw damaged(`${what} has ${length} bytes, and says ${limit}`);
      const whole = new Uint8Array(length);
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return whole;
    },
  };
}

/**
 * Reads the arrays of an npz file, whose checksums must be right.
 *
 * @param bytes the whole archive
 * @returns the arrays by name, "weights" for `weights.npy`
 * @throws ErmineError (the promise rejects) ERMINE_DATA where the archive or an array is damaged, a name is there twice, or there are more than
 * `maxBytes`; ERMINE_UNSUPPORTED for dtypes that `readNpy` refuses; ERMINE_USAGE, ERMINE_OPTION
 *
 * @example
 * const arrays = await readNpz(await readFile("mnist.npz"));
 * arrays.get("x_train")?.shape; // [60000, 28, 28]
 */
export async function readNpz(bytes: Bytes, options: NpzReadOptions = {}): Promise<Map<string, NpyArray>> {
  if (arguments.length > 2) checkArguments("readNpz", arguments, 2);
  checkOptions<NpzReadOptions>("readNpz", options, { maxBytes: "integer" }, ["bytes"]);
  const { maxBytes = 2 ** 30 } = options;
  if (maxBytes < 0) throw new ErmineError("ERMINE_OPTION", `readNpz: maxBytes is at least 0, got ${show(maxBytes)}.`);
  const file = bytesOf("readNpz", bytes);
  // Any name will do: it is a key, no path.
  const reader = new ZipReader(new Uint8ArrayReader(file), {
    ...here,
    ...checked,
    checkAmbiguity: true,
    filenameValidation: "tolerant",
  });
  try {
    return await arraysOf(await entriesOf(reader), maxBytes);
  } finally {
    await reader.close();
  }
}

async function entriesOf(reader: ZipReader<unknown>): Promise<readonly Entry[]> {
  try {
    return await reader.getEntries();
  } catch (error) {
    throw damaged(`it is no zip archive (${messageOf(error)})`, error);
  }
}

async function arraysOf(entries: readonly Entry[], maxBytes: number): Promise<Map<string, NpyArray>> {
  const arrays = new Map<string, NpyArray>();
  const claimed = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  if (claimed > maxBytes)
    throw new ErmineError(
      "ERMINE_DATA",
      `readNpz: its arrays say that they have ${claimed} bytes together, and at most ${maxBytes} are read. If you trust the file, set { maxBytes: ${claimed} }.`,
    );
  for (const entry of entries) {
    const shown = JSON.stringify(entry.filename);
    if (entry.directory || !entry.filename.endsWith(suffix)) throw damaged(`its member ${shown} is no npy file`);
    const name = entry.filename.slice(0, -suffix.length);
    if (arrays.has(name)) throw damaged(`it has ${shown} twice`);
    const { stream, bytes } = collector(entry.uncompressedSize, shown);
    try {
      await entry.getData(stream, { ...here, ...checked });
    } catch (error) {
      throw error instanceof ErmineError ? error : damaged(`${shown} cannot be read (${messageOf(error)})`, error);
    }
    arrays.set(name, npyOf(shown, bytes()));
  }
  return arrays;
}

/** Bytes that an archive has for the name of a member. */
const longestName = 65_535;

function checkName(name: unknown): void {
  checkText("An array's name", name);
  if (new TextEncoder().encode(name + suffix).length <= longestName) return;
  throw new ErmineError(
    "ERMINE_VALUE",
    `writeNpz: a name of ${name.length} characters (${show(name.slice(0, 20))}…) is longer than an archive allows: with ".npy" at most ${longestName} bytes.`,
  );
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The bytes of an npz file, as `numpy.load` reads it. Equal arrays give equal bytes: members lie in the order that they are given in, without a date.
 *
 * @param arrays by name
 * @throws ErmineError (the promise rejects) as `writeNpy`, naming the array; ERMINE_USAGE, ERMINE_OPTION
 *
 * @example
 * await writeFile("data.npz", await writeNpz({ inputs: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } }));
 */
export async function writeNpz(
  arrays: Readonly<Record<string, WritableArray>> | ReadonlyMap<string, WritableArray>,
  options: NpzWriteOptions = {},
): Promise<Uint8Array> {
  if (arguments.length > 2) checkArguments("writeNpz", arguments, 2);
  checkOptions<NpzWriteOptions>("writeNpz", options, { compress: "boolean" }, ["arrays"]);
  const { compress = false } = options;
  if (!(arrays instanceof Map) && !isByName(arrays))
    throw new ErmineError("ERMINE_USAGE", `writeNpz takes arrays by name, in an object or a Map, got ${show(arrays)}.`);
  const named = arrays instanceof Map ? [...(arrays as ReadonlyMap<string, WritableArray>)] : Object.entries(arrays);
  // All of them before the first: nothing is half written.
  const files = named.map(([name, array]) => {
    checkName(name);
    return [name, npyFile(JSON.stringify(name), array)] as const;
  });
  const writer = new ZipWriter(new Uint8ArrayWriter(), {
    ...here,
    level: compress ? 6 : 0,
    // The earliest that an archive can say.
    lastModDate: new Date(1980, 0, 1),
    extendedTimestamp: false,
  });
  for (const [name, file] of files) await writer.add(name + suffix, new Uint8ArrayReader(file));
  return writer.close();
}
