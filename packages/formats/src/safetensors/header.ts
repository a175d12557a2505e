/**
 * The header of a safetensors file: where each tensor's bytes are. Nothing is allocated by what a file claims before the claim is checked, and every
 * byte of the data belongs to exactly one tensor. https://huggingface.co/docs/safetensors
 */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, checkOptions, show } from "@ermine/core/define";
import { bitsPerElement, isSafetensorsDType, type SafetensorsDType } from "./dtypes.js";
import { HeaderScanner, quoted, type U64 } from "./scanner.js";

/** Bytes before the header: its length. */
export const lengthBytes = 8;

/** The largest header that the format allows, and that `maxHeaderBytes` can be. */
export const largestHeader = 100_000_000;

/** More axes or texts of `__metadata__` are not read: a header of nothing else would take many times its size. */
const mostAxes = 64;
const mostTexts = 100_000;

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
  const scanner = new HeaderScanner(start.subarray(lengthBytes, end), where);
  const { tensors, metadata } = scan(scanner);
  return { entries: laidOut(where, tensors, fileBytes - end), metadata, dataOffset: end };
}

function scan(scanner: HeaderScanner): { tensors: Map<string, SafetensorsEntry>; metadata: Map<string, string> } {
  const tensors = new Map<string, SafetensorsEntry>();
  let metadata: Map<string, string> | undefined;
  if (!scanner.startsWith("{")) scanner.refuse("it does not begin with '{'");
  scanner.object((name) => {
    if (name === "__metadata__") {
      if (metadata !== undefined) scanner.refuse("it has __metadata__ twice");
      metadata = scanner.takeNull() ? new Map() : texts(scanner);
    } else {
      if (tensors.has(name)) scanner.refuse(`it has a tensor ${quoted(name)} twice`);
      tensors.set(name, entry(scanner, name));
    }
  });
  scanner.expectEnd();
  return { tensors, metadata: metadata ?? new Map() };
}

function texts(scanner: HeaderScanner): Map<string, string> {
  const pairs = new Map<string, string>();
  scanner.object((key) => {
    if (pairs.has(key)) scanner.refuse(`__metadata__ has ${quoted(key)} twice`);
    if (pairs.size === mostTexts) scanner.refuseToRead(`__metadata__ has more than ${mostTexts} texts: no more are read`);
    pairs.set(key, scanner.string());
  });
  return pairs;
}

function entry(scanner: HeaderScanner, name: string): SafetensorsEntry {
  let dtype: string | undefined;
  let shape: U64[] | undefined;
  let offsets: U64[] | undefined;
  scanner.object((field) => {
    if (field === "dtype" && dtype === undefined) dtype = scanner.string();
    else if (field === "shape" && shape === undefined)
      shape = scanner.integers(mostAxes, () =>
        scanner.refuseToRead(`${quoted(name)} has more than ${mostAxes} axes: no more are read`),
      );
    else if (field === "data_offsets" && offsets === undefined)
      offsets = scanner.integers(2, () => scanner.refuse(`${quoted(name)} has more than two data_offsets`));
    else scanner.refuse(`${quoted(name)} has ${quoted(field)}, and a tensor has dtype, shape and data_offsets, each once`);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined)
    return scanner.refuse(
      `${quoted(name)} lacks ${dtype === undefined ? "dtype" : shape === undefined ? "shape" : "data_offsets"}`,
    );
  if (!isSafetensorsDType(dtype)) return scanner.refuse(`${quoted(name)} is of an unknown dtype ${quoted(dtype)}`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined)
    return scanner.refuse(`${quoted(name)} has ${offsets.length} data_offsets, and two belong there`);
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined || !isSum(begin, bytes, end))
    scanner.refuse(
      `${quoted(name)} is ${dtype}[${shape.join(", ")}], ${bytes ?? "more than 2⁶⁴ or not whole"} bytes, and its data_offsets are ${begin} and ${end}`,
    );
  // Beside a size of 0, another may be what no array can have.
  if (!areSizes(shape)) scanner.refuseToRead(`${quoted(name)} is ${dtype}[${shape.join(", ")}]: a size above 2⁵³ is not read`);
  // Copied, for a list that has grown holds room for more.
  return { dtype, shape: shape.slice(), begin: Number(begin), end: Number(end) };
}

const areSizes = (shape: U64[]): shape is number[] => shape.every((size) => typeof size === "number");

const isSum = (a: U64, b: U64, sum: U64): boolean =>
  typeof a === "number" && typeof b === "number" && typeof sum === "number"
    ? a + b === sum
    : BigInt(a) + BigInt(b) === BigInt(sum);

/** The bytes of a tensor; undefined where 64 bits cannot count its elements or bits, or its last byte is not full. */
function byteLength(dtype: SafetensorsDType, shape: readonly U64[]): U64 | undefined {
  let largest = bitsPerElement[dtype] as number;
  let isEmpty = false;
  for (const size of shape) {
    if (size === 0) isEmpty = true;
    else largest *= Number(size);
  }
  // No product on the way is larger: all of them are exact.
  if (largest <= Number.MAX_SAFE_INTEGER) return isEmpty ? 0 : largest % 8 === 0 ? largest / 8 : undefined;
  const limit = 2n ** 64n;
  let count = 1n;
  for (const size of shape) {
    count *= BigInt(size);
    if (count >= limit) return undefined;
  }
  const bits = count * BigInt(bitsPerElement[dtype]);
  return bits < limit && bits % 8n === 0n ? bits / 8n : undefined;
}

/** In the order of their data, of which every byte belongs to one tensor. */
function laidOut(
  where: string,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  dataBytes: number,
): ReadonlyMap<string, SafetensorsEntry> {
  const follows = (a: SafetensorsEntry, b: SafetensorsEntry): number => a.begin - b.begin || a.end - b.end;
  let previous: SafetensorsEntry | undefined;
  let isSorted = true;
  for (const tensor of tensors.values()) {
    if (previous !== undefined && follows(previous, tensor) > 0) isSorted = false;
    previous = tensor;
  }
  const entries = isSorted ? tensors : new Map([...tensors].sort(([, a], [, b]) => follows(a, b)));
  let reached = 0;
  for (const [name, { begin, end }] of entries) {
    if (begin !== reached)
      throw damaged(
        where,
        `the bytes of ${quoted(name)} are ${begin} to ${end}, and the tensor before it ends at ${reached}: data has no holes and no overlaps`,
      );
    if (end > dataBytes) throw damaged(where, `the bytes of ${quoted(name)} end at ${end}, and the data has ${dataBytes}`);
    reached = end;
  }
  if (reached !== dataBytes)
    throw damaged(where, `its tensors end at byte ${reached} of the data, and ${dataBytes} bytes are there`);
  return entries;
}
