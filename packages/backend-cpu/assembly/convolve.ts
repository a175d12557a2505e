// Convolutions over up to three spatial axes as products with no columns cut out. An image's channels are staged: laid out with zeros
// where padding is, one plane for each remainder of the stride, so that for each number of a kernel all positions lie in one run, at a fixed
// offset. Positions run over rows, planes and a block of images; between two rows there are some that nobody asked for: they are left out.
import { madd, splat } from "./simd";

// @ts-ignore: decorator
@inline
function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function copyRow(to: usize, from: usize, count: i32): void {
  if (count < 4) {
    for (let i = 0; i < count; i++) store<i32>(to + (<usize>i << 2), load<i32>(from + (<usize>i << 2)));
    return;
  }
  const last = <usize>(count - 4) << 2;
  for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i));
  v128.store(to + last, v128.load(from + last));
}

/**
 * One image's channels [channels, D, H, W] into planes `plane` bytes apart, whose zeros are there.
 * `at`: size, stride, place of the first number, rows of a plane (in steps of the stride), each depth, height, width.
 */
function stage(to: usize, plane: usize, x: usize, channels: i32, at: usize): void {
  const height = word(at, 1);
  const width = word(at, 2);
  const strideD = word(at, 3);
  const strideH = word(at, 4);
  const strideW = word(at, 5);
  const beforeW = word(at, 8);
  const rows = word(at, 10);
  const row = word(at, 11);
  const skip = max(0, -beforeW);
  if (strideD * strideH * strideW == 1) {
    const first = <usize>(skip + beforeW) << 2;
    const from = <usize>skip << 2;
    for (let c = 0; c < channels; c++, to += plane) {
      for (let d = 0; d < word(at, 0); d++) {
        const jd = d + word(at, 6);
        let start = to + (<usize>((jd * rows + word(at, 7)) * row) << 2);
        for (let h = 0; h < height; h++, x += <usize>width << 2, start += <usize>row << 2) {
          if (jd >= 0 && h + word(at, 7) >= 0) copyRow(start + first, x + from, width - skip);
        }
      }
    }
    return;
  }
  for (let c = 0; c < channels; c++, to += plane * <usize>(strideD * strideH * strideW)) {
    for (let d = 0; d < word(at, 0); d++) {
      const jd = d + word(at, 6);
      for (let h = 0; h < height; h++, x += <usize>width << 2) {
        const jh = h + word(at, 7);
        if (jd < 0 || jh < 0) continue;
        const phase = ((jd % strideD) * strideH + (jh % strideH)) * strideW;
        const start = to + <usize>phase * plane + (<usize>(((jd / strideD) * rows + jh / strideH) * row) << 2);
        if (strideW == 1) {
          copyRow(start + (<usize>(skip + beforeW) << 2), x + (<usize>skip << 2), width - skip);
          continue;
        }
        for (let w = skip; w < width; w++) {
          const j = w + beforeW;
          store<i32>(start + <usize>(j % strideW) * plane + (<usize>(j / strideW) << 2), load<i32>(x + (<usize>w << 2)));
        }
      }
    }
  }
}

/** Rows of weights as panels of 4 (one row alone as it is): for each channel and number of the kernel the rows' weights. */
function packWeights(to: usize, w: usize, rows: i32, channels: i32, taps: i32, at: usize, rowStep: usize, channelStep: usize): void {
  const wide = rows == 1 ? 1 : 4;
  for (let i = 0; i < rows; i += wide) {
    for (let c = 0; c < channels; c++) {
      for (let t = 0; t < taps; t++) {
        const from = w + <usize>i * rowStep + <usize>c * channelStep + <usize>word(at, 2 * t);
        for (let r = 0; r < wide; r++, to += 4) store<f32>(to, i + r < rows ? load<f32>(from + <usize>r * rowStep) : 0);
      }
    }
  }
}

/** 4 rows at 8 positions: c = bias + Σ a[k] · x[table[k]]. */
function tile(c: usize, step: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize): void {
  let x0 = v128.load32_splat(bias);
  let x1 = v128.load32_splat(bias, 4);
  let x2 = v128.load32_splat(bias, 8);
  let x3 = v128.load32_splat(bias, 12);
  let y0 = x0;
  let y1 = x1;
  let y2 = x2;
  let y3 = x3;
  const end = table + (<usize>depth << 2);
  for (; table < end; table += 4, a += 16) {
    const b = x + <usize>load<i32>(table);
    const p = v128.load(b);
    const q = v128.load(b, 16);
    let s = v128.load32_splat(a);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    s = v128.load32_splat(a, 4);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    s = v128.load32_splat(a, 8);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    s = v128.load32_splat(a, 12);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
  }
  v128.store(c, x0);
  v128.store(c, y0, 16);
  c += step;
  v128.store(c, x1);
  v128.store(c, y1, 16);
  c += step;
  v128.store(c, x2);
  v128.store(c, y2, 16);
  c += step;
  v128.store(c, x3);
  v128.store(c, y3, 16);
}

