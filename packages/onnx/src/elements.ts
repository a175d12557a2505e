/** ONNX's element types, and tensors as its messages. */
import type { DType, TypedArray } from "@ermine/core";
import type { TensorProto } from "./proto/messages.js";

/** The numbers of ONNX's element types that this package writes. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
} as const;

/** A dtype as an input may be declared in a file. */
export type ElementType = keyof typeof elementTypes;

/** The element type that holds core's dtype. */
export const elementTypeOf = (dtype: DType): number => elementTypes[dtype];

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The elements, little-endian: a view of them where the machine is. */
export function rawData(data: ArrayBufferView): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const size = (data as TypedArray).BYTES_PER_ELEMENT ?? 1;
  if (isLittleEndian || size === 1) return bytes;
  const swapped = bytes.slice();
  for (let at = 0; at < swapped.length; at += size) swapped.subarray(at, at + size).reverse();
  return swapped;
}

/** Host elements in the array that core's dtype is stored as: float32 ones may come as a Float64Array. */
export function storedElements(data: ArrayLike<number>, dtype: DType): TypedArray {
  if (dtype === "int32") return data instanceof Int32Array ? data : Int32Array.from(data);
  if (dtype === "bool") return data instanceof Uint8Array ? data : Uint8Array.from(data);
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/** A tensor's message, its elements in `raw_data`. */
export const tensorProto = (data: ArrayLike<number>, shape: readonly number[], dtype: DType): TensorProto => ({
  dims: shape.map(BigInt),
  dataType: elementTypeOf(dtype),
  rawData: rawData(storedElements(data, dtype)),
});

/** A list of int64, or a single one without axes. */
export const int64Proto = (values: readonly (number | bigint)[], shape: readonly number[] = [values.length]): TensorProto => ({
  dims: shape.map(BigInt),
  dataType: elementTypes.int64,
  rawData: rawData(BigInt64Array.from(values.map(BigInt))),
});
