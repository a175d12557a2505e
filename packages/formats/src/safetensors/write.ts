/** safetensors, written: the same tensors and texts always give the same bytes. */
import { ErmineError, type DType, type AnyTypedArray } from "@ermine/core";
import { checkArguments, checkOptions, isTypedArray, show } from "@ermine/core/define";
import { bytesIn } from "../bytes.js";
import type { HalfFormat } from "../float16.js";
import { checkText, elementsAs, sizesOf, isByName } from "../writable.js";
import {
  arrayOf,
  bitsPerElement,
  checkSafetensorsDType,
  isElementDType,
  type ElementDType,
  type SafetensorsDType,
} from "./dtypes.js";
import { largestHeader, lengthBytes } from "./header.js";

/** A tensor to write. */
export interface WritableTensor {
  /** Sizes; `[]` is a scalar. */
  readonly shape: readonly unknown[];
  /**
   * ermine's ("float32": F32, or F64 where its data is a Float64Array; "int32": I32; "bool": BOOL) or safetensors' own. F16 and BF16 take floats, and
   * round them to the nearest. Default: by the array.
   */
  readonly dtype?: DType | ElementDType;
  /** The elements, row by row. */
  readonly data: AnyTypedArray;
}

/** The options of `writeSafetensors`. */
export interface SafetensorsWriteOptions {
  /** Texts by key, kept as `__metadata__`. Default none. */
  readonly metadata?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
}

/** A file in parts, for those who write it to a disk without a second copy in memory. */
export interface SafetensorsParts {
  /** The header with its length, then each tensor's bytes. */
  readonly parts: readonly Uint8Array[];
  /** The length of the file. */
  readonly byteLength: number;
}

const ofErmine: Readonly<Record<DType, ElementDType>> = { float32: "F32", int32: "I32", bool: "BOOL" };

const ofArrays: Readonly<Record<string, ElementDType>> = {
  Float16Array: "F16",
  Float32Array: "F32",
  Float64Array: "F64",
  Int8Array: "I8",
  Uint8Array: "U8",
  Uint8ClampedArray: "U8",
  Int16Array: "I16",
  Uint16Array: "U16",
  Int32Array: "I32",
  Uint32Array: "U32",
  BigInt64Array: "I64",
  BigUint64Array: "U64",
};

/** Names are compared by code points, as those of UTF-8 are. */
function compareNames(a: string, b: string): number {
  const [left, right] = [Array.from(a, (c) => c.codePointAt(0)!), Array.from(b, (c) => c.codePointAt(0)!)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) if (left[i] !== right[i]) return left[i]! - right[i]!;
  return left.length - right.length;
}

function entriesOf<T>(where: string, what: string, source: Readonly<Record<string, T>> | ReadonlyMap<string, T>): [string, T][] {
  if (source instanceof Map) return [...(source as ReadonlyMap<string, T>)];
  if (isByName(source)) return Object.entries(source as Readonly<Record<string, T>>);
  throw new ErmineError("ERMINE_USAGE", `${where} takes ${what} by name, in an object or a Map, got ${show(source)}.`);
}

interface Encoded {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

function encode(name: string, tensor: WritableTensor): Encoded {
  const shown = JSON.stringify(name);
  checkText("A tensor's name", name);
  if (name === "__metadata__") throw new ErmineError("ERMINE_VALUE", 'writeSafetensors: no tensor can be called "__metadata__".');
  const shape = sizesOf(shown, tensor);
  const { data } = tensor;
  if (!isTypedArray(data))
    throw new ErmineError(
      "ERMINE_USAGE",
      `${shown}: its data is a typed array, got ${show(data)}. For a tensor take tensor.dataSync().`,
    );
  const dtype = dtypeOf(shown, tensor);
  const length = shape.reduce((a, b) => a * b, 1);
  if (data.length !== length)
    throw new ErmineError("ERMINE_SHAPE", `${shown}: ${data.length} elements do not fill its shape [${shape.join(", ")}].`);
  const target = { name: dtype, type: arrayOf[dtype], isBool: dtype === "BOOL", half: halfOf(dtype) };
  return { name, dtype, shape, bytes: bytesIn(elementsAs(shown, target, data)) };
}

const kindOf = (data: AnyTypedArray): string => data[Symbol.toStringTag];

function dtypeOf(shown: string, { dtype, data }: WritableTensor): ElementDType {
  if (dtype === undefined) return ofArrays[kindOf(data)]!;
  if (dtype === "float32" && kindOf(data) === "Float64Array") return "F64";
  if (Object.hasOwn(ofErmine, dtype)) return ofErmine[dtype as DType];
  checkSafetensorsDType(shown, dtype);
  if (isElementDType(dtype)) return dtype;
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    `${shown}: ermine does not write ${String(dtype)}. It writes ${Object.keys(arrayOf).join(", ")}.`,
  );
}

