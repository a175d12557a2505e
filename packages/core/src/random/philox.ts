/**
 * Philox4x32-10: a counter-based generator. 128 bits of counter and 64 of key give 128 random bits, with no state between calls, so
 * any element of any step can be drawn anywhere, in any order.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
import { wrongArgument } from "../types/arguments.js";

/** The 64 bits of a generator's key, as two words. */
export type Key = readonly [number, number];

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const high0 = multiplier0 >>> 16;
const low0 = multiplier0 & 0xffff;
const high1 = multiplier1 >>> 16;
const low1 = multiplier1 & 0xffff;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/**
 * Writes the four output words for a counter of four words into `out`. Words are signed on the way, and both products are spelled out:
 * most programs draw their starting values before V8 has optimized anything. No sum in them exceeds 2³² − 1, so that all stays in whole
 * numbers.
 */
export function philox(out: Uint32Array, c0: number, c1: number, c2: number, c3: number, key: Key): void {
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const top = c0 >>> 16;
    const bottom = c0 & 0xffff;
    const middle = high0 * bottom + ((low0 * bottom) >>> 16);
    const above0 = high0 * top + (middle >>> 16) + (((middle & 0xffff) + low0 * top) >>> 16);
    const upper = c2 >>> 16;
    const lower = c2 & 0xffff;
    const between = high1 * lower + ((low1 * lower) >>> 16);
    const above1 = high1 * upper + (between >>> 16) + (((between & 0xffff) + low1 * upper) >>> 16);
    const below0 = Math.imul(multiplier0, c0);
    const below1 = Math.imul(multiplier1, c2);
    c0 = above1 ^ c1 ^ k0;
    c1 = below1;
    c2 = above0 ^ c3 ^ k1;
    c3 = below0;
    k0 = (k0 + weyl0) | 0;
    k1 = (k1 + weyl1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** A draw's place: which step and micro-batch, and the global index of its first element. */
export interface DrawPlace {
  /** The update. */
  readonly step: number;
  /** The part of an update. */
  readonly microBatch: number;
  /** The number of the first sample in the batch. */
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

/** Uniform values in [0, 1) with 24 bits: (word >>> 8) · 2⁻²⁴. */
export function randomUniform24(count: number, key: Key, place: DrawPlace): Float32Array {
  const bits = randomBits(count, key, place);
  // A loop: `from` with a function takes several times as long.
  const uniform = new Float32Array(count);
  for (let i = 0; i < count; i++) uniform[i] = (bits[i]! >>> 8) * 2 ** -24;
  return uniform;
}

/** A key from a seed and names (what for, which module, which call): 64 bits of FNV-1a, mixed. */
export function hashKey(seed: number, ...names: readonly (string | number)[]): Key {
  if (!Number.isInteger(seed)) throw wrongArgument("hashKey(seed, name)", "seed", seed, "integer");
  const text = [seed, ...names].join("\u0000");
  const fnv1a = (basis: number): number => {
    let hash = basis;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ (text.charCodeAt(i) & 0xff), 0x01000193);
      hash = Math.imul(hash ^ (text.charCodeAt(i) >>> 8), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };
  return [fnv1a(0x811c9dc5), fnv1a(0x050c5d1f)];
}
