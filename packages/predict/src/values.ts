/** What is given to a model, as arrays of a shape, and cut into parts. */
import { ErmineError, Tensor, type DType, type TypedArray } from "@ermine/core";
import { isTypedArray, nested } from "@ermine/core/define";
import type { ModelValue } from "@ermine/onnx";

/** Elements of a shape. */
export interface HostValues {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The dtype that elements of a type of the file are computed in. */
export function dtypeOf(type: string): DType {
  if (type === "bool") return "bool";
  return type.startsWith("float") || type === "bfloat16" ? "float32" : "int32";
}

/** The elements in the array of their dtype. @throws ErmineError ERMINE_DTYPE for what is no whole number, or beyond int32 */
function stored(data: ArrayLike<number>, dtype: DType, place: string): TypedArray {
  if (dtype === "float32") return data instanceof Float32Array ? data : Float32Array.from(data);
  if (dtype === "bool") return Uint8Array.from(data, (value) => Number(value !== 0));
  const whole = Int32Array.from(data);
  for (let i = 0; i < whole.length; i++)
    if (whole[i] !== data[i])
      throw new ErmineError("ERMINE_DTYPE", `${place} takes whole numbers up to 2³¹ − 1, got ${data[i]} at ${i}.`);
  return whole;
}

/**
 * A value that is given for an input: a tensor, nested lists, or a typed array, flat or with its shape.
 *
 * @throws ErmineError ERMINE_SHAPE where a flat array does not fill the input's shape
 */
export async function hostValues(input: ModelValue, given: unknown): Promise<HostValues> {
  const place = `The input ${JSON.stringify(input.name)}`;
  const dtype = dtypeOf(input.type);
  if (given instanceof Tensor) {
    if (given.dtype === "float32" && dtype !== "float32")
      throw new ErmineError("ERMINE_DTYPE", `${place} is ${input.type}, got float32. Use cast(x, "${dtype}").`);
    return { data: stored(await given.data(), dtype, place), shape: given.shape as readonly number[], dtype };
  }
  if (isShaped(given)) {
    const numbers = given.data instanceof BigInt64Array ? Float64Array.from(given.data, Number) : given.data;
    const data = stored(numbers, dtype, place);
    checkFilled(place, data.length, given.shape);
    return { data, shape: given.shape, dtype };
  }
  const numbers = given instanceof BigInt64Array ? Float64Array.from(given, Number) : given;
  const { data, shape } = nested(place, numbers as never);
  const rows = stored(data, dtype, place);
  return { data: rows, shape: isTypedArray(numbers) ? filled(input, rows.length, place) : shape, dtype };
}

interface Shaped {
  readonly data: TypedArray | Float64Array | BigInt64Array;
  readonly shape: readonly number[];
}

const isShaped = (given: unknown): given is Shaped =>
  given !== null && typeof given === "object" && "data" in given && "shape" in given && Array.isArray(given.shape);

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function checkFilled(place: string, length: number, shape: readonly number[]): void {
  if (count(shape) !== length)
    throw new ErmineError("ERMINE_SHAPE", `${place}: ${length} elements do not fill the shape [${shape.join(", ")}].`);
}

/** The shape of a flat array: the input's, whose first size is open. */
function filled({ shape }: ModelValue, length: number, place: string): readonly number[] {
  if (shape === undefined || shape.length <= 1) return [length];
  const rest = shape.slice(1);
  const row = rest.every((size) => typeof size === "number") ? count(rest as readonly number[]) : 0;
  if (row === 0 || length % row !== 0) {
    const said = shape.map((size) => size ?? "?").join(", ");
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${place} is [${said}], which ${length} elements without a shape do not fill. Give { data, shape }, or nested lists.`,
    );
  }
  return [length / row, ...rest] as readonly number[];
}

/** So many samples from one on. Beyond the last there are copies of it, where a file takes no fewer. */
export function rowsOf({ data, shape, dtype }: HostValues, from: number, size: number): HostValues {
  const row = count(shape.slice(1));
  const there = data.subarray(from * row, Math.min(from + size, shape[0]!) * row);
  if (there.length === size * row) return { data: there, shape: [size, ...shape.slice(1)], dtype };
  const padded = new (data.constructor as new (length: number) => TypedArray)(size * row);
  padded.set(there);
  for (let at = there.length; at < padded.length; at += row) padded.set(there.subarray(there.length - row), at);
  return { data: padded, shape: [size, ...shape.slice(1)], dtype };
}
