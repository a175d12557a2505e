// Gradients of a convolution's weight and bias. That of its input is a convolution itself.
import { madd, splat } from "./simd";
import { positionsOf, stage, word } from "./stage";

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
