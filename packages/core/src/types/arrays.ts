/**
 * Arrays from users as elements of a dtype: the one conversion for `tensor`, data sets, states to load and `Variable.write`.
 */
import { checkArguments, misplacedArgument } from "./arguments.js";
import { ErmineError } from "./errors.js";
import { allocate, checkDTypeName, elementOf, type DType, type TypedArray } from "./dtype.js";
import { checkDefinition } from "./options.js";

/** A typed array of numbers. Float16Array (Node 24) by its parts: not every TypeScript library knows it. */
export type NumberArray =
  | TypedArray
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint32Array
  | (ArrayLike<number> & ArrayBufferView & { readonly [Symbol.toStringTag]: "Float16Array" });

/** Every typed array. */
export type AnyTypedArray = NumberArray | BigInt64Array | BigUint64Array;

type Kind =
  | "Float16Array"
  | "Float32Array"
  | "Float64Array"
  | "Int8Array"
  | "Uint8Array"
  | "Uint8ClampedArray"
  | "Int16Array"
  | "Uint16Array"
  | "Int32Array"
  | "Uint32Array"
  | "BigInt64Array"
  | "BigUint64Array";

/** Typed arrays of another realm (a frame, a test runner's sandbox) are no instances of this one's classes; their kind is this getter's. */
const kindGetter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

const kindOf = (value: unknown): Kind | undefined => kindGetter.call(value) as Kind | undefined;

/** Is it a typed array of any kind (no DataView)? */
export const isTypedArray = (value: unknown): value is AnyTypedArray => kindOf(value) !== undefined;

/** float32 for arrays of floats, int32 for arrays of integers. Bytes are int32: bool is only what is called so. */
export const naturalDType = (array: AnyTypedArray): DType => (kindOf(array)!.startsWith("Float") ? "float32" : "int32");

const shortIntegers: readonly Kind[] = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
];

/** Does each element that such an array can have fit the dtype? In float32 what is too large for it is infinite. */
function alwaysFits(kind: Kind, dtype: DType): boolean {
  if (kind.startsWith("Big")) return false;
  return dtype === "float32" || (dtype === "int32" && shortIntegers.includes(kind));
}

/** Is it an array that a tensor of the dtype keeps as it is? */
const isKept = (source: unknown, dtype: DType): source is TypedArray =>
  dtype === "float32"
    ? source instanceof Float32Array || source instanceof Float64Array
    : dtype === "int32"
      ? source instanceof Int32Array
      : source instanceof Uint8Array;

/** @throws ErmineError ERMINE_RELEASED where the memory of a typed array was given away, or became shorter than the array */
export function checkAttached(where: string, array: AnyTypedArray): void {
  if (array.length > 0) return;
  try {
    // Empty is no fault; methods throw where the memory is gone.
    Uint8Array.prototype.at.call(array as Uint8Array, 0);
  } catch {
    throw new ErmineError("ERMINE_RELEASED", `${where}: ${detached}`);
  }
}

/** @internal The message for an array whose memory is detached. */
export const detached =
  "the array's buffer is detached (postMessage, structuredClone and transfer() move it) or was resized, so that its elements are gone. " +
  "Give a copy: array.slice() before that.";

export interface ElementRule {
  /** The name of the input, for messages: "tensor", "inputs", a variable's name. */
  readonly where: string;
  /** The dtype that the elements get. */
  readonly dtype: DType;
  /** bool takes only 0 and 1 (default: all but 0 is 1), and float32 no finite number that is infinite in it. Default false. */
  readonly exact?: boolean;
  /** The name of what holds them, in messages. Default "the tensor". */
  readonly holder?: string;
  /** How many elements are before the list's first, for messages. Default 0. */
  readonly offset?: number;
  /** A sentence at the end of messages. */
  readonly end?: string;
}

/**
 * The elements of a list in the array that a tensor of the dtype keeps: `source` itself where it is one, else a copy.
 *
 * @throws ErmineError ERMINE_DTYPE that names the first element that the dtype cannot hold, ERMINE_RELEASED for a detached array
 */
