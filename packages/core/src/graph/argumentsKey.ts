/** The arguments of a compiled function as text: equal where one program serves both calls, different where it may not. */
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { keyOf } from "../types/views.js";
import { Dim, formatShape, type Size } from "../types/dim.js";
import { Tensor } from "../types/tensor.js";

export interface KeyOptions {
  /** The function's name, for messages. */
  readonly name: string;
  /** Is the first axis of every tensor left open? */
  readonly symbolicBatch: boolean;
}

/** Deeper than any argument that a function has use for. */
const deepest = 512;

const objectIds = new WeakMap<object, number>();
let count = 0;

/** A number that no other object has. */
function idOf(object: object): number {
  let id = objectIds.get(object);
  if (id === undefined) objectIds.set(object, (id = ++count));
  return id;
}

/**
 * Plain data (arrays, plain objects, typed arrays, Dates) counts by its elements, exactly as `Object.is` tells them apart, and plain objects by the
 * order of their keys too. A tensor counts by dtype, shape and domain, and by which other arguments are the same tensor. A Map and a Set
 * count by identity and by their elements; functions and objects of other classes by identity and by their own fields that are no
 * objects (a module's `training`).
 *
 * @throws ErmineError ERMINE_USAGE for a symbol, for symbols as keys, and where an argument contains itself or has no end
 */
export function argumentsKey(args: readonly unknown[], { name, symbolicBatch }: KeyOptions): string {
  const tensors = new Map<Tensor, number>();
  const open = new Set<object>();

  const refuse = (path: string, problem: string): never => {
    throw new ErmineError("ERMINE_USAGE", `${name}: argument ${path} ${problem}`);
  };

  function tensorKey(t: Tensor): string {
    const same = tensors.get(keyOf(t)) ?? tensors.size;
    tensors.set(keyOf(t), same);
    const shape: readonly Size[] = symbolicBatch && t.rank > 0 ? [Dim.symbol("N"), ...t.shape.slice(1)] : t.shape;
    return `tensor${same}:${t.dtype}${formatShape(shape)}${t.domain}`;
  }

  function primitiveKey(value: unknown, path: string): string {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol") refuse(path, "is a symbol, which says nothing about a program. Pass a string.");
    return String(value);
  }

  /** `inTree`: do arrays and plain objects alone lead here? Only there is a tensor an argument; elsewhere it is a constant. */
  function valueKey(value: unknown, path: string, inTree: boolean): string {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return primitiveKey(value, path);
    if (value instanceof Tensor) return inTree ? tensorKey(value) : `constant${idOf(value)}`;
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      const elements = Array.from(value as unknown as ArrayLike<number>, (element) => primitiveKey(element, path));
      return `elements${idOf(Object.getPrototypeOf(value) as object)}(${elements.join()})`;
    }
    if (value instanceof Date) return `Date(${value.getTime()})`;
    checkCopy(name, value);
    if (open.has(value)) refuse(path, "contains itself. A compiled function takes trees of tensors and plain values.");
    if (open.size === deepest) refuse(path.slice(0, 40) + "…", `is nested more than ${deepest} deep.`);
    open.add(value);
    const key = containerKey(value, path, inTree);
    open.delete(value);
    return key;
  }

  function containerKey(value: object, path: string, inTree: boolean): string {
    if (Array.isArray(value)) {
      const items = Array.from(value, (item, i) => (i in value ? valueKey(item, `${path}[${i}]`, inTree) : "hole"));
      return `[${items.join()}]`;
    }
    if (value instanceof Map) {
      const entries = [...value].map(
        ([k, v]) => `${valueKey(k, `${path}'s key`, false)}:${valueKey(v, `${path}'s value`, false)}`,
      );
      return `Map${idOf(value)}{${entries.join()}}`;
    }
    if (value instanceof Set)
      return `Set${idOf(value)}{${[...value].map((item) => valueKey(item, `${path}'s item`, false)).join()}}`;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (typeof value === "object" && (prototype === Object.prototype || prototype === null)) {
      if (Object.getOwnPropertySymbols(value).length > 0)
        refuse(path, "has a symbol for a key, which a compiled function does not see. Use a string.");
      const entries = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${valueKey(v, `${path}.${k}`, inTree)}`);
      return `{${entries.join()}}`;
    }
    const fields = Object.entries(value).filter(
      ([, field]) => !["object", "function", "symbol"].includes(typeof field) || field === null,
    );
    return `object${idOf(value)}{${fields.map(([k, field]) => `${JSON.stringify(k)}:${primitiveKey(field, path)}`).join()}}`;
  }

  return args.map((argument, i) => valueKey(argument, `${i}`, true)).join();
}
