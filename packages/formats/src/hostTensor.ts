/** Elements as ermine holds them: floats are float32, integers int32, truths bool. */
import { ErmineError, type DType, type TypedArray } from "@ermine/core";
import type { ElementArray } from "./bytes.js";

/**
 * The dtype and the array. Float64Array stays: whoever takes it rounds. Any byte of a bool but 0 is true.
 *
 * @throws ErmineError ERMINE_DTYPE where an integer is no int32
 */
export function asHeld(where: string, isBool: boolean, elements: ElementArray): { dtype: DType; data: TypedArray } {
  if (elements instanceof Float32Array || elements instanceof Float64Array) return { dtype: "float32", data: elements };
  if (isBool) return { dtype: "bool", data: Uint8Array.from(elements as Uint8Array, (byte) => (byte === 0 ? 0 : 1)) };
  if (elements instanceof Int32Array) return { dtype: "int32", data: elements };
  const data = new Int32Array(elements.length);
  for (let i = 0; i < elements.length; i++) {
    const value = elements[i]!;
    // The remainder of 2³², and whole numbers of 64 bits rounded: equal only where nothing was lost.
    data[i] = Number(value);
    if (typeof value === "bigint" ? BigInt(data[i]!) === value : data[i] === value) continue;
    throw new ErmineError(
      "ERMINE_DTYPE",
      `${where}: element ${i} is ${value}, and ermine holds integers as int32, from −2³¹ to 2³¹ − 1. Read it by .elements(), or save it as floats.`,
    );
  }
  return { dtype: "int32", data };
}