export function elementsOf(source: ArrayLike<unknown>, rule: ElementRule): TypedArray {
  const { where, dtype, exact = false } = rule;
  const kind = kindOf(source);
  if (kind !== undefined) checkAttached(where, source as AnyTypedArray);
  const isWhole = kind !== undefined && alwaysFits(kind, dtype) && !(exact && kind === "Float64Array");
  if (isKept(source, dtype)) {
    if (isWhole || firstMisfit(source, rule) < 0) return source;
  }
  const { length } = source;
  const elements = allocate(dtype, length);
  if (isWhole) elements.set(source as NumberArray);
  else for (let i = 0; i < length; i++) elements[i] = elementAt(source, i, rule);
  return elements;
}

/**
 * As `elementsOf`, but an array of another kind whose elements all fit stays as it is: bytes take a quarter of the memory of int32. Whoever
 * reads them converts.
 *
 * @throws ErmineError ERMINE_USAGE for what is no typed array, ERMINE_OPTION for a wrong rule, and what `elementsOf` throws
 */
export function compactElements(source: AnyTypedArray, rule: ElementRule): NumberArray {
  checkArguments("compactElements", arguments, 2);
  if (!isTypedArray(source)) throw misplacedArgument("compactElements(source, rule)", "source", source, "a typed array");
  checkDefinition(
    "compactElements",
    rule,
    {
      where: "string",
      dtype: "string",
      exact: "boolean",
      holder: "string",
      offset: "integer",
      end: "string",
    },
    ["where", "dtype"],
  );
  checkDTypeName("compactElements", rule.dtype);
  checkAttached(rule.where, source);
  return alwaysFits(kindOf(source)!, rule.dtype) ? (source as NumberArray) : elementsOf(source, rule);
}

/** The first element that is not kept as it is; −1: there is none. */
function firstMisfit(source: TypedArray, rule: ElementRule): number {
  for (let i = 0; i < source.length; i++) if (!Object.is(elementAt(source, i, rule), source[i])) return i;
  return -1;
}

/** The number that an element is; undefined: it is none. */
function numberOf(element: unknown, source: ArrayLike<unknown>, { dtype, exact = false }: ElementRule): number | undefined {
  if (typeof element === "number") return element;
  if (typeof element === "boolean") return exact && dtype !== "bool" ? undefined : Number(element);
  // In a list of numbers a bigint is a slip.
  return typeof element === "bigint" && kindOf(source) !== undefined ? Number(element) : undefined;
}

function elementAt(source: ArrayLike<unknown>, i: number, rule: ElementRule): number {
  const { where, dtype, exact = false } = rule;
  const element = source[i];
  const value = numberOf(element, source, rule);
  if (value === undefined || (dtype === "int32" && (value | 0) !== value)) return refuse(element, i, rule);
  if (exact && !isExact(element, value, dtype)) return refuse(element, i, rule);
  return elementOf(where, value, dtype);
}

function isExact(element: unknown, value: number, dtype: DType): boolean {
  if (dtype === "bool") return value === 0 || value === 1;
  if (dtype === "int32" || !Number.isFinite(value)) return true;
  const rounded = Math.fround(value);
  return Number.isFinite(rounded) && (typeof element !== "bigint" || BigInt(rounded) === element);
}

function refuse(element: unknown, i: number, { where, dtype, holder = "the tensor", offset = 0, end }: ElementRule): never {
  const shown =
    typeof element === "bigint"
      ? `${element}n, a bigint`
      : typeof element === "string"
        ? JSON.stringify(element)
        : typeof element === "object" && element !== null
          ? "an object"
          : String(element);
  const hint =
    element === null
      ? " JSON has no NaN and no infinities and writes null for them: save such a state in another format."
      : dtype === "int32" && (typeof element === "number" || typeof element === "bigint")
        ? " int32 holds whole numbers from −2³¹ to 2³¹ − 1; take float32 for others."
        : "";
  throw new ErmineError(
    "ERMINE_DTYPE",
    `${where}: element ${offset + i} is ${shown}, and ${holder} holds ${dtype}.${hint}${end === undefined ? "" : ` ${end}`}`,
  );
}
