// Winograd's F(2 × 2, 3 × 3): results in tiles of 2 × 2, each from 4 × 4 numbers of the image and 16 products for 36. The tiles of some rows are taken
// at once: their numbers transformed, for each of the 16 places a product over channels, and those transformed back.
// (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015.)
import { lanes, madd, splat } from "./simd";
import { word } from "./stage";
import { wide } from "./vectors";
import { wideDirect } from "./wideTile";

/** An odd number of cache lines that hold so many bytes: the 16 places do not evict each other. */
// @ts-ignore: decorator
@inline
export function oddLines(bytes: usize): usize {
  return (((bytes + 63) >> 6) | 1) << 6;
}

// @ts-ignore: decorator
@inline
export function even(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}
// @ts-ignore: decorator
@inline
export function odd(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}

/** Bytes between the weight's rows and channels: [rows, channels, 3, 3], or where it is `turned` round [channels, rows, 3, 3]. */
// @ts-ignore: decorator
@inline
function rowOf(channels: i32, turned: i32): usize {
  return turned == 0 ? <usize>channels * 36 : 36;
}
// @ts-ignore: decorator
@inline
function channelOf(rows: i32, turned: i32): usize {
  return turned == 0 ? 36 : <usize>rows * 36;
}

/** Where the k-th number of the kernel is in the weight, in bytes. */
// @ts-ignore: decorator
@inline
function tap(k: i32, turned: i32): usize {
  return <usize>(turned == 0 ? k : turned - k) << 2;
}

/** Four rows' number at one place of the kernel; rows beyond the end are 0. */
// @ts-ignore: decorator
@inline
function fourRows(from: usize, step: usize, some: i32): v128 {
  let x = v128.load32_zero(from);
  if (some > 1) x = v128.load32_lane(from + step, x, 1);
  if (some > 2) x = v128.load32_lane(from + 2 * step, x, 2);
  if (some > 3) x = v128.load32_lane(from + 3 * step, x, 3);
  return x;
}

/** One row or column of G · w: w0, (w0 + w1 + w2) / 2, (w0 − w1 + w2) / 2, w2. */
function spread(to: usize, step: usize, from: usize, each: usize): void {
  const w0 = v128.load(from);
  const w1 = v128.load(from + each);
  const w2 = v128.load(from + 2 * each);
  const half = splat(0.5);
  const outer = f32x4.add(w0, w2);
  v128.store(to, w0);
  v128.store(to + step, f32x4.mul(half, f32x4.add(outer, w1)));
  v128.store(to + 2 * step, f32x4.mul(half, f32x4.sub(outer, w1)));
  v128.store(to + 3 * step, w2);
}

/**
 * G · w · Gᵀ for each row and channel of panels [from, end) of a weight, as [16, panels of 4 rows, channels, 4]. `turned`: 8 where the kernel is turned
 * round, else 0.
 */
export function winogradWeights(to: usize, w: usize, scratch: usize, from: i32, end: i32, rows: i32, channels: i32, turned: i32): void {
  const rowStep = rowOf(channels, turned);
  const channelStep = channelOf(rows, turned);
  const place = <usize>(((rows + 3) >> 2) * channels) << 4;
  to += <usize>(from * channels) << 4;
  for (let i = 4 * from; i < 4 * end; i += 4) {
    for (let c = 0; c < channels; c++, to += 16) {
      const at = w + <usize>i * rowStep + <usize>c * channelStep;
      for (let k = 0; k < 9; k++) v128.store(scratch + (<usize>k << 4), fourRows(at + tap(k, turned), rowStep, rows - i));
      for (let k: usize = 0; k < 48; k += 16) spread(scratch + 144 + k, 48, scratch + k, 48);
      for (let r: usize = 0; r < 4; r++) spread(to + 4 * r * place, place, scratch + 144 + r * 48, 16);
    }
  }
}

/** Numbers of one of the four rows that a row of tiles is of, beside each other: zeros around, and some to read over. */
// @ts-ignore: decorator
@inline
export function rowLength(tiles: i32): usize {
  return <usize>(2 * ((tiles + 3) & ~3) + 8) << 2;
}

/**
 * Bᵀ · d · B of one row of tiles of a plane of an image: 16 runs, `place` apart; the last vector runs over the end. `rows` has four rows of `rowLength`, where
 * what is left of and right of the image is 0, and `zeros` one of zeros as long as the image is wide.
 */
