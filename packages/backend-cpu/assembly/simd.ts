// Shared by the kernels:

/** a · b + c: fused in the relaxed build, rounded twice in the portable one. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a · b, rounded as madd is. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** mask ? a : b, for masks that a comparison made: all ones or all zeros in a lane, so that both builds agree. */
// @ts-ignore: decorator
@inline
export function select(mask: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(a, b, mask);
  return v128.bitselect(a, b, mask);
}

/** max(x, bound) and min(x, bound) where x is NaN or the bound is a number: one instruction, where f32x4.max takes eight. */
// @ts-ignore: decorator
@inline
export function atLeast(x: v128, bound: v128): v128 {
  return f32x4.pmax(x, bound);
}

// @ts-ignore: decorator
@inline
export function atMost(x: v128, bound: v128): v128 {
  return f32x4.pmin(x, bound);
}

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/**
 * Bytes that a pass over much memory looks ahead: what a processor fetches by its own guess ends at a page of 4 KB, and a pass of a few
 * instructions a number then waits for memory. src/heap.ts sees to it that there is memory behind the last block.
 */
const AHEAD: usize = 1024;

/** Asks for the line of memory that lies there. */
// @ts-ignore: decorator
@inline
export function lookAhead(at: usize): void {
  load<u8>(at, AHEAD);
}

/** Four vectors turned into columns: their first numbers beside each other at `to`, their second ones `step` bytes behind, and so on. */
// @ts-ignore: decorator
@inline
export function storeColumns(to: usize, step: usize, x: v128, y: v128, z: v128, w: v128): void {
  const xy0 = v128.shuffle<i32>(x, y, 0, 4, 1, 5);
  const xy1 = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
  const zw0 = v128.shuffle<i32>(z, w, 0, 4, 1, 5);
  const zw1 = v128.shuffle<i32>(z, w, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i32>(xy0, zw0, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<i32>(xy0, zw0, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<i32>(xy1, zw1, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<i32>(xy1, zw1, 2, 3, 6, 7));
}

/** The sum of the four lanes, in one order. */
// @ts-ignore: decorator
@inline
export function lanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

/** The first two of four float32 as float64. */
// @ts-ignore: decorator
@inline
export function lowHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
export function highHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
export function demote(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** The first one to three lanes: rows need not end on 16 bytes. */
// @ts-ignore: decorator
@inline
export function storeSome(dst: usize, x: v128, count: i32): void {
  store<u32>(dst, i32x4.extract_lane(x, 0));
  if (count > 1) store<u32>(dst + 4, i32x4.extract_lane(x, 1));
  if (count > 2) store<u32>(dst + 8, i32x4.extract_lane(x, 2));
}

/** The first `count` lanes, up to four. */
// @ts-ignore: decorator
@inline
export function storeUpTo(dst: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(dst, x);
  else storeSome(dst, x, count);
}

/** Stores four vectors next to each other. */
// @ts-ignore: decorator
@inline
export function storeFour(c: usize, x: v128, y: v128, z: v128, w: v128): void {
  v128.store(c, x);
  v128.store(c, y, 16);
  v128.store(c, z, 32);
  v128.store(c, w, 48);
}

/** Adds four vectors to what is there. All loads come before the first store: two stores with a load in between are not joined to 256 bits. */
// @ts-ignore: decorator
@inline
export function addFour(c: usize, x: v128, y: v128, z: v128, w: v128): void {
  const p = v128.load(c);
  const q = v128.load(c, 16);
  const r = v128.load(c, 32);
  const t = v128.load(c, 48);
  storeFour(c, f32x4.add(x, p), f32x4.add(y, q), f32x4.add(z, r), f32x4.add(w, t));
}
