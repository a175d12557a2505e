/** ONNX's messages as protobuf bytes, by the generated schema: what is read is held against the file's size, so that no file asks for more than it has. */
import { ErmineError } from "@ermine/core";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Messages } from "./messages.js";
import { schema, type FieldSchema } from "./schema.js";

/** Messages inside of messages: subgraphs of subgraphs. */
const deepest = 100;
/** Messages that a file of no size may have; one more for each 16 bytes. */
const fewMessages = 100_000;

type Fields = Record<string, unknown>;
type Name = keyof Messages;

const isMessage = (type: string): type is Name => Object.hasOwn(schema, type);

const numbers = {
  double: WireType.Bit64,
  float: WireType.Bit32,
  int64: WireType.Varint,
  uint64: WireType.Varint,
  int32: WireType.Varint,
} as const;
type NumberType = keyof typeof numbers;

/** The bytes of a message; fields in the order of their numbers, as protoc's own libraries write them. */
export function encode<N extends Name>(name: N, message: Messages[N]): Uint8Array {
  const writer = new BinaryWriter();
  write(writer, name, message as Fields);
  return writer.finish();
}

function write(writer: BinaryWriter, name: Name, message: Fields): void {
  for (const field of schema[name]) {
    const [number, key, type, count] = field;
    const value = message[key];
    if (value === undefined) continue;
    if (count === "once") writeOne(writer, number, type, value);
    else if (count === "repeated") for (const item of value as readonly unknown[]) writeOne(writer, number, type, item);
    else if ((value as readonly unknown[]).length > 0) {
      writer.tag(number, WireType.LengthDelimited).fork();
      for (const item of value as readonly unknown[]) writer[type as NumberType](item as never);
      writer.join();
    }
  }
}

function writeOne(writer: BinaryWriter, number: number, type: string, value: unknown): void {
  if (isMessage(type)) {
    writer.tag(number, WireType.LengthDelimited).fork();
    write(writer, type, value as Fields);
    writer.join();
  } else if (type === "string") writer.tag(number, WireType.LengthDelimited).string(value as string);
  else if (type === "bytes") writer.tag(number, WireType.LengthDelimited).bytes(value as Uint8Array);
  else writer.tag(number, numbers[type as NumberType])[type as NumberType](value as never);
}

/** A file that is being read. */
interface Source {
  readonly bytes: Uint8Array;
  readonly reader: BinaryReader;
  /** How many more messages it may have. */
  messages: number;
}

/**
 * The message that the bytes are. Its `bytes` fields are views of them.
 *
 * @throws ErmineError ERMINE_DATA where they are no such message: cut short, with sizes that lie, or nested beyond reason
 */
export function decode<N extends Name>(name: N, bytes: Uint8Array): Messages[N] {
  const source: Source = { bytes, reader: new BinaryReader(bytes), messages: fewMessages + bytes.length / 16 };
  try {
    return read(source, bytes.length, name, 0) as Messages[N];
  } catch (error) {
    if (error instanceof ErmineError) throw error;
    throw new ErmineError(
      "ERMINE_DATA",
      `These ${bytes.length} bytes are no ${name === "ModelProto" ? "ONNX file" : name}: ${(error as Error).message}. ` +
        "The file is cut short, damaged, or of another format.",
      { cause: error },
    );
  }
}

const fieldsOf = new Map<Name, ReadonlyMap<number, FieldSchema>>();

function fieldsByNumber(name: Name): ReadonlyMap<number, FieldSchema> {
  let fields = fieldsOf.get(name);
  if (fields === undefined) fieldsOf.set(name, (fields = new Map(schema[name].map((field) => [field[0], field]))));
  return fields;
}

function read(source: Source, end: number, name: Name, depth: number): Fields {
  const { reader } = source;
  if (depth > deepest)
    throw new ErmineError("ERMINE_DATA", `The ONNX file has messages within messages, more than ${deepest} deep.`);
  if (--source.messages < 0)
    throw new ErmineError("ERMINE_DATA", "The ONNX file is made of more messages than a file of its size has.");
  const fields = fieldsByNumber(name);
  const message: Fields = {};
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) {
      if (wire === WireType.StartGroup || wire === WireType.EndGroup) throw new RangeError(`${name} has a group`);
      reader.skip(wire, number);
    } else readField(source, end, field, message, wire, depth);
  }
  if (reader.pos !== end) throw new RangeError(`${name} reaches over its end`);
  return message;
}

function readField(
  source: Source,
  end: number,
  [, key, type, count]: FieldSchema,
  message: Fields,
  wire: WireType,
  depth: number,
): void {
  const { reader } = source;
  const list = count === "once" ? undefined : ((message[key] ??= []) as unknown[]);
  const add = (value: unknown): void => {
    if (list === undefined) message[key] = value;
    else list.push(value);
  };
  if (isMessage(type) || type === "string" || type === "bytes") {
    if (wire !== WireType.LengthDelimited) throw new RangeError(`${key} has the wire type ${wire}`);
    const stop = lengthAt(reader, end);
    if (isMessage(type)) return add(read(source, stop, type, depth + 1));
    const view = source.bytes.subarray(reader.pos, stop);
    add(type === "bytes" ? view : text.decode(view));
    reader.pos = stop;
  } else if (wire === WireType.LengthDelimited && list !== undefined) {
    const stop = lengthAt(reader, end);
    while (reader.pos < stop) list.push(reader[type as NumberType]());
    if (reader.pos !== stop) throw new RangeError(`${key} reaches over its end`);
  } else {
    if (wire !== numbers[type as NumberType]) throw new RangeError(`${key} has the wire type ${wire}`);
    add(reader[type as NumberType]());
  }
}

const text = new TextDecoder("utf-8", { fatal: true });

function lengthAt(reader: BinaryReader, end: number): number {
  const length = reader.uint32();
  if (length > end - reader.pos) throw new RangeError("a length reaches over the end");
  return reader.pos + length;
}
