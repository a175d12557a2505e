/**
 * The header of a safetensors file: where each tensor's bytes are. Nothing is allocated by what a file claims before the claim is checked, and every
 * byte of the data belongs to exactly one tensor. https://huggingface.co/docs/safetensors
 */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, checkOptions, show } from "@ermine/core/define";
import { bitsPerElement, isSafetensorsDType, type SafetensorsDType } from "./dtypes.js";
import { HeaderScanner } from "./scanner.js";

/** Bytes before the header: its length. */
export const lengthBytes = 8;

/** The largest header that the format allows, and that `maxHeaderBytes` can be. */
export const largestHeader = 100_000_000;

/** The options of `readSafetensors`. */
export interface SafetensorsReadOptions {
  /** Longer headers are refused, in bytes. Default 16,000,000 (some 150,000 tensors); at most 100,000,000, the format's own limit. */
  readonly maxHeaderBytes?: number;
}

/** Where a tensor is: bytes `begin` to `end` of the data, which follows the header. */
export interface SafetensorsEntry {
  /** What the format calls its elements: "F32". */
  readonly dtype: SafetensorsDType;
  /** The size of each axis. */
  readonly shape: readonly number[];
  /** The first byte, counted from the end of the header. */
  readonly begin: number;
  /** The byte after the last. */
  readonly end: number;
}

/** What the header of a file says. */
export interface SafetensorsHeader {
  /** By name, in the order of their data. A name is any text: it is no path. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** The texts of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data begins in the file. */
  readonly dataOffset: number;
}

const damaged = (where: string, problem: string): ErmineError =>
  new ErmineError(
    "ERMINE_DATA",
    `${where}: ${problem}. The file is damaged, cut short or of another format; save or fetch it again.`,
  );

/**
 * How many bytes the header ends at, from the first eight: for those who read a file in parts.
 *
 * @param start at least the first 8 bytes of the file
 * @throws ErmineError ERMINE_DATA where there are fewer, or the header would be longer than `maxHeaderBytes`; ERMINE_OPTION
 */
export function safetensorsHeaderEnd(start: Uint8Array, options: SafetensorsReadOptions = {}): number {
  if (arguments.length > 2) checkArguments("safetensorsHeaderEnd", arguments, 2);
  return headerEnd("safetensorsHeaderEnd", start, options);
}

/** @internal */
export function headerEnd(where: string, start: Uint8Array, options: SafetensorsReadOptions): number {
  checkOptions<SafetensorsReadOptions>(where, options, { maxHeaderBytes: "integer" }, ["bytes"]);
  if (!(start instanceof Uint8Array))
    throw new ErmineError("ERMINE_USAGE", `${where} takes the file's first bytes as a Uint8Array, got ${show(start)}.`);
  const { maxHeaderBytes = 16_000_000 } = options;
  if (maxHeaderBytes < 2 || maxHeaderBytes > largestHeader)
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: maxHeaderBytes is from 2 to ${largestHeader}, got ${show(maxHeaderBytes)}.`,
    );
  if (start.length < lengthBytes)
    throw damaged(where, `a safetensors file begins with the 8 bytes of its header's length, and there are ${start.length}`);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(largestHeader))
    throw damaged(where, `it claims a header of ${length} bytes, and the format allows ${largestHeader}`);
  if (length > BigInt(maxHeaderBytes))
    throw new ErmineError(
      "ERMINE_DATA",
      `${where}: its header has ${length} bytes, and at most ${maxHeaderBytes} are read. If you trust the file, set { maxHeaderBytes: ${length} }.`,
    );
  return lengthBytes + Number(length);
}

/**
 * The header of a file that may be larger than memory.
 *
 * @param start the file from its first byte to the header's end (`safetensorsHeaderEnd`), or further
 * @param fileBytes the length of the whole file
 * @throws ErmineError ERMINE_DATA that says what is wrong: a length that lies, text that is no header, a name twice, data that overlaps, has holes
 * or does not end where the file does
 */
export function readSafetensorsHeader(
  start: Uint8Array,
  fileBytes: number,
  options: SafetensorsReadOptions = {},
): SafetensorsHeader {
  if (arguments.length > 3) checkArguments("readSafetensorsHeader", arguments, 3);
  checkArgument("readSafetensorsHeader(start, fileBytes, options)", "fileBytes", fileBytes, "integer");
  return headerOf("readSafetensorsHeader", start, fileBytes, options);
}

/** @internal */
export function headerOf(
  where: string,
  start: Uint8Array,
  fileBytes: number,
  options: SafetensorsReadOptions,
): SafetensorsHeader {
  const end = headerEnd(where, start, options);
  if (end > fileBytes) throw damaged(where, `its header would end at byte ${end}, and the file has ${fileBytes}`);
  if (end > start.length)
    throw new ErmineError(
      "ERMINE_USAGE",
      `${where}: the header ends at byte ${end}, and ${start.length} were given. Read up to there.`,
    );
  const scanner = new HeaderScanner(textOf(where, start.subarray(lengthBytes, end)), where);
  const { tensors, metadata } = scan(scanner);
  return { entries: laidOut(where, tensors, fileBytes - end), metadata, dataOffset: end };
}

