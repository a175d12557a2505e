// Pooling over up to three spatial axes. `at` points to 18 words as in window.ts: size, kernel, stride, padding before, dilation and
// counts, each depth, height, width. A window's taps are cut to those inside; along a row, windows that lie inside whole go four at a time.
import { splat } from "./simd";

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

/** The first tap inside, of the window that begins at `start`. */
// @ts-ignore: decorator
@inline
function firstTap(start: i32, dilation: i32): i32 {
  return start >= 0 ? 0 : (dilation - 1 - start) / dilation;
}

/** Behind the last tap inside. */
// @ts-ignore: decorator
@inline
function lastTap(start: i32, size: i32, kernel: i32, dilation: i32): i32 {
  return start >= size ? 0 : min(kernel, (size - 1 - start) / dilation + 1);
}

// @ts-ignore: decorator
@inline
function startOf(at: usize, axis: i32, o: i32): i32 {
  return o * word(at, 6 + axis) - word(at, 9 + axis);
}

/** The first of a row's windows that lies inside whole, and behind the last. */
function firstWhole(at: usize): i32 {
  return min(word(at, 17), (word(at, 11) + word(at, 8) - 1) / word(at, 8));
}
function lastWhole(at: usize): i32 {
  const room = word(at, 2) - 1 - (word(at, 5) - 1) * word(at, 14) + word(at, 11);
  return room < 0 ? 0 : min(word(at, 17), room / word(at, 8) + 1);
}

