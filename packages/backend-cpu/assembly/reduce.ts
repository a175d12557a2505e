// Along one axis of [outer, length, inner]: sums, products, extremes, places, running sums, order.
import { splat } from "./simd";
import { storeSome } from "./binary";

export const SUM = 0;
export const PROD = 1;
export const MAX = 2;
export const MIN = 3;
export const SUM_I = 4;
export const PROD_I = 5;
export const MAX_I = 6;
export const MIN_I = 7;

// @ts-ignore: decorator
@inline
function start(kind: i32): v128 {
  switch (kind) {
    case PROD: return splat(1.0);
    case MAX: return splat(-f32.MAX_VALUE * 2);
    case MIN: return splat(f32.MAX_VALUE * 2);
    case PROD_I: return i32x4.splat(1);
    case MAX_I: return i32x4.splat(i32.MIN_VALUE);
    case MIN_I: return i32x4.splat(i32.MAX_VALUE);
    default: return i32x4.splat(0);
  }
}

// @ts-ignore: decorator
@inline
function join(kind: i32, a: v128, b: v128): v128 {
  switch (kind) {
    case SUM: return f32x4.add(a, b);
    case PROD: return f32x4.mul(a, b);
    case MAX: return f32x4.max(a, b);
    case MIN: return f32x4.min(a, b);
    case SUM_I: return i32x4.add(a, b);
    case PROD_I: return i32x4.mul(a, b);
    case MAX_I: return i32x4.max_s(a, b);
    default: return i32x4.min_s(a, b);
  }
}

const block = 256;

/** Σ of `count` numbers side by side: blocks of 256 in float32, the blocks in float64, so that a million keep their digits. */
export function sumRow(src: usize, count: i32): f32 {
  let total: f64 = 0;
  while (count >= 16) {
    const steps = min(count >> 4, block >> 4);
    let a = splat(0);
    let b = splat(0);
    let c = splat(0);
    let d = splat(0);
    for (let i = 0; i < steps; i++, src += 64) {
      a = f32x4.add(a, v128.load(src));
      b = f32x4.add(b, v128.load(src, 16));
      c = f32x4.add(c, v128.load(src, 32));
      d = f32x4.add(d, v128.load(src, 48));
    }
    const s = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    total += <f64>f32x4.extract_lane(s, 0) + <f64>f32x4.extract_lane(s, 1) + (<f64>f32x4.extract_lane(s, 2) + <f64>f32x4.extract_lane(s, 3));
    count -= steps << 4;
  }
  for (; count > 0; count--, src += 4) total += <f64>load<f32>(src);
  return <f32>total;
}

// @ts-ignore: decorator
@inline
function along(kind: i32, dst: usize, src: usize, outer: i32, length: i32, inner: i32): void {
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    let i = 0;
    for (; i < inner; i += 4) {
      const rest = inner - i;
      let at = src + (<usize>i << 2);
      let result: v128;
      if (kind == SUM && length > 32) {
        let low = f64x2.splat(0);
        let high = f64x2.splat(0);
        let k = 0;
        while (k < length) {
          const stop = min(k + 32, length);
          let part = splat(0);
          for (; k < stop; k++, at += stride) part = f32x4.add(part, v128.load(at));
          low = f64x2.add(low, f64x2.promote_low_f32x4(part));
          high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(part, part, 2, 3, 2, 3)));
        }
        result = v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
      } else {
        result = start(kind);
        for (let k = 0; k < length; k++, at += stride) result = join(kind, result, v128.load(at));
      }
      if (rest >= 4) v128.store(dst, result);
      else storeSome(dst, result, rest);
      dst += <usize>min(rest, 4) << 2;
    }
    src += <usize>length * stride;
  }
}