function textOf(where: string, bytes: Uint8Array): string {
  try {
    // A TextDecoder takes no view of shared memory.
    const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(own as Uint8Array<ArrayBuffer>);
  } catch {
    throw damaged(where, "its header is no UTF-8");
  }
}

interface Claim {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly bigint[];
  readonly begin: bigint;
  readonly end: bigint;
}

function scan(scanner: HeaderScanner): { tensors: Map<string, Claim>; metadata: Map<string, string> } {
  const tensors = new Map<string, Claim>();
  let metadata: Map<string, string> | undefined;
  if (!scanner.startsWith("{")) scanner.refuse("it does not begin with '{'");
  scanner.object((name) => {
    if (name === "__metadata__") {
      if (metadata !== undefined) scanner.refuse("it has __metadata__ twice");
      metadata = scanner.takeNull() ? new Map() : texts(scanner);
    } else {
      if (tensors.has(name)) scanner.refuse(`it has a tensor ${JSON.stringify(name)} twice`);
      tensors.set(name, claim(scanner, name));
    }
  });
  scanner.expectEnd();
  return { tensors, metadata: metadata ?? new Map() };
}

function texts(scanner: HeaderScanner): Map<string, string> {
  const pairs = new Map<string, string>();
  scanner.object((key) => {
    if (pairs.has(key)) scanner.refuse(`__metadata__ has ${JSON.stringify(key)} twice`);
    pairs.set(key, scanner.string());
  });
  return pairs;
}

function claim(scanner: HeaderScanner, name: string): Claim {
  const shown = JSON.stringify(name);
  let dtype: string | undefined;
  let shape: bigint[] | undefined;
  let offsets: bigint[] | undefined;
  scanner.object((field) => {
    if (field === "dtype" && dtype === undefined) dtype = scanner.string();
    else if (field === "shape" && shape === undefined) shape = scanner.integers();
    else if (field === "data_offsets" && offsets === undefined) offsets = scanner.integers();
    else scanner.refuse(`${shown} has ${JSON.stringify(field)}, and a tensor has dtype, shape and data_offsets, each once`);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined)
    return scanner.refuse(`${shown} lacks ${dtype === undefined ? "dtype" : shape === undefined ? "shape" : "data_offsets"}`);
  if (!isSafetensorsDType(dtype)) return scanner.refuse(`${shown} is of an unknown dtype ${JSON.stringify(dtype)}`);
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined)
    return scanner.refuse(`${shown} has ${offsets.length} data_offsets, and two belong there`);
  return { dtype, shape, begin, end };
}

/** The bytes of a tensor; undefined where 64 bits cannot count its elements or bits, or its last byte is not full. */
function byteLength({ dtype, shape }: Claim): bigint | undefined {
  const limit = 2n ** 64n;
  let count = 1n;
  for (const size of shape) {
    count *= size;
    if (count >= limit) return undefined;
  }
  const bits = count * BigInt(bitsPerElement[dtype]);
  return bits < limit && bits % 8n === 0n ? bits / 8n : undefined;
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** Every byte of the data belongs to one tensor. */
function laidOut(where: string, tensors: ReadonlyMap<string, Claim>, dataBytes: number): Map<string, SafetensorsEntry> {
  const entries = new Map<string, SafetensorsEntry>();
  let reached = 0n;
  for (const [name, tensor] of [...tensors].sort(([, a], [, b]) => compare(a.begin, b.begin) || compare(a.end, b.end))) {
    const shown = JSON.stringify(name);
    const { dtype, shape, begin, end } = tensor;
    if (begin !== reached || end < begin)
      throw damaged(
        where,
        `the bytes of ${shown} are ${begin} to ${end}, and the tensor before it ends at ${reached}: data has no holes and no overlaps`,
      );
    const bytes = byteLength(tensor);
    if (bytes !== end - begin)
      throw damaged(
        where,
        `${shown} is ${dtype}[${shape.join(", ")}], ${bytes ?? "more than 2⁶⁴ or not whole"} bytes, and its data_offsets span ${end - begin}`,
      );
    if (end > BigInt(dataBytes)) throw damaged(where, `the bytes of ${shown} end at ${end}, and the data has ${dataBytes}`);
    // Beside a size of 0, another may be what no array can have.
    if (shape.some((size) => size > BigInt(Number.MAX_SAFE_INTEGER)))
      throw new ErmineError(
        "ERMINE_UNSUPPORTED",
        `${where}: ${shown} is ${dtype}[${shape.join(", ")}]: a size above 2⁵³ is not read.`,
      );
    entries.set(name, { dtype, shape: shape.map(Number), begin: Number(begin), end: Number(end) });
    reached = end;
  }
  if (reached !== BigInt(dataBytes))
    throw damaged(where, `its tensors end at byte ${reached} of the data, and ${dataBytes} bytes are there`);
  return entries;
}
