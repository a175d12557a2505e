// Fused kernels: softmax and cross-entropy rows, losses of logits.
import { FEW_CLASSES as FEW } from "./generated/sizes";
import { expNegative4, log4, sigmoidBelow4, softTail4 } from "./math";
import { atLeast, lanes, select, splat, storeSome, storeUpTo } from "./simd";

// @ts-ignore: decorator
@inline
function f(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

/** max(a, b), NaN where either is. */
// @ts-ignore: decorator
@inline
function larger(a: v128, b: v128): v128 {
  return select(f32x4.ne(b, b), b, f32x4.pmax(a, b));
}

/** The last one to three numbers of a row, `other` in the lanes behind them. */
// @ts-ignore: decorator
@inline
function some(x: usize, count: i32, other: v128): v128 {
  return select(i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)), v128.load(x), other);
}

/** The largest of a row; NaN where there is one. */
function rowMax(x: usize, count: i32): f32 {
  let a = splat(-f32.MAX_VALUE * 2);
  const lowest = a;
  let b = a;
  for (; count >= 8; count -= 8, x += 32) {
    a = larger(a, v128.load(x));
    b = larger(b, v128.load(x, 16));
  }
  for (; count >= 4; count -= 4, x += 16) a = larger(a, v128.load(x));
  if (count > 0) b = larger(b, some(x, count, lowest));
  let top = larger(a, b);
  top = larger(top, v128.shuffle<i32>(top, top, 2, 3, 0, 1));
  top = larger(top, v128.shuffle<i32>(top, top, 1, 0, 3, 2));
  return f32x4.extract_lane(top, 0);
}

/** dst = e^(x − shift) over a row, no x above shift; gives its sum. */
function rowExp(dst: usize, x: usize, count: i32, shift: f32): f32 {
  const by = splat(shift);
  let a = splat(0);
  let b = a;
  for (; count >= 8; count -= 8, x += 32, dst += 32) {
    const first = expNegative4(f32x4.sub(v128.load(x), by));
    const second = expNegative4(f32x4.sub(v128.load(x, 16), by));
    v128.store(dst, first);
    v128.store(dst, second, 16);
    a = f32x4.add(a, first);
    b = f32x4.add(b, second);
  }
  for (; count > 0; count -= 4, x += 16, dst += 16) {
    // Lanes behind the row are e^−∞.
    const z = count >= 4 ? v128.load(x) : some(x, count, splat(-f32.MAX_VALUE * 2));
    const e = expNegative4(f32x4.sub(z, by));
    storeUpTo(dst, e, count);
    a = f32x4.add(a, e);
  }
  return lanes(f32x4.add(a, b));
}

// @ts-ignore: decorator
@inline
function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(splat(x)), 0);
}

/** dst = x · by, or x − by, over a row. */
// @ts-ignore: decorator
@inline
function rowBy(dst: usize, x: usize, count: i32, by: f32, subtract: bool): void {
  const b = splat(by);
  for (; count >= 4; count -= 4, x += 16, dst += 16) {
    const v = v128.load(x);
    v128.store(dst, subtract ? f32x4.sub(v, b) : f32x4.mul(v, b));
  }
  if (count > 0) {
    const v = v128.load(x);
    storeSome(dst, subtract ? f32x4.sub(v, b) : f32x4.mul(v, b), count);
  }
}

/** Along the first axis of [length, inner], row by row: the columns' maxima and sums are in scratch. */
// @ts-ignore: decorator
@inline
function columns(dst: usize, x: usize, length: i32, inner: i32, scratch: usize, logarithm: bool): void {
  const stride = <usize>inner << 2;
  const end = x + <usize>length * stride;
  const sums = scratch + ((stride + 31) & ~15);
  for (let i: usize = 0; i < stride; i += 16) {
    v128.store(scratch + i, splat(-f32.MAX_VALUE * 2));
    v128.store(sums + i, splat(0));
  }
  for (let row = x; row < end; row += stride) {
    for (let i: usize = 0; i < stride; i += 16) v128.store(scratch + i, larger(v128.load(scratch + i), v128.load(row + i)));
  }
  const back = dst - x;
  for (let row = x; row < end; row += stride) {
    for (let i: usize = 0; i < stride; i += 16) {
      const e = expNegative4(f32x4.sub(v128.load(row + i), v128.load(scratch + i)));
      v128.store(sums + i, f32x4.add(v128.load(sums + i), e));
      if (!logarithm) storeUpTo(row + back + i, e, <i32>(stride - i) >> 2);
    }
  }
  for (let i: usize = 0; i < stride; i += 16) {
    const sum = v128.load(sums + i);
    v128.store(sums + i, logarithm ? log4(sum) : f32x4.div(splat(1.0), sum));
  }
  for (let row = x; row < end; row += stride) {
    for (let i: usize = 0; i < stride; i += 16) {
      const by = v128.load(sums + i);
      const y = logarithm
        ? f32x4.sub(f32x4.sub(v128.load(row + i), v128.load(scratch + i)), by)
        : f32x4.mul(v128.load(row + back + i), by);
      storeUpTo(row + back + i, y, <i32>(stride - i) >> 2);
    }
  }
}