/** One row at 32 positions: what a depthwise convolution has. */
function strip(c: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize): void {
  let r0 = v128.load32_splat(bias);
  let r1 = r0;
  let r2 = r0;
  let r3 = r0;
  let r4 = r0;
  let r5 = r0;
  let r6 = r0;
  let r7 = r0;
  const end = table + (<usize>depth << 2);
  for (; table < end; table += 4, a += 4) {
    const b = x + <usize>load<i32>(table);
    const s = v128.load32_splat(a);
    r0 = madd(s, v128.load(b), r0);
    r1 = madd(s, v128.load(b, 16), r1);
    r2 = madd(s, v128.load(b, 32), r2);
    r3 = madd(s, v128.load(b, 48), r3);
    r4 = madd(s, v128.load(b, 64), r4);
    r5 = madd(s, v128.load(b, 80), r5);
    r6 = madd(s, v128.load(b, 96), r6);
    r7 = madd(s, v128.load(b, 112), r7);
  }
  v128.store(c, r0);
  v128.store(c, r1, 16);
  v128.store(c, r2, 32);
  v128.store(c, r3, 48);
  v128.store(c, r4, 64);
  v128.store(c, r5, 80);
  v128.store(c, r6, 96);
  v128.store(c, r7, 112);
}

// @ts-ignore: decorator
@inline
function finishRow(to: usize, from: usize, count: i32, step: usize, floor: v128): void {
  if (step != 4) {
    for (let i = 0; i < count; i++, to += step) {
      store<f32>(to, f32x4.extract_lane(f32x4.max(v128.load32_splat(from + (<usize>i << 2)), floor), 0));
    }
    return;
  }
  if (count < 4) {
    for (let i = 0; i < count; i++) {
      store<f32>(to + (<usize>i << 2), f32x4.extract_lane(f32x4.max(v128.load32_splat(from + (<usize>i << 2)), floor), 0));
    }
    return;
  }
  const last = <usize>(count - 4) << 2;
  for (let i: usize = 0; i < last; i += 16) v128.store(to + i, f32x4.max(v128.load(from + i), floor));
  v128.store(to + last, f32x4.max(v128.load(from + last), floor));
}

/** Positions from the first to the last that is asked for, of some images. */
// @ts-ignore: decorator
@inline
function positionsOf(images: i32, stageAt: usize, counts: usize): i32 {
  const rows = word(stageAt, 10);
  const row = word(stageAt, 11);
  const planes = (images - 1) * word(stageAt, 9) + word(counts, 0) - 1;
  return (planes * rows + word(counts, 1) - 1) * row + word(counts, 2);
}

/**
 * y [images, groups · out, …] = bias + Σ over channels and taps of weight · x; bias 0: none. `at`:
 *  0 images, groups, channels and out of a group,
 *  4 numbers of a channel and of an image of x, and of y,
 *  8 bytes between rows, channels and groups of the weight,
 * 11 1: negative results are 0,
 * 12 images staged at once, taps, bytes of a staged plane,
 * 15 staging (12 words),
 * 27 counts, 30 where y begins, and its steps, in numbers, each depth, height, width,
 * 34 for each tap its place in the weight and in the staged planes, in bytes.
 */
