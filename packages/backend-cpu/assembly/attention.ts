// Scaled dot-product attention, a block of queries at a time: their scores against all keys stay in scratch, and no matrix of
// all pairs is ever whole.
import { gemm } from "./gemm";
import { ATTENTION_ROWS as ROWS } from "./generated/sizes";
import { expNegative4 } from "./math";
import { lanes, madd, splat, storeSome } from "./simd";

// @ts-ignore: decorator
@inline
function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function f(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

const NONE: f32 = -f32.MAX_VALUE * 2;

/**
 * A row of scores as it is masked and scaled: `masked` 1 adds floats, 2 hides where a bool is false; those from `seen` on are hidden. Gives the
 * largest, NaN where there is one.
 */
function maskRow(s: usize, count: i32, seen: i32, scale: f32, masked: i32, mask: usize, maskStep: usize): f32 {
  let i = 0;
  let top: f32 = NONE;
  const end = min(seen, count);
  if (masked == 0 || (masked == 1 && maskStep == 4)) {
    const by = splat(scale);
    let most = splat(NONE);
    for (; i + 4 <= end; i += 4) {
      const at = <usize>i << 2;
      let x = f32x4.mul(v128.load(s + at), by);
      if (masked == 1) x = f32x4.add(x, v128.load(mask + at));
      v128.store(s + at, x);
      most = f32x4.max(most, x);
    }
    most = f32x4.max(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
    most = f32x4.max(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
    top = f32x4.extract_lane(most, 0);
  }
  for (; i < end; i++) {
    let x = f(s, i) * scale;
    const at = mask + <usize>i * maskStep;
    if (masked == 1) x += load<f32>(at);
    else if (masked == 2 && load<i32>(at) == 0) x = NONE;
    store<f32>(s + (<usize>i << 2), x);
    top = max(top, x);
  }
  for (; i < count; i++) store<f32>(s + (<usize>i << 2), NONE);
  return top;
}

/** s = e^(s − top); gives the sum. */
function expRow(s: usize, count: i32, top: f32): f32 {
  const by = splat(top);
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const e = expNegative4(f32x4.sub(v128.load(s + (<usize>i << 2)), by));
    v128.store(s + (<usize>i << 2), e);
    sum = f32x4.add(sum, e);
  }
  let total = lanes(sum);
  if (i < count) {
    storeSome(s + (<usize>i << 2), expNegative4(f32x4.sub(v128.load(s + (<usize>i << 2)), by)), count - i);
    for (; i < count; i++) total += f(s, i);
  }
  return total;
}

function scaleRow(x: usize, count: i32, by: f32): void {
  const b = splat(by);
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(x + (<usize>i << 2), f32x4.mul(v128.load(x + (<usize>i << 2)), b));
  for (; i < count; i++) store<f32>(x + (<usize>i << 2), f(x, i) * by);
}

function dot(a: usize, b: usize, count: i32): f32 {
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) sum = madd(v128.load(a + (<usize>i << 2)), v128.load(b + (<usize>i << 2)), sum);
  let total = lanes(sum);
  for (; i < count; i++) total += f(a, i) * f(b, i);
  return total;
}

/** Where the mask of a pair of matrices begins. `at`: 8 masked, 9 bytes from row to row, 10 from column to column, 11 axes, their sizes, their steps in bytes. */
function maskOf(mask: usize, pair: i32, at: usize): usize {
  const axes = word(at, 11);
  for (let axis = axes - 1; axis >= 0; axis--) {
    const size = word(at, 12 + axis);
    mask += <usize>(pair % size) * <usize>word(at, 12 + axes + axis);
    pair /= size;
  }
  return mask;
}

/**
 * Weights of queries [first, first + rows) for their first `keys` keys, not yet divided by their sums, whose reciprocals go to
 * `parts`. `at`: 0 pairs, L, S, E, F, 5 scale, 6 1 causal, 2 nothing seen is 0, 7 the first pair's number, 8… the mask.
 */
function weigh(
  scores: usize, parts: usize, q: usize, k: usize, mask: usize, first: i32, rows: i32, keys: i32, at: usize, scratch: usize,
): void {
  const width = word(at, 3);
  const bytes = <usize>width << 2;
  const scale = f(at, 5);
  const causal = (word(at, 6) & 1) != 0;
  const masked = word(at, 8);
  gemm(scores, q + <usize>first * bytes, k, 0, rows, keys, width, bytes, 4, 4, bytes, false, scratch);
  for (let r = 0; r < rows; r++, scores += <usize>keys << 2) {
    const own = mask + <usize>(first + r) * <usize>word(at, 9);
    const top = maskRow(scores, keys, causal ? first + r + 1 : keys, scale, masked, own, word(at, 10));
    if (top == NONE && (word(at, 6) & 2) != 0) {
      memory.fill(scores, 0, <usize>keys << 2);
      store<f32>(parts + (<usize>r << 2), 0);
    } else store<f32>(parts + (<usize>r << 2), <f32>1.0 / expRow(scores, keys, top));
  }
}

/** y [pairs, L, F]. */
export function attention(y: usize, q: usize, k: usize, v: usize, mask: usize, scratch: usize, at: usize): void {
  const length = word(at, 1);
  const source = word(at, 2);
  const width = word(at, 3);
  const features = word(at, 4);
  const causal = (word(at, 6) & 1) != 0;
  const out = <usize>features << 2;
  const parts = scratch;
  const scores = parts + 4 * ROWS;
  const rest = scores + ((<usize>(ROWS * source) << 2) + 16);
  for (let pair = 0; pair < word(at, 0); pair++) {
    const own = word(at, 8) == 0 ? 0 : maskOf(mask, pair + word(at, 7), at);
    for (let first = 0; first < length; first += ROWS) {
      const rows = min(ROWS, length - first);
      const keys = causal ? min(source, first + rows) : source;
      weigh(scores, parts, q, k, own, first, rows, keys, at, rest);
      const to = y + <usize>first * out;
      gemm(to, scores, v, 0, rows, features, keys, <usize>keys << 2, 4, out, 4, false, rest);
      for (let r = 0; r < rows; r++) scaleRow(to + <usize>r * out, features, f(parts, r));
    }
    q += <usize>(length * width) << 2;
    k += <usize>(source * width) << 2;
    v += <usize>(source * features) << 2;
    y += <usize>length * out;
  }
}

/** Gradients of q, k and v: weights are made again, block by block. */
export function attentionGradient(
  toQ: usize, toK: usize, toV: usize, g: usize, q: usize, k: usize, v: usize, mask: usize, scratch: usize, at: usize,
): void {
  const length = word(at, 1);
  const source = word(at, 2);
  const width = word(at, 3);
  const features = word(at, 4);
  const scale = f(at, 5);
  const causal = (word(at, 6) & 1) != 0;
  const bytes = <usize>width << 2;
  const out = <usize>features << 2;
  const parts = scratch;
  const weights = parts + 4 * ROWS;
  const slopes = weights + ((<usize>(ROWS * source) << 2) + 16);
  const rest = slopes + ((<usize>(ROWS * source) << 2) + 16);
  for (let pair = 0; pair < word(at, 0); pair++) {
    const own = word(at, 8) == 0 ? 0 : maskOf(mask, pair + word(at, 7), at);
    memory.fill(toK, 0, <usize>source * bytes);
    memory.fill(toV, 0, <usize>source * out);
    for (let first = 0; first < length; first += ROWS) {
      const rows = min(ROWS, length - first);
      const keys = causal ? min(source, first + rows) : source;
      const step = <usize>keys << 2;
      const gHere = g + <usize>first * out;
      weigh(weights, parts, q, k, own, first, rows, keys, at, rest);
      for (let r = 0; r < rows; r++) scaleRow(weights + <usize>r * step, keys, f(parts, r));
      gemm(toV, weights, gHere, 0, keys, features, rows, 4, step, out, 4, true, rest);
      gemm(slopes, gHere, v, 0, rows, keys, features, out, 4, 4, out, false, rest);
      for (let r = 0; r < rows; r++) {
        const w = weights + <usize>r * step;
        const d = slopes + <usize>r * step;
        // Over the keys, not Σ over features of g · y: where one key has all the weight, the difference below must be exactly 0.
        const sum = dot(w, d, keys);
        let i = 0;
        for (; i + 4 <= keys; i += 4) {
          const at = <usize>i << 2;
          const x = f32x4.mul(v128.load(w + at), f32x4.sub(v128.load(d + at), splat(sum)));
          v128.store(d + at, f32x4.mul(x, splat(scale)));
        }
        for (; i < keys; i++) store<f32>(d + (<usize>i << 2), f(w, i) * (f(d, i) - sum) * scale);
      }
      gemm(toQ + <usize>first * bytes, slopes, k, 0, rows, width, keys, step, 4, bytes, 4, false, rest);
      gemm(toK, slopes, q + <usize>first * bytes, 0, keys, width, rows, 4, step, bytes, 4, true, rest);
    }
    q += <usize>length * bytes;
    toQ += <usize>length * bytes;
    k += <usize>source * bytes;
    toK += <usize>source * bytes;
    v += <usize>source * out;
    toV += <usize>source * out;
    g += <usize>length * out;
  }
}
