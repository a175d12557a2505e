// Pooling over up to three spatial axes. `at` points to 18 words as in window.ts: size, kernel, stride, padding before, dilation and
// counts, each depth, height, width. A window's taps are cut to those inside; along a row, windows that lie inside whole go four at a time.
import { splat } from "./simd";

// @ts-ignore: decorator
@inline
export function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

/** The first tap inside, of the window that begins at `start`. */
// @ts-ignore: decorator
@inline
export function firstTap(start: i32, dilation: i32): i32 {
  return start >= 0 ? 0 : (dilation - 1 - start) / dilation;
}

/** Behind the last tap inside. */
// @ts-ignore: decorator
@inline
export function lastTap(start: i32, size: i32, kernel: i32, dilation: i32): i32 {
  return start >= size ? 0 : min(kernel, (size - 1 - start) / dilation + 1);
}

// @ts-ignore: decorator
@inline
export function startOf(at: usize, axis: i32, o: i32): i32 {
  return o * word(at, 6 + axis) - word(at, 9 + axis);
}

/** The first of a row's windows that lies inside whole, and behind the last. */
export function firstWhole(at: usize): i32 {
  return min(word(at, 17), (word(at, 11) + word(at, 8) - 1) / word(at, 8));
}
export function lastWhole(at: usize): i32 {
  const room = word(at, 2) - 1 - (word(at, 5) - 1) * word(at, 14) + word(at, 11);
  return room < 0 ? 0 : min(word(at, 17), room / word(at, 8) + 1);
}

/** Four numbers `stride` apart. */
// @ts-ignore: decorator
@inline
export function four(p: usize, stride: i32): v128 {
  if (stride == 1) return v128.load(p);
  if (stride == 2) return v128.shuffle<i32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
  const step = <usize>stride << 2;
  let x = v128.load32_zero(p);
  x = v128.load32_lane(p + step, x, 1);
  x = v128.load32_lane(p + 2 * step, x, 2);
  return v128.load32_lane(p + 3 * step, x, 3);
}

// @ts-ignore: decorator
@inline
function join(mean: bool, a: v128, b: v128): v128 {
  if (mean) return f32x4.add(a, b);
  // The larger, or NaN where one is: f32x4.max takes eight instructions, this three.
  return v128.or(f32x4.pmax(a, b), f32x4.pmax(b, a));
}

/** 2 × 2 by steps of 2, nothing around and each window whole: the window that most networks have. */
export function halves(at: usize): bool {
  let plain = word(at, 0) == 1;
  plain = plain && word(at, 3) == 1 && word(at, 6) == 1 && word(at, 9) == 0;
  for (let axis = 1; axis < 3; axis++) {
    plain = plain && word(at, 3 + axis) == 2 && word(at, 6 + axis) == 2 && word(at, 9 + axis) == 0 && word(at, 12 + axis) == 1;
    plain = plain && 2 * word(at, 15 + axis) <= word(at, axis);
  }
  return plain;
}

// @ts-ignore: decorator
@inline
export function even(p: usize): v128 {
  return v128.shuffle<i32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
}
// @ts-ignore: decorator
@inline
export function odd(p: usize): v128 {
  return v128.shuffle<i32>(v128.load(p), v128.load(p, 16), 1, 3, 5, 7);
}

/** Such windows, four at a time: at least four in a row. */
// @ts-ignore: decorator
@inline
function poolHalves(mean: bool, dst: usize, x: usize, planes: i32, at: usize): void {
  const below = <usize>word(at, 2) << 2;
  const outH = word(at, 16);
  const last = <usize>(word(at, 17) - 4) << 2;
  for (let n = 0; n < planes; n++, x += <usize>word(at, 1) * below) {
    for (let oh = 0; oh < outH; oh++, dst += last + 16) {
      const row = x + <usize>(2 * oh) * below;
      // The last four overlap those before them.
      for (let i: usize = 0; ; i = min(i + 16, last)) {
        const a = row + 2 * i;
        const b = a + below;
        const best = join(mean, join(mean, even(a), odd(a)), join(mean, even(b), odd(b)));
        v128.store(dst + i, mean ? f32x4.mul(best, splat(0.25)) : best);
        if (i == last) break;
      }
    }
  }
}

