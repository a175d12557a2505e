/** What build-wasm packs comes out of the unpacker as it went in. */
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unpack } from "../src/unpack.js";

const { compress } = createRequire(import.meta.url)("lzma") as { compress(bytes: Uint8Array, level: number): number[] };
const packed = (bytes: Uint8Array): string => Buffer.from(compress(bytes, 9)).toString("base64");

describe("the unpacker", () => {
  it("gives back any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), (bytes) => {
        expect(unpack(packed(bytes))).toEqual(bytes);
      }),
      { numRuns: 30 },
    );
  });

  it("gives back what repeats near and far, with small changes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(5), fc.nat(255), fc.nat(40)), { minLength: 1, maxLength: 400 }),
        (words, uses) => {
          const bytes = Uint8Array.from(
            uses.flatMap(([word, change, at]) => {
              const copy = [...words[word % words.length]!];
              copy[at % copy.length] = change;
              return change % 7 === 0 ? [...copy, ...Array<number>(300).fill(change)] : copy;
            }),
          );
          expect(unpack(packed(bytes))).toEqual(bytes);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("gives back what repeats at distances of many bits", () => {
    const block = Uint8Array.from({ length: 3000 }, (_, i) => (i * i * 31) >> 3);
    const noise = Uint8Array.from({ length: 90_000 }, (_, i) => (Math.sin(i) * 1e6) & 255);
    const bytes = Uint8Array.from([...block, ...noise, ...block, ...noise.subarray(0, 5000), ...block]);
    expect(unpack(packed(bytes))).toEqual(bytes);
  });
});
