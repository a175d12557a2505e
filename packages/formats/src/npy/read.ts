/** npy, read. */
import { checkArguments, show } from "@ermine/core/define";
import { ErmineError } from "@ermine/core";
import type { HostTensor } from "@ermine/core/nn";
import { bytesOf, viewAs, type Bytes, type ElementArray, type ElementArrayClass } from "../bytes.js";
import { fromHalf } from "../float16.js";
import { asHeld } from "../hostTensor.js";
import { npyHeader, type NpyDType, type NpyHeader } from "./header.js";

export const arrayOf: Readonly<Record<NpyDType, ElementArrayClass>> = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** An array of NumPy's. */
export class NpyArray {
  /** What it is called in messages: the name within an npz file, else "The npy file". */
  readonly #where: string;
  readonly #elements: ElementArray;
  /** What numpy calls its elements: "float32". */
  readonly dtype: NpyDType;
  /** Sizes; `[]` is a scalar. */
  readonly shape: readonly number[];

  /** @internal */
  constructor(where: string, dtype: NpyDType, shape: readonly number[], elements: ElementArray) {
    this.#where = where;
    this.dtype = dtype;
    this.shape = shape;
    this.#elements = elements;
  }

  /** The elements, row-major: float16 as a Float32Array, int64 and uint64 as BigInt64Array and BigUint64Array, bool as bytes. */
  elements(): ElementArray {
    return this.#elements;
  }

