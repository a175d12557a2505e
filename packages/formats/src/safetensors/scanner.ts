/**
 * Reads the JSON of a header from left to right. Not `JSON.parse`: that takes the last of two equal names, rounds integers above 2⁵³, and spends
 * minutes and gigabytes on a header of brackets. What a header cannot have (other values, deeper nesting) is refused where it begins.
 */
import { ErmineError } from "@ermine/core";

const code = (character: string): number => character.charCodeAt(0);
const [quote, backslash, zero, nine] = [code('"'), code("\\"), code("0"), code("9")];
const largestU64 = 2n ** 64n - 1n;

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

export class HeaderScanner {
  readonly #text: string;
  readonly #where: string;
  #at = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  /** @throws ErmineError ERMINE_DATA: the header is not what it should be */
  refuse(problem: string): never {
    throw new ErmineError(
      "ERMINE_DATA",
      `${this.#where}: the header is no header of safetensors: ${problem}. The file is damaged or of another format; save it again.`,
    );
  }

  #refuseHere(wanted: string): never {
    const at = this.#at;
    const got = at < this.#text.length ? JSON.stringify(this.#text.slice(at, at + 12)) : "its end";
    this.refuse(`at character ${at} it has ${got} where ${wanted} belongs`);
  }

  #skipSpace(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) return;
      this.#at++;
    }
  }

  /** Takes the character, and space before it. */
  take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) this.#refuseHere(`'${character}'`);
  }

  /** Is the next character this one? Takes nothing. */
  startsWith(character: string): boolean {
    return this.#text.startsWith(character, this.#at);
  }

  takeNull(): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith("null", this.#at)) return false;
    this.#at += 4;
    return true;
  }

  expectEnd(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#refuseHere("its end");
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

  /** A list of unsigned integers of 64 bits in plain form: no sign, fraction, exponent or leading zero. */
  integers(): bigint[] {
    const integers: bigint[] = [];
    this.expect("[");
    if (this.take("]")) return integers;
    do integers.push(this.#integer());
    while (this.take(","));
    this.expect("]");
    return integers;
  }

  #integer(): bigint {
    this.#skipSpace();
    const from = this.#at;
    const isDigit = (c: number): boolean => c >= zero && c <= nine;
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    const length = this.#at - from;
    const next = this.#text[this.#at];
    const isPlain = length > 0 && length <= 20 && (length === 1 || this.#text.charCodeAt(from) !== zero);
    if (!isPlain || next === "." || next === "e" || next === "E") {
      this.#at = from;
      this.#refuseHere("an unsigned integer");
    }
    const value = BigInt(this.#text.slice(from, this.#at));
    if (value > largestU64) this.refuse(`${value} is more than 64 bits can hold`);
    return value;
  }

  string(): string {
    this.expect('"');
    let value = "";
    let from = this.#at;
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === quote) break;
      // NaN: the text has ended.
      if (Number.isNaN(c) || c < 0x20) this.#refuseHere("the rest of a string");
      if (c !== backslash) {
        this.#at++;
        continue;
      }
      value += this.#text.slice(from, this.#at) + this.#escape();
      from = this.#at;
    }
    value += this.#text.slice(from, this.#at);
    this.#at++;
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? "";
    if (letter === "u") return this.#unicodeEscape();
    const plain = Object.hasOwn(escapes, letter) ? escapes[letter]! : this.#refuseHere("an escape of JSON");
    this.#at += 2;
    return plain;
  }

  #unicodeEscape(): string {
    const first = this.#unit();
    if (first >= 0xdc00 && first <= 0xdfff) this.refuse("a string has half of a surrogate pair");
    if (first < 0xd800 || first > 0xdbff) return String.fromCharCode(first);
    const second = this.#text.startsWith("\\u", this.#at) ? this.#unit() : 0;
    if (second < 0xdc00 || second > 0xdfff) this.refuse("a string has half of a surrogate pair");
    return String.fromCharCode(first, second);
  }

  /** The four digits after \u. */
  #unit(): number {
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#refuseHere("\\u and four hexadecimal digits");
    this.#at += 6;
    return Number.parseInt(digits, 16);
  }
}
