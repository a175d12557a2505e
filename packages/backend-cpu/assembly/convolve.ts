// Convolutions over up to three spatial axes as products with no columns cut out: of packed weights and staged images.
import { madd } from "./simd";
import { copyRow, positionsOf, stage, word } from "./stage";

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

/** A row of results to where they go, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function finishRow(to: usize, from: usize, count: i32, step: usize): void {
  if (step == 4) copyRow(to, from, count);
  else for (let i = 0; i < count; i++, to += step) store<i32>(to, load<i32>(from + (<usize>i << 2)));
}

/**
 * y [images, groups · out, …] = bias + Σ over channels and taps of weight · x; bias 0: none. `at`:
 *  0 images, groups, channels and out of a group,
 *  4 numbers of a channel and of an image of x, and of y,
 *  8 bytes between rows, channels and groups of the weight,
 * 11 images staged at once, taps, bytes of a staged plane,
 * 14 staging (12 words),
 * 26 counts, 29 where y begins, and its steps, in numbers, each depth, height, width,
 * 33 for each tap its place in the weight and in the staged planes, in bytes.
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
  const block = word(at, 11);
  const taps = word(at, 12);
  const plane = <usize>word(at, 13);
  const stageAt = at + 56;
  const counts = at + 104;
  const tapsAt = at + 132;
  const outD = word(counts, 0);
  const outH = word(counts, 1);
  const outW = word(counts, 2);
  const stepD = <usize>word(at, 30) << 2;
  const stepH = <usize>word(at, 31) << 2;
  const stepW = <usize>word(at, 32) << 2;
  const rows = word(stageAt, 10);
  const row = <usize>word(stageAt, 11) << 2;
  const phases = word(stageAt, 3) * word(stageAt, 4) * word(stageAt, 5);
  const depth = channels * taps;
  const wide = out == 1 ? 32 : 8;
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
          let y = yAt + (<usize>word(at, 29) << 2) + <usize>(n + i) * yImage + <usize>(g * out + o) * yPlane;
          for (let r = 0; r < some; r++, y += yPlane) {
            const from = results + <usize>r * step + <usize>i * imageBytes;
            for (let d = 0; d < outD; d++) {
              for (let h = 0; h < outH; h++) {
                finishRow(y + <usize>d * stepD + <usize>h * stepH, from + <usize>(d * rows + h) * row, outW, stepW);
              }
            }
          }
        }
      }
    }
  }
}