/**
 * The largest of each window, or its mean: over all taps, or where `inside` over those that lie inside. NaN is the largest.
 */
// @ts-ignore: decorator
@inline
function pool(mean: bool, dst: usize, x: usize, planes: i32, at: usize, inside: bool): void {
  const height = word(at, 1);
  const width = word(at, 2);
  const strideW = word(at, 8);
  const dilationW = word(at, 14);
  const outW = word(at, 17);
  const first = firstWhole(at);
  const last = max(first, lastWhole(at));
  const nothing: f32 = mean ? 0 : -f32.MAX_VALUE * 2;
  const all = word(at, 3) * word(at, 4) * word(at, 5);
  if (outW >= 4 && halves(at)) {
    poolHalves(mean, dst, x, planes, at);
    return;
  }
  for (let n = 0; n < planes; n++, x += <usize>(word(at, 0) * height * width) << 2) {
    for (let od = 0; od < word(at, 15); od++) {
      const d0 = startOf(at, 0, od);
      const kd0 = firstTap(d0, word(at, 12));
      const kd1 = lastTap(d0, word(at, 0), word(at, 3), word(at, 12));
      for (let oh = 0; oh < word(at, 16); oh++, dst += <usize>outW << 2) {
        const h0 = startOf(at, 1, oh);
        const kh0 = firstTap(h0, word(at, 13));
        const kh1 = lastTap(h0, height, word(at, 4), word(at, 13));
        const rows = max(0, kd1 - kd0) * max(0, kh1 - kh0);
        for (let ow = 0; ow < outW; ) {
          const w0 = ow * strideW - word(at, 11);
          if (ow >= first && ow + 4 <= last) {
            let best = splat(nothing);
            for (let kd = kd0; kd < kd1; kd++) {
              for (let kh = kh0; kh < kh1; kh++) {
                let row = x + (<usize>(((d0 + kd * word(at, 12)) * height + h0 + kh * word(at, 13)) * width + w0) << 2);
                for (let kw = 0; kw < word(at, 5); kw++, row += <usize>dilationW << 2) best = join(mean, best, four(row, strideW));
              }
            }
            if (mean) best = f32x4.div(best, splat(<f32>(inside ? rows * word(at, 5) : all)));
            v128.store(dst + (<usize>ow << 2), best);
            // The last four overlap those before them.
            ow = ow + 4 == last ? last : min(ow + 4, last - 4);
            continue;
          }
          const kw0 = firstTap(w0, dilationW);
          const kw1 = lastTap(w0, width, word(at, 5), dilationW);
          let best = splat(nothing);
          for (let kd = kd0; kd < kd1; kd++) {
            for (let kh = kh0; kh < kh1; kh++) {
              const row = x + (<usize>(((d0 + kd * word(at, 12)) * height + h0 + kh * word(at, 13)) * width) << 2);
              for (let kw = kw0; kw < kw1; kw++) best = join(mean, best, v128.load32_splat(row + (<usize>(w0 + kw * dilationW) << 2)));
            }
          }
          if (mean) best = f32x4.div(best, splat(<f32>(inside ? rows * max(0, kw1 - kw0) : all)));
          store<f32>(dst + (<usize>ow << 2), f32x4.extract_lane(best, 0));
          ow++;
        }
      }
    }
  }
}

export function maxPool(dst: usize, x: usize, planes: i32, at: usize): void {
  pool(false, dst, x, planes, at, false);
}

export function avgPool(dst: usize, x: usize, planes: i32, inside: bool, at: usize): void {
  pool(true, dst, x, planes, at, inside);
}
