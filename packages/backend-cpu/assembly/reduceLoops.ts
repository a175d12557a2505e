// Sums, products and extremes along one axis of [outer, length, inner]: what the generated switches specialize.
import { MAX, MAX_INT, MIN, MIN_INT, PROD, PROD_INT, SUM, SUM_INT } from "./generated/kinds/reduction";
import { demote, highHalf, lowHalf, select as choose, splat, storeUpTo } from "./simd";

// @ts-ignore: decorator
@inline
function start(kind: i32): v128 {
  switch (kind) {
    case PROD: return splat(1.0);
    case MAX: return splat(-f32.MAX_VALUE * 2);
    case MIN: return splat(f32.MAX_VALUE * 2);
    case PROD_INT: return i32x4.splat(1);
    case MAX_INT: return i32x4.splat(i32.MIN_VALUE);
    case MIN_INT: return i32x4.splat(i32.MAX_VALUE);
    default: return i32x4.splat(0);
  }
}

// @ts-ignore: decorator
@inline
function join(kind: i32, a: v128, b: v128): v128 {
  switch (kind) {
    case SUM: return f32x4.add(a, b);
    case PROD: return f32x4.mul(a, b);
    case MAX: return choose(f32x4.ne(b, b), b, f32x4.pmax(a, b));
    case MIN: return choose(f32x4.ne(b, b), b, f32x4.pmin(a, b));
    case SUM_INT: return i32x4.add(a, b);
    case PROD_INT: return i32x4.mul(a, b);
    case MAX_INT: return i32x4.max_s(a, b);
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

/** Along the first axis of [length, inner]: 16 columns at a time, a cache line of each row, then four. */
// @ts-ignore: decorator
@inline
export function along(kind: i32, dst: usize, src: usize, outer: i32, length: i32, inner: i32): void {
  const stride = <usize>inner << 2;
  for (let o = 0; o < outer; o++, src += <usize>length * stride) {
    if (kind == SUM) {
      sumColumns(dst, src, length, inner, inner);
      dst += stride;
      continue;
    }
    let i = 0;
    for (; i + 16 <= inner; i += 16, dst += 64) {
      let at = src + (<usize>i << 2);
      let a = start(kind);
      let b = a;
      let c = a;
      let d = a;
      for (let k = 0; k < length; k++, at += stride) {
        a = join(kind, a, v128.load(at));
        b = join(kind, b, v128.load(at, 16));
        c = join(kind, c, v128.load(at, 32));
        d = join(kind, d, v128.load(at, 48));
      }
      v128.store(dst, a);
      v128.store(dst, b, 16);
      v128.store(dst, c, 32);
      v128.store(dst, d, 48);
    }
    for (; i < inner; i += 4) {
      let at = src + (<usize>i << 2);
      let result = start(kind);
      for (let k = 0; k < length; k++, at += stride) result = join(kind, result, v128.load(at));
      storeUpTo(dst, result, inner - i);
      dst += <usize>min(inner - i, 4) << 2;
    }
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
  for (; i < columns; i += 4, src += 16, dst += 16) {
    let low = f64x2.splat(0);
    let high = low;
    let at = src;
    for (let k = 0; k < length; ) {
      const stop = min(k + 32, length);
      let part = splat(0);
      for (; k < stop; k++, at += stride) part = f32x4.add(part, v128.load(at));
      low = f64x2.add(low, lowHalf(part));
      high = f64x2.add(high, highHalf(part));
    }
    storeUpTo(dst, demote(low, high), columns - i);
  }
}

// @ts-ignore: decorator
@inline
export function rows(kind: i32, dst: usize, src: usize, outer: i32, length: i32): void {
  for (let o = 0; o < outer; o++, dst += 4) {
    if (kind == SUM) {
      store<f32>(dst, sumRow(src, length));
      src += <usize>length << 2;
      continue;
    }
    let a = start(kind);
    let b = a;
    let c = a;
    let d = a;
    let k = 0;
    for (; k + 16 <= length; k += 16, src += 64) {
      a = join(kind, a, v128.load(src));
      b = join(kind, b, v128.load(src, 16));
      c = join(kind, c, v128.load(src, 32));
      d = join(kind, d, v128.load(src, 48));
    }
    for (; k + 4 <= length; k += 4, src += 16) a = join(kind, a, v128.load(src));
    let acc = join(kind, join(kind, a, b), join(kind, c, d));
    acc = join(kind, acc, v128.shuffle<i32>(acc, acc, 2, 3, 0, 1));
    acc = join(kind, acc, v128.shuffle<i32>(acc, acc, 1, 0, 3, 2));
    for (; k < length; k++, src += 4) acc = join(kind, acc, v128.load32_splat(src));
    store<i32>(dst, i32x4.extract_lane(acc, 0));
  }
}
