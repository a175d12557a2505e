/** What a tensor's elements are: their storage type and what is known of the numbers. */

export type DType = "float32" | "int32" | "bool";

/** Every dtype. */
export const dtypes: readonly DType[] = ["float32", "int32", "bool"];

/** Is it one of them? */
export const isDType = (value: unknown): value is DType => (dtypes as readonly unknown[]).includes(value);

/** What is known of a tensor's numbers. Logits are plain "real". */
export type Domain = "real" | "probabilities" | "logProbabilities";

/** Host data. float32 travels as Float32Array (Float64Array where an engine computes in float64), bool as Uint8Array. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, int32: 4, bool: 1 };

/** A fresh zeroed host array for `dtype`. */
export function allocate(dtype: DType, length: number): TypedArray {
  if (dtype === "float32") return new Float32Array(length);
  return dtype === "int32" ? new Int32Array(length) : new Uint8Array(length);
}

const rank: Readonly<Record<DType, number>> = { bool: 0, int32: 1, float32: 2 };

/** The dtype that holds both: bool < int32 < float32. */
export function promote(a: DType, b: DType): DType {
  return rank[a] >= rank[b] ? a : b;
}
