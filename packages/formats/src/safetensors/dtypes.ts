/** The dtypes of safetensors, and how their elements come to JavaScript. */
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import { fromHalf } from "../float16.js";
import { viewAs, type ElementArray, type ElementArrayClass } from "../bytes.js";

/** Bits of an element. */
export const bitsPerElement = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
} as const;

/** Every dtype that a file may name. */
export type SafetensorsDType = keyof typeof bitsPerElement;

/** Those whose elements ermine reads and writes. */
export type ElementDType = "BOOL" | "U8" | "I8" | "U16" | "I16" | "F16" | "BF16" | "U32" | "I32" | "F32" | "F64" | "I64" | "U64";

/** How the elements lie in memory; 16-bit floats as words. */
export const arrayOf: Readonly<Record<ElementDType, ElementArrayClass>> = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  U16: Uint16Array,
  I16: Int16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
};

export const isSafetensorsDType = (name: string): name is SafetensorsDType => Object.hasOwn(bitsPerElement, name);

export const isElementDType = (dtype: SafetensorsDType): dtype is ElementDType => Object.hasOwn(arrayOf, dtype);

/** @throws ErmineError ERMINE_DTYPE with the nearest name */
export function checkSafetensorsDType(where: string, name: unknown): asserts name is SafetensorsDType {
  if (typeof name === "string" && isSafetensorsDType(name)) return;
  const near = nearestName(String(name), Object.keys(bitsPerElement), {
    float32: "F32",
    int32: "I32",
    bool: "BOOL",
    float16: "F16",
  });
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  throw new ErmineError("ERMINE_DTYPE", `${where}: safetensors has no dtype "${String(name)}".${hint}`);
}

/**
 * Elements in memory order: a view of the bytes where these are aligned, else a copy; 16-bit floats as float32.
 *
 * @throws ErmineError ERMINE_UNSUPPORTED for floats of 8 bits and fewer, and complex numbers
 */
export function elementsIn(name: string, dtype: SafetensorsDType, bytes: Uint8Array): ElementArray {
  if (!isElementDType(dtype))
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${name} is of dtype ${dtype}, whose elements ermine does not read. Its bytes are there as they are (.bytes); ` +
        "convert it before saving (tensor.to(torch.float32)).",
    );
  const elements = viewAs(bytes, arrayOf[dtype]);
  if (dtype === "F16") return fromHalf(elements as Uint16Array, "float16");
  return dtype === "BF16" ? fromHalf(elements as Uint16Array, "bfloat16") : elements;
}
