// Transcendental functions as vector polynomials, inlined into the loops that use them. The minimax coefficients of log are Cephes' (Moshier);
// those of exp, log1p up to 1 and erf are fitted for these ranges. The bounds in units in the last place are measured by test/math.test.ts.
import { atLeast, atMost, madd, nmadd, select, splat } from "./simd";

/** Adding 1.5 · 2²³ rounds to a whole number, which is then the sum's low bits. */
const ROUNDER: f32 = 12582912.0;
const LOG2_E: f32 = 1.44269504088896341;
const LOG2_HIGH: f32 = -0.693359375;
const LOG2_LOW: f32 = 2.12194440e-4;

/** 2⁻⁶⁴: what factors of 2ⁿ⁺⁶⁴ are times, so that they are no subnormal numbers. */
const SCALE: f64 = 5.421010862427522e-20;

/** x − n log 2, in two parts. */
// @ts-ignore: decorator
@inline
function reduced(x: v128, n: v128): v128 {
  return madd(n, splat(LOG2_LOW), madd(n, splat(LOG2_HIGH), x));
}

/** eʳ − 1 for |r| ≤ ½ log 2, as r + r²·p(r); p by pairs of terms, so that four products wait for each other and not six. */
// @ts-ignore: decorator
@inline
function expTail(r: v128): v128 {
  const square = f32x4.mul(r, r);
  const high = madd(r, splat(<f32>0.0013926177052780986), splat(<f32>0.00836317427456379));
  const middle = madd(r, splat(<f32>0.041666556149721146), splat(<f32>0.16666577756404877));
  return madd(madd(madd(high, square, middle), r, splat(0.5)), square, r);
}

/** 2ⁿ is taken in two factors, so that subnormal results are right. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const bounded = atMost(atLeast(x, splat(<f32>-104.0)), splat(<f32>89.0));
  const t = madd(bounded, splat(LOG2_E), splat(ROUNDER));
  const y = f32x4.add(expTail(reduced(bounded, f32x4.sub(t, splat(ROUNDER)))), splat(1.0));
  const n = i32x4.sub(t, splat(ROUNDER));
  const half = i32x4.shr_s(n, 1);
  const a = i32x4.add(i32x4.shl(half, 23), splat(1.0));
  const b = i32x4.add(i32x4.shl(i32x4.sub(n, half), 23), splat(1.0));
  return f32x4.mul(f32x4.mul(y, a), b);
}

/**
 * eˣ for x ≤ 0: one factor 2ⁿ⁺⁶⁴ straight from the rounder's bits, and 2⁻⁶⁴. What is 0 anyway (−∞ is how scores are masked) is not computed:
 * a product that underflows takes a hundred times as long.
 */
// @ts-ignore: decorator
@inline
export function expNegative4(x: v128): v128 {
  const none = f32x4.le(x, splat(<f32>-104.0));
  const bounded = v128.andnot(x, none);
  const t = madd(bounded, splat(LOG2_E), splat(ROUNDER + 191.0));
  const power = i32x4.shl(t, 23);
  const y = madd(power, expTail(reduced(bounded, f32x4.sub(t, splat(ROUNDER + 191.0)))), power);
  return v128.andnot(f32x4.mul(y, splat(<f32>5.421010862427522e-20)), none);
}

/** eˣ − 1 for x ≤ 0: 2ⁿ t + (2ⁿ − 1), whose parts are exact where it matters. */
// @ts-ignore: decorator
@inline
export function expm1Negative4(x: v128): v128 {
  const bounded = atLeast(x, splat(<f32>-30.0));
  const t = madd(bounded, splat(LOG2_E), splat(ROUNDER + 127.0));
  const tail = expTail(reduced(bounded, f32x4.sub(t, splat(ROUNDER + 127.0))));
  const power = i32x4.shl(t, 23);
  return madd(power, tail, f32x4.sub(power, splat(1.0)));
}

/** eˣ − 1 without cancellation near 0; by halves, since 2¹²⁸ is no float32. */
// @ts-ignore: decorator
@inline
export function expm14(x: v128): v128 {
  const bounded = atMost(atLeast(x, splat(<f32>-30.0)), splat(<f32>89.0));
  const t = madd(bounded, splat(LOG2_E), splat(ROUNDER + 126.0));
  const tail = expTail(reduced(bounded, f32x4.sub(t, splat(ROUNDER + 126.0))));
  const power = i32x4.shl(t, 23);
  const half = madd(power, tail, f32x4.sub(power, splat(0.5)));
  return select(f32x4.lt(f32x4.abs(x), splat(<f32>2.0e-8)), x, f32x4.add(half, half));
}