/** Softmax, or its logarithm, along the axis of [outer, length, inner]. `scratch` holds two rows of `inner` and eight more. */
export function softmax(dst: usize, x: usize, outer: i32, length: i32, inner: i32, logarithm: i32, scratch: usize): void {
  const plane = <usize>(length * inner) << 2;
  for (let o = 0; o < outer; o++, dst += plane, x += plane) {
    if (inner == 1) {
      const top = rowMax(x, length);
      const sum = rowExp(dst, x, length, top);
      if (logarithm) {
        rowBy(dst, x, length, top, true);
        rowBy(dst, dst, length, log1(sum), true);
      } else rowBy(dst, dst, length, <f32>1.0 / sum, false);
    } else if (logarithm) columns(dst, x, length, inner, scratch, true);
    else columns(dst, x, length, inner, scratch, false);
  }
}

/** softmax: y (g − Σ g y); its logarithm: g − e^y Σ g. */
// @ts-ignore: decorator
@inline
function slope(g: v128, y: v128, sum: v128, logarithm: bool): v128 {
  return logarithm ? f32x4.sub(g, f32x4.mul(expNegative4(y), sum)) : f32x4.mul(y, f32x4.sub(g, sum));
}

// @ts-ignore: decorator
@inline
function rowSlope(dst: usize, g: usize, y: usize, count: i32, logarithm: bool): void {
  let a = splat(0);
  let at: usize = 0;
  let left = count;
  for (; left > 0; left -= 4, at += 16) {
    const d = left >= 4 ? v128.load(g + at) : some(g + at, left, splat(0));
    const v = left >= 4 ? v128.load(y + at) : some(y + at, left, splat(0));
    a = f32x4.add(a, logarithm ? d : f32x4.mul(d, v));
  }
  const sum = splat(lanes(a));
  at = 0;
  for (left = count; left > 0; left -= 4, at += 16) {
    const r = slope(v128.load(g + at), v128.load(y + at), sum, logarithm);
    storeUpTo(dst + at, r, left);
  }
}

// @ts-ignore: decorator
@inline
function columnSlope(dst: usize, g: usize, y: usize, length: i32, inner: i32, scratch: usize, logarithm: bool): void {
  const stride = <usize>inner << 2;
  const plane = <usize>length * stride;
  for (let i: usize = 0; i < stride; i += 16) v128.store(scratch + i, splat(0));
  for (let row: usize = 0; row < plane; row += stride) {
    for (let i: usize = 0; i < stride; i += 16) {
      const d = v128.load(g + row + i);
      v128.store(scratch + i, f32x4.add(v128.load(scratch + i), logarithm ? d : f32x4.mul(d, v128.load(y + row + i))));
    }
  }
  for (let row: usize = 0; row < plane; row += stride) {
    for (let i: usize = 0; i < stride; i += 16) {
      const r = slope(v128.load(g + row + i), v128.load(y + row + i), v128.load(scratch + i), logarithm);
      storeUpTo(dst + row + i, r, <i32>(stride - i) >> 2);
    }
  }
}

export function softmaxGradient(dst: usize, g: usize, y: usize, outer: i32, length: i32, inner: i32, logarithm: i32, scratch: usize): void {
  const plane = <usize>(length * inner) << 2;
  for (let o = 0; o < outer; o++, dst += plane, g += plane, y += plane) {
    if (inner == 1) {
      if (logarithm) rowSlope(dst, g, y, length, true);
      else rowSlope(dst, g, y, length, false);
    } else if (logarithm) columnSlope(dst, g, y, length, inner, scratch, true);
    else columnSlope(dst, g, y, length, inner, scratch, false);
  }
}

/** Do the four targets all name a class? */
// @ts-ignore: decorator
@inline
function allCount(target: usize, classes: i32, ignore: i32): bool {
  const y = v128.load(target);
  return i32x4.all_true(v128.and(i32x4.lt_u(y, i32x4.splat(classes)), i32x4.ne(y, i32x4.splat(ignore))));
}

