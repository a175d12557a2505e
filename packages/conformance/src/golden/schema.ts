/** The format of a golden file: results computed elsewhere, as JSON. */
import { tensor, type Tensor } from "@ermine/core";

/** |got − expected| ≤ absolute + relative · |expected|; NaN and ±∞ must be met exactly, −0 equals 0. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** Numbers that JSON cannot say are the strings "NaN", "Infinity" and "-Infinity". */
export interface GoldenTensor {
  /** The size of each axis. */
  readonly shape: readonly number[];
  /** The dtype. */
  readonly dtype: "float32" | "int32";
  /** The elements, row by row; what JSON has no number for is a string: "nan", "inf". */
  readonly data: readonly (number | string)[];
}

export type GoldenOptions = Readonly<Record<string, unknown>>;

/** One case; the rest of its fields is its kind's. */
export interface GoldenCase {
  /** The case's name in its file. */
  readonly id: string;
  /** The kind of definition: an activation, a loss, an optimizer, … */
  readonly name?: string;
  /** Its options. */
  readonly options?: GoldenOptions;
  /** In the place of its kind's: { absolute: 0, … } where small values have to keep their digits. */
  readonly tolerance?: Tolerance;
}

/** A file: all cases of one kind. */
export interface GoldenFile {
  /** The version of the format. */
  readonly schema: 1;
  /** Which kind of case it has. */
  readonly kind: string;
  /** The cases. */
  readonly cases: readonly GoldenCase[];
}

export const isGoldenTensor = (value: unknown): value is GoldenTensor =>
  typeof value === "object" && value !== null && "shape" in value && "dtype" in value && "data" in value;

export const numbersOf = (golden: GoldenTensor): number[] => golden.data.map(Number);

export const fromGolden = ({ shape, dtype, ...golden }: GoldenTensor): Tensor =>
  tensor(dtype === "int32" ? Int32Array.from(golden.data, Number) : Float32Array.from(golden.data, Number), { shape, dtype });

/** Options that golden files have under another name than ermine. */
const renamed: Readonly<Record<string, string>> = { epsilon: "eps" };

/** The same options by ermine's names, with golden tensors as tensors, and values that JSON cannot say as numbers. */
export function optionsOf(options: GoldenOptions = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => {
      const name = renamed[key] ?? key;
      if (isGoldenTensor(value)) return [name, fromGolden(value)];
      const special = value === "Infinity" || value === "-Infinity" || value === "NaN";
      return [name, special ? Number(value) : value];
    }),
  );
}