export function transformRow(to: usize, place: usize, plane: usize, height: i32, width: i32, top: i32, left: i32, tiles: i32, rows: usize, zeros: usize): void {
  const length = rowLength(tiles);
  // The image's numbers that are asked for: `count` of them from `skip` on, which begin at `start`.
  const skip = max(0, -left);
  const start = max(0, left);
  const count = min(width - skip, 2 * tiles + 2 - start);
  const pitch = <usize>width << 2;
  const first = plane + <usize>top * pitch;
  const r0 = (top >= 0 && top < height ? first : zeros) + (<usize>skip << 2);
  const r1 = (top + 1 >= 0 && top + 1 < height ? first + pitch : zeros) + (<usize>skip << 2);
  const r2 = (top + 2 >= 0 && top + 2 < height ? first + 2 * pitch : zeros) + (<usize>skip << 2);
  const r3 = (top + 3 >= 0 && top + 3 < height ? first + 3 * pitch : zeros) + (<usize>skip << 2);
  const t = rows + (<usize>start << 2);
  if (count >= 4) {
    const last = <usize>(count - 4) << 2;
    for (let i: usize = 0; ; i = min(i + 16, last)) {
      const a = v128.load(r0 + i);
      const b = v128.load(r1 + i);
      const c = v128.load(r2 + i);
      const d = v128.load(r3 + i);
      v128.store(t + i, f32x4.sub(a, c));
      v128.store(t + length + i, f32x4.add(b, c));
      v128.store(t + 2 * length + i, f32x4.sub(c, b));
      v128.store(t + 3 * length + i, f32x4.sub(b, d));
      if (i == last) break;
    }
  } else {
    for (let i: usize = 0; i < <usize>max(0, count) << 2; i += 4) {
      store<f32>(t + i, load<f32>(r0 + i) - load<f32>(r2 + i));
      store<f32>(t + length + i, load<f32>(r1 + i) + load<f32>(r2 + i));
      store<f32>(t + 2 * length + i, load<f32>(r2 + i) - load<f32>(r1 + i));
      store<f32>(t + 3 * length + i, load<f32>(r1 + i) - load<f32>(r3 + i));
    }
  }
  let row = rows;
  for (let r = 0; r < 4; r++, row += length, to += 4 * place) {
    let from = row;
    for (let j = 0; j < tiles; j += 4, from += 32) {
      const a = v128.load(from);
      const b = v128.load(from, 16);
      const c = v128.load(from, 32);
      const e = even(a, b);
      const o = odd(a, b);
      const nextE = v128.shuffle<i32>(e, c, 1, 2, 3, 4);
      const nextO = v128.shuffle<i32>(o, c, 1, 2, 3, 5);
      const at = to + (<usize>j << 2);
      v128.store(at, f32x4.sub(e, nextE));
      v128.store(at + place, f32x4.add(o, nextE));
      v128.store(at + 2 * place, f32x4.sub(nextE, o));
      v128.store(at + 3 * place, f32x4.sub(o, nextO));
    }
  }
}

/**
 * 4 rows at `width` positions, a multiple of 8: c = Σ a[k] · b[k], the rows of b and c `step` apart. A loop of its own: with gemm's `direct`, which walks
 * four rows of A, a step of a small network takes 7 % longer on Node 20.
 */
function product(c: usize, a: usize, b: usize, step: usize, depth: i32, width: usize): void {
  const last = a + (<usize>depth << 4);
  const end = c + width;
  if (wide) for (; c + 64 <= end; c += 64, b += 64) wideDirect(c, step, a, 4, 16, b, b + 32, step, depth, 0, false);
  for (; c < end; c += 32, b += 32) {
    let x0 = splat(0);
    let x1 = x0;
    let x2 = x0;
    let x3 = x0;
    let y0 = x0;
    let y1 = x0;
    let y2 = x0;
    let y3 = x0;
    let from = b;
    for (let at = a; at < last; at += 16, from += step) {
      const p = v128.load(from);
      const q = v128.load(from, 16);
      let s = v128.load32_splat(at);
      x0 = madd(s, p, x0);
      y0 = madd(s, q, y0);
      s = v128.load32_splat(at, 4);
      x1 = madd(s, p, x1);
      y1 = madd(s, q, y1);
      s = v128.load32_splat(at, 8);
      x2 = madd(s, p, x2);
      y2 = madd(s, q, y2);
      s = v128.load32_splat(at, 12);
      x3 = madd(s, p, x3);
      y3 = madd(s, q, y3);
    }
    let to = c;
    v128.store(to, x0);
    v128.store(to, y0, 16);
    to += step;
    v128.store(to, x1);
    v128.store(to, y1, 16);
    to += step;
    v128.store(to, x2);
    v128.store(to, y2, 16);
    to += step;
    v128.store(to, x3);
    v128.store(to, y3, 16);
  }
}

