// Along one axis of [outer, length, inner]: sums, products, extremes, places, running sums, order.
import { reduceAlong, reduceRows } from "./generated/switches";
import { demote, highHalf, lowHalf, select as choose, storeUpTo } from "./simd";

export function reduce(kind: i32, dst: usize, src: usize, outer: i32, length: i32, inner: i32): void {
  if (inner == 1) reduceRows(kind, dst, src, outer, length);
  else reduceAlong(kind, dst, src, outer, length, inner);
}

/** A NaN is before all, then the larger. */
// @ts-ignore: decorator
@inline
function before(x: v128, other: v128, whole: bool): v128 {
  if (whole) return i32x4.gt_s(x, other);
  return v128.or(f32x4.gt(x, other), v128.and(f32x4.ne(x, x), f32x4.eq(other, other)));
}

/** Does the second of two come first: is it before, or as good and at a smaller place? */
// @ts-ignore: decorator
@inline
function overtakes(a: i32, placeA: i32, b: i32, placeB: i32, whole: bool): bool {
  if (whole) return b > a || (b == a && placeB < placeA);
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  const same = x == y || (x != x && y != y);
  return y > x || (y != y && x == x) || (same && placeB < placeA);
}

/** The place of the largest of a row: the first of each lane, then of the lanes. */
// @ts-ignore: decorator
@inline
function argRow(src: usize, length: i32, whole: bool): i32 {
  let best = v128.load32_splat(src);
  let place = i32x4.splat(0);
  let at = i32x4(0, 1, 2, 3);
  const four = i32x4.splat(4);
  let k = 0;
  for (; k + 4 <= length; k += 4, src += 16) {
    const x = v128.load(src);
    const mask = before(x, best, whole);
    best = choose(mask, x, best);
    place = choose(mask, at, place);
    at = i32x4.add(at, four);
  }
  for (; k < length; k++, src += 4) {
    const x = v128.load32_splat(src);
    const mask = before(x, best, whole);
    best = choose(mask, x, best);
    place = choose(mask, i32x4.splat(k), place);
  }
  let top = i32x4.extract_lane(best, 0);
  let found = i32x4.extract_lane(place, 0);
  for (let lane = 1; lane < 4; lane++) {
    best = v128.shuffle<i32>(best, best, 1, 2, 3, 0);
    place = v128.shuffle<i32>(place, place, 1, 2, 3, 0);
    const other = i32x4.extract_lane(best, 0);
    const otherPlace = i32x4.extract_lane(place, 0);
    if (overtakes(top, found, other, otherPlace, whole)) {
      top = other;
      found = otherPlace;
    }
  }
  return found;
}

// @ts-ignore: decorator
@inline
function argColumns(dst: usize, src: usize, length: i32, inner: i32, whole: bool): void {
  const stride = <usize>inner << 2;
  for (let i = 0; i < inner; i += 4, src += 16, dst += 16) {
    let at = src + stride;
    let best = v128.load(src);
    let place = i32x4.splat(0);
    for (let k = 1; k < length; k++, at += stride) {
      const x = v128.load(at);
      const mask = before(x, best, whole);
      best = choose(mask, x, best);
      place = choose(mask, i32x4.splat(k), place);
    }
    storeUpTo(dst, place, inner - i);
  }
}

/** The place of the largest along the axis, the first of equals. */
export function argMax(dst: usize, src: usize, outer: i32, length: i32, inner: i32, whole: i32): void {
  const plane = <usize>(length * inner) << 2;
  for (let o = 0; o < outer; o++, src += plane, dst += <usize>inner << 2) {
    if (inner == 1) store<i32>(dst, whole ? argRow(src, length, true) : argRow(src, length, false));
    else if (whole) argColumns(dst, src, length, inner, true);
    else argColumns(dst, src, length, inner, false);
  }
}

