/** What is written: its sizes checked, its elements as the file's dtype has them. */
import { ErmineError, type AnyTypedArray } from "@ermine/core";
import { show } from "@ermine/core/define";
import type { ElementArrayClass } from "./bytes.js";
import { toHalf, type HalfFormat } from "./float16.js";

/** The sizes. @throws ErmineError ERMINE_SHAPE where they are none */
export function sizesOf(where: string, source: { readonly shape: readonly unknown[] }): readonly number[] {
  const shape: unknown = (source as { readonly shape?: unknown } | null | undefined)?.shape;
  if (Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return shape as number[];
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${where}: what is written is { shape, data }, its shape a list of sizes, got ${show(shape)}.`,
  );
}

/** @throws ErmineError ERMINE_VALUE */
export function checkText(where: string, text: unknown): asserts text is string {
  if (typeof text === "string" && !/\p{Surrogate}/u.test(text)) return;
  throw new ErmineError(
    "ERMINE_VALUE",
    `${where} is ${show(text)}, and names and metadata are texts without half surrogate pairs.${typeof text === "object" ? " Write JSON.stringify(value)." : ""}`,
  );
}

/** A dtype of a file. */
export interface TargetType {
  /** As the format calls it. */
  readonly name: string;
  readonly type: ElementArrayClass;
  readonly isBool: boolean;
  readonly half: HalfFormat | undefined;
}

type Elements = ArrayBufferView & Record<number, number | bigint>;

/** Is it an object of names, as a literal or JSON makes it, of this realm or another? */
export function isByName(source: unknown): source is Readonly<Record<string, unknown>> {
  if (typeof source !== "object" || source === null) return false;
  const prototype = Object.getPrototypeOf(source) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * The elements as a file has them: `data` itself where it is of that kind. Floats are rounded to the nearest, integers and truths must be exact.
 *
 * @throws ErmineError ERMINE_DTYPE where an element does not fit, ERMINE_VALUE where one is beyond a 16-bit float's range
 */
export function elementsAs(where: string, { name, type, isBool, half }: TargetType, data: AnyTypedArray): ArrayBufferView {
  const kind = data[Symbol.toStringTag];
  if (half !== undefined) {
    if (kind === "Float16Array" && half === "float16") return data;
    return toHalf(kind.startsWith("Big") ? Array.from(data as BigInt64Array, Number) : (data as Float32Array), half, where);
  }
  if (kind === type.name && !isBool) return data;
  const elements = new (type as unknown as new (length: number) => Elements)(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (isBool ? value == 0 || value == 1 : fits(value, type))
      elements[i] = type.name.startsWith("Big") ? BigInt(value) : Number(value);
    else
      throw new ErmineError(
        "ERMINE_DTYPE",
        `${where}: element ${i} is ${value}, which ${name} cannot hold. Write it as another dtype.`,
      );
  }
  return elements;
}

const limits: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  Int8Array: [-128n, 127n],
  Uint8Array: [0n, 255n],
  Int16Array: [-32768n, 32767n],
  Uint16Array: [0n, 65535n],
  Int32Array: [-(2n ** 31n), 2n ** 31n - 1n],
  Uint32Array: [0n, 2n ** 32n - 1n],
  BigInt64Array: [-(2n ** 63n), 2n ** 63n - 1n],
  BigUint64Array: [0n, 2n ** 64n - 1n],
};

function fits(value: number | bigint, type: ElementArrayClass): boolean {
  const limit = limits[type.name];
  if (limit === undefined) {
    // Floats lose digits, but a finite one stays so.
    const rounded = type.name === "Float32Array" ? Math.fround(Number(value)) : Number(value);
    return typeof value === "bigint" || !Number.isFinite(value) || Number.isFinite(rounded);
  }
  if (typeof value === "number" && !Number.isInteger(value)) return false;
  return BigInt(value) >= limit[0] && BigInt(value) <= limit[1];
}