/** dst[i] = Σₖ src[k · stride + i]: blocks of 32 in float32, the blocks in float64. A cache line's 16 columns at a time. */
export function sumColumns(dst: usize, src: usize, length: i32, columns: i32, strideInNumbers: i32): void {
  const stride = <usize>strideInNumbers << 2;
  let i = 0;
  for (; i + 16 <= columns; i += 16, src += 64, dst += 64) {
    let a0 = f64x2.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let at = src;
    for (let k = 0; k < length; ) {
      const stop = min(k + 32, length);
      let a = splat(0);
      let b = a;
      let c = a;
      let d = a;
      for (; k < stop; k++, at += stride) {
        a = f32x4.add(a, v128.load(at));
        b = f32x4.add(b, v128.load(at, 16));
        c = f32x4.add(c, v128.load(at, 32));
        d = f32x4.add(d, v128.load(at, 48));
      }
      a0 = f64x2.add(a0, f64x2.promote_low_f32x4(a));
      a1 = f64x2.add(a1, f64x2.promote_low_f32x4(v128.shuffle<i32>(a, a, 2, 3, 2, 3)));
      b0 = f64x2.add(b0, f64x2.promote_low_f32x4(b));
      b1 = f64x2.add(b1, f64x2.promote_low_f32x4(v128.shuffle<i32>(b, b, 2, 3, 2, 3)));
      c0 = f64x2.add(c0, f64x2.promote_low_f32x4(c));
      c1 = f64x2.add(c1, f64x2.promote_low_f32x4(v128.shuffle<i32>(c, c, 2, 3, 2, 3)));
      d0 = f64x2.add(d0, f64x2.promote_low_f32x4(d));
      d1 = f64x2.add(d1, f64x2.promote_low_f32x4(v128.shuffle<i32>(d, d, 2, 3, 2, 3)));
    }
    v128.store(dst, v128.shuffle<i32>(f32x4.demote_f64x2_zero(a0), f32x4.demote_f64x2_zero(a1), 0, 1, 4, 5));
    v128.store(dst, v128.shuffle<i32>(f32x4.demote_f64x2_zero(b0), f32x4.demote_f64x2_zero(b1), 0, 1, 4, 5), 16);
    v128.store(dst, v128.shuffle<i32>(f32x4.demote_f64x2_zero(c0), f32x4.demote_f64x2_zero(c1), 0, 1, 4, 5), 32);
    v128.store(dst, v128.shuffle<i32>(f32x4.demote_f64x2_zero(d0), f32x4.demote_f64x2_zero(d1), 0, 1, 4, 5), 48);
  }
  for (; i < columns; i++, src += 4, dst += 4) {
    let total: f64 = 0;
    let at = src;
    for (let k = 0; k < length; ) {
      const stop = min(k + 32, length);
      let part: f32 = 0;
      for (; k < stop; k++, at += stride) part += load<f32>(at);
      total += <f64>part;
    }
    store<f32>(dst, <f32>total);
  }
}

// @ts-ignore: decorator
@inline
function rows(kind: i32, dst: usize, src: usize, outer: i32, length: i32): void {
  for (let o = 0; o < outer; o++, dst += 4) {
    if (kind == SUM) {
      store<f32>(dst, sumRow(src, length));
      src += <usize>length << 2;
      continue;
    }
    let acc = start(kind);
    let k = 0;
    for (; k + 4 <= length; k += 4, src += 16) acc = join(kind, acc, v128.load(src));
    acc = join(kind, acc, v128.shuffle<i32>(acc, acc, 2, 3, 0, 1));
    if (kind == SUM || kind == PROD || kind == SUM_I || kind == PROD_I) {
      acc = start(kind);
      src -= <usize>k << 2;
      k = 0;
    } else acc = join(kind, acc, v128.shuffle<i32>(acc, acc, 1, 0, 3, 2));
    for (; k < length; k++, src += 4) acc = join(kind, acc, v128.load32_splat(src));
    store<i32>(dst, i32x4.extract_lane(acc, 0));
  }
}

export function reduce(kind: i32, dst: usize, src: usize, outer: i32, length: i32, inner: i32): void {
  if (inner == 1) {
    switch (kind) {
      case SUM: return rows(SUM, dst, src, outer, length);
      case PROD: return rows(PROD, dst, src, outer, length);
      case MAX: return rows(MAX, dst, src, outer, length);
      case MIN: return rows(MIN, dst, src, outer, length);
      case SUM_I: return rows(SUM_I, dst, src, outer, length);
      case PROD_I: return rows(PROD_I, dst, src, outer, length);
      case MAX_I: return rows(MAX_I, dst, src, outer, length);
      default: return rows(MIN_I, dst, src, outer, length);
    }
  }
  switch (kind) {
    case SUM: return along(SUM, dst, src, outer, length, inner);
    case PROD: return along(PROD, dst, src, outer, length, inner);
    case MAX: return along(MAX, dst, src, outer, length, inner);
    case MIN: return along(MIN, dst, src, outer, length, inner);
    case SUM_I: return along(SUM_I, dst, src, outer, length, inner);
    case PROD_I: return along(PROD_I, dst, src, outer, length, inner);
    case MAX_I: return along(MAX_I, dst, src, outer, length, inner);
    default: return along(MIN_I, dst, src, outer, length, inner);
  }
}

