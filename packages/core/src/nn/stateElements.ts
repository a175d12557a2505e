/** States handed to `loadStateDict`: checked and turned into elements of a variable's dtype. */
import { ErmineError } from "../types/errors.js";
import { formatShape, type Shape } from "../types/dim.js";
import { checkAttached, elementsOf as converted, isTypedArray, type AnyTypedArray } from "../types/arrays.js";
import type { DType, TypedArray } from "../types/dtype.js";
import { Tensor } from "../types/tensor.js";

/** A tensor to load: as saved, or as JSON makes it of that, where `{ "0": 1, "1": 2 }` stands for a typed array. */
export interface LoadableTensor {
  /** The size of each axis. */
  readonly shape: Shape;
  /** Not needed: elements become those of the variable's dtype, or are refused. */
  readonly dtype?: DType;
  /** The elements, row by row. */
  readonly data: AnyTypedArray | readonly number[] | Readonly<Record<string, number>>;
}

/** A state to load: what `stateDict()` gave, what JSON makes of that, tensors, or read from anywhere. */
export type LoadableState = Readonly<Record<string, LoadableTensor | Tensor>>;

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? `a ${name}` : "an object of a class";
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as null);

/** @throws ErmineError ERMINE_USAGE where it is no plain object */
export function checkState(state: unknown): asserts state is LoadableState {
  if (isPlain(state)) return;
  let hint = "It takes an object of { shape, data } by name, as stateDict() gives it.";
  if (typeof (state as { then?: unknown } | undefined)?.then === "function") hint = "Await it first.";
  else if (typeof state === "string") hint = "Give it JSON.parse(text).";
  else if (state instanceof Map) hint = "Give it Object.fromEntries(map).";
  else if (typeof (state as { stateDict?: unknown } | undefined)?.stateDict === "function")
    hint = "Give it await model.stateDict().";
  throw new ErmineError("ERMINE_USAGE", `loadStateDict got ${kindOf(state)}. ${hint} Nothing was loaded.`);
}

/** The shape of a tensor to load. @throws ErmineError ERMINE_SHAPE where it has none */
export function shapeOf(name: string, value: unknown): readonly number[] {
  const shape: unknown = (value as LoadableTensor | null | undefined)?.shape;
  const isSize = (size: unknown): boolean => Number.isSafeInteger(size) && (size as number) >= 0;
  if (Array.isArray(shape) && shape.every(isSize)) return shape as number[];
  const got =
    typeof value === "object" && value !== null && "shape" in value
      ? `shape ${JSON.stringify(shape) ?? String(shape)}`
      : kindOf(value);
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name}: a state holds { shape, data }, its shape a list of sizes, got ${got}. Nothing was loaded.`,
  );
}

/**
 * Its elements as a variable of `dtype` keeps them.
 *
 * @throws ErmineError ERMINE_SHAPE where they do not fill the shape, ERMINE_DTYPE where one does not fit the dtype, ERMINE_RELEASED where they are in an
 * array whose buffer is detached
 */
export function loadedElements(name: string, value: LoadableTensor | Tensor, dtype: DType): TypedArray {
  const shape = value.shape as readonly number[];
  const length = shape.reduce((a, b) => a * b, 1);
  const data: unknown = value instanceof Tensor ? value.dataSync() : value.data;
  const list = listOf(name, data);
  if (isTypedArray(list)) checkAttached(name, list);
  if (list.length !== length) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${name}: ${list.length} elements do not fill its shape ${formatShape(shape)}. Nothing was loaded.`,
    );
  }
  return converted(list, { where: name, dtype, exact: true, holder: "the variable", end: "Nothing was loaded." });
}

function listOf(name: string, data: unknown): ArrayLike<unknown> {
  if (Array.isArray(data) || isTypedArray(data)) return data;
  if (isPlain(data)) {
    const length = Object.keys(data).length;
    const list = Array.from({ length }, (_, i) => data[i]);
    if (list.every((_, i) => Object.hasOwn(data, i))) return list;
  }
  throw new ErmineError(
    "ERMINE_DTYPE",
    `${name}: its data is a typed array, an array of numbers, or what JSON makes of one, got ${isPlain(data) ? "an object with other keys than 0, 1, 2, …" : kindOf(data)}. ` +
      "Nothing was loaded.",
  );
}
