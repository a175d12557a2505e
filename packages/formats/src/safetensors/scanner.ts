/**
 * Reads the JSON of a header from left to right, from its bytes. Not `JSON.parse`: that takes the last of two equal names, rounds integers above 2⁵³, and
 * spends minutes and gigabytes on a header of brackets. What a header cannot have (other values, deeper nesting) is refused where it begins, and nothing
 * grows with what is refused but the text of one string.
 */
import { ErmineError } from "@ermine/core";

const code = (character: string): number => character.charCodeAt(0);
const [quote, backslash, zero, nine, letterU] = [code('"'), code("\\"), code("0"), code("9"), code("u")];
const [point, exponent, capitalExponent] = [code("."), code("e"), code("E")];
const largestU64 = 2n ** 64n - 1n;
const nullBytes = Uint8Array.from("null", code);

/** The byte after a backslash, and the byte that both stand for. */
const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }).map(([letter, character]) => [
    code(letter),
    code(character),
  ]),
);

/** Strings of ASCII up to this length are made without a decoder. */
const shortText = 64;
/** Characters of a name that a message shows. */
const shownName = 80;

/** Made when the first text is read: Jest's jsdom imports this without having it. */
let decoder: TextDecoder | undefined;
const textOf = (bytes: Uint8Array): string =>
  (decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })).decode(bytes);

/** An unsigned integer of 64 bits, exactly: a bigint above 2⁵³ − 1. */
export type U64 = number | bigint;

