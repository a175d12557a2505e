// What would be many ops in one pass: softmax and cross-entropy rows, activations' gradients, optimizer updates.
import { exp4, log4, sigmoid4, softTail4 } from "./math";
import { atLeast, lanes, splat } from "./simd";
import { storeSome } from "./binary";

// @ts-ignore: decorator
@inline
function f(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

/** The largest of a row; NaN where there is one. */
function rowMax(x: usize, count: i32): f32 {
  let top = splat(-f32.MAX_VALUE * 2);
  let i = 0;
  for (; i + 4 <= count; i += 4) top = f32x4.max(top, v128.load(x + (<usize>i << 2)));
  for (; i < count; i++) top = f32x4.max(top, v128.load32_splat(x + (<usize>i << 2)));
  top = f32x4.max(top, v128.shuffle<i32>(top, top, 2, 3, 0, 1));
  top = f32x4.max(top, v128.shuffle<i32>(top, top, 1, 0, 3, 2));
  return f32x4.extract_lane(top, 0);
}

/** dst = e^(x − shift) over a row; gives its sum. */
function rowExp(dst: usize, x: usize, count: i32, shift: f32): f32 {
  const by = splat(shift);
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const e = exp4(f32x4.sub(v128.load(x + (<usize>i << 2)), by));
    v128.store(dst + (<usize>i << 2), e);
    sum = f32x4.add(sum, e);
  }
  let total = lanes(sum);
  const rest = count - i;
  if (rest > 0) {
    const e = exp4(f32x4.sub(v128.load(x + (<usize>i << 2)), by));
    storeSome(dst + (<usize>i << 2), e, rest);
    for (let k = 0; k < rest; k++) total += f(dst, i + k);
  }
  return total;
}

// @ts-ignore: decorator
@inline
function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(splat(x)), 0);
}

// @ts-ignore: decorator
@inline
function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(splat(x)), 0);
}

/** Softmax, or its logarithm, along the axis of [outer, length, inner]. */
export function softmax(dst: usize, x: usize, outer: i32, length: i32, inner: i32, logarithm: i32): void {
  const plane = <usize>(length * inner) << 2;
  for (let o = 0; o < outer; o++, dst += plane, x += plane) {
    if (inner == 1) {
      const top = rowMax(x, length);
      const sum = rowExp(dst, x, length, top);
      if (logarithm) {
        const by = log1(sum);
        for (let i = 0; i < length; i++) store<f32>(dst + (<usize>i << 2), f(x, i) - top - by);
      } else {
        const scale = <f32>1.0 / sum;
        for (let i = 0; i < length; i++) store<f32>(dst + (<usize>i << 2), f(dst, i) * scale);
      }
      continue;
    }
    for (let n = 0; n < inner; n++) {
      let top: f32 = -f32.MAX_VALUE * 2;
      for (let k = 0; k < length; k++) top = max(top, f(x, k * inner + n));
      let sum: f32 = 0;
      for (let k = 0; k < length; k++) sum += exp1(f(x, k * inner + n) - top);
      const by = logarithm ? log1(sum) : sum;
      for (let k = 0; k < length; k++) {
        const z = f(x, k * inner + n) - top;
        store<f32>(dst + (<usize>(k * inner + n) << 2), logarithm ? z - by : exp1(z) / by);
      }
    }
  }
}

/** softmax: y (g − Σ g y); its logarithm: g − e^y Σ g. */
export function softmaxGradient(dst: usize, g: usize, y: usize, outer: i32, length: i32, inner: i32, logarithm: i32): void {
  const plane = length * inner;
  for (let o = 0; o < outer; o++) {
    for (let n = 0; n < inner; n++) {
      let sum: f32 = 0;
      for (let k = 0; k < length; k++) {
        const i = k * inner + n;
        sum += logarithm ? f(g, i) : f(g, i) * f(y, i);
      }
      for (let k = 0; k < length; k++) {
        const i = k * inner + n;
        store<f32>(dst + (<usize>i << 2), logarithm ? f(g, i) - exp1(f(y, i)) * sum : f(y, i) * (f(g, i) - sum));
      }
    }
    dst += <usize>plane << 2;
    g += <usize>plane << 2;
    y += <usize>plane << 2;
  }
}