/** A NaN is before all, then the larger. */
// @ts-ignore: decorator
@inline
function before(at: usize, other: usize, whole: i32): bool {
  if (whole) return load<i32>(at) > load<i32>(other);
  const x = load<f32>(at);
  const y = load<f32>(other);
  return x > y || (x != x && y == y);
}

/** The place of the largest along the axis, the first of equals. */
export function argMax(dst: usize, src: usize, outer: i32, length: i32, inner: i32, whole: i32): void {
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++, dst += 4) {
      let best = src + (<usize>i << 2);
      let place = 0;
      let at = best;
      for (let k = 1; k < length; k++) {
        at += stride;
        if (before(at, best, whole)) {
          best = at;
          place = k;
        }
      }
      store<i32>(dst, place);
    }
    src += <usize>length * stride;
  }
}

export function cumsum(dst: usize, src: usize, outer: i32, length: i32, inner: i32, whole: i32): void {
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let at = <usize>i << 2;
      let total: f64 = 0;
      let count = 0;
      for (let k = 0; k < length; k++, at += stride) {
        if (whole) {
          count += load<i32>(src + at);
          store<i32>(dst + at, count);
        } else {
          total += <f64>load<f32>(src + at);
          store<f32>(dst + at, <f32>total);
        }
      }
    }
    src += <usize>length * stride;
    dst += <usize>length * stride;
  }
}

/** NaN comes last, whichever way; equal numbers keep their order. */
// @ts-ignore: decorator
@inline
function precedes(a: i32, b: i32, whole: i32, descending: i32): bool {
  if (whole) return descending ? a > b : a < b;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x != x) return false;
  if (y != y) return true;
  return descending ? x > y : x < y;
}

/** Merge sort of each line, bottom up. `scratch` holds 4 · length words: places, values, and their other halves. */
export function sort(values: usize, places: usize, src: usize, outer: i32, length: i32, inner: i32, whole: i32, descending: i32, scratch: usize): void {
  const stride = <usize>inner << 2;
  const width = <usize>length << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const line = <usize>o * <usize>length * stride + (<usize>i << 2);
      let fromV = scratch;
      let fromP = scratch + width;
      let toV = scratch + 2 * width;
      let toP = scratch + 3 * width;
      for (let k = 0; k < length; k++) {
        store<i32>(fromV + (<usize>k << 2), load<i32>(src + line + <usize>k * stride));
        store<i32>(fromP + (<usize>k << 2), k);
      }
      for (let run = 1; run < length; run <<= 1) {
        for (let low = 0; low < length; low += run << 1) {
          const middle = min(low + run, length);
          const high = min(low + (run << 1), length);
          let a = low;
          let b = middle;
          for (let k = low; k < high; k++) {
            const right = a >= middle || (b < high && precedes(load<i32>(fromV + (<usize>b << 2)), load<i32>(fromV + (<usize>a << 2)), whole, descending));
            const chosen = right ? b++ : a++;
            store<i32>(toV + (<usize>k << 2), load<i32>(fromV + (<usize>chosen << 2)));
            store<i32>(toP + (<usize>k << 2), load<i32>(fromP + (<usize>chosen << 2)));
          }
        }
        let swap = fromV;
        fromV = toV;
        toV = swap;
        swap = fromP;
        fromP = toP;
        toP = swap;
      }
      for (let k = 0; k < length; k++) {
        store<i32>(values + line + <usize>k * stride, load<i32>(fromV + (<usize>k << 2)));
        store<i32>(places + line + <usize>k * stride, load<i32>(fromP + (<usize>k << 2)));
      }
    }
  }
}
