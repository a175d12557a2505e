/** Tensors of a file as elements on the host, and back in the element type that the file has. */
import { ErmineError, type DType } from "@ermine/core";
import { rawData } from "../elements.js";
import type { TensorProto } from "../proto/messages.js";
import type { ExternalData } from "./externalData.js";
import { castHost, type HostArray } from "./value.js";

interface Element {
  readonly name: string;
  /** What it becomes. */
  readonly dtype: DType;
  readonly bytes: number;
  read(view: DataView, at: number): number;
  write(view: DataView, at: number, value: number): void;
}

const littleEndian = true;

/** A float16 as the number that it is. */
function float16(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bits = new DataView(new ArrayBuffer(4));

/** The nearest float16, halves to even. */
function float16Bits(value: number): number {
  bits.setFloat32(0, value);
  const sign = (bits.getUint32(0) >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65_520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size === 0 ? 1 : size)), -14);
  const scaled = size / 2 ** (exponent - 10);
  const whole = roundToEven(scaled);
  // A fraction that rounds up to the next power of two moves on into the exponent by itself.
  return exponent === -14 && whole < 1024 ? sign | whole : sign | (((exponent + 15) << 10) + (whole - 1024));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

function bfloat16(word: number): number {
  bits.setUint32(0, word << 16);
  return bits.getFloat32(0);
}

function bfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  bits.setFloat32(0, value);
  const floatBits = bits.getUint32(0);
  return ((floatBits + 0x7fff + ((floatBits >>> 16) & 1)) >>> 16) & 0xffff;
}

const elements: ReadonlyMap<number, Element> = new Map<number, Element>([
  [
    1,
    {
      name: "float32",
      dtype: "float32",
      bytes: 4,
      read: (v, at) => v.getFloat32(at, littleEndian),
      write: (v, at, x) => v.setFloat32(at, x, littleEndian),
    },
  ],
  [2, { name: "uint8", dtype: "int32", bytes: 1, read: (v, at) => v.getUint8(at), write: (v, at, x) => v.setUint8(at, x) }],
  [3, { name: "int8", dtype: "int32", bytes: 1, read: (v, at) => v.getInt8(at), write: (v, at, x) => v.setInt8(at, x) }],
  [
    4,
    {
      name: "uint16",
      dtype: "int32",
      bytes: 2,
      read: (v, at) => v.getUint16(at, littleEndian),
      write: (v, at, x) => v.setUint16(at, x, littleEndian),
    },
  ],
  [
    5,
    {
      name: "int16",
      dtype: "int32",
      bytes: 2,
      read: (v, at) => v.getInt16(at, littleEndian),
      write: (v, at, x) => v.setInt16(at, x, littleEndian),
    },
  ],
  [
    6,
    {
      name: "int32",
      dtype: "int32",
      bytes: 4,
      read: (v, at) => v.getInt32(at, littleEndian),
      write: (v, at, x) => v.setInt32(at, x, littleEndian),
    },
  ],
  [
    7,
    {
      name: "int64",
      dtype: "int32",
      bytes: 8,
      read: (v, at) => Number(v.getBigInt64(at, littleEndian)),
      write: (v, at, x) => v.setBigInt64(at, BigInt(x), littleEndian),
    },
  ],
  [
    9,
    {
      name: "bool",
      dtype: "bool",
      bytes: 1,
      read: (v, at) => Number(v.getUint8(at) !== 0),
      write: (v, at, x) => v.setUint8(at, Number(x !== 0)),
    },
  ],
  [
    10,
    {
      name: "float16",
      dtype: "float32",
      bytes: 2,
      read: (v, at) => float16(v.getUint16(at, littleEndian)),
      write: (v, at, x) => v.setUint16(at, float16Bits(x), littleEndian),
    },
  ],
  [
    11,
    {
      name: "float64",
      dtype: "float32",
      bytes: 8,
      read: (v, at) => v.getFloat64(at, littleEndian),
      write: (v, at, x) => v.setFloat64(at, x, littleEndian),
    },
  ],
  [
    12,
    {
      name: "uint32",
      dtype: "int32",
      bytes: 4,
      read: (v, at) => v.getUint32(at, littleEndian),
      write: (v, at, x) => v.setUint32(at, x, littleEndian),
    },
  ],
  [
    13,
    {
      name: "uint64",
      dtype: "int32",
      bytes: 8,
      read: (v, at) => Number(v.getBigUint64(at, littleEndian)),
      write: (v, at, x) => v.setBigUint64(at, BigInt(x), littleEndian),
    },
  ],
  [
    16,
    {
      name: "bfloat16",
      dtype: "float32",
      bytes: 2,
      read: (v, at) => bfloat16(v.getUint16(at, littleEndian)),
      write: (v, at, x) => v.setUint16(at, bfloat16Bits(x), littleEndian),
    },
  ],
]);

const otherNames: Readonly<Record<number, string>> = { 0: "none", 8: "string", 14: "complex64", 15: "complex128" };

/** The element type's name. */
export const elementName = (type: number): string => elements.get(type)?.name ?? otherNames[type] ?? `number ${type}`;

/** The dtype that elements of the type become. @throws ErmineError ERMINE_UNSUPPORTED for strings, complex and other numbers */
export function dtypeOf(type: number, what: string): DType {
  const element = elements.get(type);
  if (element !== undefined) return element.dtype;
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    `${what} has elements of the type ${elementName(type)}, which ermine does not have.`,
  );
}

const mostElements = 2 ** 31 - 1;

