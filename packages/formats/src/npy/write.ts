/** npy, written. */
import { ErmineError, type AnyTypedArray } from "@ermine/core";
import { checkArguments, isTypedArray, nearestName, show } from "@ermine/core/define";
import { bytesIn } from "../bytes.js";
import { elementsAs, sizesOf } from "../writable.js";
import { arrayOf } from "./read.js";
import { codes, type NpyDType } from "./header.js";

/** An array to write. */
export interface WritableArray {
  /** Sizes; `[]` is a scalar. */
  readonly shape: readonly unknown[];
  /** NumPy's name. "bool" takes 0 and 1; "float16" takes floats and rounds them to the nearest. Default: by the array. */
  readonly dtype?: NpyDType;
  /** The elements, row by row. */
  readonly data: AnyTypedArray;
}

const ofArrays: Readonly<Record<string, NpyDType>> = {
  Float16Array: "float16",
  Float32Array: "float32",
  Float64Array: "float64",
  Int8Array: "int8",
  Uint8Array: "uint8",
  Uint8ClampedArray: "uint8",
  Int16Array: "int16",
  Uint16Array: "uint16",
  Int32Array: "int32",
  Uint32Array: "uint32",
  BigInt64Array: "int64",
  BigUint64Array: "uint64",
};

/**
 * The bytes of an npy file (version 1.0, little-endian, row-major), as `numpy.save` writes it and `numpy.load` reads it. A state dict's tensors
 * are arrays to write.
 *
 * @throws ErmineError ERMINE_SHAPE where the elements do not fill the shape, ERMINE_DTYPE and ERMINE_VALUE where one does not fit the dtype, ERMINE_USAGE
 *
 * @example
 * await writeFile("predictions.npy", writeNpy({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }));
 */
export function writeNpy(array: WritableArray): Uint8Array {
  if (arguments.length > 1) checkArguments("writeNpy", arguments, 1);
  return npyFile("writeNpy", array);
}

/** @internal */
export function npyFile(where: string, array: WritableArray): Uint8Array {
  const shape = sizesOf(where, array);
  const { data } = array;
  if (!isTypedArray(data)) throw new ErmineError("ERMINE_USAGE", `${where}: its data is a typed array, got ${show(data)}.`);
  const dtype = array.dtype ?? ofArrays[data[Symbol.toStringTag]]!;
  checkDType(where, dtype);
  const length = shape.reduce((a, b) => a * b, 1);
  if (data.length !== length)
    throw new ErmineError("ERMINE_SHAPE", `${where}: ${data.length} elements do not fill the shape [${shape.join(", ")}].`);
  const elements = bytesIn(
    elementsAs(
      where,
      { name: dtype, type: arrayOf[dtype], isBool: dtype === "bool", half: dtype === "float16" ? "float16" : undefined },
      data,
    ),
  );
  const header = headerOf(dtype, shape);
  const file = new Uint8Array(header.length + elements.length);
  file.set(header);
  file.set(elements, header.length);
  return file;
}

function checkDType(where: string, dtype: string): asserts dtype is NpyDType {
  if (Object.hasOwn(codes, dtype)) return;
  const near = nearestName(dtype, Object.keys(codes));
  throw new ErmineError(
    "ERMINE_DTYPE",
    `${where} writes no dtype ${show(dtype)}.${near === undefined ? "" : ` Did you mean "${near}"?`}`,
  );
}

function headerOf(dtype: NpyDType, shape: readonly number[]): Uint8Array {
  const code = codes[dtype];
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${code.endsWith("1") ? "|" : "<"}${code}', 'fortran_order': False, 'shape': ${sizes}, }`;
  // Elements begin at a multiple of 64, after a new line.
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = new Uint8Array(total).fill(0x20);
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(header.buffer).setUint16(8, total - 10, true);
  header.set(new TextEncoder().encode(text), 10);
  header[total - 1] = 0x0a;
  return header;
}
