// Layer, group, instance and RMS normalization, forward and backward: each group of channels of a sample by itself.
import { at4, center, firsts, inverseOf, measure, optional, scaleRun, seconds, slopeRun, slopes, slopesOfRow, spread } from "./measure";
import { madd, splat, storeUpTo } from "./simd";

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
    storeUpTo(y, p, length - i);
  }
}

function scaleRow(y: usize, x: usize, weight: usize, bias: usize, length: i32, c: f32, s: f32): void {
  if (weight != 0 && bias != 0) scaleRowOf(true, true, y, x, weight, bias, length, c, s);
  else if (weight != 0) scaleRowOf(true, false, y, x, weight, bias, length, c, s);
  else if (bias != 0) scaleRowOf(false, true, y, x, weight, bias, length, c, s);
  else scaleRowOf(false, false, y, x, weight, bias, length, c, s);
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
    storeUpTo(dx + at, d, length - i);
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