const halfOf = (dtype: ElementDType): HalfFormat | undefined =>
  dtype === "F16" ? "float16" : dtype === "BF16" ? "bfloat16" : undefined;

/**
 * A safetensors file in parts: the header, then each tensor's bytes, which are the tensors' own memory where nothing had to be converted.
 *
 * @throws ErmineError see `writeSafetensors`
 */
export function safetensorsParts(
  tensors: Readonly<Record<string, WritableTensor>> | ReadonlyMap<string, WritableTensor>,
  options: SafetensorsWriteOptions = {},
): SafetensorsParts {
  if (arguments.length > 2) checkArguments("safetensorsParts", arguments, 2);
  checkOptions<SafetensorsWriteOptions>("writeSafetensors", options, { metadata: "object" }, ["tensors"]);
  const encoded = entriesOf("writeSafetensors", "tensors", tensors).map(([name, tensor]) => encode(name, tensor));
  // Larger elements first: every tensor is aligned to its elements.
  encoded.sort((a, b) => bitsPerElement[b.dtype] - bitsPerElement[a.dtype] || compareNames(a.name, b.name));
  const header = headerOf(encoded, entriesOf("writeSafetensors", "metadata", options.metadata ?? {}));
  const parts = [header, ...encoded.map(({ bytes }) => bytes)];
  return { parts, byteLength: parts.reduce((sum, { length }) => sum + length, 0) };
}

function headerOf(tensors: readonly Encoded[], metadata: readonly (readonly [string, string])[]): Uint8Array {
  const members: string[] = [];
  if (metadata.length > 0) {
    const pairs = [...metadata]
      .sort(([a], [b]) => compareNames(a, b))
      .map(([key, text]) => {
        checkText("A key of metadata", key);
        checkText(`metadata.${key}`, text);
        return `${JSON.stringify(key)}:${JSON.stringify(text)}`;
      });
    members.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  let at = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    members.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${at},${at + bytes.length}]}`,
    );
    at += bytes.length;
  }
  const text = new TextEncoder().encode(`{${members.join(",")}}`);
  const padded = Math.ceil(text.length / 8) * 8;
  if (padded > largestHeader)
    throw new ErmineError(
      "ERMINE_DATA",
      `writeSafetensors: the header would have ${padded} bytes, and the format allows ${largestHeader}. Write several files.`,
    );
  const header = new Uint8Array(lengthBytes + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, lengthBytes);
  return header;
}

/**
 * A safetensors file's bytes. Tensors lie by the size of their elements, larger first, then by name: all are aligned, and equal contents are equal files.
 *
 * @param tensors by name: what `Module.stateDict()` gives, or `{ shape, dtype?, data }`
 * @throws ErmineError ERMINE_SHAPE where elements do not fill a shape, ERMINE_DTYPE and ERMINE_VALUE where one does not fit the dtype, ERMINE_USAGE,
 * ERMINE_OPTION, ERMINE_DATA for a header beyond the format's 100 MB
 *
 * @example
 * await writeFile("model.safetensors", writeSafetensors(await model.stateDict(), { metadata: { format: "pt" } }));
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, WritableTensor>> | ReadonlyMap<string, WritableTensor>,
  options: SafetensorsWriteOptions = {},
): Uint8Array {
  if (arguments.length > 2) checkArguments("writeSafetensors", arguments, 2);
  const { parts, byteLength } = safetensorsParts(tensors, options);
  const file = new Uint8Array(byteLength);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
