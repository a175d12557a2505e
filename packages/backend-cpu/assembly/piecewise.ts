// Activations and gradients of a few instructions, which wait for memory and not for arithmetic: straight pieces, and slopes from what was given.
import * as A from "./generated/kinds/activation";
import * as G from "./generated/kinds/gradient";
import { atLeast, atMost, lookAhead, select, splat } from "./simd";

// @ts-ignore: decorator
@inline
function hardSigmoid(x: v128): v128 {
  return f32x4.div(atMost(atLeast(f32x4.add(x, splat(3.0)), splat(0)), splat(6.0)), splat(6.0));
}

// @ts-ignore: decorator
@inline
function forward(kind: i32, x: v128, p: v128, q: v128): v128 {
  switch (kind) {
    case A.RELU: return atLeast(x, splat(0));
    case A.LEAKY_RELU: return select(f32x4.gt(x, splat(0)), x, f32x4.mul(x, p));
    case A.CLAMP: return atMost(atLeast(x, p), q);
    case A.THRESHOLD: return select(f32x4.gt(x, p), x, q);
    case A.SOFTSHRINK: {
      const low = v128.and(f32x4.lt(x, f32x4.neg(p)), f32x4.add(x, p));
      return select(f32x4.gt(x, p), f32x4.sub(x, p), low);
    }
    case A.HARDSHRINK: return v128.andnot(x, f32x4.le(f32x4.abs(x), p));
    case A.HARD_SIGMOID: return hardSigmoid(x);
    default: return f32x4.mul(x, hardSigmoid(x));
  }
}

// @ts-ignore: decorator
@inline
export function piecewise(kind: i32, dst: usize, src: usize, count: i32, p: f32, q: f32): void {
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

// @ts-ignore: decorator
@inline
function backward(kind: i32, g: v128, x: v128, p: v128, q: v128): v128 {
  switch (kind) {
    case G.RELU: return v128.andnot(g, f32x4.le(x, splat(0)));
    case G.LEAKY_RELU: return select(f32x4.gt(x, splat(0)), g, f32x4.mul(g, p));
    case G.INSIDE: return v128.and(g, v128.and(f32x4.gt(x, p), f32x4.lt(x, q)));
    case G.THRESHOLD: return v128.and(g, f32x4.gt(x, p));
    case G.SHRINK: return v128.andnot(g, f32x4.le(f32x4.abs(x), p));
    case G.HARD_SIGMOID: return v128.and(f32x4.mul(g, splat(<f32>(1.0 / 6.0))), v128.and(f32x4.gt(x, splat(-3.0)), f32x4.lt(x, splat(3.0))));
    case G.HARD_SWISH: {
      const slope = f32x4.div(f32x4.add(atMost(atLeast(x, splat(-3.0)), splat(3.0)), splat(1.5)), splat(3.0));
      const inner = select(f32x4.ge(x, splat(3.0)), g, f32x4.mul(g, slope));
      return v128.andnot(inner, f32x4.le(x, splat(-3.0)));
    }
    case G.SIGMOID: return f32x4.mul(g, f32x4.mul(x, f32x4.sub(splat(1.0), x)));
    default: return f32x4.mul(g, f32x4.mul(f32x4.sub(splat(1.0), x), f32x4.add(splat(1.0), x)));
  }
}

// @ts-ignore: decorator
@inline
export function piecewiseGradient(kind: i32, dst: usize, g: usize, x: usize, count: i32, p: f32, q: f32): void {
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
