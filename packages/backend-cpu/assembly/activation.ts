// Activations with their options, and every activation's gradient: one pass each. `p` and `q` are the options, in the order of core's.
import { exp4, expm1Negative4, expNegative4, gated4, gelu4, geluSlope4, log1p4, sigmoid4, sigmoidBelow4, softTail4, tanh4, tanhshrink4 } from "./math";
import * as A from "./generated/kinds/activation";
import * as G from "./generated/kinds/gradient";
import { atLeast, atMost, madd, select, splat } from "./simd";

/** SOFTPLUS where β is 1, and the threshold so far out that beyond it the curve is x to the last bit, and its slope 1. */
const PLAIN_SOFTPLUS = -1;
const plainFrom: f32 = 18;

const SELU_ALPHA: f32 = 1.6732632423543772;
const SELU_SCALE: f32 = 1.0507009873554805;

// @ts-ignore: decorator
@inline
function positive(x: v128): v128 {
  return f32x4.gt(x, splat(0));
}

/** 2√(2/π)(x + 0.044715x³): ½ (1 + tanh u) is σ(2u). */
// @ts-ignore: decorator
@inline
function geluInner(x: v128): v128 {
  const cubic = madd(f32x4.mul(x, x), splat(<f32>(0.044715 * 1.5957691216057308)), splat(<f32>1.5957691216057308));
  return f32x4.mul(x, cubic);
}

/** σ(z) (1 + w σ(−z)): the smaller of the two keeps its digits, the larger is what it leaves of 1. */
// @ts-ignore: decorator
@inline
function sigmoidSlope(z: v128, w: v128): v128 {
  const small = sigmoidBelow4(z);
  const large = f32x4.sub(splat(1.0), small);
  const below = f32x4.lt(z, splat(0));
  return f32x4.mul(select(below, small, large), madd(w, select(below, large, small), splat(1.0)));
}

/** tanh(log(1 + eˣ)) = n / (n + 2), n = eˣ(eˣ + 2): 1 to the last bit above 20. */
// @ts-ignore: decorator
@inline
function mishSquare(e: v128): v128 {
  return f32x4.mul(e, f32x4.add(e, splat(2.0)));
}

/** ln(|x| + √(x² + 1)) with x's sign: by log1p, which keeps the digits near 0, and ln|x| + ln 2 where x² would overflow. */
// @ts-ignore: decorator
@inline
function asinh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, splat(<f32>1.0e9));
  const square = f32x4.mul(a, a);
  const near = f32x4.add(a, f32x4.div(square, f32x4.add(f32x4.sqrt(f32x4.add(square, splat(1.0))), splat(1.0))));
  const y = f32x4.add(log1p4(select(far, a, near)), v128.and(far, splat(<f32>0.6931471805599453)));
  return v128.or(y, v128.and(x, splat(-0.0)));
}

// @ts-ignore: decorator
@inline
function forward(kind: i32, x: v128, p: v128, q: v128, inverse: v128): v128 {
  switch (kind) {
    case A.ELU: return select(positive(x), x, f32x4.mul(expm1Negative4(atMost(x, splat(0))), p));
    case A.CELU: return select(positive(x), x, f32x4.mul(expm1Negative4(f32x4.mul(atMost(x, splat(0)), inverse)), p));
    case A.SELU: {
      const low = f32x4.mul(expm1Negative4(atMost(x, splat(0))), splat(SELU_ALPHA * SELU_SCALE));
      return select(positive(x), f32x4.mul(x, splat(SELU_SCALE)), low);
    }
    case A.SOFTPLUS: {
      const z = f32x4.mul(x, p);
      const y = f32x4.mul(f32x4.add(atLeast(z, splat(0)), softTail4(z)), inverse);
      return select(f32x4.gt(z, q), x, y);
    }
    case PLAIN_SOFTPLUS: return f32x4.add(atLeast(x, splat(0)), softTail4(x));
    case A.SOFTSIGN: return f32x4.div(x, f32x4.add(f32x4.abs(x), splat(1.0)));
    case A.LOG_SIGMOID: return f32x4.sub(atMost(x, splat(0)), softTail4(x));
    case A.TANHSHRINK: return tanhshrink4(x);
    case A.MISH: {
      const n = mishSquare(exp4(atMost(x, splat(20.0))));
      return f32x4.mul(x, f32x4.div(n, f32x4.add(n, splat(2.0))));
    }
    case A.SIGMOID: return sigmoid4(x);
    case A.SILU: return gated4(x, x);
    case A.ASINH: return asinh4(x);
    case A.GELU: return gelu4(x);
    default: return gated4(x, geluInner(x));
  }
}

/** Few ask for them: one vector a turn, for less to transfer. */
// @ts-ignore: decorator
@inline
function isRare(kind: i32): bool {
  return kind == A.SOFTPLUS || kind == A.CELU || kind == A.TANHSHRINK;
}

/** dst = f(src). Every array is padded to 16 bytes, so that the last vector may run over the end. */
// @ts-ignore: decorator
@inline
export function pass(kind: i32, dst: usize, src: usize, count: i32, p: f32, q: f32): void {
  const a = splat(p);
  const b = splat(q);
  const inverse = splat(<f32>1.0 / p);
  const end = dst + (<usize>count << 2);
  if (!isRare(kind) && count > 4) {
    const pairs = end - 16;
    for (; dst < pairs; dst += 32, src += 32) {
      const x = forward(kind, v128.load(src), a, b, inverse);
      const y = forward(kind, v128.load(src, 16), a, b, inverse);
      v128.store(dst, x);
      v128.store(dst, y, 16);
    }
  }
  for (; dst < end; dst += 16, src += 16) v128.store(dst, forward(kind, v128.load(src), a, b, inverse));
}

