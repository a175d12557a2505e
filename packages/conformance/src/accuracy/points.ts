/** Where accuracy is measured: the same points as golden/generate/accuracy.py. */

const hash = (seed: number, i: number): number => {
  let x = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return (x ^ (x >>> 15)) >>> 0;
};

const array = (length: number, at: (i: number) => number): Float32Array => Float32Array.from({ length }, (_, i) => at(i));

/** Values in [low, high), by a hash of their position. */
export const uniform = (seed: number, length: number, low: number, high: number): Float32Array =>
  array(length, (i) => low + (high - low) * ((hash(seed, i) >>> 8) / 2 ** 24));

/** Whole numbers below `count`. */
export const whole = (seed: number, length: number, count: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => hash(seed, i) % count);

/** −1 or 1. */
export const signs = (seed: number, length: number): Float32Array =>
  Float32Array.from(whole(seed, length, 2), (bit) => 2 * bit - 1);

/** 10⁻³⁰ to 10². */
const logarithmic = (): Float32Array => array(8001, (i) => 10 ** (-30 + (32 * i) / 8000));

function randomBits(): Float32Array {
  const bits = Uint32Array.from({ length: 2 ** 16 }, (_, i) => hash(1, i));
  return new Float32Array(bits.buffer).filter(Number.isFinite);
}

const joined = (...parts: readonly Float32Array[]): Float32Array => Float32Array.from(parts.flatMap((part) => [...part]));

/** −30 to 30, ±10⁻³⁰ to ±10², and 2¹⁶ random bit patterns (those that are finite). */
export const reals: Float32Array = joined(
  array(24001, (i) => -30 + (60 * i) / 24000),
  logarithmic(),
  logarithmic().map((x) => -x),
  randomBits(),
);

/** The sizes of those that are not 0. */
export const positives: Float32Array = reals.filter((x) => x !== 0).map(Math.abs);

const small = logarithmic().filter((p) => p < 0.5);

/** In (0, 1), dense at both ends. */
export const units: Float32Array = joined(
  array(20000, (i) => (i + 1) / 20001),
  small,
  small.map((p) => 1 - p),
);
