/** Where a tensor's elements are: what a tensor asks of a backend. */
import type { Shape } from "./dim.js";
import type { DType, Domain, TypedArray } from "./dtype.js";

/** A backend's own handle to a tensor's elements; core only passes it around. */
export type Storage = object;

/** The type of a value, known before it is computed. */
export interface TensorType {
  /** The size of each axis. */
  readonly shape: Shape;
  /** The dtype. */
  readonly dtype: DType;
  /** The domain. */
  readonly domain: Domain;
}

/** A place for elements. Every one that core meets is a backend, which computes with them too. */
export interface Device {
  /** For messages: "cpu". */
  readonly name: string;
  /** The dtypes that it can store. */
  readonly capabilities: {
    /** A backend without int32 or bool gets float32 in their place. */
    readonly dtypes: readonly DType[];
  };
  /** Copies `data`, whose array type fits `dtype` (Float32Array or Float64Array, Int32Array, Uint8Array). */
  upload(data: TypedArray, shape: readonly number[], dtype: DType): Storage;
  /** The storage is dead from here on; core calls it exactly once. */
  release(storage: Storage): void;
  /** A copy; an engine may answer later. */
  read(storage: Storage): Promise<TypedArray>;
  /** Where the engine can answer at once. */
  readSync?(storage: Storage): TypedArray;
}

/** The dtype that a device stores in the place of `dtype`. */
export const physicalDType = ({ capabilities }: Device, dtype: DType): DType =>
  capabilities.dtypes.includes(dtype) ? dtype : "float32";