/** Four numbers, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function lanesAt(at: usize, step: usize): v128 {
  const two = v128.load_lane<f32>(at + step, v128.load32_zero(at), 1);
  return v128.load_lane<f32>(at + 3 * step, v128.load_lane<f32>(at + 2 * step, two, 2), 3);
}

/** The largest of each of four rows. */
// @ts-ignore: decorator
@inline
function fourMax(z: usize, classes: i32): v128 {
  const width = <usize>classes << 2;
  let top = lanesAt(z, width);
  for (let at = z + 4; at < z + width; at += 4) top = larger(top, lanesAt(at, width));
  return top;
}

/** e = e^(z − top) of four rows, class by class; gives their sums, which are added in rowExp's order. */
// @ts-ignore: decorator
@inline
function fourExp(e: usize, z: usize, classes: i32, top: v128): v128 {
  const width = <usize>classes << 2;
  for (let k: usize = 0; k < width; k += 4) v128.store(e + 4 * k, expNegative4(f32x4.sub(lanesAt(z + k, width), top)));
  const s0 = fourPart(e, classes, 0);
  const s1 = fourPart(e, classes, 1);
  const s2 = fourPart(e, classes, 2);
  return f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, fourPart(e, classes, 3)));
}

/** `rowExp` for one lane. */
// @ts-ignore: decorator
@inline
function fourPart(e: usize, classes: i32, lane: i32): v128 {
  let a = splat(0);
  let b = a;
  let k = lane;
  const whole = classes & ~7;
  for (; k < whole; k += 8) {
    a = f32x4.add(a, v128.load(e + (<usize>k << 4)));
    b = f32x4.add(b, v128.load(e + (<usize>k << 4), 64));
  }
  for (; k < classes; k += 4) a = f32x4.add(a, v128.load(e + (<usize>k << 4)));
  return f32x4.add(a, b);
}

/** Cross-entropy of rows of logits against indices: value and what each counts for. `weight` 0: all 1. `scratch` holds a row, or four of FEW. */
export function crossEntropy(
  value: usize, normalizer: usize, z: usize, target: usize, weight: usize, rows: i32, classes: i32, scratch: usize, ignore: i32, smoothing: f32,
): void {
  const spread = smoothing / <f32>classes;
  const width = <usize>classes << 2;
  // Unweighted rows of few classes go four at a time, a row in each lane: most of a row's vectors would be empty.
  const few = classes <= FEW && weight == 0 && spread == 0;
  for (let r = 0; r < rows; r++, z += width, value += 4, normalizer += 4, target += 4) {
    while (few && r + 4 <= rows && allCount(target, classes, ignore)) {
      const top = fourMax(z, classes);
      const logSum = log4(fourExp(scratch, z, classes, top));
      let own = v128.load32_zero(z + (<usize>load<i32>(target) << 2));
      own = v128.load_lane<f32>(z + width + (<usize>load<i32>(target, 4) << 2), own, 1);
      own = v128.load_lane<f32>(z + 2 * width + (<usize>load<i32>(target, 8) << 2), own, 2);
      own = v128.load_lane<f32>(z + 3 * width + (<usize>load<i32>(target, 12) << 2), own, 3);
      v128.store(value, f32x4.sub(logSum, f32x4.sub(own, top)));
      v128.store(normalizer, splat(1.0));
      r += 4;
      z += 4 * width;
      value += 16;
      normalizer += 16;
      target += 16;
    }
    if (r == rows) return;
    const y = load<i32>(target);
    if (y == ignore || y < 0 || y >= classes) {
      store<f32>(value, y == ignore ? 0 : <f32>NaN);
      store<f32>(normalizer, y == ignore ? 0 : 1);
      continue;
    }
    const top = rowMax(z, classes);
    const logSum = log1(rowExp(scratch, z, classes, top));
    const w: f32 = weight == 0 ? 1 : f(weight, y);
    const share: f32 = 1.0;
    let result: f32 = (share - smoothing) * w * (logSum - (f(z, y) - top));
    if (spread != 0) {
      let total: f32 = 0;
      for (let k = 0; k < classes; k++) total += (weight == 0 ? <f32>1.0 : f(weight, k)) * (logSum - (f(z, k) - top));
      result += spread * total;
    }
    store<f32>(value, result);
    store<f32>(normalizer, w);
  }
}