/** log(m · 2ᵉ) from m − 1 in [√½ − 1, √2 − 1] and e. */
// @ts-ignore: decorator
@inline
function logTail(f: v128, e: v128): v128 {
  const z = f32x4.mul(f, f);
  let p = splat(<f32>7.0376836292e-2);
  p = madd(p, f, splat(<f32>-1.1514610310e-1));
  p = madd(p, f, splat(<f32>1.1676998740e-1));
  p = madd(p, f, splat(<f32>-1.2420140846e-1));
  p = madd(p, f, splat(<f32>1.4249322787e-1));
  p = madd(p, f, splat(<f32>-1.6668057665e-1));
  p = madd(p, f, splat(<f32>2.0000714765e-1));
  p = madd(p, f, splat(<f32>-2.4999993993e-1));
  p = madd(p, f, splat(<f32>3.3333331174e-1));
  let y = f32x4.mul(f32x4.mul(p, f), z);
  y = madd(e, splat(-LOG2_LOW), y);
  y = f32x4.sub(y, f32x4.mul(z, splat(0.5)));
  return madd(e, splat(-LOG2_HIGH), f32x4.add(f, y));
}

// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(<f32>1.17549435e-38));
  const scaled = select(tiny, f32x4.mul(x, splat(<f32>8388608.0)), x);
  // Two counts of the exponent below, where the mantissa is above √2: then m is in [√½, √2).
  const shifted = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const exponent = i32x4.shr_s(shifted, 23);
  const m = i32x4.sub(scaled, i32x4.shl(exponent, 23));
  const e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, splat(23.0)));
  const y = logTail(f32x4.sub(m, splat(1.0)), e);
  const top = select(f32x4.eq(x, splat(f32.MAX_VALUE * 2)), x, y);
  const edge = select(f32x4.eq(x, splat(0)), splat(-f32.MAX_VALUE * 2), splat(<f32>NaN));
  return select(f32x4.gt(x, splat(0)), top, edge);
}

/** log(1 + x): log of the rounded sum u, and what rounding lost over u. Source: Kahan; Higham, Accuracy and Stability, 1.14.1, has it as a factor. */
// @ts-ignore: decorator
@inline
export function log1p4(x: v128): v128 {
  const u = f32x4.add(x, splat(1.0));
  const d = f32x4.sub(u, splat(1.0));
  const none = f32x4.eq(d, splat(0));
  const plain = v128.or(none, f32x4.eq(u, splat(f32.MAX_VALUE * 2)));
  const y = log4(u);
  return select(plain, select(none, x, u), select(f32x4.eq(u, splat(0)), y, f32x4.add(y, f32x4.div(f32x4.sub(x, d), u))));
}

/** log(1 + t) for t in [0, 1], as t + t²·p(t), p by pairs of terms. */
// @ts-ignore: decorator
@inline
function log1pUnit4(t: v128): v128 {
  const square = f32x4.mul(t, t);
  const a = madd(t, splat(<f32>0.33321322595021013), splat(<f32>-0.4999964796266128));
  const b = madd(t, splat(<f32>0.19153653971085405), splat(<f32>-0.24857163450035172));
  const c = madd(t, splat(<f32>0.07920450593251627), splat(<f32>-0.13753800048845127));
  const d = madd(t, splat(<f32>0.005364819017001463), splat(<f32>-0.03006577253230032));
  const p = madd(madd(d, square, c), f32x4.mul(square, square), madd(b, square, a));
  return madd(p, square, t);
}

/** log(1 + e^−|x|). */
// @ts-ignore: decorator
@inline
export function softTail4(x: v128): v128 {
  return log1pUnit4(expNegative4(v128.or(x, splat(-0.0))));
}

/**
 * (min(a, 1) − tanh a) / 2 for a ≥ 0, of one quotient. tanh h = h − bend / Q for h up to 1, to 2e-10 of it: so below 1, where h is a. From 1 on h is
 * what a is more than n halves of log 2, and with P = h Q − bend, which is Q tanh h, 1 − tanh a = 2 (Q − P) / (2ⁿ (Q + P) + Q − P).
 */
