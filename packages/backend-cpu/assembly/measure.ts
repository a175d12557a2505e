// Shared by the normalizations: a center and a spread of some elements, sums of their slopes, and runs of elements of which each is as far from the center as
// the others' formula says. Elements are read once to measure and once to write, forward as backward.
import { lanes, madd, splat, storeSome, storeUpTo } from "./simd";

/** Elements that are added up in float32 before the sum goes on in float64. */
const BLOCK = 1024;

// The last measurement: each thread has an instance of the module, and variables, of its own.
export let center: f64 = 0;
export let spread: f64 = 0;
/** Σ (x − k) and Σ (x − k)² of a block; of slopes Σ g and Σ g (x − center). */
export let firsts: f64 = 0;
export let seconds: f64 = 0;

// @ts-ignore: decorator
@inline
export function at4(base: usize, i: i32): usize {
  return base + (<usize>i << 2);
}

/** 1 / √(spread + eps) of a spread as it is stored. */
// @ts-ignore: decorator
@inline
export function inverseOf(variance: f32, eps: f32): f64 {
  return 1 / Math.sqrt(<f64>variance + <f64>eps);
}

// @ts-ignore: decorator
@inline
export function optional(base: usize, i: i32, otherwise: f32): f32 {
  return base == 0 ? otherwise : load<f32>(at4(base, i));
}

/** Over `segments` runs of `length` elements, `step` bytes apart. */
function deviations(src: usize, segments: i32, step: usize, length: i32, k: f32): void {
  const shift = splat(k);
  let a0 = splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let sum: f32 = 0;
  let squares: f32 = 0;
  for (let i = 0; i < segments; i++, src += step) {
    let at = src;
    let left = length;
    for (; left >= 8; left -= 8, at += 32) {
      const d0 = f32x4.sub(v128.load(at), shift);
      const d1 = f32x4.sub(v128.load(at, 16), shift);
      a0 = f32x4.add(a0, d0);
      a1 = f32x4.add(a1, d1);
      b0 = madd(d0, d0, b0);
      b1 = madd(d1, d1, b1);
    }
    for (; left > 0; left--, at += 4) {
      const d = load<f32>(at) - k;
      sum += d;
      squares += d * d;
    }
  }
  firsts = <f64>(lanes(f32x4.add(a0, a1)) + sum);
  seconds = <f64>(lanes(f32x4.add(b0, b1)) + squares);
}

/** Σ x in float64, for elements that are not finite. */
export function total(src: usize, segments: i32, step: usize, length: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < segments; i++, src += step)
    for (let j = 0; j < length; j++) sum += <f64>load<f32>(at4(src, j));
  return sum;
}

/**
 * Mean and biased variance, blocks joined as Chan, Golub and LeVeque (1979) do. A block's elements are taken relative to the mean so far (the first
 * block's: to its own), so that squares do not cancel. Not centered: 0 and the mean of squares.
 */
export function measure(src: usize, segments: i32, step: usize, length: i32, centered: bool): void {
  const together = max(1, BLOCK / max(1, length));
  let count: f64 = 0;
  let mean: f64 = 0;
  let m2: f64 = 0;
  for (let i = 0; i < segments; i += together) {
    const runs = min(together, segments - i);
    for (let j = 0; j < length; j += BLOCK) {
      const part = min(BLOCK, length - j);
      const from = at4(src + <usize>i * step, j);
      const size = <f64>runs * <f64>part;
      if (count == 0 && centered) {
        deviations(from, runs, step, part, 0);
        mean = firsts / size;
      }
      const k = <f32>mean;
      deviations(from, runs, step, part, k);
      const offset = firsts / size;
      const apart = centered ? <f64>k + offset - mean : 0;
      const both = count + size;
      m2 += centered ? max<f64>(0, seconds - firsts * offset) + ((apart * apart * count) / both) * size : seconds;
      if (centered) mean = count == 0 ? <f64>k + offset : mean + (apart * size) / both;
      count = both;
    }
  }
  center = count == 0 && centered ? NaN : mean;
  spread = m2 / count;
  if (spread != spread && centered) center = total(src, segments, step, length) / count;
}

/** y = (x − c) · a + b of a run. */
export function scaleRun(y: usize, x: usize, length: i32, c: f32, a: f32, b: f32): void {
  const cs = splat(c);
  const as = splat(a);
  const bs = splat(b);
  for (; length >= 8; length -= 8, x += 32, y += 32) {
    v128.store(y, madd(f32x4.sub(v128.load(x), cs), as, bs));
    v128.store(y, madd(f32x4.sub(v128.load(x, 16), cs), as, bs), 16);
  }
  for (; length >= 4; length -= 4, x += 16, y += 16) v128.store(y, madd(f32x4.sub(v128.load(x), cs), as, bs));
  if (length > 0) storeSome(y, madd(f32x4.sub(v128.load(x), cs), as, bs), length);
}