export function convolve(yAt: usize, x: usize, weight: usize, bias: usize, scratch: usize, at: usize): void {
  const images = word(at, 0);
  const groups = word(at, 1);
  const channels = word(at, 2);
  const out = word(at, 3);
  const xPlane = <usize>word(at, 4) << 2;
  const xImage = <usize>word(at, 5) << 2;
  const yPlane = <usize>word(at, 6) << 2;
  const yImage = <usize>word(at, 7) << 2;
  const block = word(at, 12);
  const taps = word(at, 13);
  const plane = <usize>word(at, 14);
  const stageAt = at + 60;
  const counts = at + 108;
  const tapsAt = at + 136;
  const outD = word(counts, 0);
  const outH = word(counts, 1);
  const outW = word(counts, 2);
  const stepD = <usize>word(at, 31) << 2;
  const stepH = <usize>word(at, 32) << 2;
  const stepW = <usize>word(at, 33) << 2;
  const rows = word(stageAt, 10);
  const row = <usize>word(stageAt, 11) << 2;
  const phases = word(stageAt, 3) * word(stageAt, 4) * word(stageAt, 5);
  const depth = channels * taps;
  const wide = out == 1 ? 32 : 8;
  const floor = splat(word(at, 11) ? 0 : -Infinity);
  const imageBytes = <usize>(word(stageAt, 9) * rows) * row;

  const table = scratch;
  const weights = table + (<usize>depth << 2);
  const bias4 = weights + (<usize>(depth * ((out + 3) & ~3)) << 2);
  const results = bias4 + 16;
  const step = <usize>((positionsOf(block, stageAt, counts) + wide - 1) & ~(wide - 1)) << 2;
  const staged = results + 4 * step;
  for (let c = 0; c < channels; c++) {
    for (let t = 0; t < taps; t++) {
      store<i32>(table + (<usize>(c * taps + t) << 2), <i32>(<usize>(c * phases) * plane) + word(tapsAt, 2 * t + 1));
    }
  }
  memory.fill(staged, 0, <usize>(channels * phases) * plane);
  for (let g = 0; g < groups; g++) {
    packWeights(weights, weight + <usize>g * <usize>word(at, 10), out, channels, taps, tapsAt, word(at, 8), word(at, 9));
    for (let n = 0; n < images; n += block) {
      const here = min(block, images - n);
      for (let i = 0; i < here; i++) {
        const image = x + <usize>(n + i) * xImage + <usize>(g * channels) * xPlane;
        stage(staged + <usize>i * imageBytes, plane, image, channels, stageAt);
      }
      const positions = positionsOf(here, stageAt, counts);
      for (let o = 0; o < out; o += 4) {
        const some = min(4, out - o);
        for (let r = 0; r < 4; r++) {
          const from = bias + (<usize>(g * out + o + r) << 2);
          store<f32>(bias4 + (<usize>r << 2), bias == 0 || r >= some ? 0 : load<f32>(from));
        }
        const panel = weights + (<usize>(o * depth) << 2);
        for (let p = 0; p < positions; p += wide) {
          const offset = <usize>p << 2;
          if (out == 1) strip(results + offset, panel, staged + offset, table, depth, bias4);
          else tile(results + offset, step, panel, staged + offset, table, depth, bias4);
        }
        for (let i = 0; i < here; i++) {
          let y = yAt + (<usize>word(at, 30) << 2) + <usize>(n + i) * yImage + <usize>(g * out + o) * yPlane;
          for (let r = 0; r < some; r++, y += yPlane) {
            const from = results + <usize>r * step + <usize>i * imageBytes;
            for (let d = 0; d < outD; d++) {
              for (let h = 0; h < outH; h++) {
                finishRow(y + <usize>d * stepD + <usize>h * stepH, from + <usize>(d * rows + h) * row, outW, stepW, floor);
              }
            }
          }
        }
      }
    }
  }
}

/** Sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** to[2 columns, 4 rows] += Σ over positions of g (4 rows, `step` apart) · x (2 columns). */
function dots(to: usize, g: usize, step: usize, x: usize, z: usize, bytes: usize): void {
  let x0 = splat(0);
  let x1 = x0;
  let x2 = x0;
  let x3 = x0;
  let z0 = x0;
  let z1 = x0;
  let z2 = x0;
  let z3 = x0;
  const g2 = g + 2 * step;
  const end = x + bytes;
  for (let i: usize = 0; x < end; x += 16, z += 16, i += 16) {
    const p = v128.load(x);
    const q = v128.load(z);
    let s = v128.load(g + i);
    x0 = madd(s, p, x0);
    z0 = madd(s, q, z0);
    s = v128.load(g + step + i);
    x1 = madd(s, p, x1);
    z1 = madd(s, q, z1);
    s = v128.load(g2 + i);
    x2 = madd(s, p, x2);
    z2 = madd(s, q, z2);
    s = v128.load(g2 + step + i);
    x3 = madd(s, p, x3);
    z3 = madd(s, q, z3);
  }
  v128.store(to, f32x4.add(v128.load(to), sums(x0, x1, x2, x3)));
  v128.store(to, f32x4.add(v128.load(to, 16), sums(z0, z1, z2, z3)), 16);
}

/** to[4 columns] += Σ over positions of g · x. */
function dotsOfRow(to: usize, g: usize, x: usize, table: usize, bytes: usize): void {
  const a = x + <usize>load<i32>(table);
  const b = x + <usize>load<i32>(table, 4);
  const c = x + <usize>load<i32>(table, 8);
  const d = x + <usize>load<i32>(table, 12);
  let r0 = splat(0);
  let r1 = r0;
  let r2 = r0;
  let r3 = r0;
  for (let i: usize = 0; i < bytes; i += 16) {
    const s = v128.load(g + i);
    r0 = madd(s, v128.load(a + i), r0);
    r1 = madd(s, v128.load(b + i), r1);
    r2 = madd(s, v128.load(c + i), r2);
    r3 = madd(s, v128.load(d + i), r3);
  }
  v128.store(to, f32x4.add(v128.load(to), sums(r0, r1, r2, r3)));
}