// @ts-ignore: decorator
@inline
function tanhRest(a: v128): v128 {
  const far = f32x4.ge(a, splat(1.0));
  const bounded = atMost(a, splat(20.0));
  const t = madd(v128.and(bounded, far), splat(2.0 * LOG2_E), splat(ROUNDER + 127.0));
  const h = madd(f32x4.sub(t, splat(ROUNDER + 127.0)), splat(<f32>-0.34657359027997264), bounded);
  const w = f32x4.mul(h, h);
  const q = madd(madd(w, splat(<f32>0.6838069116838491), splat(<f32>19.31658902869604)), w, splat(<f32>43.5));
  const bend = f32x4.mul(f32x4.mul(h, w), madd(w, splat(<f32>0.6388657359711585), splat(<f32>14.499999747321626)));
  const p = v128.and(f32x4.sub(f32x4.mul(h, q), bend), far);
  const less = f32x4.sub(q, p);
  return f32x4.div(select(far, less, bend), madd(i32x4.shl(t, 23), f32x4.add(q, p), less));
}

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const y = nmadd(tanhRest(a), splat(2.0), atMost(a, splat(1.0)));
  return v128.or(y, v128.and(x, splat(-0.0)));
}

/** x − tanh x, without a difference where the two are close. */
// @ts-ignore: decorator
@inline
export function tanhshrink4(x: v128): v128 {
  const a = f32x4.abs(x);
  const y = madd(tanhRest(a), splat(2.0), f32x4.sub(a, atMost(a, splat(1.0))));
  return v128.or(y, v128.and(x, splat(-0.0)));
}

/** σ(−|x|) = e^−|x| / (e^−|x| + 1), which cannot overflow: small probabilities keep their digits. */
// @ts-ignore: decorator
@inline
export function sigmoidBelow4(x: v128): v128 {
  const e = expNegative4(v128.or(x, splat(-0.0)));
  return f32x4.div(e, f32x4.add(e, splat(1.0)));
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const small = sigmoidBelow4(x);
  return select(f32x4.lt(x, splat(0)), small, f32x4.sub(splat(1.0), small));
}

/** x σ(z), z of x's sign: x less a small part of it where that is more than half. */
// @ts-ignore: decorator
@inline
export function gated4(x: v128, z: v128): v128 {
  const e = expNegative4(v128.or(z, splat(-0.0)));
  // Bounded, for ∞ · 0 is NaN.
  const part = f32x4.div(f32x4.mul(atMost(x, splat(128.0)), e), f32x4.add(e, splat(1.0)));
  return select(f32x4.lt(z, splat(0)), part, f32x4.sub(x, part));
}

/**
 * e^(−a²/2) · 2⁶⁴ for a up to 14.625, from s = a² + 2n log 2 = −2r, in which a² is not rounded before most of it is taken away: what it loses counts a²/2
 * times as much in the result.
 */
// @ts-ignore: decorator
@inline
function gaussian4(a: v128): v128 {
  let square: v128;
  let low = splat(0);
  if (ASC_FEATURE_RELAXED_SIMD) {
    square = f32x4.mul(a, a);
  } else {
    // The upper 12 bits' square is exact.
    const top = v128.and(a, i32x4.splat(0xfffff000));
    square = f32x4.mul(top, top);
    low = f32x4.mul(f32x4.sub(a, top), f32x4.add(a, top));
  }
  const t = madd(square, splat(<f32>(-0.5 * 1.44269504088896341)), splat(ROUNDER + 191.0));
  const n = f32x4.sub(t, splat(ROUNDER + 191.0));
  const taken = f32x4.mul(n, splat(-2 * LOG2_HIGH));
  let s: v128;
  if (ASC_FEATURE_RELAXED_SIMD) s = madd(a, a, taken);
  else s = f32x4.add(low, f32x4.add(square, taken));
  s = madd(n, splat(-2 * LOG2_LOW), s);
  let p = splat(<f32>(0.0013926177052780986 / 64));
  p = madd(p, s, splat(<f32>(-0.00836317427456379 / 32)));
  p = madd(p, s, splat(<f32>(0.041666556149721146 / 16)));
  p = madd(p, s, splat(<f32>(-0.16666577756404877 / 8)));
  p = madd(p, s, splat(<f32>0.125));
  p = madd(p, s, splat(<f32>-0.5));
  const power = i32x4.shl(t, 23);
  return madd(power, f32x4.mul(p, s), power);
}

