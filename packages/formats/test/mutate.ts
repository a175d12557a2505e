/** Files with small damages, the same for the same seed: a byte changed, bytes taken out, put in, repeated, a number or a mark of JSON put in their place. */
import { randomIntegers } from "./random.js";

const text = (source: string): Uint8Array => new TextEncoder().encode(source);

const tokens = [
  "{", "}", "[", "]", ",", ":", '"', "\\", "\\u0000", "\\ud800", "0", "1", "-1", "2.0", "1e3", "18446744073709551615", "18446744073709551616",
  "null", "true", '"a":', '"dtype"', '"F32"', '"F64"', '"BOOL"', '"F4"', '"shape"', '"data_offsets"', '"__metadata__":{"k":"v"},', " ", "\n", "\t", "\u00e9",
  '"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},', "[0,0]", "[1]", "[]", '"format":"pt"',
].map(text); // prettier-ignore

/** One to three damages, of the header (whose length is then mostly right again), of the data or of the file as a whole. */
export function mutated(file: Uint8Array, seed: number): Uint8Array {
  const below = randomIntegers(seed);
  const end = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  let [start, header, data] = [[...file.subarray(0, 8)], [...file.subarray(8, end)], [...file.subarray(end)]];
  let whole: number[] | undefined;
  for (let times = 1 + below(3); times > 0; times--) {
    const part = below(8);
    if (part < 5) header = damaged(header, below);
    else if (part === 5) data = damaged(data, below);
    else if (part === 6) start = damaged(start, below);
    else whole = damaged([...start, ...header, ...data], below);
  }
  if (below(6) > 0) start = [header.length & 255, (header.length >> 8) & 255, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from(whole ?? [...start, ...header, ...data]);
}

function damaged(before: readonly number[], below: (limit: number) => number): number[] {
  const bytes = [...before];
  const at = below(bytes.length + 1);
  const length = 1 + below(6);
  const token = tokens[below(tokens.length)]!;
  const kind = below(10);
  if (kind === 0) bytes[Math.min(at, Math.max(0, bytes.length - 1))] = below(256);
  else if (kind === 1 && bytes.length > 0) bytes[Math.min(at, bytes.length - 1)]! ^= 1 << below(8);
  else if (kind === 2) bytes.splice(at, length);
  else if (kind === 3) bytes.splice(at, 0, ...bytes.slice(at, at + 4 * length));
  else if (kind === 4) bytes.splice(at, 0, ...token);
  else if (kind === 5) bytes.splice(at, length, ...token);
  else if (kind === 6) return bytes.slice(0, at);
  else if (kind === 7) bytes.push(...Array.from({ length }, () => below(256)));
  else {
    // A digit for another.
    const digits = bytes.flatMap((byte, i) => (byte >= 48 && byte <= 57 ? [i] : []));
    if (digits.length > 0) bytes[digits[below(digits.length)]!] = 48 + below(10);
  }
  return bytes;
}