/** A name as messages show it: quoted, and cut where it is long. */
export const quoted = (name: string): string =>
  name.length <= shownName ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, shownName))}… (${name.length} characters)`;

export class HeaderScanner {
  readonly #bytes: Uint8Array;
  readonly #where: string;
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  /** @throws ErmineError ERMINE_DATA: the header is not what it should be */
  refuse(problem: string): never {
    throw new ErmineError(
      "ERMINE_DATA",
      `${this.#where}: the header is no header of safetensors: ${problem}. The file is damaged or of another format; save it again.`,
    );
  }

  /** @throws ErmineError ERMINE_UNSUPPORTED: the format allows it */
  refuseToRead(problem: string): never {
    throw new ErmineError("ERMINE_UNSUPPORTED", `${this.#where}: ${problem}.`);
  }

  #refuseHere(wanted: string): never {
    const at = this.#at;
    const rest = this.#bytes.slice(at, at + 12);
    const got = rest.length > 0 ? JSON.stringify(new TextDecoder().decode(rest)) : "its end";
    this.refuse(`at byte ${at} it has ${got} where ${wanted} belongs`);
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return;
      this.#at++;
    }
  }

  /** Takes the character, and space before it. */
  take(character: string): boolean {
    this.#skipSpace();
    if (!this.startsWith(character)) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) this.#refuseHere(`'${character}'`);
  }

  /** Is the next character this one? Takes nothing. */
  startsWith(character: string): boolean {
    return this.#bytes[this.#at] === character.charCodeAt(0);
  }

  takeNull(): boolean {
    this.#skipSpace();
    if (!nullBytes.every((byte, i) => this.#bytes[this.#at + i] === byte)) return false;
    this.#at += nullBytes.length;
    return true;
  }

  expectEnd(): void {
    this.#skipSpace();
    if (this.#at !== this.#bytes.length) this.#refuseHere("its end");
  }

  /** Calls `member` with each name of an object; it takes the value. */
  object(member: (name: string) => void): void {
    this.expect("{");
    if (this.take("}")) return;
    do {
      const name = this.string();
      this.expect(":");
      member(name);
    } while (this.take(","));
    this.expect("}");
  }

  /**
   * A list of unsigned integers of 64 bits in plain form: no sign, fraction, exponent or leading zero.
   *
   * @param most how many there may be
   * @param tooMany called where there are more, before those are read
   */
  integers(most: number, tooMany: () => never): U64[] {
    const integers: U64[] = [];
    this.expect("[");
    if (this.take("]")) return integers;
    do {
      if (integers.length === most) tooMany();
      integers.push(this.#integer());
    } while (this.take(","));
    this.expect("]");
    return integers;
  }

  #integer(): U64 {
    this.#skipSpace();
    const from = this.#at;
    let value = 0;
    for (let byte = this.#bytes[from]!; byte >= zero && byte <= nine; byte = this.#bytes[++this.#at]!)
      value = value * 10 + (byte - zero);
    const length = this.#at - from;
    const next = this.#bytes[this.#at];
    const isPlain = length > 0 && length <= 20 && (length === 1 || this.#bytes[from] !== zero);
    if (!isPlain || next === point || next === exponent || next === capitalExponent) {
      this.#at = from;
      this.#refuseHere("an unsigned integer");
    }
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    const exact = BigInt(this.#ascii(from, this.#at)!);
    if (exact > largestU64) this.refuse(`${exact} is more than 64 bits can hold`);
    return exact;
  }

  string(): string {
    this.expect('"');
    const from = this.#at;
    let escaped = false;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === quote) break;
      if (byte === undefined || byte < 0x20) this.#refuseHere("the rest of a string");
      if (byte === backslash) escaped = true;
      // A character that is escaped does not end the string.
      this.#at += byte === backslash ? 2 : 1;
    }
    const end = this.#at;
    const text = escaped
      ? this.#decoded(this.#unescaped(from, end))
      : (this.#ascii(from, end) ?? this.#decoded(this.#bytes.subarray(from, end)));
    this.#at = end + 1;
    return text;
  }

  /** The bytes of a string without its escapes, of which none is shorter than what it stands for. */
  #unescaped(from: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - from);
    let length = 0;
    for (this.#at = from; this.#at < end;) {
      const byte = this.#bytes[this.#at]!;
      if (byte !== backslash) {
        bytes[length++] = byte;
        this.#at++;
        continue;
      }
      const letter = this.#bytes[this.#at + 1]!;
      if (letter === letterU) {
        length = putUtf8(bytes, length, this.#codePoint());
        continue;
      }
      bytes[length++] = escapes.get(letter) ?? this.#refuseHere("an escape of JSON");
      this.#at += 2;
    }
    return bytes.subarray(0, length);
  }

  /** Of \u and four hexadecimal digits, or of two of them that are a surrogate pair. */
  #codePoint(): number {
    const first = this.#unit();
    if (first < 0xd800 || first > 0xdfff) return first;
    const isPair = first < 0xdc00 && this.#bytes[this.#at] === backslash && this.#bytes[this.#at + 1] === letterU;
    const second = isPair ? this.#unit() : 0;
    if (second < 0xdc00 || second > 0xdfff) this.refuse("a string has half of a surrogate pair");
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
  }

  #unit(): number {
    let unit = 0;
    for (let i = 2; i < 6; i++) {
      const digit = hexadecimal(this.#bytes[this.#at + i]);
      unit = digit === undefined ? this.#refuseHere("\\u and four hexadecimal digits") : unit * 16 + digit;
    }
    this.#at += 6;
    return unit;
  }

  /** A short string of ASCII, as almost all are; undefined where it is another. */
  #ascii(from: number, end: number): string | undefined {
    if (end - from > shortText) return undefined;
    let text = "";
    for (let at = from; at < end; at++) {
      const byte = this.#bytes[at]!;
      if (byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #decoded(bytes: Uint8Array): string {
    try {
      // A TextDecoder takes no view of shared memory.
      return textOf(bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice());
    } catch {
      return this.refuse("a string is no UTF-8");
    }
  }
}

function hexadecimal(byte: number | undefined): number | undefined {
  if (byte === undefined) return undefined;
  if (byte >= zero && byte <= nine) return byte - zero;
  const letter = (byte | 0x20) - code("a");
  return letter >= 0 && letter < 6 ? letter + 10 : undefined;
}

/** @returns where the next byte goes */
function putUtf8(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) bytes[at++] = point;
  else if (point < 0x800) {
    bytes[at++] = 0xc0 | (point >> 6);
    bytes[at++] = 0x80 | (point & 63);
  } else if (point < 0x10000) {
    bytes[at++] = 0xe0 | (point >> 12);
    bytes[at++] = 0x80 | ((point >> 6) & 63);
    bytes[at++] = 0x80 | (point & 63);
  } else {
    bytes[at++] = 0xf0 | (point >> 18);
    bytes[at++] = 0x80 | ((point >> 12) & 63);
    bytes[at++] = 0x80 | ((point >> 6) & 63);
    bytes[at++] = 0x80 | (point & 63);
  }
  return at;
}