/** Eight numbers, or the first `count` of them. */
function put(to: usize, a: v128, b: v128, count: i32): void {
  if (count >= 4) {
    v128.store(to, a);
    to += 16;
    a = b;
    count -= 4;
  }
  if (count >= 4) v128.store(to, a);
  else if (count > 0) v128.store32_lane(to, a, 0);
  if (count == 2 || count == 3) v128.store32_lane(to, a, 1, 4);
  if (count == 3) v128.store32_lane(to, a, 2, 8);
}

// @ts-ignore: decorator
@inline
export function finite(x: f32): bool {
  return x - x == 0;
}

/**
 * y = bias + Σ over channels and the kernel of weight · x; bias 0: none. `transformed` is what winogradWeights makes of the weight. A result that is not finite is
 * made again from the weight itself: one infinity in a tile would be in all four results of it, and sums may go too far in between. `at`:
 *  0 the first row of tiles and the one behind the last, rows at once, numbers that a run of their tiles has room for,
 *  4 channels of x and of y,
 *  6 height and width of x, and of y, padding above and left,
 * 12 8 where the kernel is turned round, else 0.
 */
export function winograd(y: usize, x: usize, transformed: usize, weight: usize, bias: usize, scratch: usize, at: usize): void {
  const endUnit = word(at, 1);
  const block = word(at, 2);
  const run = <usize>word(at, 3) << 2;
  const channels = word(at, 4);
  const out = word(at, 5);
  const height = word(at, 6);
  const width = word(at, 7);
  const outH = word(at, 8);
  const outW = word(at, 9);
  const top = word(at, 10);
  const left = word(at, 11);
  const turned = word(at, 12);
  const down = (outH + 1) >> 1;
  const across = (outW + 1) >> 1;
  const xPlane = <usize>(height * width) << 2;
  const xImage = <usize>channels * xPlane;
  const yRow = <usize>outW << 2;
  const yPlane = <usize>outH * yRow;
  const yImage = <usize>out * yPlane;
  const panels = (out + 3) >> 2;
  const weightPlace = <usize>(panels * channels) << 4;
  const place = oddLines(<usize>channels * run + 16);
  const sumPlace = oddLines(<usize>(4 * panels) * run + 16);

  const zeros = scratch;
  const rows = zeros + (<usize>(width + 4) << 2);
  const values = rows + 4 * rowLength(across);
  const sums = values + 16 * place;
  memory.fill(zeros, 0, values - zeros);
  for (let unit = word(at, 0); unit < endUnit; unit += block) {
    const here = min(block, endUnit - unit);
    for (let c = 0; c < channels; c++) {
      for (let u = 0; u < here; u++) {
        const image = (unit + u) / down;
        const i = (unit + u) % down;
        const to = values + <usize>c * run + (<usize>(u * across) << 2);
        transformRow(to, place, x + <usize>image * xImage + <usize>c * xPlane, height, width, 2 * i - top, left, across, rows, zeros);
      }
    }
    const bytes = (<usize>(here * across + 7) & ~7) << 2;
    for (let k: usize = 0; k < 16; k++) {
      let a = transformed + k * weightPlace;
      let c = sums + k * sumPlace;
      for (let o = 0; o < panels; o++, a += <usize>channels << 4, c += 4 * run) product(c, a, values + k * place, run, channels, bytes);
    }
    for (let o = 0; o < out; o++) {
      const start = bias == 0 ? splat(0) : v128.load32_splat(bias + (<usize>o << 2));
      let seen = splat(0);
      for (let u = 0; u < here; u++) {
        const image = (unit + u) / down;
        const i = (unit + u) % down;
        const to = y + <usize>image * yImage + <usize>o * yPlane + <usize>(2 * i) * yRow;
        const from = sums + <usize>o * run + (<usize>(u * across) << 2);
        const two = 2 * i + 1 < outH;
        for (let j = 0; j < across; ) {
          seen = backRow(to + (<usize>j << 3), yRow, from + (<usize>j << 2), sumPlace, start, outW - 2 * j, two, seen);
          // The last four overlap those before them, and say the same.
          j = j + 4 >= across ? across : min(j + 4, max(across - 4, 0));
        }
      }
      const sum = lanes(seen);
      if (sum == sum) continue;
      for (let u = 0; u < here; u++) {
        const i = (unit + u) % down;
        const image = <usize>((unit + u) / down);
        for (let h = 2 * i; h < min(2 * i + 2, outH); h++) {
          for (let w = 0; w < outW; w++) {
            const to = y + image * yImage + <usize>o * yPlane + <usize>h * yRow + (<usize>w << 2);
            if (finite(load<f32>(to))) continue;
            const own = weight + <usize>o * rowOf(channels, turned);
            const begin = bias == 0 ? <f32>0 : load<f32>(bias + (<usize>o << 2));
            store<f32>(to, one(x + image * xImage, xPlane, height, width, h - top, w - left, own, channelOf(out, turned), channels, begin, turned));
          }
        }
      }
    }
  }
}