/** Four numbers `stride` apart. */
// @ts-ignore: decorator
@inline
function four(p: usize, stride: i32): v128 {
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
function halves(at: usize): bool {
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
function even(p: usize): v128 {
  return v128.shuffle<i32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
}
// @ts-ignore: decorator
@inline
function odd(p: usize): v128 {
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

/** Which of four are their windows' largest: equal to it, or NaN. */
// @ts-ignore: decorator
@inline
function hit(x: v128, y: v128): v128 {
  return v128.or(f32x4.eq(x, y), f32x4.ne(x, x));
}

// @ts-ignore: decorator
@inline
function interleave(to: usize, a: v128, b: v128): void {
  v128.store(to, v128.shuffle<i32>(a, b, 0, 4, 1, 5));
  v128.store(to, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16);
}

/** As maxPoolGradient for windows of 2 × 2, four at a time. */
function halvesGradient(dst: usize, g: usize, x: usize, y: usize, planes: i32, at: usize): void {
  const height = word(at, 1);
  const below = <usize>word(at, 2) << 2;
  const outH = word(at, 16);
  const last = <usize>(word(at, 17) - 4) << 2;
  // Numbers behind the last window.
  if (height > 2 * outH || below > 2 * last + 32) memory.fill(dst, 0, <usize>(planes * height) * below);
  for (let n = 0; n < planes; n++, x += <usize>height * below, dst += <usize>height * below) {
    for (let oh = 0; oh < outH; oh++, g += last + 16, y += last + 16) {
      const start = <usize>(2 * oh) * below;
      // The last four overlap those before them, and say the same.
      for (let i: usize = 0; ; i = min(i + 16, last)) {
        const top = v128.load(y + i);
        const slope = v128.load(g + i);
        const here = x + start + 2 * i;
        const to = dst + start + 2 * i;
        const m0 = hit(even(here), top);
        const m1 = v128.andnot(hit(odd(here), top), m0);
        const upper = v128.or(m0, m1);
        const m2 = v128.andnot(hit(even(here + below), top), upper);
        const seen = v128.or(upper, m2);
        interleave(to, v128.and(slope, m0), v128.and(slope, m1));
        interleave(to + below, v128.and(slope, m2), v128.andnot(slope, seen));
        if (i == last) break;
      }
    }
  }
}

/** g goes to the first of its window that equals y, the window's largest. */
export function maxPoolGradient(dst: usize, g: usize, x: usize, y: usize, planes: i32, at: usize): void {
  const depth = word(at, 0);
  const height = word(at, 1);
  const width = word(at, 2);
  const outW = word(at, 17);
  const plane = <usize>(depth * height * width) << 2;
  if (outW >= 4 && halves(at)) {
    halvesGradient(dst, g, x, y, planes, at);
    return;
  }
  memory.fill(dst, 0, <usize>planes * plane);
  for (let n = 0; n < planes; n++, x += plane, dst += plane) {
    for (let od = 0; od < word(at, 15); od++) {
      const d0 = startOf(at, 0, od);
      const kd0 = firstTap(d0, word(at, 12));
      const kd1 = lastTap(d0, depth, word(at, 3), word(at, 12));
      for (let oh = 0; oh < word(at, 16); oh++) {
        const h0 = startOf(at, 1, oh);
        const kh0 = firstTap(h0, word(at, 13));
        const kh1 = lastTap(h0, height, word(at, 4), word(at, 13));
        for (let ow = 0; ow < outW; ow++, g += 4, y += 4) {
          const w0 = startOf(at, 2, ow);
          const kw0 = firstTap(w0, word(at, 14));
          const kw1 = lastTap(w0, width, word(at, 5), word(at, 14));
          const top = load<f32>(y);
          let place = -1;
          for (let kd = kd0; kd < kd1 && place < 0; kd++) {
            for (let kh = kh0; kh < kh1 && place < 0; kh++) {
              const row = ((d0 + kd * word(at, 12)) * height + h0 + kh * word(at, 13)) * width;
              for (let kw = kw0; kw < kw1; kw++) {
                const i = row + w0 + kw * word(at, 14);
                const v = f(x, i);
                if (v == top || v != v) {
                  place = i;
                  break;
                }
              }
            }
          }
          if (place < 0) continue;
          const to = dst + (<usize>place << 2);
          store<f32>(to, load<f32>(to) + load<f32>(g));
        }
      }
    }
  }
}

/** Each of a window's taps gets its share of g. */
export function avgPoolGradient(dst: usize, g: usize, planes: i32, inside: bool, at: usize): void {
  const depth = word(at, 0);
  const height = word(at, 1);
  const width = word(at, 2);
  const strideW = word(at, 8);
  const dilationW = word(at, 14);
  const outW = word(at, 17);
  const plane = <usize>(depth * height * width) << 2;
  const all = word(at, 3) * word(at, 4) * word(at, 5);
  const plain = halves(at);
  memory.fill(dst, 0, <usize>planes * plane);
  for (let n = 0; n < planes; n++, dst += plane) {
    for (let od = 0; od < word(at, 15); od++) {
      const d0 = startOf(at, 0, od);
      const kd0 = firstTap(d0, word(at, 12));
      const kd1 = lastTap(d0, depth, word(at, 3), word(at, 12));
      for (let oh = 0; oh < word(at, 16); oh++) {
        const h0 = startOf(at, 1, oh);
        const kh0 = firstTap(h0, word(at, 13));
        const kh1 = lastTap(h0, height, word(at, 4), word(at, 13));
        const rows = max(0, kd1 - kd0) * max(0, kh1 - kh0);
        let ow = 0;
        if (plain) {
          for (; ow + 4 <= outW; ow += 4, g += 16) {
            const to = dst + (<usize>(h0 * width + 2 * ow) << 2);
            const share = f32x4.mul(v128.load(g), splat(0.25));
            interleave(to, share, share);
            interleave(to + (<usize>width << 2), share, share);
          }
        }
        for (; ow < outW; ow++, g += 4) {
          const w0 = startOf(at, 2, ow);
          const kw0 = firstTap(w0, dilationW);
          const kw1 = lastTap(w0, width, word(at, 5), dilationW);
          const share = load<f32>(g) / <f32>(inside ? rows * max(0, kw1 - kw0) : all);
          for (let kd = kd0; kd < kd1; kd++) {
            for (let kh = kh0; kh < kh1; kh++) {
              const row = dst + (<usize>(((d0 + kd * word(at, 12)) * height + h0 + kh * word(at, 13)) * width) << 2);
              for (let kw = kw0; kw < kw1; kw++) {
                const to = row + (<usize>(w0 + kw * dilationW) << 2);
                store<f32>(to, load<f32>(to) + share);
              }
            }
          }
        }
      }
    }
  }
}