/** The sizes of a tensor of the file. @throws ErmineError ERMINE_DATA */
export function dimsOf(dims: readonly bigint[], what: string): readonly number[] {
  const sizes = dims.map(Number);
  const count = sizes.reduce((a, b) => a * b, 1);
  if (sizes.some((size) => size < 0 || size > mostElements) || count > mostElements)
    throw new ErmineError("ERMINE_DATA", `${what} has the shape [${dims.join(", ")}], which no tensor has.`);
  return sizes;
}

/** The tensor's elements. @throws ErmineError ERMINE_DATA where they are not as many as its shape says, ERMINE_UNSUPPORTED for an element type */
export function readTensor(proto: TensorProto, what: string, external?: ExternalData): HostArray {
  const type = proto.dataType ?? 0;
  const dtype = dtypeOf(type, what);
  const element = elements.get(type)!;
  const shape = dimsOf(proto.dims ?? [], what);
  const count = shape.reduce((a, b) => a * b, 1);
  if (proto.dataLocation === 1) {
    const bytes = externalBytes(proto, what, count * element.bytes, external);
    return { shape, dtype, elements: ofBytes(bytes, element, count, what, shape) };
  }
  if (proto.rawData !== undefined) return { shape, dtype, elements: ofBytes(proto.rawData, element, count, what, shape) };
  const list = listOf(proto, type);
  checkCount(list.length, count, what, shape);
  if (type === 10 || type === 16) {
    const read = type === 10 ? float16 : bfloat16;
    return { shape, dtype, elements: Float32Array.from(list as readonly number[], (word) => read(word & 0xffff)) };
  }
  if (dtype === "float32") return { shape, dtype, elements: Float32Array.from(list as readonly number[]) };
  if (dtype === "bool") return { shape, dtype, elements: Uint8Array.from(list as readonly number[], (n) => Number(n !== 0)) };
  return { shape, dtype, elements: compact(Float64Array.from(list as readonly number[], Number)) };
}

function externalBytes(proto: TensorProto, what: string, length: number, external: ExternalData | undefined): Uint8Array {
  const said = new Map((proto.externalData ?? []).map(({ key, value }) => [key, value ?? ""] as const));
  const location = said.get("location") ?? "";
  if (external === undefined)
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${what} has its elements in another file, ${JSON.stringify(location)}. Load the model from its own file with loadModelFile of @ermine/onnx/node, ` +
        "or give the bytes by that name: loadModel(bytes, { externalData: { … } }).",
    );
  const [offset, given] = [said.get("offset") ?? "0", said.get("length")];
  for (const number of [offset, given ?? "0"])
    if (!/^\d{1,15}$/.test(number))
      throw new ErmineError(
        "ERMINE_DATA",
        `${what}: its external data's offset and length are whole numbers, got ${JSON.stringify(number)}.`,
      );
  if (given !== undefined && Number(given) !== length)
    throw new ErmineError("ERMINE_DATA", `${what} takes ${length} bytes, and its external data says ${given}.`);
  return external(location, Number(offset), length, what);
}

function listOf(proto: TensorProto, type: number): readonly (number | bigint)[] {
  if (type === 1) return proto.floatData ?? [];
  if (type === 7) return proto.int64Data ?? [];
  if (type === 11) return proto.doubleData ?? [];
  if (type === 12 || type === 13) return proto.uint64Data ?? [];
  return proto.int32Data ?? [];
}

function checkCount(actual: number, count: number, what: string, shape: readonly number[]): void {
  if (actual === count) return;
  throw new ErmineError(
    "ERMINE_DATA",
    `${what} has the shape [${shape.join(", ")}], ${count} elements, and the file has ${actual}.`,
  );
}

function ofBytes(bytes: Uint8Array, element: Element, count: number, what: string, shape: readonly number[]): ArrayLike<number> {
  if (bytes.length !== count * element.bytes) {
    if (bytes.length % element.bytes === 0) checkCount(bytes.length / element.bytes, count, what, shape);
    throw new ErmineError(
      "ERMINE_DATA",
      `${what}: ${count} elements of ${element.bytes} bytes are not ${bytes.length} bytes: the file is damaged.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values =
    element.dtype === "float32"
      ? new Float32Array(count)
      : element.dtype === "bool"
        ? new Uint8Array(count)
        : new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = element.read(view, i * element.bytes);
  return values instanceof Float64Array ? compact(values) : values;
}

/** As an Int32Array where every element is one. */
function compact(values: Float64Array): ArrayLike<number> {
  const whole = Int32Array.from(values);
  return whole.every((value, i) => value === values[i]) ? whole : values;
}

/** The elements as a tensor of the file, in the element type that it has there. */
export function writeTensor(host: HostArray, proto: TensorProto): TensorProto {
  const element = elements.get(proto.dataType!)!;
  const { dims, dataType, name } = proto;
  const values = castHost(host, element.dtype).elements as ArrayLike<number>;
  const base = { ...(dims === undefined ? {} : { dims }), dataType: dataType!, ...(name === undefined ? {} : { name }) };
  if (element.name === "float32") return { ...base, rawData: rawData(Float32Array.from(values)) };
  const bytes = new Uint8Array(values.length * element.bytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) element.write(view, i * element.bytes, values[i]!);
  return { ...base, rawData: bytes };
}

/** Rounds to what the type holds: of a Cast to float16, bfloat16 or a narrow integer. undefined: as it is. */
export function roundingOf(type: number): ((value: number) => number) | undefined {
  const element = elements.get(type);
  if (element === undefined || element.dtype === "bool" || type === 1 || type === 11) return undefined;
  if (type === 10) return (value) => float16(float16Bits(value));
  if (type === 16) return (value) => bfloat16(bfloat16Bits(value));
  return undefined;
}
