// Gradients of a convolution's weight and bias, as a product over positions: of a channel's staged plane at an element of the kernel, and of the gradient packed
// with 8 of its channels next to each other. That of the input is a convolution itself.
import { packB } from "./gemm";
import { addFour, madd, splat } from "./simd";
import {
  blockingWords, countHere, firstHere, firstImage, frameBytes, frameOf, imagePlaces, imagesHere, planeBytes, planesOf, rowPlaces, rowsPlaces, stage, word,
} from "./stage";
import { wide } from "./vectors";
import { sixes } from "./wideProduct";

// @ts-ignore: decorator
@inline
function addTwo(c: usize, x: v128, y: v128): void {
  const p = v128.load(c);
  const q = v128.load(c, 16);
  v128.store(c, f32x4.add(x, p));
  v128.store(c, f32x4.add(y, q), 16);
}

/** totals (4 × 8) += Σ over positions of x at `places` from each of 4 rows · a panel. */
function fourByEight(to: usize, step: usize, x: usize, rows: usize, places: usize, b: usize, depth: i32): void {
  const r0 = x + <usize>load<i32>(rows);
  const r1 = x + <usize>load<i32>(rows, 4);
  const r2 = x + <usize>load<i32>(rows, 8);
  const r3 = x + <usize>load<i32>(rows, 12);
  let x0 = splat(0);
  let y0 = x0;
  let x1 = x0;
  let y1 = x0;
  let x2 = x0;
  let y2 = x0;
  let x3 = x0;
  let y3 = x0;
  const end = places + (<usize>depth << 2);
  for (; places < end; places += 4, b += 32) {
    const at = <usize>load<i32>(places);
    const p = v128.load(b);
    const q = v128.load(b, 16);
    let s = v128.load32_splat(r0 + at);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    s = v128.load32_splat(r1 + at);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    s = v128.load32_splat(r2 + at);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    s = v128.load32_splat(r3 + at);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
  }
  addTwo(to, x0, y0);
  addTwo(to + step, x1, y1);
  addTwo(to + 2 * step, x2, y2);
  addTwo(to + 3 * step, x3, y3);
}

/** The same of two panels, in vectors of 256 bits. */
function fourBySixteen(to: usize, step: usize, x: usize, rows: usize, places: usize, b: usize, second: usize, depth: i32): void {
  const r0 = x + <usize>load<i32>(rows);
  const r1 = x + <usize>load<i32>(rows, 4);
  const r2 = x + <usize>load<i32>(rows, 8);
  const r3 = x + <usize>load<i32>(rows, 12);
  let x0 = splat(0);
  let y0 = x0;
  let z0 = x0;
  let w0 = x0;
  let x1 = x0;
  let y1 = x0;
  let z1 = x0;
  let w1 = x0;
  let x2 = x0;
  let y2 = x0;
  let z2 = x0;
  let w2 = x0;
  let x3 = x0;
  let y3 = x0;
  let z3 = x0;
  let w3 = x0;
  const end = places + (<usize>depth << 2);
  for (; places < end; places += 4, b += 32, second += 32) {
    const at = <usize>load<i32>(places);
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const r = v128.load(second);
    const t = v128.load(second, 16);
    let s = v128.load32_splat(r0 + at);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    z0 = madd(s, r, z0);
    w0 = madd(s, t, w0);
    s = v128.load32_splat(r1 + at);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    z1 = madd(s, r, z1);
    w1 = madd(s, t, w1);
    s = v128.load32_splat(r2 + at);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    z2 = madd(s, r, z2);
    w2 = madd(s, t, w2);
    s = v128.load32_splat(r3 + at);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
    z3 = madd(s, r, z3);
    w3 = madd(s, t, w3);
  }
  addFour(to, x0, y0, z0, w0);
  addFour(to + step, x1, y1, z1, w1);
  addFour(to + 2 * step, x2, y2, z2, w2);
  addFour(to + 3 * step, x3, y3, z3, w3);
}