  /**
   * As ermine holds it: floats are float32 (float64 keeps its digits in a Float64Array), integers int32, bool bool.
   *
   * @throws ErmineError ERMINE_DTYPE where an integer is no int32
   *
   * @example
   * const { data, shape } = readNpy(await readFile("inputs.npy")).toHostTensor();
   */
  toHostTensor(): HostTensor {
    return { shape: this.shape, ...asHeld(this.#where, this.dtype === "bool", this.#elements) };
  }
}

/**
 * Reads an npy file, as `numpy.save` writes it: any version, byte order and memory order of bool, int8 to int64, uint8 to uint64 and float16 to float64.
 * Little-endian row-major elements are a view of `bytes` where they are aligned.
 *
 * @throws ErmineError ERMINE_DATA where the file is damaged, cut short, or longer than its array; ERMINE_UNSUPPORTED for pickled objects, texts,
 * complex numbers, dates and records; ERMINE_USAGE where it is no bytes
 *
 * @example
 * const images = readNpy(await readFile("images.npy"));
 * images.shape; // [60000, 28, 28]
 */
export function readNpy(bytes: Bytes): NpyArray {
  if (arguments.length > 1) checkArguments("readNpy", arguments, 1);
  return npyOf("The npy file", bytesOf("readNpy", bytes));
}

/** @internal */
export function npyOf(where: string, file: Uint8Array): NpyArray {
  const header = npyHeader(where, file);
  const { dtype, shape, dataOffset } = header;
  const bytes = npyByteLength(header);
  const data = file.subarray(dataOffset);
  // Exact: a product that is not is far above any file's length.
  if (bytes !== data.length)
    throw new ErmineError(
      "ERMINE_DATA",
      `${where} is ${dtype}[${shape.join(", ")}], ${bytes} bytes, and ${data.length} follow its header. It is cut short, or holds more than ` +
        "one array: numpy.savez keeps several.",
    );
  return arrayFrom(where, header, data, shape);
}

/** Bytes of all elements. */
const npyByteLength = ({ dtype, shape }: NpyHeader): number => shape.reduce((a, b) => a * b, arrayOf[dtype].BYTES_PER_ELEMENT);

/** @param data the elements of that shape, as the header says that they are written */
function arrayFrom(where: string, header: NpyHeader, data: Uint8Array, shape: readonly number[]): NpyArray {
  const { dtype, isBigEndian, isFortranOrder } = header;
  const size = arrayOf[dtype].BYTES_PER_ELEMENT;
  const ordered = isBigEndian && size > 1 ? swapped(data, size) : data;
  const elements = viewAs(ordered, arrayOf[dtype]);
  const values = dtype === "float16" ? fromHalf(elements as Uint16Array, "float16") : elements;
  return new NpyArray(where, dtype, shape, isFortranOrder && shape.length > 1 ? rowMajor(values, shape) : values);
}

/**
 * Reads the header of an npy file: what its elements are and where they begin, for files larger than memory.
 *
 * @param bytes the file's beginning; 10,012 bytes hold any header
 * @throws ErmineError ERMINE_DATA where it is damaged or cut short; ERMINE_UNSUPPORTED for elements that are not read; ERMINE_USAGE where it is no bytes
 *
 * @example
 * readNpyHeader(await readFile("images.npy")).dtype; // => "float32"
 */
export function readNpyHeader(bytes: Bytes): NpyHeader {
  if (arguments.length > 1) checkArguments("readNpyHeader", arguments, 1);
  return npyHeader("The npy file", bytesOf("readNpyHeader", bytes));
}

/**
 * Rows of an npy file, of the bytes that are theirs: row i begins at `dataOffset` + i · the bytes of a row.
 *
 * @param header what `readNpyHeader` gave
 * @throws ErmineError ERMINE_DATA where the bytes are no whole rows; ERMINE_UNSUPPORTED for an array in Fortran's order, whose rows are in pieces
 *
 * @example
 * const bytes = await readFile("images.npy");
 * const header = readNpyHeader(bytes);
 * const rowBytes = 28 * 28 * 4;
 * readNpyRows(header, bytes.subarray(header.dataOffset, header.dataOffset + rowBytes)).shape; // => [1, 28, 28]
 */
export function readNpyRows(header: NpyHeader, bytes: Bytes): NpyArray {
  if (arguments.length > 2) checkArguments("readNpyRows", arguments, 2);
  const { dtype, shape, isFortranOrder } = checkedHeader(header);
  const data = bytesOf("readNpyRows", bytes);
  if (isFortranOrder && shape.length > 1)
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "readNpyRows: the array is in Fortran's order, in which rows lie in pieces. Save it row by row: numpy.save(path, numpy.ascontiguousarray(array)).",
    );
  const rowBytes = npyByteLength({ ...header, shape: shape.slice(1) });
  if (data.length % rowBytes !== 0)
    throw new ErmineError(
      "ERMINE_DATA",
      `readNpyRows: a row of ${dtype}[${shape.join(", ")}] has ${rowBytes} bytes, and ${data.length} are no whole rows.`,
    );
  return arrayFrom("The npy file", header, data, [data.length / rowBytes, ...shape.slice(1)]);
}

/** @throws ErmineError ERMINE_USAGE where it is none that has rows */
function checkedHeader(header: NpyHeader): NpyHeader {
  const { dtype, shape, dataOffset } = (typeof header === "object" && header !== null ? header : {}) as Partial<NpyHeader>;
  const isHeader =
    typeof dtype === "string" && Object.hasOwn(arrayOf, dtype) && Array.isArray(shape) && Number.isInteger(dataOffset);
  if (isHeader && shape.length > 0 && shape.slice(1).every((size: number) => size > 0)) return header;
  throw new ErmineError(
    "ERMINE_USAGE",
    `readNpyRows takes the header of an array that has rows, from readNpyHeader(bytes), got ${isHeader ? `one of the shape [${shape.join(", ")}]` : show(header)}.`,
  );
}

/** Each element's bytes turned round. */
function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const copy = bytes.slice();
  for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse();
  return copy;
}

/** From column-major, where the first index varies fastest. */
function rowMajor(elements: ElementArray, shape: readonly number[]): ElementArray {
  const copy = elements.slice();
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < copy.length; to++) {
    copy[to] = elements[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return copy;
}