/** Φ(−a) e^(a²/2) · 2⁻⁶⁴ for a from 0 to 14.625, to 8e-8 of it below 0.7 and 3e-7 beyond. */
// @ts-ignore: decorator
@inline
function millsRatio4(a: v128): v128 {
  let p = splat(<f32>(2.5767684597800537e-07 * SCALE));
  p = madd(p, a, splat(<f32>(0.013850300544354594 * SCALE)));
  p = madd(p, a, splat(<f32>(0.1053870243461472 * SCALE)));
  p = madd(p, a, splat(<f32>(0.33588503230643674 * SCALE)));
  p = madd(p, a, splat(<f32>(0.49999996311453865 * SCALE)));
  let q = madd(a, splat(<f32>0.03474817861836655), splat(<f32>0.26355862275240194));
  q = madd(q, a, splat(<f32>0.8834259326040114));
  q = madd(q, a, splat(<f32>1.4696503070523235));
  q = madd(q, a, splat(1.0));
  return f32x4.div(p, q);
}

/**
 * x Φ(x), Φ the normal distribution's: max(x, 0) − a Φ(−a) with a = |x|, so that its tail keeps its digits, which ½ (1 + erf) loses. Beyond 14.5 tail
 * and density are 0.
 */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const a = atMost(f32x4.abs(x), splat(14.5));
  // Below 0 the factor is |x| itself: −∞ times a tail of 0 is NaN.
  return nmadd(atLeast(f32x4.neg(x), a), f32x4.mul(millsRatio4(a), gaussian4(a)), atLeast(x, splat(0)));
}

/** Its derivative Φ(x) + x φ(x): u = Φ(−a) − a φ(a) below 0, 1 − u above. a φ(a) is 0 from 14.625 on, a little later than φ(a). */
// @ts-ignore: decorator
@inline
export function geluSlope4(x: v128): v128 {
  const a = atMost(f32x4.abs(x), splat(14.625));
  // x − x is 0, or NaN at ±∞.
  const u = madd(gaussian4(a), nmadd(a, splat(<f32>(0.3989422804014327 * SCALE)), millsRatio4(a)), f32x4.sub(x, x));
  return select(f32x4.lt(x, splat(0)), u, f32x4.sub(splat(1.0), u));
}

/** erf by its series below 1 and 1 − erfc above. Polynomials: Cephes' ndtrf. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let t = splat(<f32>7.853861353153693e-5);
  t = madd(t, z, splat(<f32>-8.010193625184903e-4));
  t = madd(t, z, splat(<f32>5.188327685732524e-3));
  t = madd(t, z, splat(<f32>-2.685381193529856e-2));
  t = madd(t, z, splat(<f32>1.128358514861418e-1));
  t = madd(t, z, splat(<f32>-3.761262582423300e-1));
  t = madd(t, z, splat(<f32>1.128379165726710));
  const near = f32x4.mul(t, x);
  const b = atMost(atLeast(a, splat(1.0)), splat(<f32>10.0));
  const q = f32x4.div(splat(1.0), b);
  const y2 = f32x4.mul(q, q);
  let p = splat(<f32>2.326819970068386e-2);
  p = madd(p, y2, splat(<f32>-1.387039388740657e-1));
  p = madd(p, y2, splat(<f32>3.687424674597105e-1));
  p = madd(p, y2, splat(<f32>-5.824733027278666e-1));
  p = madd(p, y2, splat(<f32>6.210004621745983e-1));
  p = madd(p, y2, splat(<f32>-4.944515323274145e-1));
  p = madd(p, y2, splat(<f32>3.404879937665872e-1));
  p = madd(p, y2, splat(<f32>-2.741127028184656e-1));
  p = madd(p, y2, splat(<f32>5.638259427386472e-1));
  let r = splat(<f32>-1.047766399936249e1);
  r = madd(r, y2, splat(<f32>1.297719955372516e1));
  r = madd(r, y2, splat(<f32>-7.495518717768503));
  r = madd(r, y2, splat(<f32>2.921019019210786));
  r = madd(r, y2, splat(<f32>-1.015265279202700));
  r = madd(r, y2, splat(<f32>4.218463358204948e-1));
  r = madd(r, y2, splat(<f32>-2.820767439740514e-1));
  r = madd(r, y2, splat(<f32>5.641895067754075e-1));
  const tail = select(f32x4.lt(b, splat(2.0)), p, r);
  const erfc = f32x4.mul(f32x4.mul(expNegative4(f32x4.neg(f32x4.mul(b, b))), q), tail);
  const far = v128.bitselect(x, f32x4.sub(splat(1.0), erfc), splat(-0.0));
  const y = select(f32x4.lt(a, splat(1.0)), near, far);
  return select(f32x4.ne(x, x), x, y);
}
