// Batch normalization, forward and backward: each channel over all samples. Where a channel has one position, four channels are four columns of a matrix.
import { at4, center, firsts, inverseOf, measure, optional, scaleRun, seconds, slopeRun, slopes, spread, total } from "./measure";
import { demote, highHalf, lowHalf, madd, splat, storeUpTo } from "./simd";

/** Rows of a column that are added up in float32 before the sum goes on in float64. */
const ROWS = 32;

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
