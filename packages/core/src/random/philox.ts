/**
 * Philox4x32-10: a counter-based generator. 128 bits of counter and 64 of key give 128 random bits, with no state between calls, so
 * any element of any step can be drawn anywhere, in any order.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */

export type Key = readonly [number, number];

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/** The high 32 bits of a · b: no sum here exceeds 2³² − 1, so that all stays in whole numbers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/** Writes the four output words for a counter of four words into `out`. */
export function philox(out: Uint32Array, c0: number, c1: number, c2: number, c3: number, key: Key): void {
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(multiplier0, c0);
    const low0 = Math.imul(multiplier0, c0) >>> 0;
    const high1 = mulHigh(multiplier1, c2);
    const low1 = Math.imul(multiplier1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** A draw's place: which step and micro-batch, and the global index of its first element. */
export interface DrawPlace {
  readonly step: number;
  readonly microBatch: number;
  readonly first: number;
}

/**
 * `count` random words. Element i of the draw is word (first + i) mod 4 of the block with the counter words
 * [⌊(first + i) / 4⌋, 0, microBatch, step].
 */
export function randomBits(count: number, key: Key, { step, microBatch, first }: DrawPlace): Uint32Array {
  const bits = new Uint32Array(count);
  const block = new Uint32Array(4);
  let current = -1;
  for (let i = 0; i < count; i++) {
    const element = (first + i) >>> 0;
    const counter = element >>> 2;
    if (counter !== current) {
      philox(block, counter, 0, microBatch >>> 0, step >>> 0, key);
      current = counter;
    }
    bits[i] = block[element & 3]!;
  }
  return bits;
}

/** Uniform numbers in [0, 1) with 24 bits: (word >>> 8) · 2⁻²⁴. */
export function randomUniform24(count: number, key: Key, place: DrawPlace): Float32Array {
  const bits = randomBits(count, key, place);
  // A loop: `from` with a function takes several times as long.
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = (bits[i]! >>> 8) * 2 ** -24;
  return numbers;
}

/** A key from a seed and names (what for, which module, which call): 64 bits of FNV-1a, mixed. */
export function hashKey(seed: number, ...names: readonly (string | number)[]): Key {
  const text = [seed, ...names].join("\u0000");
  const word = (basis: number): number => {
    let hash = basis;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ (text.charCodeAt(i) & 0xff), 0x01000193);
      hash = Math.imul(hash ^ (text.charCodeAt(i) >>> 8), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };
  return [word(0x811c9dc5), word(0x050c5d1f)];
}