/**
 * Gradients of weight [groups · out, channels, taps] and, unless `toBias` is 0, of the bias: that of a channel that is 1 everywhere. `at`:
 *  0 images, groups, channels and out of a group,
 *  4 numbers of a channel and of an image of x, and of g,
 *  8 images staged at once, taps, bytes of a staged plane of x, and of g,
 * 12 staging of x (12 words), of g (12 words),
 * 36 counts,
 * 39 for each tap its place in the staged planes, in bytes.
 */
export function convolveWeightGradient(toWeight: usize, toBias: usize, x: usize, gradient: usize, scratch: usize, at: usize): void {
  const images = word(at, 0);
  const groups = word(at, 1);
  const channels = word(at, 2);
  const out = word(at, 3);
  const xPlane = <usize>word(at, 4) << 2;
  const xImage = <usize>word(at, 5) << 2;
  const gPlane = <usize>word(at, 6) << 2;
  const gImage = <usize>word(at, 7) << 2;
  const block = word(at, 8);
  const taps = word(at, 9);
  const plane = <usize>word(at, 10);
  const planeG = <usize>word(at, 11);
  const stageX = at + 48;
  const stageG = at + 96;
  const counts = at + 144;
  const tapsAt = at + 156;
  const phases = word(stageX, 3) * word(stageX, 4) * word(stageX, 5);
  const depth = channels * taps;
  // The column of ones, and as many more as fill the last vector.
  const columns = (depth + 4) & ~3;
  const rowsOut = out == 1 ? 1 : (out + 3) & ~3;
  const imageBytes = <usize>(word(stageX, 9) * word(stageX, 10) * word(stageX, 11)) << 2;

  const table = scratch;
  const totals = table + (<usize>columns << 2);
  const totalBytes = <usize>(columns * rowsOut) << 2;
  const ones = totals + totalBytes;
  const onesBytes = (<usize>(positionsOf(block, stageX, counts) + 3) & ~3) << 2;
  const stagedG = ones + onesBytes;
  const stagedX = stagedG + <usize>rowsOut * planeG;
  for (let i = 0; i < columns; i++) {
    const offset = <i32>(<usize>((i / taps) * phases) * plane) + word(tapsAt, i % taps);
    store<i32>(table + (<usize>i << 2), i < depth ? offset : <i32>(ones - stagedX));
  }
  for (let i: usize = 0; i < onesBytes; i += 16) v128.store(ones + i, splat(1));
  memory.fill(stagedG, 0, <usize>rowsOut * planeG + <usize>(channels * phases) * plane + 64);
  for (let g = 0; g < groups; g++) {
    memory.fill(totals, 0, totalBytes);
    for (let n = 0; n < images; n += block) {
      const here = min(block, images - n);
      // The images of before, behind the last.
      if (here < block) memory.fill(stagedG, 0, <usize>rowsOut * planeG);
      for (let i = 0; i < here; i++) {
        const from = x + <usize>(n + i) * xImage + <usize>(g * channels) * xPlane;
        stage(stagedX + <usize>i * imageBytes, plane, from, channels, stageX);
        const slopes = gradient + <usize>(n + i) * gImage + <usize>(g * out) * gPlane;
        stage(stagedG + <usize>i * imageBytes, planeG, slopes, out, stageG);
      }
      const bytes = (<usize>(positionsOf(here, stageX, counts) + 3) & ~3) << 2;
      if (out == 1) {
        for (let k = 0; k < columns; k += 4) {
          dotsOfRow(totals + (<usize>k << 2), stagedG, stagedX, table + (<usize>k << 2), bytes);
        }
        continue;
      }
      for (let o = 0; o < out; o += 4) {
        const panel = stagedG + <usize>o * planeG;
        for (let k = 0; k <= depth; k += 2) {
          const place = table + (<usize>k << 2);
          const to = totals + (<usize>(o * columns + 4 * k) << 2);
          dots(to, panel, planeG, stagedX + <usize>load<i32>(place), stagedX + <usize>load<i32>(place, 4), bytes);
        }
      }
    }
    for (let o = 0; o < out; o++) {
      const panel = out == 1 ? totals : totals + (<usize>((o >> 2) * 4 * columns + (o & 3)) << 2);
      const step: usize = out == 1 ? 4 : 16;
      let to = toWeight + (<usize>((g * out + o) * depth) << 2);
      for (let k = 0; k < depth; k++, to += 4) store<f32>(to, load<f32>(panel + <usize>k * step));
      if (toBias != 0) store<f32>(toBias + (<usize>(g * out + o) << 2), load<f32>(panel + <usize>depth * step));
    }
  }
}
