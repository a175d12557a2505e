/** Dtypes and domains: how elements are stored, and what is known of their values. */
import { ErmineError } from "./errors.js";
import { nearestName } from "./spelling.js";
import { checkArguments, wrongArgument } from "./arguments.js";
import { show } from "./options.js";

/** The dtypes: "float32", "int32" and "bool". */
export type DType = "float32" | "int32" | "bool";

/** Every dtype. */
export const dtypes: readonly DType[] = ["float32", "int32", "bool"];

/** Is it one of them? */
export const isDType = (value: unknown): value is DType => (dtypes as readonly unknown[]).includes(value);

/** The domain of a tensor's values. Logits are plain "real". */
export type Domain = "real" | "probabilities" | "logProbabilities";

/** Host data. float32 travels as Float32Array (Float64Array where an engine computes in float64), bool as Uint8Array. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Bytes of an element on a backend, by dtype. */
export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, int32: 4, bool: 1 };

/**
 * Refuses what is none of "float32", "int32" and "bool".
 *
 * @throws ErmineError ERMINE_DTYPE for what is no dtype
 */
export function checkDTypeName(where: string, dtype: unknown): asserts dtype is DType {
  if (isDType(dtype)) return;
  if (typeof dtype !== "string")
    throw new ErmineError("ERMINE_DTYPE", `${where}: a dtype is one of ${dtypes.map(show).join(", ")}, got ${show(dtype)}.`);
  const near = nearestName(dtype, dtypes, { int64: "int32", float64: "float32", float16: "float32", boolean: "bool" });
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  throw new ErmineError("ERMINE_DTYPE", `${where}: there is no dtype "${dtype}"; there are ${dtypes.join(", ")}.${hint}`);
}

/**
 * The element that a number is in a dtype: in bool 1 for all but 0.
 *
 * @throws ErmineError ERMINE_DTYPE where int32 cannot hold it
 */
export function elementOf(where: string, value: number, dtype: DType): number {
  if (dtype === "bool") return Number(value !== 0);
  if (dtype === "float32" || (value | 0) === value) return value;
  throw new ErmineError("ERMINE_DTYPE", `${where}: ${value} is not an int32. Use float32: cast(x, "float32").`);
}

/** Indices are int32: no tensor has more elements than they can say. */
const mostElements = 2 ** 31 - 1;

/** @throws ErmineError ERMINE_MEMORY where no tensor has so many */
export function checkLength(length: number, where?: string): void {
  if (length <= mostElements) return;
  const place = where === undefined ? "" : `${where}: `;
  throw new ErmineError("ERMINE_MEMORY", `${place}${length} elements are more than a tensor can have: at most ${mostElements}.`);
}

/** A fresh zeroed host array for `dtype`. @throws ErmineError ERMINE_MEMORY for more than 2³¹ − 1 elements, ERMINE_USAGE for what is no length */
export function allocate(dtype: DType, length: number): TypedArray {
  if (arguments.length > 2) checkArguments("allocate", arguments, 2);
  if (!(Number.isInteger(length) && length >= 0)) throw wrongArgument("allocate(dtype, length)", "length", length, "integer");
  checkLength(length);
  checkDTypeName("allocate", dtype);
  if (dtype === "float32") return new Float32Array(length);
  return dtype === "int32" ? new Int32Array(length) : new Uint8Array(length);
}

const rank: Readonly<Record<DType, number>> = { bool: 0, int32: 1, float32: 2 };

/** The dtype that holds both: bool < int32 < float32. */
export function promote(a: DType, b: DType): DType {
  return rank[a] >= rank[b] ? a : b;
}