/** Σ g and Σ g (x − c) over runs, for `firsts` and `seconds`. */
export function slopes(g: usize, x: usize, segments: i32, step: usize, length: i32, c: f32): void {
  const together = max(1, BLOCK / max(1, length));
  const cs = splat(c);
  let sum: f64 = 0;
  let products: f64 = 0;
  for (let i = 0; i < segments; i += together) {
    const runs = min(together, segments - i);
    for (let j = 0; j < length; j += BLOCK) {
      const part = min(BLOCK, length - j);
      let a0 = splat(0);
      let a1 = a0;
      let b0 = a0;
      let b1 = a0;
      let a: f32 = 0;
      let b: f32 = 0;
      for (let r = 0; r < runs; r++) {
        const from = <usize>(i + r) * step + (<usize>j << 2);
        let p = g + from;
        let q = x + from;
        let left = part;
        for (; left >= 8; left -= 8, p += 32, q += 32) {
          const g0 = v128.load(p);
          const g1 = v128.load(p, 16);
          a0 = f32x4.add(a0, g0);
          a1 = f32x4.add(a1, g1);
          b0 = madd(g0, f32x4.sub(v128.load(q), cs), b0);
          b1 = madd(g1, f32x4.sub(v128.load(q, 16), cs), b1);
        }
        for (; left > 0; left--, p += 4, q += 4) {
          const slope = load<f32>(p);
          a += slope;
          b += slope * (load<f32>(q) - c);
        }
      }
      sum += <f64>(lanes(f32x4.add(a0, a1)) + a);
      products += <f64>(lanes(f32x4.add(b0, b1)) + b);
    }
  }
  firsts = sum;
  seconds = products;
}

/**
 * Of a row whose elements have a weight each: Σ g w and Σ g w (x − c), for `firsts` and `seconds`; g (x − c) s and g are added to the weights' and the
 * biases' sums, where there are any.
 */
export function slopesOfRow(
  g: usize,
  x: usize,
  weight: usize,
  toWeight: usize,
  toBias: usize,
  length: i32,
  c: f32,
  s: f32,
): void {
  const cs = splat(c);
  const ss = splat(s);
  let sum: f64 = 0;
  let products: f64 = 0;
  for (let from = 0; from < length; from += BLOCK) {
    const end = min(length, from + BLOCK);
    let a0 = splat(0);
    let b0 = a0;
    let a: f32 = 0;
    let b: f32 = 0;
    let i = from;
    for (; i + 4 <= end; i += 4) {
      const at = <usize>i << 2;
      const slope = v128.load(g + at);
      const d = f32x4.sub(v128.load(x + at), cs);
      const h = weight == 0 ? slope : f32x4.mul(slope, v128.load(weight + at));
      a0 = f32x4.add(a0, h);
      b0 = madd(h, d, b0);
      if (toWeight != 0) v128.store(toWeight + at, madd(slope, f32x4.mul(d, ss), v128.load(toWeight + at)));
      if (toBias != 0) v128.store(toBias + at, f32x4.add(v128.load(toBias + at), slope));
    }
    for (; i < end; i++) {
      const at = <usize>i << 2;
      const slope = load<f32>(g + at);
      const d = load<f32>(x + at) - c;
      const h = weight == 0 ? slope : slope * load<f32>(weight + at);
      a += h;
      b += h * d;
      if (toWeight != 0) store<f32>(toWeight + at, load<f32>(toWeight + at) + slope * (d * s));
      if (toBias != 0) store<f32>(toBias + at, load<f32>(toBias + at) + slope);
    }
    sum += <f64>(lanes(a0) + a);
    products += <f64>(lanes(b0) + b);
  }
  firsts = sum;
  seconds = products;
}

/** dx = g · a + (x − c) · t + level of a run. */
export function slopeRun(dx: usize, g: usize, x: usize, length: i32, c: f32, a: f32, t: f32, level: f32): void {
  const cs = splat(c);
  const as = splat(a);
  const ts = splat(t);
  const ls = splat(level);
  for (; length >= 8; length -= 8, x += 32, g += 32, dx += 32) {
    v128.store(dx, madd(f32x4.sub(v128.load(x), cs), ts, madd(v128.load(g), as, ls)));
    v128.store(dx, madd(f32x4.sub(v128.load(x, 16), cs), ts, madd(v128.load(g, 16), as, ls)), 16);
  }
  for (; length > 0; length -= 4, x += 16, g += 16, dx += 16) {
    const d = madd(f32x4.sub(v128.load(x), cs), ts, madd(v128.load(g), as, ls));
    storeUpTo(dx, d, length);
  }
}
