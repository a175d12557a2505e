/** A single tensor's message, as ONNX's test data are. */
import { ErmineError, type DType } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import { decode } from "../proto/codec.js";
import { elementName, readTensor } from "./tensors.js";
import { typedArray } from "./value.js";

/** A tensor of a `.pb` file. */
export interface TensorFile {
  /** Its name. */
  readonly name: string;
  /** What its elements are in the file: "float32", "int64", … */
  readonly type: string;
  /** What they are as a tensor. */
  readonly dtype: DType;
  /** The size of each axis. */
  readonly shape: readonly number[];
  /** The elements, row by row: float32 and bool as such, integers as an Int32Array, or as a Float64Array where one is beyond it. */
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/**
 * The tensor that a `.pb` file holds, onnx's TensorProto: test data and weights are passed on in such files.
 *
 * @throws ErmineError ERMINE_DATA for bytes that are none, ERMINE_UNSUPPORTED for an element type that ermine does not have, ERMINE_USAGE for what is no Uint8Array
 * @example
 * readTensorFile(Uint8Array.of(8, 2, 16, 1, 74, 8, 0, 0, 128, 63, 0, 0, 0, 64)).shape; // => [2]
 */
export function readTensorFile(bytes: Uint8Array): TensorFile {
  checkArguments("readTensorFile", arguments, 1);
  if (!(bytes instanceof Uint8Array)) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `readTensorFile takes the bytes of a file, got ${show(bytes)}. Write readTensorFile(await readFile(path)).`,
    );
  }
  const proto = decode("TensorProto", bytes);
  const { shape, dtype, elements } = readTensor(proto, `The tensor ${JSON.stringify(proto.name ?? "")}`);
  const numbers = elements as ArrayLike<number>;
  const data = numbers instanceof Float64Array ? numbers : typedArray(numbers, dtype);
  return { name: proto.name ?? "", type: elementName(proto.dataType ?? 0), dtype, shape, data };
}
