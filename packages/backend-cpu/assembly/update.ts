// Optimizer updates, each in one pass over a parameter and what is kept of it.
import { splat } from "./simd";

/** PyTorch's Adam over a whole parameter. scalars: [lr / (1 − β₁ᵗ), 1 / √(1 − β₂ᵗ), decay]. flags: 1 decays, 2 decoupled, 4 maximize. */
export function adam(
  p2: usize, m2: usize, v2: usize, p: usize, g: usize, m: usize, v: usize, scalars: usize, count: i32, beta1: f32, beta2: f32, epsilon: f32, flags: i32,
): void {
  const size = v128.load32_splat(scalars);
  const root = v128.load32_splat(scalars, 4);
  const decay = v128.load32_splat(scalars, 8);
  const b1 = splat(beta1);
  const b2 = splat(beta2);
  const c1 = splat(<f32>(1.0 - <f64>beta1));
  const c2 = splat(<f32>(1.0 - <f64>beta2));
  const eps = splat(epsilon);
  // No conditions in the loop, so that its vectors can be joined: what is not asked for is a factor of 1, or −0 as a summand, which changes no bit.
  const sign = splat(flags & 4 ? -1.0 : 1.0);
  const keep = (flags & 3) == 3 ? decay : splat(1.0);
  const pulls = i32x4.splat((flags & 3) == 1 ? -1 : 0);
  const nothing = splat(-0.0);
  const end = <usize>count << 2;
  let i: usize = 0;
  for (; i + 16 < end; i += 32) {
    const x = v128.load(p + i);
    const y = v128.load(p + i, 16);
    const d = slopeOf(v128.load(g + i), x, sign, decay, nothing, pulls);
    const e = slopeOf(v128.load(g + i, 16), y, sign, decay, nothing, pulls);
    const first = f32x4.add(f32x4.mul(v128.load(m + i), b1), f32x4.mul(d, c1));
    const other = f32x4.add(f32x4.mul(v128.load(m + i, 16), b1), f32x4.mul(e, c1));
    const second = f32x4.add(f32x4.mul(v128.load(v + i), b2), f32x4.mul(f32x4.mul(d, d), c2));
    const fourth = f32x4.add(f32x4.mul(v128.load(v + i, 16), b2), f32x4.mul(f32x4.mul(e, e), c2));
    const left = stepped(f32x4.mul(x, keep), first, second, size, root, eps);
    const right = stepped(f32x4.mul(y, keep), other, fourth, size, root, eps);
    v128.store(p2 + i, left);
    v128.store(p2 + i, right, 16);
    v128.store(m2 + i, first);
    v128.store(m2 + i, other, 16);
    v128.store(v2 + i, second);
    v128.store(v2 + i, fourth, 16);
  }
  for (; i < end; i += 16) {
    const x = v128.load(p + i);
    const d = slopeOf(v128.load(g + i), x, sign, decay, nothing, pulls);
    const first = f32x4.add(f32x4.mul(v128.load(m + i), b1), f32x4.mul(d, c1));
    const second = f32x4.add(f32x4.mul(v128.load(v + i), b2), f32x4.mul(f32x4.mul(d, d), c2));
    v128.store(p2 + i, stepped(f32x4.mul(x, keep), first, second, size, root, eps));
    v128.store(m2 + i, first);
    v128.store(v2 + i, second);
  }
}

/** The gradient, with the pull of the decay where there is one. */
// @ts-ignore: decorator
@inline
function slopeOf(g: v128, x: v128, sign: v128, decay: v128, nothing: v128, pulls: v128): v128 {
  return f32x4.add(f32x4.mul(g, sign), v128.bitselect(f32x4.mul(x, decay), nothing, pulls));
}

// @ts-ignore: decorator
@inline
function stepped(x: v128, first: v128, second: v128, size: v128, root: v128, eps: v128): v128 {
  return f32x4.sub(x, f32x4.mul(size, f32x4.div(first, f32x4.add(f32x4.mul(f32x4.sqrt(second), root), eps))));
}

/** PyTorch's SGD. scalars: [lr, decay, 1 − dampening or 1]. flags: 1 decays, 2 nesterov, 4 maximize; b 0: no momentum. */
export function sgd(p2: usize, b2: usize, p: usize, g: usize, b: usize, scalars: usize, count: i32, momentum: f32, flags: i32): void {
  const rate = v128.load32_splat(scalars);
  const decay = v128.load32_splat(scalars, 4);
  const damp = v128.load32_splat(scalars, 8);
  const mu = splat(momentum);
  for (let i: usize = 0; i < <usize>count << 2; i += 16) {
    let d = v128.load(g + i);
    const x = v128.load(p + i);
    if (flags & 4) d = f32x4.neg(d);
    if (flags & 1) d = f32x4.add(d, f32x4.mul(x, decay));
    if (b != 0) {
      const buffer = f32x4.add(f32x4.mul(v128.load(b + i), mu), f32x4.mul(d, damp));
      v128.store(b2 + i, buffer);
      d = flags & 2 ? f32x4.add(d, f32x4.mul(buffer, mu)) : buffer;
    }
    v128.store(p2 + i, f32x4.sub(x, f32x4.mul(d, rate)));
  }
}