/** Aᵀ · m · A of four tiles, plus `start`: two rows of eight. Gives `seen` back, which becomes NaN where a result is not finite. */
// @ts-ignore: decorator
@inline
function backRow(to: usize, step: usize, from: usize, place: usize, start: v128, count: i32, two: bool, seen: v128): v128 {
  let m0 = v128.load(from);
  let m1 = v128.load(from + 4 * place);
  let m2 = v128.load(from + 8 * place);
  let m3 = v128.load(from + 12 * place);
  const a0 = f32x4.add(f32x4.add(m0, m1), m2);
  const b0 = f32x4.sub(f32x4.sub(m1, m2), m3);
  from += place;
  m0 = v128.load(from);
  // In all four results with the same sign.
  m1 = f32x4.add(v128.load(from + 4 * place), start);
  m2 = v128.load(from + 8 * place);
  m3 = v128.load(from + 12 * place);
  const a1 = f32x4.add(f32x4.add(m0, m1), m2);
  const b1 = f32x4.sub(f32x4.sub(m1, m2), m3);
  from += place;
  m0 = v128.load(from);
  m1 = v128.load(from + 4 * place);
  m2 = v128.load(from + 8 * place);
  m3 = v128.load(from + 12 * place);
  const a2 = f32x4.add(f32x4.add(m0, m1), m2);
  const b2 = f32x4.sub(f32x4.sub(m1, m2), m3);
  from += place;
  m0 = v128.load(from);
  m1 = v128.load(from + 4 * place);
  m2 = v128.load(from + 8 * place);
  m3 = v128.load(from + 12 * place);
  const a3 = f32x4.add(f32x4.add(m0, m1), m2);
  const b3 = f32x4.sub(f32x4.sub(m1, m2), m3);
  const upperE = f32x4.add(f32x4.add(a0, a1), a2);
  const upperO = f32x4.sub(f32x4.sub(a1, a2), a3);
  put(to, v128.shuffle<i32>(upperE, upperO, 0, 4, 1, 5), v128.shuffle<i32>(upperE, upperO, 2, 6, 3, 7), count);
  seen = madd(upperE, splat(0), madd(upperO, splat(0), seen));
  if (!two) return seen;
  const lowerE = f32x4.add(f32x4.add(b0, b1), b2);
  const lowerO = f32x4.sub(f32x4.sub(b1, b2), b3);
  put(to + step, v128.shuffle<i32>(lowerE, lowerO, 0, 4, 1, 5), v128.shuffle<i32>(lowerE, lowerO, 2, 6, 3, 7), count);
  return madd(lowerE, splat(0), madd(lowerO, splat(0), seen));
}

/** One result from the weight itself; nothing is multiplied with what lies around the image. */
function one(x: usize, plane: usize, height: i32, width: i32, top: i32, left: i32, w: usize, channelStep: usize, channels: i32, bias: f32, turned: i32): f32 {
  let sum = <f64>bias;
  for (let c = 0; c < channels; c++, x += plane, w += channelStep) {
    for (let k = 0; k < 9; k++) {
      const h = top + k / 3;
      const i = left + (k % 3);
      if (h < 0 || h >= height || i < 0 || i >= width) continue;
      sum += <f64>load<f32>(w + tap(k, turned)) * <f64>load<f32>(x + (<usize>(h * width + i) << 2));
    }
  }
  return <f32>sum;
}
