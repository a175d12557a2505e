// Activations and gradients of a few instructions, which wait for memory and not for arithmetic: straight pieces, and slopes from what was given.
import { atLeast, atMost, lookAhead, select, splat } from "./simd";

/** Kinds of one numbering with those of activation.ts. */
export const LEAKY_RELU = 0;
export const CLAMP = 1;
export const THRESHOLD = 2;
export const SOFTSHRINK = 10;
export const HARDSHRINK = 11;
export const HARD_SIGMOID = 12;
export const HARD_SWISH = 13;
export const RELU = 15;
export const SIGMOID = 16;
/** Of gradients only. */
export const TANH = 20;
export const INSIDE = 21;
export const SHRINK = 22;

// @ts-ignore: decorator
@inline
function hardSigmoid(x: v128): v128 {
  return f32x4.div(atMost(atLeast(f32x4.add(x, splat(3.0)), splat(0)), splat(6.0)), splat(6.0));
}

// @ts-ignore: decorator
@inline
function forward(kind: i32, x: v128, p: v128, q: v128): v128 {
  switch (kind) {
    case RELU: return atLeast(x, splat(0));
    case LEAKY_RELU: return select(f32x4.gt(x, splat(0)), x, f32x4.mul(x, p));
    case CLAMP: return atMost(atLeast(x, p), q);
    case THRESHOLD: return select(f32x4.gt(x, p), x, q);
    case SOFTSHRINK: {
      const low = v128.and(f32x4.lt(x, f32x4.neg(p)), f32x4.add(x, p));
      return select(f32x4.gt(x, p), f32x4.sub(x, p), low);
    }
    case HARDSHRINK: return v128.andnot(x, f32x4.le(f32x4.abs(x), p));
    case HARD_SIGMOID: return hardSigmoid(x);
    default: return f32x4.mul(x, hardSigmoid(x));
  }
}

// @ts-ignore: decorator
@inline
function pass(kind: i32, dst: usize, src: usize, count: i32, p: f32, q: f32): void {
  const a = splat(p);
  const b = splat(q);
  const end = dst + (<usize>count << 2);
  for (; dst + 16 < end; dst += 32, src += 32) {
    lookAhead(src);
    const x = forward(kind, v128.load(src), a, b);
    const y = forward(kind, v128.load(src, 16), a, b);
    v128.store(dst, x);
    v128.store(dst, y, 16);
  }
  for (; dst < end; dst += 16, src += 16) v128.store(dst, forward(kind, v128.load(src), a, b));
}

/** As `activation`, for the kinds above. */
export function piecewise(kind: i32, dst: usize, src: usize, count: i32, p: f32, q: f32): void {
  switch (kind) {
    case LEAKY_RELU: return pass(LEAKY_RELU, dst, src, count, p, q);
    case CLAMP: return pass(CLAMP, dst, src, count, p, q);
    case THRESHOLD: return pass(THRESHOLD, dst, src, count, p, q);
    case SOFTSHRINK: return pass(SOFTSHRINK, dst, src, count, p, q);
    case HARDSHRINK: return pass(HARDSHRINK, dst, src, count, p, q);
    case HARD_SIGMOID: return pass(HARD_SIGMOID, dst, src, count, p, q);
    case HARD_SWISH: return pass(HARD_SWISH, dst, src, count, p, q);
    default: return pass(RELU, dst, src, count, p, q);
  }
}

// @ts-ignore: decorator
@inline
function backward(kind: i32, g: v128, x: v128, p: v128, q: v128): v128 {
  switch (kind) {
    case RELU: return v128.andnot(g, f32x4.le(x, splat(0)));
    case LEAKY_RELU: return select(f32x4.gt(x, splat(0)), g, f32x4.mul(g, p));
    case INSIDE: return v128.and(g, v128.and(f32x4.gt(x, p), f32x4.lt(x, q)));
    case THRESHOLD: return v128.and(g, f32x4.gt(x, p));
    case SHRINK: return v128.andnot(g, f32x4.le(f32x4.abs(x), p));
    case HARD_SIGMOID: return v128.and(f32x4.mul(g, splat(<f32>(1.0 / 6.0))), v128.and(f32x4.gt(x, splat(-3.0)), f32x4.lt(x, splat(3.0))));
    case HARD_SWISH: {
      const slope = f32x4.div(f32x4.add(atMost(atLeast(x, splat(-3.0)), splat(3.0)), splat(1.5)), splat(3.0));
      const inner = select(f32x4.ge(x, splat(3.0)), g, f32x4.mul(g, slope));
      return v128.andnot(inner, f32x4.le(x, splat(-3.0)));
    }
    case SIGMOID: return f32x4.mul(g, f32x4.mul(x, f32x4.sub(splat(1.0), x)));
    default: return f32x4.mul(g, f32x4.mul(f32x4.sub(splat(1.0), x), f32x4.add(splat(1.0), x)));
  }
}

// @ts-ignore: decorator
@inline
function passBack(kind: i32, dst: usize, g: usize, x: usize, count: i32, p: f32, q: f32): void {
  const a = splat(p);
  const b = splat(q);
  const end = dst + (<usize>count << 2);
  for (; dst + 16 < end; dst += 32, g += 32, x += 32) {
    lookAhead(g);
    lookAhead(x);
    const first = backward(kind, v128.load(g), v128.load(x), a, b);
    const second = backward(kind, v128.load(g, 16), v128.load(x, 16), a, b);
    v128.store(dst, first);
    v128.store(dst, second, 16);
  }
  for (; dst < end; dst += 16, g += 16, x += 16) v128.store(dst, backward(kind, v128.load(g), v128.load(x), a, b));
}

/** As `activationGradient`, for the kinds above. */
export function piecewiseGradient(kind: i32, dst: usize, g: usize, x: usize, count: i32, p: f32, q: f32): void {
  switch (kind) {
    case RELU: return passBack(RELU, dst, g, x, count, p, q);
    case LEAKY_RELU: return passBack(LEAKY_RELU, dst, g, x, count, p, q);
    case INSIDE: return passBack(INSIDE, dst, g, x, count, p, q);
    case THRESHOLD: return passBack(THRESHOLD, dst, g, x, count, p, q);
    case SHRINK: return passBack(SHRINK, dst, g, x, count, p, q);
    case HARD_SIGMOID: return passBack(HARD_SIGMOID, dst, g, x, count, p, q);
    case HARD_SWISH: return passBack(HARD_SWISH, dst, g, x, count, p, q);
    case SIGMOID: return passBack(SIGMOID, dst, g, x, count, p, q);
    default: return passBack(TANH, dst, g, x, count, p, q);
  }
}
