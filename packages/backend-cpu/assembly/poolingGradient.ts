// Gradients of pooling, over windows as in pooling.ts.
import { even, firstTap, firstWhole, four, halves, lastTap, lastWhole, odd, startOf, word } from "./pooling";
import { splat } from "./simd";

// @ts-ignore: decorator
@inline
function f(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
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

/** Adds to four elements next to each other, or 2 apart: then there is one more after the last. */
// @ts-ignore: decorator
@inline
function addFour(to: usize, stride: i32, v: v128): void {
  if (stride == 1) {
    v128.store(to, f32x4.add(v128.load(to), v));
    return;
  }
  const none = splat(0);
  v128.store(to, f32x4.add(v128.load(to), v128.shuffle<i32>(v, none, 0, 4, 1, 5)));
  v128.store(to, f32x4.add(v128.load(to, 16), v128.shuffle<i32>(v, none, 2, 6, 3, 7)), 16);
}

/** Along a row pairs of neighbours: a window's two elements are one vector's, four windows at a time. */
// @ts-ignore: decorator
@inline
function isPairs(at: usize): bool {
  return word(at, 5) == 2 && word(at, 8) == 2 && word(at, 14) == 1;
}

/** Four windows of pairs, from the rows at `x` to those at `dst`: what belongs to each goes to its first largest. */
// @ts-ignore: decorator
@inline
function fourPairs(dst: usize, x: usize, slope: v128, top: v128, kd0: i32, kd1: i32, kh0: i32, kh1: i32, at: usize): void {
  let seen = splat(0);
  for (let kd = kd0; kd < kd1; kd++) {
    for (let kh = kh0; kh < kh1; kh++) {
      const offset = <usize>((kd * word(at, 12) * word(at, 1) + kh * word(at, 13)) * word(at, 2)) << 2;
      const from = x + offset;
      const to = dst + offset;
      const m0 = v128.andnot(hit(even(from), top), seen);
      seen = v128.or(seen, m0);
      const m1 = v128.andnot(hit(odd(from), top), seen);
      seen = v128.or(seen, m1);
      const a = v128.and(slope, m0);
      const b = v128.and(slope, m1);
      v128.store(to, f32x4.add(v128.load(to), v128.shuffle<i32>(a, b, 0, 4, 1, 5)));
      v128.store(to, f32x4.add(v128.load(to, 16), v128.shuffle<i32>(a, b, 2, 6, 3, 7)), 16);
    }
  }
}

/** The same of any windows: where each one's first largest is, then each by itself, for they may be the same. */
// @ts-ignore: decorator
@inline
function fourScattered(dst: usize, g: usize, x: usize, top: v128, kd0: i32, kd1: i32, kh0: i32, kh1: i32, at: usize): void {
  const stride = word(at, 8);
  const step = word(at, 14) << 2;
  let seen = splat(0);
  let places = splat(0);
  for (let kd = kd0; kd < kd1; kd++) {
    for (let kh = kh0; kh < kh1; kh++) {
      let offset = ((kd * word(at, 12) * word(at, 1) + kh * word(at, 13)) * word(at, 2)) << 2;
      for (let kw = 0; kw < word(at, 5); kw++, offset += step) {
        const m = v128.andnot(hit(four(x + <usize>offset, stride), top), seen);
        seen = v128.or(seen, m);
        places = v128.or(places, v128.and(m, i32x4.splat(offset)));
      }
    }
  }
  const next = <usize>stride << 2;
  addOne(dst + <usize>i32x4.extract_lane(places, 0), g);
  addOne(dst + next + <usize>i32x4.extract_lane(places, 1), g + 4);
  addOne(dst + 2 * next + <usize>i32x4.extract_lane(places, 2), g + 8);
  addOne(dst + 3 * next + <usize>i32x4.extract_lane(places, 3), g + 12);
}

// @ts-ignore: decorator
@inline
function addOne(to: usize, g: usize): void {
  store<f32>(to, load<f32>(to) + load<f32>(g));
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
  const first = firstWhole(at);
  const last = lastWhole(at);
  const pairs = isPairs(at);
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
          if (ow >= first && ow + 4 <= last) {
            // Rows of taps before the first are not read.
            const begin = <usize>((d0 * height + h0) * width + w0) << 2;
            if (pairs) fourPairs(dst + begin, x + begin, v128.load(g), v128.load(y), kd0, kd1, kh0, kh1, at);
            else fourScattered(dst + begin, g, x + begin, v128.load(y), kd0, kd1, kh0, kh1, at);
            ow += 3;
            g += 12;
            y += 12;
            continue;
          }
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

/** Adds to each of a row's windows' elements at one tap what is theirs: windows that begin inside of the row there. */
function addAlong(row: usize, from: usize, kw: i32, at: usize): void {
  const width = word(at, 2);
  const stride = word(at, 8);
  const w0 = kw * word(at, 14) - word(at, 11);
  const first = min(word(at, 17), firstTap(w0, stride));
  const last = w0 >= width ? 0 : min(word(at, 17), (width - 1 - w0) / stride + 1);
  let to = row + (<usize>(w0 + first * stride) << 2);
  const step = <usize>stride << 2;
  let o = first;
  // One less where vectors end after the last element.
  if (stride <= 2) for (; o + 3 + stride <= last; o += 4, to += 4 * step) addFour(to, stride, v128.load(from + (<usize>o << 2)));
  for (; o < last; o++, to += step) store<f32>(to, load<f32>(to) + load<f32>(from + (<usize>o << 2)));
}

// @ts-ignore: decorator
@inline
function addRow(to: usize, from: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(to + (<usize>i << 2), f32x4.add(v128.load(to + (<usize>i << 2)), v128.load(from + (<usize>i << 2))));
  for (; i < count; i++) store<f32>(to + (<usize>i << 2), load<f32>(to + (<usize>i << 2)) + load<f32>(from + (<usize>i << 2)));
}

/** Shares of windows of 2 × 2, four at a time. */
function halvesShares(dst: usize, g: usize, planes: i32, at: usize): void {
  const height = word(at, 1);
  const below = <usize>word(at, 2) << 2;
  const outH = word(at, 16);
  const last = <usize>(word(at, 17) - 4) << 2;
  // Elements after the last window.
  if (height > 2 * outH || below > 2 * last + 32) memory.fill(dst, 0, <usize>(planes * height) * below);
  for (let n = 0; n < planes; n++, dst += <usize>height * below) {
    for (let oh = 0; oh < outH; oh++, g += last + 16) {
      const row = dst + <usize>(2 * oh) * below;
      // The last four overlap those before them, and say the same.
      for (let i: usize = 0; ; i = min(i + 16, last)) {
        const share = f32x4.mul(v128.load(g + i), splat(0.25));
        interleave(row + 2 * i, share, share);
        interleave(row + below + 2 * i, share, share);
        if (i == last) break;
      }
    }
  }
}

/** Each of a window's taps gets its share of g: a row of windows is added up along the row in `scratch`, and that to each row of taps. */
export function avgPoolGradient(dst: usize, g: usize, planes: i32, inside: bool, scratch: usize, at: usize): void {
  const depth = word(at, 0);
  const height = word(at, 1);
  const width = word(at, 2);
  const kernelW = word(at, 5);
  const strideW = word(at, 8);
  const outW = word(at, 17);
  const plane = <usize>(depth * height * width) << 2;
  const all = word(at, 3) * word(at, 4) * kernelW;
  const first = firstWhole(at);
  const last = max(first, lastWhole(at));
  if (outW >= 4 && halves(at)) {
    halvesShares(dst, g, planes, at);
    return;
  }
  const shares = scratch + (<usize>((width + 3) & ~3) << 2);
  const rowBytes = <usize>width << 2;
  memory.fill(dst, 0, <usize>planes * plane);
  for (let n = 0; n < planes; n++, dst += plane) {
    for (let od = 0; od < word(at, 15); od++) {
      const d0 = startOf(at, 0, od);
      const kd0 = firstTap(d0, word(at, 12));
      const kd1 = lastTap(d0, depth, word(at, 3), word(at, 12));
      for (let oh = 0; oh < word(at, 16); oh++, g += <usize>outW << 2) {
        const h0 = startOf(at, 1, oh);
        const kh0 = firstTap(h0, word(at, 13));
        const kh1 = lastTap(h0, height, word(at, 4), word(at, 13));
        const rows = max(0, kd1 - kd0) * max(0, kh1 - kh0);
        const whole = <f32>(inside ? rows * kernelW : all);
        for (let ow = 0; ow < outW; ) {
          const to = shares + (<usize>ow << 2);
          const from = g + (<usize>ow << 2);
          if (ow >= first && ow + 4 <= last) {
            v128.store(to, f32x4.div(v128.load(from), splat(whole)));
            ow += 4;
            continue;
          }
          const w0 = ow * strideW - word(at, 11);
          const taps = max(0, lastTap(w0, width, kernelW, word(at, 14)) - firstTap(w0, word(at, 14)));
          store<f32>(to, load<f32>(from) / <f32>(inside ? rows * taps : all));
          ow++;
        }
        memory.fill(scratch, 0, rowBytes);
        if (outW < kernelW) {
          for (let ow = 0; ow < outW; ow++) {
            const w0 = ow * strideW - word(at, 11);
            const end = lastTap(w0, width, kernelW, word(at, 14));
            const share = load<f32>(shares + (<usize>ow << 2));
            for (let kw = firstTap(w0, word(at, 14)); kw < end; kw++) {
              const to = scratch + (<usize>(w0 + kw * word(at, 14)) << 2);
              store<f32>(to, load<f32>(to) + share);
            }
          }
        } else for (let kw = 0; kw < kernelW; kw++) addAlong(scratch, shares, kw, at);
        for (let kd = kd0; kd < kd1; kd++) {
          for (let kh = kh0; kh < kh1; kh++) {
            addRow(dst + <usize>((d0 + kd * word(at, 12)) * height + h0 + kh * word(at, 13)) * rowBytes, scratch, width);
          }
        }
      }
    }
  }
}