/** g · (softmax − target) for each row, 0 where ignored, NaN where the target is no class. */
export function crossEntropyGradient(
  dst: usize, g: usize, z: usize, target: usize, weight: usize, rows: i32, classes: i32, scratch: usize, ignore: i32, smoothing: f32,
): void {
  const spread = smoothing / <f32>classes;
  let total: f32 = <f32>classes;
  if (weight != 0) {
    total = 0;
    for (let k = 0; k < classes; k++) total += f(weight, k);
  }
  const width = <usize>classes << 2;
  const few = classes <= FEW && weight == 0 && spread == 0;
  for (let r = 0; r < rows; r++, z += width, dst += width, g += 4, target += 4) {
    while (few && r + 4 <= rows && allCount(target, classes, ignore)) {
      const scale = f32x4.div(splat(1.0), fourExp(scratch, z, classes, fourMax(z, classes)));
      const by = f32x4.mul(scale, v128.load(g));
      v128.store(scratch + (width << 2), scale);
      for (let k: usize = 0; k < width; k += 4) {
        const d = f32x4.mul(v128.load(scratch + 4 * k), by);
        v128.store_lane<f32>(dst + k, d, 0);
        v128.store_lane<f32>(dst + width + k, d, 1);
        v128.store_lane<f32>(dst + 2 * width + k, d, 2);
        v128.store_lane<f32>(dst + 3 * width + k, d, 3);
      }
      for (let lane: usize = 0; lane < 16; lane += 4) {
        const y = <usize>load<i32>(target + lane);
        const p = load<f32>(scratch + (y << 4) + lane) * f(scratch + (width << 2), <i32>lane >> 2);
        store<f32>(dst + (lane >> 2) * width + (y << 2), load<f32>(g + lane) * (p - 1));
      }
      r += 4;
      z += 4 * width;
      dst += 4 * width;
      g += 16;
      target += 16;
    }
    if (r == rows) return;
    const y = load<i32>(target);
    if (y == ignore) {
      memory.fill(dst, 0, width);
      continue;
    }
    if (y < 0 || y >= classes) {
      for (let k = 0; k < classes; k++) store<f32>(dst + (<usize>k << 2), <f32>NaN);
      continue;
    }
    const sum = rowExp(scratch, z, classes, rowMax(z, classes));
    const scale = <f32>1.0 / sum;
    const by = load<f32>(g);
    const whole: f32 = 1.0;
    const w: f32 = (weight == 0 ? whole : f(weight, y)) * (whole - smoothing);
    if (spread == 0) {
      rowBy(dst, scratch, classes, scale * w * by, false);
      store<f32>(dst + (<usize>y << 2), by * (w * (f(scratch, y) * scale - 1)));
      continue;
    }
    for (let k = 0; k < classes; k++) {
      const p = f(scratch, k) * scale;
      const pull = spread * (p * total - (weight == 0 ? <f32>1.0 : f(weight, k)));
      store<f32>(dst + (<usize>k << 2), by * (w * (k == y ? p - 1 : p) + pull));
    }
  }
}

/** Is every number finite? */
export function allFinite(dst: usize, x: usize, count: i32): void {
  let bad = i32x4.splat(0);
  const top = splat(f32.MAX_VALUE);
  let i = 0;
  for (; i + 4 <= count; i += 4) bad = v128.or(bad, v128.not(f32x4.le(f32x4.abs(v128.load(x + (<usize>i << 2))), top)));
  for (; i < count; i++) bad = v128.or(bad, v128.not(f32x4.le(f32x4.abs(v128.load32_splat(x + (<usize>i << 2))), top)));
  store<i32>(dst, v128.any_true(bad) ? 0 : 1);
}

/** log(1 + e^−|z|) + (1 − y) max(z, 0) + y max(−z, 0), without weights. */
export function bceWithLogits(dst: usize, z: usize, y: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  const one = splat(1.0);
  for (; dst < end; dst += 16, z += 16, y += 16) {
    const v = v128.load(z);
    const t = v128.load(y);
    const wrong = f32x4.mul(f32x4.sub(one, t), atLeast(v, splat(0)));
    const right = f32x4.mul(t, atLeast(f32x4.neg(v), splat(0)));
    v128.store(dst, f32x4.add(softTail4(v), f32x4.add(wrong, right)));
  }
}

/** g (σ(z) − y), as g ((1 − y) − σ(−z)) for z ≥ 0, which keeps its digits where σ(z) is nearly 1; g one for all where `gStep` is 0. */
export function bceWithLogitsGradient(dst: usize, g: usize, z: usize, y: usize, count: i32, gStep: i32): void {
  const end = dst + (<usize>count << 2);
  const one = splat(1.0);
  for (; dst < end; dst += 16, z += 16, y += 16) {
    const by = gStep ? v128.load(g) : v128.load32_splat(g);
    const v = v128.load(z);
    const t = v128.load(y);
    const small = sigmoidBelow4(v);
    const slope = select(f32x4.lt(v, splat(0)), f32x4.sub(small, t), f32x4.sub(f32x4.sub(one, t), small));
    v128.store(dst, f32x4.mul(by, slope));
    g += gStep ? 16 : 0;
  }
}
