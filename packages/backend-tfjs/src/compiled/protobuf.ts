/** Protocol buffers, as far as a TensorFlow graph needs them: messages are written, never read. */

/** One message in the making. Numbers of fields are those of TensorFlow's .proto files. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  #push(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  #key(field: number, wire: number): void {
    this.#push(varint(field * 8 + wire));
  }

  /** int32, int64, bool or enum. */
  int(field: number, value: number): this {
    this.#key(field, 0);
    this.#push(varint(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#key(field, 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#push(bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#key(field, 2);
    this.#push(varint(value.length));
    this.#push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  /** Fields that were written down elsewhere. */
  encoded(fields: Uint8Array): this {
    this.#push(fields);
    return this;
  }

  /** Many numbers under one key. */
  packed(field: number, values: readonly number[]): this {
    return values.length === 0 ? this : this.bytes(field, concatenated(values.map(varint)));
  }

  finish(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }
}

const encoder = new TextEncoder();

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Seven bits a byte, lowest first; a negative number is its 64-bit two's complement. */
function varint(value: number): Uint8Array {
  if (value >= 0 && value < 0x80) return Uint8Array.of(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