export function softplus(kind: i32, dst: usize, src: usize, count: i32, p: f32, q: f32): void {
  if (p == 1 && q >= plainFrom) pass(PLAIN_SOFTPLUS, dst, src, count, p, q);
  else pass(A.SOFTPLUS, dst, src, count, p, q);
}

/** g · f′. `x` is what the activation was given; for sigmoid and tanh what it gave. */
// @ts-ignore: decorator
@inline
function backward(kind: i32, g: v128, x: v128, p: v128, q: v128, inverse: v128): v128 {
  const one = splat(1.0);
  switch (kind) {
    case G.ELU: return select(positive(x), g, f32x4.mul(g, f32x4.mul(expNegative4(atMost(x, splat(0))), p)));
    case G.CELU: return select(positive(x), g, f32x4.mul(g, expNegative4(f32x4.mul(atMost(x, splat(0)), inverse))));
    case G.SELU: {
      const low = f32x4.mul(expNegative4(atMost(x, splat(0))), splat(SELU_ALPHA * SELU_SCALE));
      return f32x4.mul(g, select(positive(x), splat(SELU_SCALE), low));
    }
    case G.SOFTPLUS: {
      const z = f32x4.mul(x, p);
      return select(f32x4.gt(z, q), g, f32x4.mul(g, sigmoid4(z)));
    }
    case PLAIN_SOFTPLUS: return f32x4.mul(g, sigmoid4(x));
    case G.SOFTSIGN: {
      // d + low is 1 + |x| exactly, and its square d (d + 2 low) to the last bit.
      const a = f32x4.abs(x);
      const d = f32x4.add(a, one);
      // Far out low is nothing of d, and ∞ − ∞ would be NaN.
      const c = atMost(a, splat(1e30));
      const low = f32x4.sub(atMost(c, one), f32x4.sub(f32x4.add(c, one), atLeast(c, one)));
      return f32x4.div(f32x4.div(g, d), f32x4.add(d, f32x4.add(low, low)));
    }
    case G.LOG_SIGMOID: return f32x4.mul(g, sigmoid4(f32x4.neg(x)));
    case G.TANHSHRINK: {
      const t = tanh4(x);
      return f32x4.mul(g, f32x4.mul(t, t));
    }
    case G.MISH: {
      // With t = n / (n + 2): 1 − t² = 4 (e + 1)² / (n + 2)², and σ(x) = e / (e + 1).
      const z = atMost(x, splat(20.0));
      const e = exp4(z);
      const n = mishSquare(e);
      const by = f32x4.div(one, f32x4.add(n, splat(2.0)));
      const bend = f32x4.mul(f32x4.mul(f32x4.mul(e, by), z), f32x4.mul(madd(e, splat(4.0), splat(4.0)), by));
      return f32x4.mul(g, madd(n, by, bend));
    }
    case G.SILU: return f32x4.mul(g, sigmoidSlope(x, x));
    case G.ASINH: {
      // 1 / √(x² + 1) from the larger of |x| and 1, so that nothing overflows.
      const a = f32x4.abs(x);
      const large = atLeast(a, one);
      const ratio = f32x4.div(atMost(a, one), large);
      return f32x4.div(g, f32x4.mul(large, f32x4.sqrt(madd(ratio, ratio, one))));
    }
    case G.GELU: return f32x4.mul(g, geluSlope4(x));
    default: {
      // Beyond ±12 the curve is 0 or x to the last bit, while x² overflows.
      const u = atMost(atLeast(x, splat(-12.0)), splat(12.0));
      const slope = madd(f32x4.mul(u, u), splat(<f32>(0.134145 * 1.5957691216057308)), splat(<f32>1.5957691216057308));
      return f32x4.mul(g, sigmoidSlope(geluInner(u), f32x4.mul(u, slope)));
    }
  }
}

// @ts-ignore: decorator
@inline
function isRareGradient(kind: i32): bool {
  return kind == G.SOFTPLUS || kind == G.CELU || kind == G.TANHSHRINK;
}

// @ts-ignore: decorator
@inline
export function passBack(kind: i32, dst: usize, g: usize, x: usize, count: i32, p: f32, q: f32): void {
  const a = splat(p);
  const b = splat(q);
  const inverse = splat(<f32>1.0 / p);
  const end = dst + (<usize>count << 2);
  if (!isRareGradient(kind) && count > 4) {
    const pairs = end - 16;
    for (; dst < pairs; dst += 32, g += 32, x += 32) {
      const first = backward(kind, v128.load(g), v128.load(x), a, b, inverse);
      const second = backward(kind, v128.load(g, 16), v128.load(x, 16), a, b, inverse);
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
  }
  for (; dst < end; dst += 16, g += 16, x += 16) v128.store(dst, backward(kind, v128.load(g), v128.load(x), a, b, inverse));
}

export function softplusGradient(kind: i32, dst: usize, g: usize, x: usize, count: i32, p: f32, q: f32): void {
  if (p == 1 && q >= plainFrom) passBack(PLAIN_SOFTPLUS, dst, g, x, count, p, q);
  else passBack(G.SOFTPLUS, dst, g, x, count, p, q);
}

export { piecewise, piecewiseGradient } from "./piecewise";