/** The same of 6 rows. */
function sixBySixteen(to: usize, step: usize, x: usize, rows: usize, places: usize, b: usize, second: usize, depth: i32): void {
  const r0 = x + <usize>load<i32>(rows);
  const r1 = x + <usize>load<i32>(rows, 4);
  const r2 = x + <usize>load<i32>(rows, 8);
  const r3 = x + <usize>load<i32>(rows, 12);
  const r4 = x + <usize>load<i32>(rows, 16);
  const r5 = x + <usize>load<i32>(rows, 20);
  let x0 = splat(0);
  let y0 = x0;
  let z0 = x0;
  let w0 = x0;
  let x1 = x0;
  let y1 = x0;
  let z1 = x0;
  let w1 = x0;
  let x2 = x0;
  let y2 = x0;
  let z2 = x0;
  let w2 = x0;
  let x3 = x0;
  let y3 = x0;
  let z3 = x0;
  let w3 = x0;
  let x4 = x0;
  let y4 = x0;
  let z4 = x0;
  let w4 = x0;
  let x5 = x0;
  let y5 = x0;
  let z5 = x0;
  let w5 = x0;
  const end = places + (<usize>depth << 2);
  for (; places < end; places += 4, b += 32, second += 32) {
    const at = <usize>load<i32>(places);
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const r = v128.load(second);
    const t = v128.load(second, 16);
    let s = v128.load32_splat(r0 + at);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    z0 = madd(s, r, z0);
    w0 = madd(s, t, w0);
    s = v128.load32_splat(r1 + at);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    z1 = madd(s, r, z1);
    w1 = madd(s, t, w1);
    s = v128.load32_splat(r2 + at);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    z2 = madd(s, r, z2);
    w2 = madd(s, t, w2);
    s = v128.load32_splat(r3 + at);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
    z3 = madd(s, r, z3);
    w3 = madd(s, t, w3);
    s = v128.load32_splat(r4 + at);
    x4 = madd(s, p, x4);
    y4 = madd(s, q, y4);
    z4 = madd(s, r, z4);
    w4 = madd(s, t, w4);
    s = v128.load32_splat(r5 + at);
    x5 = madd(s, p, x5);
    y5 = madd(s, q, y5);
    z5 = madd(s, r, z5);
    w5 = madd(s, t, w5);
  }
  addFour(to, x0, y0, z0, w0);
  addFour(to + step, x1, y1, z1, w1);
  addFour(to + 2 * step, x2, y2, z2, w2);
  addFour(to + 3 * step, x3, y3, z3, w3);
  addFour(to + 4 * step, x4, y4, z4, w4);
  addFour(to + 5 * step, x5, y5, z5, w5);
}

/** totals (8) += Σ over positions of a panel. */
function panelSums(to: usize, b: usize, depth: i32): void {
  let x = splat(0);
  let y = x;
  const end = b + (<usize>depth << 5);
  for (; b < end; b += 32) {
    x = f32x4.add(x, v128.load(b));
    y = f32x4.add(y, v128.load(b, 16));
  }
  addTwo(to, x, y);
}

// Words of a pass, after its blocking.
const GROUPS = 0;
/** Channels of a group of x, and which of them the part has. */
const CHANNELS = 2;
const CHANNEL_FROM = 3;
const CHANNEL_TO = 4;
const OUT = 5;
/** Elements of a channel and of an image of the gradient. */
const CHANNEL_G = 6;
const IMAGE_G = 7;
/** Positions of a block, at most; and where positions of an axis begin, in elements. */
const POSITIONS = 8;
const PLACE = 9;
const TAP_COUNT = 12;
const TAPS = 13;

/** All sums of a block: of `count` rows of the table, and `columns` channels of the gradient. */
function sumsOf(totals: usize, step: usize, x: usize, rows: usize, count: i32, places: usize, b: usize, columns: i32, depth: i32): void {
  const panel = <usize>depth << 5;
  const joined = wide ? columns & ~15 : 0;
  const high = joined > 0 ? 6 * sixes(count) : 0;
  for (let i = 0; i < count; ) {
    const height = i < high ? 6 : 4;
    const table = rows + (<usize>i << 2);
    let c = totals + <usize>i * step;
    let from = b;
    let j = 0;
    for (; j < joined; j += 16, c += 64, from += 2 * panel) {
      if (height == 6) sixBySixteen(c, step, x, table, places, from, from + panel, depth);
      else fourBySixteen(c, step, x, table, places, from, from + panel, depth);
    }
    if (!wide) for (; j < columns; j += 8, c += 32, from += panel) fourByEight(c, step, x, table, places, from, depth);
    i += height;
  }
  if (!wide || joined == columns) return;
  // Eight columns are left.
  const c = totals + (<usize>joined << 2);
  const last = b + <usize>(joined >> 3) * panel;
  for (let i = 0; i < count; i += 4) fourByEight(c + <usize>i * step, step, x, rows + (<usize>i << 2), places, last, depth);
}