/** Cross-entropy of rows of logits against indices: value and what each counts for. `weight` 0: all 1. `scratch` holds a row. */
export function crossEntropy(
  value: usize, normalizer: usize, z: usize, target: usize, weight: usize, rows: i32, classes: i32, scratch: usize, ignore: i32, smoothing: f32,
): void {
  const spread = smoothing / <f32>classes;
  for (let r = 0; r < rows; r++, z += <usize>classes << 2, value += 4, normalizer += 4, target += 4) {
    const y = load<i32>(target);
    if (y == ignore || y < 0 || y >= classes) {
      store<f32>(value, y == ignore ? 0 : <f32>NaN);
      store<f32>(normalizer, y == ignore ? 0 : 1);
      continue;
    }
    const top = rowMax(z, classes);
    const logSum = log1(rowExp(scratch, z, classes, top));
    const w: f32 = weight == 0 ? 1 : f(weight, y);
    const share: f32 = 1.0;
    let result: f32 = (share - smoothing) * w * (logSum - (f(z, y) - top));
    if (spread != 0) {
      let total: f32 = 0;
      for (let k = 0; k < classes; k++) total += (weight == 0 ? <f32>1.0 : f(weight, k)) * (logSum - (f(z, k) - top));
      result += spread * total;
    }
    store<f32>(value, result);
    store<f32>(normalizer, w);
  }
}

/** g · (softmax − target) for each row, 0 where ignored. */
export function crossEntropyGradient(
  dst: usize, g: usize, z: usize, target: usize, weight: usize, rows: i32, classes: i32, scratch: usize, ignore: i32, smoothing: f32,
): void {
  const spread = smoothing / <f32>classes;
  let total: f32 = <f32>classes;
  if (weight != 0) {
    total = 0;
    for (let k = 0; k < classes; k++) total += f(weight, k);
  }
  const width = <usize>classes << 2;
  for (let r = 0; r < rows; r++, z += width, dst += width, g += 4, target += 4) {
    const y = load<i32>(target);
    if (y == ignore || y < 0 || y >= classes) {
      memory.fill(dst, 0, width);
      continue;
    }
    const sum = rowExp(scratch, z, classes, rowMax(z, classes));
    const scale = <f32>1.0 / sum;
    const by = load<f32>(g);
    const whole: f32 = 1.0;
    const w: f32 = (weight == 0 ? whole : f(weight, y)) * (whole - smoothing);
    for (let k = 0; k < classes; k++) {
      const p = f(scratch, k) * scale;
      let slope = w * (k == y ? p - 1 : p);
      if (spread != 0) slope += spread * (p * total - (weight == 0 ? <f32>1.0 : f(weight, k)));
      store<f32>(dst + (<usize>k << 2), by * slope);
    }
  }
}

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
  for (let i: usize = 0; i < <usize>count << 2; i += 16) {
    let d = v128.load(g + i);
    let x = v128.load(p + i);
    if (flags & 4) d = f32x4.neg(d);
    if ((flags & 3) == 1) d = f32x4.add(d, f32x4.mul(x, decay));
    if ((flags & 3) == 3) x = f32x4.mul(x, decay);
    const first = f32x4.add(f32x4.mul(v128.load(m + i), b1), f32x4.mul(d, c1));
    const second = f32x4.add(f32x4.mul(v128.load(v + i), b2), f32x4.mul(f32x4.mul(d, d), c2));
    const step = f32x4.div(first, f32x4.add(f32x4.mul(f32x4.sqrt(second), root), eps));
    v128.store(p2 + i, f32x4.sub(x, f32x4.mul(size, step)));
    v128.store(m2 + i, first);
    v128.store(v2 + i, second);
  }
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

/** Is every number finite? */
export function allFinite(dst: usize, x: usize, count: i32): void {
  let bad = i32x4.splat(0);
  const top = splat(f32.MAX_VALUE);
  let i = 0;
  for (; i + 4 <= count; i += 4) bad = v128.or(bad, v128.not(f32x4.le(f32x4.abs(v128.load(x + (<usize>i << 2))), top)));
  for (; i < count; i++) bad = v128.or(bad, v128.not(f32x4.le(f32x4.abs(v128.load32_splat(x + (<usize>i << 2))), top)));
  store<i32>(dst, v128.any_true(bad) ? 0 : 1);
}

/** (1 − y) z + log(1 + e^−|z|) + max(−z, 0), without weights. */
export function bceWithLogits(dst: usize, z: usize, y: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  const one = splat(1.0);
  for (; dst < end; dst += 16, z += 16, y += 16) {
    const v = v128.load(z);
    const tail = f32x4.add(softTail4(v), atLeast(f32x4.neg(v), splat(0)));
    v128.store(dst, f32x4.add(f32x4.mul(f32x4.sub(one, v128.load(y)), v), tail));
  }
}

/** g (σ(z) − y); g one for all where `gStep` is 0. */
export function bceWithLogitsGradient(dst: usize, g: usize, z: usize, y: usize, count: i32, gStep: i32): void {
  const end = dst + (<usize>count << 2);
  for (; dst < end; dst += 16, z += 16, y += 16) {
    const by = gStep ? v128.load(g) : v128.load32_splat(g);
    v128.store(dst, f32x4.mul(by, f32x4.sub(sigmoid4(v128.load(z)), v128.load(y))));
    g += gStep ? 16 : 0;
  }
}
