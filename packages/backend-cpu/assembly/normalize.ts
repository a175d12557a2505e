// Batch, layer, group, instance and RMS normalization: a center and a spread of some elements, then each element's distance from the center over the
// spread's root. Elements are read once to measure and once to write, forward as backward.
import { storeSome } from "./binary";
import { lanes, madd, splat } from "./simd";

/** Elements that are added up in float32 before the sum goes on in float64. */
const BLOCK = 1024;
/** Rows of a column likewise. */
const ROWS = 32;

// What was measured last: each thread has an instance, and variables, of its own.
let center: f64 = 0;
let spread: f64 = 0;
/** Σ (x − k) and Σ (x − k)² of a block; of slopes Σ g and Σ g (x − center). */
let firsts: f64 = 0;
let seconds: f64 = 0;

// @ts-ignore: decorator
@inline
function at4(base: usize, i: i32): usize {
  return base + (<usize>i << 2);
}

/** 1 / √(spread + eps) of a spread as it is stored. */
// @ts-ignore: decorator
@inline
function inverseOf(variance: f32, eps: f32): f64 {
  return 1 / Math.sqrt(<f64>variance + <f64>eps);
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
function total(src: usize, segments: i32, step: usize, length: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < segments; i++, src += step)
    for (let j = 0; j < length; j++) sum += <f64>load<f32>(at4(src, j));
  return sum;
}

/**
 * Mean and biased variance, blocks joined as Chan, Golub and LeVeque (1979) do. A block's elements are taken relative to the mean so far (the first
 * block's: to its own), so that squares do not cancel. Not centered: 0 and the mean of squares.
 */