/**
 * Gradients of weight [groups · out, channels, taps] and, unless `toBias` is 0, of the bias, over blocks [from, to). `at`: a blocking of x (stage.ts), then a pass:
 * for each tap its place in the staged planes, in bytes.
 */
export function convolveWeightGradient(toWeight: usize, toBias: usize, x: usize, gradient: usize, scratch: usize, from: i32, to: i32, at: usize): void {
  const own = at + blockingWords(at);
  const all = word(own, CHANNELS);
  const first = word(own, CHANNEL_FROM);
  const channels = word(own, CHANNEL_TO) - first;
  const out = word(own, OUT);
  const taps = word(own, TAP_COUNT);
  const positionsMost = word(own, POSITIONS);
  const channelG = <usize>word(own, CHANNEL_G) << 2;
  const channelX = <usize>word(at, 22) << 2;
  const planes = planesOf(at);
  const plane = planeBytes(at);
  const depth = channels * taps;
  const columns = (out + 7) & ~7;
  const step = <usize>columns << 2;
  // Rows of the last panel that are not there are the first again.
  const tableRows = depth + 6;

  const frame = scratch;
  const table = frame + frameBytes;
  const places = table + (<usize>tableRows << 2);
  const totals = (places + (<usize>positionsMost << 2) + 15) & ~15;
  const biases = totals + <usize>tableRows * step;
  const packed = biases + step;
  const staged = packed + <usize>positionsMost * step;
  for (let k = 0; k < tableRows; k++) {
    const offset = k < depth ? <i32>(<usize>((k / taps) * planes) * plane) + word(own, TAPS + (k % taps)) : word(own, TAPS);
    store<i32>(table + (<usize>k << 2), offset);
  }
  for (let g = word(own, GROUPS); g < word(own, GROUPS + 1); g++) {
    memory.fill(totals, 0, <usize>(tableRows + 1) * step);
    for (let b = from; b < to; b++) {
      frameOf(frame, at, b);
      stage(staged, x + <usize>(g * all + first) * channelX, channels, frame, at);
      const here = imagesHere(frame);
      const each = countHere(frame, 0) * countHere(frame, 1) * countHere(frame, 2);
      const positions = here * each;
      let place = places;
      let start = 0;
      for (let axis = 0; axis < 3; axis++) start += firstHere(frame, axis) * word(own, PLACE + axis);
      for (let i = 0; i < here; i++) {
        for (let d = 0; d < countHere(frame, 0); d++) {
          for (let h = 0; h < countHere(frame, 1); h++) {
            const row = i * imagePlaces(at) + d * rowsPlaces(at) + h * rowPlaces(at);
            for (let w = 0; w < countHere(frame, 2); w++, place += 4) store<i32>(place, (row + w) << 2);
          }
        }
      }
      const slopes = gradient + (<usize>(firstImage(frame) * word(own, IMAGE_G) + start) << 2) + <usize>(g * out) * channelG;
      for (let o = 0; o < columns; o += 8) {
        let panel = packed + (<usize>(o * positions) << 2);
        const begin = panel;
        let source = slopes + <usize>o * channelG;
        for (let i = 0; i < here; i++, panel += <usize>each << 5, source += <usize>word(own, IMAGE_G) << 2) packB(panel, source, min(8, out - o), each, 4, channelG);
        if (toBias != 0) panelSums(biases + (<usize>o << 2), begin, positions);
      }
      sumsOf(totals, step, staged, table, depth, places, packed, columns, positions);
    }
    for (let o = 0; o < out; o++) {
      let total = totals + (<usize>o << 2);
      let target = toWeight + (<usize>(((g * out + o) * all + first) * taps) << 2);
      for (let k = 0; k < depth; k++, target += 4, total += step) store<f32>(target, load<f32>(total));
      if (toBias != 0) store<f32>(toBias + (<usize>(g * out + o) << 2), load<f32>(biases + (<usize>o << 2)));
    }
  }
}
