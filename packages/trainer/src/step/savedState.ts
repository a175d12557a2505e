/** Copies of the state of callbacks and schedules: plain JSON in which numbers may be NaN, and typed arrays. */
import { ErmineError, type TypedArray } from "@ermine/core";
import { isTypedArray, show } from "@ermine/core/define";
import type { SavedState } from "./contract.js";

const isKept = (value: object): value is TypedArray =>
  value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;

/** @throws ErmineError ERMINE_USAGE that names the first thing that neither JSON nor a typed array of a tensor can hold */
export function copyState(where: string, value: unknown): SavedState {
  return copyValue(where, value, new Set());
}

function copyValue(where: string, value: unknown, ancestors: Set<object>): SavedState {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string") return value;
  if (typeof value !== "object") throw notKept(where, value);
  if (isTypedArray(value)) {
    if (isKept(value)) return value.slice();
    throw notKept(where, value);
  }
  if (ancestors.has(value)) throw new ErmineError("ERMINE_USAGE", `${where} refers to itself, and a state is plain JSON.`);
  ancestors.add(value);
  let copy: SavedState;
  if (Array.isArray(value)) copy = value.map((item, i) => copyValue(`${where}[${i}]`, item, ancestors));
  else if ([Object.prototype, null].includes(Object.getPrototypeOf(value) as null)) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    copy = Object.fromEntries(members.map(([key, member]) => [key, copyValue(`${where}.${key}`, member, ancestors)]));
  } else throw notKept(where, value);
  ancestors.delete(value);
  return copy;
}

const notKept = (where: string, value: unknown): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `${where} is ${show(value)}, which a snapshot cannot keep. A state is plain JSON: null, booleans, numbers, strings, lists and objects of them, and ` +
      "Float32Array, Float64Array, Int32Array and Uint8Array.",
  );