/** Running sums of four columns side by side, float32 ones in float64. */
function cumsumColumns(dst: usize, src: usize, length: i32, inner: i32, whole: i32): void {
  const stride = <usize>inner << 2;
  for (let i = 0; i < inner; i += 4) {
    let at = <usize>i << 2;
    let low = f64x2.splat(0);
    let high = low;
    let count = i32x4.splat(0);
    for (let k = 0; k < length; k++, at += stride) {
      const x = v128.load(src + at);
      let total: v128;
      if (whole) {
        count = i32x4.add(count, x);
        total = count;
      } else {
        low = f64x2.add(low, lowHalf(x));
        high = f64x2.add(high, highHalf(x));
        total = demote(low, high);
      }
      storeUpTo(dst + at, total, inner - i);
    }
  }
}

export function cumsum(dst: usize, src: usize, outer: i32, length: i32, inner: i32, whole: i32): void {
  const plane = <usize>(length * inner) << 2;
  for (let o = 0; o < outer; o++, src += plane, dst += plane) {
    if (inner > 1) {
      cumsumColumns(dst, src, length, inner, whole);
      continue;
    }
    let total: f64 = 0;
    let count = 0;
    for (let at: usize = 0; at < plane; at += 4) {
      if (whole) {
        count += load<i32>(src + at);
        store<i32>(dst + at, count);
      } else {
        total += <f64>load<f32>(src + at);
        store<f32>(dst + at, <f32>total);
      }
    }
  }
}

/** A number as one whose order as an integer is the order asked for, −0 as 0, NaN the largest; its place breaks ties. */
// @ts-ignore: decorator
@inline
function sortKey(bits: i32, place: i32, whole: i32, descending: i32): i64 {
  let key = bits;
  if (!whole) {
    const x = reinterpret<f32>(bits);
    if (x != x) return (<i64>(descending ? i32.MIN_VALUE : i32.MAX_VALUE) << 32) | <i64>place;
    // Negative numbers in the other order; −0 is 0x80000000, which becomes 0.
    key = bits < 0 ? i32.MIN_VALUE - bits : bits;
  }
  // ~key for whole numbers, whose smallest has no negative.
  return (<i64>(descending ? ~key : key) << 32) | <i64>place;
}

/** Merge sort of each line, bottom up, by keys that carry their places. `scratch` holds 4 · length words: the keys, twice. */
export function sort(values: usize, places: usize, src: usize, outer: i32, length: i32, inner: i32, whole: i32, descending: i32, scratch: usize): void {
  const stride = <usize>inner << 2;
  const width = <usize>length << 3;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const line = <usize>o * <usize>length * stride + (<usize>i << 2);
      let from = scratch;
      let to = scratch + width;
      for (let k = 0; k < length; k++) store<i64>(from + (<usize>k << 3), sortKey(load<i32>(src + line + <usize>k * stride), k, whole, descending));
      for (let run: usize = 8; run < width; run <<= 1) {
        for (let low: usize = 0; low < width; low += run << 1) merge(to + low, from + low, min(run, width - low), min(run << 1, width - low));
        const swap = from;
        from = to;
        to = swap;
      }
      // `to` is free: the line's numbers, which values may be written over.
      for (let k = 0; k < length; k++) store<i32>(to + (<usize>k << 2), load<i32>(src + line + <usize>k * stride));
      for (let k = 0; k < length; k++) {
        const place = load<i32>(from + (<usize>k << 3));
        store<i32>(values + line + <usize>k * stride, load<i32>(to + (<usize>place << 2)));
        store<i32>(places + line + <usize>k * stride, place);
      }
    }
  }
}

/** Two sorted runs, [0, middle) and [middle, end) bytes of `from`, into one. */
// @ts-ignore: decorator
@inline
function merge(to: usize, from: usize, middle: usize, end: usize): void {
  let a = from;
  let b = from + middle;
  const endA = b;
  const endB = from + end;
  while (a < endA && b < endB) {
    const x = load<i64>(a);
    const y = load<i64>(b);
    const second = y < x;
    store<i64>(to, select<i64>(y, x, second));
    const step: usize = second ? 8 : 0;
    b += step;
    a += 8 - step;
    to += 8;
  }
  if (a < endA) memory.copy(to, a, endA - a);
  else if (b < endB) memory.copy(to, b, endB - b);
}