function measure(src: usize, segments: i32, step: usize, length: i32, centered: bool): void {
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
function scaleRun(y: usize, x: usize, length: i32, c: f32, a: f32, b: f32): void {
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

/** y = (x − c) · s · weight + bias of a row whose elements have a weight and a bias each. */
// @ts-ignore: decorator
@inline
function scaleRowOf(weighted: bool, biased: bool, y: usize, x: usize, weight: usize, bias: usize, length: i32, c: f32, s: f32): void {
  const cs = splat(c);
  const ss = splat(s);
  let i = 0;
  for (; i + 8 <= length; i += 8, x += 32, y += 32, weight += 32, bias += 32) {
    let p = f32x4.mul(f32x4.sub(v128.load(x), cs), ss);
    let q = f32x4.mul(f32x4.sub(v128.load(x, 16), cs), ss);
    if (weighted && biased) {
      p = madd(p, v128.load(weight), v128.load(bias));
      q = madd(q, v128.load(weight, 16), v128.load(bias, 16));
    } else if (weighted) {
      p = f32x4.mul(p, v128.load(weight));
      q = f32x4.mul(q, v128.load(weight, 16));
    } else if (biased) {
      p = f32x4.add(p, v128.load(bias));
      q = f32x4.add(q, v128.load(bias, 16));
    }
    v128.store(y, p);
    v128.store(y, q, 16);
  }
  for (; i < length; i += 4, x += 16, y += 16, weight += 16, bias += 16) {
    let p = f32x4.mul(f32x4.sub(v128.load(x), cs), ss);
    if (weighted && biased) p = madd(p, v128.load(weight), v128.load(bias));
    else if (weighted) p = f32x4.mul(p, v128.load(weight));
    else if (biased) p = f32x4.add(p, v128.load(bias));
    if (length - i >= 4) v128.store(y, p);
    else storeSome(y, p, length - i);
  }
}

function scaleRow(y: usize, x: usize, weight: usize, bias: usize, length: i32, c: f32, s: f32): void {
  if (weight != 0 && bias != 0) scaleRowOf(true, true, y, x, weight, bias, length, c, s);
  else if (weight != 0) scaleRowOf(true, false, y, x, weight, bias, length, c, s);
  else if (bias != 0) scaleRowOf(false, true, y, x, weight, bias, length, c, s);
  else scaleRowOf(false, false, y, x, weight, bias, length, c, s);
}

// @ts-ignore: decorator
@inline
function optional(base: usize, i: i32, otherwise: f32): f32 {
  return base == 0 ? otherwise : load<f32>(at4(base, i));
}

/** x is [samples, groups · each, spatial]; centers and spreads [samples, groups]. */
export function groupNorm(
  y: usize,
  centers: usize,
  spreads: usize,
  x: usize,
  weight: usize,
  bias: usize,
  samples: i32,
  groups: i32,
  each: i32,
  spatial: i32,
  eps: f32,
  centered: i32,
): void {
  const length = each * spatial;
  for (let n = 0; n < samples; n++) {
    for (let q = 0; q < groups; q++, centers += 4, spreads += 4) {
      measure(x, 1, 0, length, centered != 0);
      const c = <f32>center;
      store<f32>(centers, c);
      store<f32>(spreads, <f32>spread);
      const s = inverseOf(<f32>spread, eps);
      const first = q * each;
      if (spatial == 1) {
        const weights = weight == 0 ? 0 : at4(weight, first);
        scaleRow(y, x, weights, bias == 0 ? 0 : at4(bias, first), each, c, <f32>s);
        x = at4(x, each);
        y = at4(y, each);
        continue;
      }
      for (let i = 0; i < each; i++, x = at4(x, spatial), y = at4(y, spatial))
        scaleRun(y, x, spatial, c, <f32>(s * <f64>optional(weight, first + i, 1)), optional(bias, first + i, 0));
    }
  }
}

/** Σ g and Σ g (x − c) over runs, for `firsts` and `seconds`. */
function slopes(g: usize, x: usize, segments: i32, step: usize, length: i32, c: f32): void {
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

/** dx = g · a + (x − c) · t + level of a run. */
function slopeRun(dx: usize, g: usize, x: usize, length: i32, c: f32, a: f32, t: f32, level: f32): void {
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
    if (length >= 4) v128.store(dx, d);
    else storeSome(dx, d, length);
  }
}

/**
 * Of a row whose elements have a weight each: Σ g w and Σ g w (x − c), for `firsts` and `seconds`; g (x − c) s and g are added to the weights' and the
 * biases' sums, where there are any.
 */
function slopesOfRow(
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

/** dx = g · w · s + (x − c) · t + level of such a row. */
function slopeRow(dx: usize, g: usize, x: usize, weight: usize, length: i32, c: f32, s: f32, t: f32, level: f32): void {
  if (weight == 0) {
    slopeRun(dx, g, x, length, c, s, t, level);
    return;
  }
  const cs = splat(c);
  const ss = splat(s);
  const ts = splat(t);
  const ls = splat(level);
  for (let i = 0; i < length; i += 4) {
    const at = <usize>i << 2;
    const h = f32x4.mul(v128.load(g + at), v128.load(weight + at));
    const d = madd(f32x4.sub(v128.load(x + at), cs), ts, madd(h, ss, ls));
    if (length - i >= 4) v128.store(dx + at, d);
    else storeSome(dx + at, d, length - i);
  }
}

/**
 * As groupNorm. `sums` are [blocks, 2, channels]: for each `block` samples what they add to the weights' and to the biases' gradients; 0 where neither is
 * asked for.
 */
export function groupNormGradient(
  dx: usize,
  sums: usize,
  g: usize,
  toCenters: usize,
  toSpreads: usize,
  x: usize,
  weight: usize,
  centers: usize,
  spreads: usize,
  samples: i32,
  block: i32,
  groups: i32,
  each: i32,
  spatial: i32,
  eps: f32,
  centered: i32,
): void {
  const length = each * spatial;
  const channels = groups * each;
  const size = at4(0, length);
  for (let n = 0; n < samples; n++) {
    if (sums != 0 && n % block == 0) {
      if (n > 0) sums = at4(sums, 2 * channels);
      memory.fill(sums, 0, at4(0, 2 * channels));
    }
    for (let q = 0; q < groups; q++) {
      const c = load<f32>(centers);
      const s = inverseOf(load<f32>(spreads), eps);
      const first = q * each;
      const weights = weight == 0 ? 0 : at4(weight, first);
      const toWeight = sums == 0 ? 0 : at4(sums, first);
      const toBias = sums == 0 ? 0 : at4(sums, channels + first);
      let h: f64 = 0;
      let hd: f64 = 0;
      if (spatial == 1) {
        slopesOfRow(g, x, weights, toWeight, toBias, each, c, <f32>s);
        h = firsts;
        hd = seconds;
      } else {
        for (let i = 0; i < each; i++) {
          const from = at4(0, i * spatial);
          slopes(g + from, x + from, 1, 0, spatial, c);
          const w = <f64>optional(weights, i, 1);
          if (isFinite(w)) {
            h += w * firsts;
            hd += w * seconds;
          } else {
            // Slopes of both signs make infinities of both signs, which have no sum.
            for (let j = 0; j < spatial; j++) {
              const slope = w * <f64>load<f32>(at4(g + from, j));
              h += slope;
              hd += slope * (<f64>load<f32>(at4(x + from, j)) - <f64>c);
            }
          }
          if (sums != 0) {
            store<f32>(at4(toWeight, i), <f32>(<f64>load<f32>(at4(toWeight, i)) + seconds * s));
            store<f32>(at4(toBias, i), <f32>(<f64>load<f32>(at4(toBias, i)) + firsts));
          }
        }
      }
      const count = <f64>length;
      const t = <f32>((2 * <f64>load<f32>(toSpreads) - s * s * s * hd) / count);
      const level = centered ? <f32>((<f64>load<f32>(toCenters) - s * h) / count) : 0;
      if (spatial == 1) slopeRow(dx, g, x, weights, each, c, <f32>s, t, level);
      else {
        for (let i = 0; i < each; i++) {
          const from = at4(0, i * spatial);
          slopeRun(dx + from, g + from, x + from, spatial, c, <f32>(s * <f64>optional(weights, i, 1)), t, level);
        }
      }
      dx += size;
      g += size;
      x += size;
      centers += 4;
      spreads += 4;
      toCenters += 4;
      toSpreads += 4;
    }
  }
}

// @ts-ignore: decorator
@inline
function lowHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function highHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function demote(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** The first `count` lanes, up to four. */
// @ts-ignore: decorator
@inline
function storeUpTo(dst: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(dst, x);
  else storeSome(dst, x, count);
}

/** Two columns of a block joined to those before: m2 += max(0, seconds − firsts²/n) + D² · before · n / all, for the two sums of squares. */
// @ts-ignore: decorator
@inline
function joined(m2: v128, s1: v128, s2: v128, apart: v128, size: f64, count: f64): v128 {
  const own = f64x2.max(f64x2.splat(0), f64x2.sub(s2, f64x2.div(f64x2.mul(s1, s1), f64x2.splat(size))));
  const between = f64x2.mul(f64x2.mul(apart, apart), f64x2.splat((count / (count + size)) * size));
  return f64x2.add(m2, f64x2.add(own, between));
}

/** As `measure`, for four columns of [samples, …] at once, rows `step` bytes apart: stores their centers and spreads. */
function measureColumns(centers: usize, spreads: usize, src: usize, samples: i32, step: usize, columns: i32): void {
  let meanLow = f64x2.splat(0);
  let meanHigh = meanLow;
  let m2Low = meanLow;
  let m2High = meanLow;
  let k = splat(0);
  let count: f64 = 0;
  for (let from = 0; from < samples; from += ROWS) {
    const rows = min(ROWS, samples - from);
    const size = <f64>rows;
    const first = src + <usize>from * step;
    if (from == 0) {
      let sum = splat(0);
      for (let r = 0, at = first; r < rows; r++, at += step) sum = f32x4.add(sum, v128.load(at));
      k = f32x4.div(sum, splat(<f32>rows));
    }
    let a = splat(0);
    let b = a;
    for (let r = 0, at = first; r < rows; r++, at += step) {
      const d = f32x4.sub(v128.load(at), k);
      a = f32x4.add(a, d);
      b = madd(d, d, b);
    }
    const share = f64x2.splat(size / (count + size));
    const apartLow = f64x2.sub(f64x2.add(lowHalf(k), f64x2.div(lowHalf(a), f64x2.splat(size))), meanLow);
    const apartHigh = f64x2.sub(f64x2.add(highHalf(k), f64x2.div(highHalf(a), f64x2.splat(size))), meanHigh);
    m2Low = joined(m2Low, lowHalf(a), lowHalf(b), apartLow, size, count);
    m2High = joined(m2High, highHalf(a), highHalf(b), apartHigh, size, count);
    meanLow = f64x2.add(meanLow, f64x2.mul(apartLow, share));
    meanHigh = f64x2.add(meanHigh, f64x2.mul(apartHigh, share));
    k = demote(meanLow, meanHigh);
    count += size;
  }
  const n = f64x2.splat(count);
  const spread4 = demote(f64x2.div(m2Low, n), f64x2.div(m2High, n));
  storeUpTo(spreads, spread4, columns);
  storeUpTo(centers, count == 0 ? splat(NaN) : k, columns);
  if (!v128.any_true(f32x4.ne(spread4, spread4)) || count == 0) return;
  for (let i = 0; i < min(columns, 4); i++)
    if (load<f32>(at4(spreads, i)) != load<f32>(at4(spreads, i)))
      store<f32>(at4(centers, i), <f32>(total(at4(src, i), samples, step, 1) / count));
}

/**
 * Channels `from` to `to` of x [samples, channels, spatial], each over all samples; centers and spreads [channels]. `scratch` holds a number a channel.
 */
export function batchNorm(
  y: usize,
  centers: usize,
  spreads: usize,
  x: usize,
  weight: usize,
  bias: usize,
  scratch: usize,
  from: i32,
  to: i32,
  samples: i32,
  channels: i32,
  spatial: i32,
  eps: f32,
): void {
  const step = at4(0, channels * spatial);
  if (spatial > 1) {
    for (let c = from; c < to; c++) {
      const start = at4(0, c * spatial);
      measure(x + start, samples, step, spatial, true);
      store<f32>(at4(centers, c), <f32>center);
      store<f32>(at4(spreads, c), <f32>spread);
      const a = <f32>(inverseOf(<f32>spread, eps) * <f64>optional(weight, c, 1));
      const b = optional(bias, c, 0);
      const mean = <f32>center;
      for (let n = 0, at = start; n < samples; n++, at += step) scaleRun(y + at, x + at, spatial, mean, a, b);
    }
    return;
  }
  for (let c = from; c < to; c += 4) measureColumns(at4(centers, c), at4(spreads, c), at4(x, c), samples, step, to - c);
  for (let c = from; c < to; c++)
    store<f32>(
      at4(scratch, c - from),
      <f32>(inverseOf(load<f32>(at4(spreads, c)), eps) * <f64>optional(weight, c, 1)),
    );
  for (let n = 0; n < samples; n++, x += step, y += step) {
    for (let c = from; c < to; c += 4) {
      const at = <usize>c << 2;
      const d = f32x4.sub(v128.load(x + at), v128.load(centers + at));
      const scaled = v128.load(at4(scratch, c - from));
      storeUpTo(y + at, bias == 0 ? f32x4.mul(d, scaled) : madd(d, scaled, v128.load(bias + at)), to - c);
    }
  }
}

/** Σ g and Σ g (x − c) of four columns, each in two float64: stored as the bias' and, times s, the weight's gradient, and what dx is made of. */
function slopesOfColumns(
  coefficients: usize,
  apart: i32,
  toWeight: usize,
  toBias: usize,
  g: usize,
  x: usize,
  toCenters: usize,
  toSpreads: usize,
  weight: usize,
  centers: usize,
  spreads: usize,
  samples: i32,
  step: usize,
  columns: i32,
  eps: f32,
): void {
  const c = v128.load(centers);
  let sumLow = f64x2.splat(0);
  let sumHigh = sumLow;
  let productLow = sumLow;
  let productHigh = sumLow;
  for (let from = 0; from < samples; from += ROWS) {
    const rows = min(ROWS, samples - from);
    let at = <usize>from * step;
    let a = splat(0);
    let b = a;
    for (let r = 0; r < rows; r++, at += step) {
      const slope = v128.load(g + at);
      a = f32x4.add(a, slope);
      b = madd(slope, f32x4.sub(v128.load(x + at), c), b);
    }
    sumLow = f64x2.add(sumLow, lowHalf(a));
    sumHigh = f64x2.add(sumHigh, highHalf(a));
    productLow = f64x2.add(productLow, lowHalf(b));
    productHigh = f64x2.add(productHigh, highHalf(b));
  }
  for (let i = 0; i < min(columns, 4); i++) {
    const odd = (i & 1) != 0;
    const sums = i < 2 ? sumLow : sumHigh;
    const products = i < 2 ? productLow : productHigh;
    const sum = odd ? f64x2.extract_lane(sums, 1) : f64x2.extract_lane(sums, 0);
    const product = odd ? f64x2.extract_lane(products, 1) : f64x2.extract_lane(products, 0);
    finishChannel(coefficients, apart, toWeight, toBias, toCenters, toSpreads, weight, spreads, i, sum, product, <f64>samples, eps);
  }
}

/** One channel's gradients of weight and bias, and dx = g · a + (x − c) · t + level as three rows of numbers, `apart` from each other. */
function finishChannel(
  coefficients: usize,
  apart: i32,
  toWeight: usize,
  toBias: usize,
  toCenters: usize,
  toSpreads: usize,
  weight: usize,
  spreads: usize,
  i: i32,
  sum: f64,
  product: f64,
  count: f64,
  eps: f32,
): void {
  // Of no elements there is no spread, and nothing to pull at.
  const s = count == 0 ? 0 : inverseOf(load<f32>(at4(spreads, i)), eps);
  const w = <f64>optional(weight, i, 1);
  if (toWeight != 0) store<f32>(at4(toWeight, i), <f32>(product * s));
  if (toBias != 0) store<f32>(at4(toBias, i), <f32>sum);
  store<f32>(at4(coefficients, i), <f32>(s * w));
  const t = (2 * <f64>load<f32>(at4(toSpreads, i)) - s * s * s * w * product) / count;
  store<f32>(at4(coefficients, apart + i), <f32>t);
  // Infinite slopes less their mean are no number.
  const level = isFinite(w) ? (<f64>load<f32>(at4(toCenters, i)) - s * w * sum) / count : NaN;
  store<f32>(at4(coefficients, 2 * apart + i), <f32>level);
}

/** As batchNorm; `scratch` holds three numbers a channel. */
export function batchNormGradient(
  dx: usize,
  toWeight: usize,
  toBias: usize,
  g: usize,
  toCenters: usize,
  toSpreads: usize,
  x: usize,
  weight: usize,
  centers: usize,
  spreads: usize,
  scratch: usize,
  from: i32,
  to: i32,
  samples: i32,
  channels: i32,
  spatial: i32,
  eps: f32,
): void {
  const step = at4(0, channels * spatial);
  const apart = (to - from + 3) & ~3;
  for (let c = from; c < to; c += spatial > 1 ? 1 : 4) {
    const start = at4(0, c * spatial);
    const at = <usize>c << 2;
    const weightAt = weight == 0 ? 0 : weight + at;
    const toWeightAt = toWeight == 0 ? 0 : toWeight + at;
    const toBiasAt = toBias == 0 ? 0 : toBias + at;
    const own = at4(scratch, c - from);
    if (spatial == 1) {
      slopesOfColumns(
        own, apart, toWeightAt, toBiasAt, g + start, x + start, toCenters + at, toSpreads + at, weightAt, centers + at, spreads + at,
        samples, step, to - c, eps,
      );
      continue;
    }
    const mean = load<f32>(centers + at);
    slopes(g + start, x + start, samples, step, spatial, mean);
    const count = <f64>samples * <f64>spatial;
    finishChannel(own, apart, toWeightAt, toBiasAt, toCenters + at, toSpreads + at, weightAt, spreads + at, 0, firsts, seconds, count, eps);
    const a = load<f32>(own);
    const t = load<f32>(at4(own, apart));
    const level = load<f32>(at4(own, 2 * apart));
    for (let n = 0, i = start; n < samples; n++, i += step) slopeRun(dx + i, g + i, x + i, spatial, mean, a, t, level);
  }
  if (spatial > 1) return;
  for (let n = 0; n < samples; n++, x += step, g += step, dx += step) {
    for (let c = from; c < to; c += 4) {
      const at = <usize>c << 2;
      const own = at4(scratch, c - from);
      const level = madd(v128.load(g + at), v128.load(own), v128.load(at4(own, 2 * apart)));
      const d = f32x4.sub(v128.load(x + at), v128.load(centers + at));
      storeUpTo(dx + at, madd(d, v128.load(at4(own, apart)), level), to - c);
    }
  }
}
