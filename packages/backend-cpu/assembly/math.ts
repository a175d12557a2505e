// Transcendental functions as vector polynomials. Cephes' minimax coefficients (Moshier, single precision); reductions in two parts.
// The bounds in units in the last place are measured by test/math.test.ts.
import { madd, splat } from "./simd";

// @ts-ignore: decorator
@inline
function select(mask: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, mask);
}

/** 2ⁿ for whole n in [-252, 254] held as int32, in two factors so that subnormal results are right. */
// @ts-ignore: decorator
@inline
function scaleByPowerOfTwo(x: v128, n: v128): v128 {
  const half = i32x4.shr_s(n, 1);
  const rest = i32x4.sub(n, half);
  const a = i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23);
  const b = i32x4.shl(i32x4.add(rest, i32x4.splat(127)), 23);
  return f32x4.mul(f32x4.mul(x, a), b);
}

/** eʳ − 1 for |r| ≤ ½ log 2, as r + r²·p(r). */
// @ts-ignore: decorator
@inline
function expTail(r: v128): v128 {
  let p = splat(<f32>1.9875691500e-4);
  p = madd(p, r, splat(<f32>1.3981999507e-3));
  p = madd(p, r, splat(<f32>8.3334519073e-3));
  p = madd(p, r, splat(<f32>4.1665795894e-2));
  p = madd(p, r, splat(<f32>1.6666665459e-1));
  p = madd(p, r, splat(<f32>5.0000001201e-1));
  return madd(f32x4.mul(p, r), r, r);
}

export function exp4(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, splat(<f32>-104.0)), splat(<f32>89.0));
  const n = f32x4.nearest(f32x4.mul(bounded, splat(<f32>1.44269504088896341)));
  let r = f32x4.sub(bounded, f32x4.mul(n, splat(<f32>0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, splat(<f32>-2.12194440e-4)));
  const y = f32x4.add(expTail(r), splat(1.0));
  const result = scaleByPowerOfTwo(y, i32x4.trunc_sat_f32x4_s(n));
  return select(f32x4.ne(x, x), x, result);
}

/** eˣ − 1 without cancellation near 0. */
export function expm14(x: v128): v128 {
  const n = f32x4.nearest(f32x4.mul(f32x4.min(f32x4.max(x, splat(<f32>-104.0)), splat(<f32>89.0)), splat(<f32>1.44269504088896341)));
  const bounded = f32x4.min(f32x4.max(x, splat(<f32>-104.0)), splat(<f32>89.0));
  let r = f32x4.sub(bounded, f32x4.mul(n, splat(<f32>0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, splat(<f32>-2.12194440e-4)));
  const t = expTail(r);
  // 2ⁿ(t + 1) − 1 = 2ⁿ t + (2ⁿ − 1), whose parts are exact where it matters.
  const power = scaleByPowerOfTwo(splat(1.0), i32x4.trunc_sat_f32x4_s(n));
  const result = f32x4.add(f32x4.mul(power, t), f32x4.sub(power, splat(1.0)));
  const large = f32x4.sub(exp4(x), splat(1.0));
  const chosen = select(f32x4.gt(f32x4.abs(n), splat(24.0)), large, result);
  return select(f32x4.ne(x, x), x, select(f32x4.eq(x, splat(0)), x, chosen));
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
  y = madd(e, splat(<f32>-2.12194440e-4), y);
  y = f32x4.sub(y, f32x4.mul(z, splat(0.5)));
  return madd(e, splat(<f32>0.693359375), f32x4.add(f, y));
}

export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(<f32>1.17549435e-38));
  const scaled = select(tiny, f32x4.mul(x, splat(<f32>8388608.0)), x);
  let exponent = i32x4.sub(i32x4.shr_s(scaled, 23), i32x4.splat(126));
  let m = v128.or(v128.and(scaled, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const low = f32x4.lt(m, splat(<f32>0.707106781186547524));
  exponent = i32x4.add(exponent, low);
  m = f32x4.sub(f32x4.add(m, v128.and(m, low)), splat(1.0));
  const e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, splat(23.0)));
  let y = logTail(m, e);
  y = select(f32x4.eq(x, splat(0)), splat(-f32.MAX_VALUE * 2), y);
  y = select(f32x4.eq(x, splat(f32.MAX_VALUE * 2)), x, y);
  return select(v128.or(f32x4.lt(x, splat(0)), f32x4.ne(x, x)), splat(<f32>NaN), y);
}

/** log(1 + x): log of the rounded sum, corrected by what rounding lost. Source: Higham, Accuracy and Stability, 1.14.1. */
export function log1p4(x: v128): v128 {
  const u = f32x4.add(x, splat(1.0));
  const d = f32x4.sub(u, splat(1.0));
  const y = f32x4.mul(log4(u), f32x4.div(x, d));
  const plain = v128.or(f32x4.eq(d, splat(0)), f32x4.eq(u, splat(f32.MAX_VALUE * 2)));
  const direct = select(f32x4.eq(d, splat(0)), x, u);
  const result = select(plain, direct, y);
  return select(f32x4.eq(u, splat(0)), splat(-f32.MAX_VALUE * 2), result);
}

export function tanh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = splat(<f32>-5.70498872745e-3);
  p = madd(p, z, splat(<f32>2.06390887954e-2));
  p = madd(p, z, splat(<f32>-5.37397155531e-2));
  p = madd(p, z, splat(<f32>1.33314422036e-1));
  p = madd(p, z, splat(<f32>-3.33332819422e-1));
  const near = madd(f32x4.mul(p, z), x, x);
  const e = exp4(f32x4.mul(f32x4.min(a, splat(<f32>10.0)), splat(2.0)));
  const far = f32x4.sub(splat(1.0), f32x4.div(splat(2.0), f32x4.add(e, splat(1.0))));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const y = select(f32x4.lt(a, splat(<f32>0.625)), near, v128.or(far, sign));
  return select(f32x4.ne(x, x), x, y);
}

/** Over e^−|x|, which cannot overflow: small probabilities keep their digits. */
export function sigmoid4(x: v128): v128 {
  const e = exp4(f32x4.neg(f32x4.abs(x)));
  const top = select(f32x4.lt(x, splat(0)), e, splat(1.0));
  const y = f32x4.div(top, f32x4.add(splat(1.0), e));
  return select(f32x4.ne(x, x), x, y);
}

/** erf by its series below 1 and 1 − erfc above. Polynomials: Cephes' ndtrf. */
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
  const b = f32x4.min(f32x4.max(a, splat(1.0)), splat(<f32>10.0));
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
  const erfc = f32x4.mul(f32x4.mul(exp4(f32x4.neg(f32x4.mul(b, b))), q), tail);
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const far = v128.or(f32x4.sub(splat(1.0), erfc), sign);
  const y = select(f32x4.lt(a, splat(1.0)), near, far);
  return select(f32x4.ne(x, x), x, y);
}
