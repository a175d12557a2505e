// The gradient of a 3 × 3 weight through Winograd's tiles: that of what winograd.ts multiplies with, Σ over tiles of (A · g · Aᵀ) times (Bᵀ · d · B) for each
// of 16 places, and Gᵀ · that · G.
import { micro } from "./gemm";
import { splat, storeColumns } from "./simd";
import { copyRow, word } from "./stage";
import { wide } from "./vectors";
import { wideFour } from "./wideTile";
import { even, finite, odd, oddLines, rowLength, transformRow } from "./winograd";

/** A · g · Aᵀ of four tiles, their two rows of eight; what comes out negative in it stays positive, and is taken off at the end. */
function spreadTiles(to: usize, place: usize, upper: usize, lower: usize): void {
  const e0 = even(v128.load(upper), v128.load(upper, 16));
  const o0 = odd(v128.load(upper), v128.load(upper, 16));
  const e3 = even(v128.load(lower), v128.load(lower, 16));
  const o3 = odd(v128.load(lower), v128.load(lower, 16));
  spreadRow(to, place, e0, o0);
  spreadRow(to + 4 * place, place, f32x4.add(e0, e3), f32x4.add(o0, o3));
  spreadRow(to + 8 * place, place, f32x4.sub(e0, e3), f32x4.sub(o0, o3));
  spreadRow(to + 12 * place, place, e3, o3);
}

// @ts-ignore: decorator
@inline
function spreadRow(to: usize, place: usize, e: v128, o: v128): void {
  v128.store(to, e);
  v128.store(to + place, f32x4.add(e, o));
  v128.store(to + 2 * place, f32x4.sub(e, o));
  v128.store(to + 3 * place, o);
}

/** Four runs of numbers as one of four, `step` bytes apart. */
function turn(to: usize, step: usize, from: usize, run: usize, tiles: i32): void {
  for (let i = 0; i < tiles; i += 4, from += 16, to += 4 * step) {
    storeColumns(to, step, v128.load(from), v128.load(from + run), v128.load(from + 2 * run), v128.load(from + 3 * run));
  }
}

/**
 * Of some rows of tiles: sums [16, rows, channels], of which there are multiples of 4 and 8, and behind them the sums of g's channels. `at`:
 *  0 the first row of tiles and the one behind the last, rows at once, numbers that a run of their tiles has room for,
 *  4 channels of x and of g,
 *  6 height and width of x, and of g, padding above and left.
 */
export function winogradWeightGradient(sums: usize, x: usize, g: usize, scratch: usize, at: usize): void {
  const endUnit = word(at, 1);
  const block = word(at, 2);
  const run = <usize>word(at, 3) << 2;
  const channels = word(at, 4);
  const out = word(at, 5);
  const height = word(at, 6);
  const width = word(at, 7);
  const outH = word(at, 8);
  const outW = word(at, 9);
  const down = (outH + 1) >> 1;
  const across = (outW + 1) >> 1;
  const xPlane = <usize>(height * width) << 2;
  const xImage = <usize>channels * xPlane;
  const gPlane = <usize>(outH * outW) << 2;
  const gImage = <usize>out * gPlane;
  const panels = (out + 3) >> 2;
  const columns = (channels + 7) & ~7;
  const sumPlace = <usize>(panels * columns) << 4;
  const biasSums = sums + 16 * sumPlace;
  const place = oddLines(<usize>columns * run);
  const slopePlace = oddLines(<usize>(4 * panels) * run);
  const turnPlace = oddLines(4 * run + 16);

  const zeros = scratch;
  const rows = zeros + (<usize>(max(width, outW) + 8) << 2);
  const values = rows + 6 * rowLength(across);
  const slopes = values + 16 * place;
  const four = slopes + 16 * slopePlace;
  memory.fill(zeros, 0, values - zeros);
  memory.fill(sums, 0, 16 * sumPlace + (<usize>panels << 4));
  // Rows of g whose last vector would run over their end are laid out with zeros behind.
  const whole = across >= 4 && outW == 2 * across;
  const upper = rows + 4 * rowLength(across);
  const lower = upper + rowLength(across);
  for (let unit = word(at, 0); unit < endUnit; unit += block) {
    const here = min(block, endUnit - unit);
    const tiles = here * across;
    for (let c = 0; c < channels; c++) {
      const to = four + <usize>(c & 3) * run;
      for (let u = 0; u < here; u++) {
        const image = <usize>((unit + u) / down);
        const i = (unit + u) % down;
        const plane = x + image * xImage + <usize>c * xPlane;
        transformRow(to + (<usize>(u * across) << 2), turnPlace, plane, height, width, 2 * i - word(at, 10), word(at, 11), across, rows, zeros);
      }
      if ((c & 3) != 3 && c + 1 < channels) continue;
      const panel = values + <usize>(c & ~7) * run + (<usize>(c & 4) << 2);
      for (let k: usize = 0; k < 16; k++) turn(panel + k * place, 32, four + k * turnPlace, run, tiles);
    }
    for (let o = 0; o < out; o++) {
      const to = four + <usize>(o & 3) * run;
      for (let u = 0; u < here; u++) {
        const image = <usize>((unit + u) / down);
        const i = (unit + u) % down;
        let first = g + image * gImage + <usize>o * gPlane + (<usize>(2 * i * outW) << 2);
        let second = 2 * i + 1 < outH ? first + (<usize>outW << 2) : zeros;
        if (!whole) {
          copyRow(upper, first, outW);
          copyRow(lower, second, outW);
          first = upper;
          second = lower;
        }
        const target = to + (<usize>(u * across) << 2);
        for (let j = 0; j < across; ) {
          spreadTiles(target + (<usize>j << 2), turnPlace, first + (<usize>j << 3), second + (<usize>j << 3));
          j = whole && j + 4 < across ? min(j + 4, across - 4) : j + 4;
        }
      }
      if ((o & 3) != 3 && o + 1 < out) continue;
      const panel = slopes + <usize>(o & ~3) * run;
      for (let k: usize = 0; k < 16; k++) turn(panel + k * slopePlace, 16, four + k * turnPlace, run, tiles);
      // The sum of a tile stands at the place in the second row and column.
      let sum = splat(0);
      for (let i: usize = 0; i < <usize>tiles << 4; i += 16) sum = f32x4.add(sum, v128.load(panel + 5 * slopePlace + i));
      const total = biasSums + (<usize>(o & ~3) << 2);
      v128.store(total, f32x4.add(v128.load(total), sum));
    }
    const step = <usize>columns << 2;
    for (let k: usize = 0; k < 16; k++) {
      for (let o = 0; o < panels; o++) {
        const panel = slopes + k * slopePlace + <usize>(4 * o) * run;
        let to = sums + k * sumPlace + <usize>(4 * o) * step;
        let d = values + k * place;
        let c = 0;
        if (wide) for (; c + 16 <= columns; c += 16, to += 64, d += 16 * run) wideFour(to, step, panel, d, d + 8 * run, tiles, 0, true);
        for (; c < columns; c += 8, to += 32, d += 8 * run) micro(to, step, panel, d, tiles, 4, 8, 0, true);
      }
    }
  }
}

/** Gᵀ of one row or column: three of four, what was left positive taken off. */
function gather(to: usize, step: usize, from: usize, each: usize): void {
  const half = splat(0.5);
  const m1 = v128.load(from + each);
  const m2 = v128.load(from + 2 * each);
  const middle = f32x4.mul(half, f32x4.add(m1, m2));
  v128.store(to, f32x4.add(v128.load(from), middle));
  v128.store(to + step, f32x4.mul(half, f32x4.sub(m1, m2)));
  v128.store(to + 2 * step, f32x4.sub(middle, v128.load(from + 3 * each)));
}

/**
 * The gradients of weight and bias (0: not asked for) from the parts' sums, `step` bytes apart. What is not finite is summed again from x and g themselves. `at`:
 *  0 as for winogradWeightGradient, of all,
 * 12 parts, bytes between their sums, which panels of rows: [from, end).
 */
export function winogradWeightFinish(toWeight: usize, toBias: usize, sums: usize, x: usize, g: usize, scratch: usize, at: usize): void {
  const channels = word(at, 4);
  const out = word(at, 5);
  const columns = (channels + 7) & ~7;
  const place = <usize>(((out + 3) >> 2) * columns) << 4;
  const parts = word(at, 12);
  const step = <usize>word(at, 13);
  const end = min(out, 4 * word(at, 15));
  for (let o = 4 * word(at, 14); o < end; o++) {
    for (let c = 0; c < channels; c += 4) {
      const from = sums + (<usize>(o * columns + c) << 2);
      for (let k: usize = 0; k < 16; k++) {
        let sum = v128.load(from + k * place);
        for (let p = 1; p < parts; p++) sum = f32x4.add(sum, v128.load(from + k * place + <usize>p * step));
        v128.store(scratch + (k << 4), sum);
      }
      const middle = scratch + 256;
      for (let q: usize = 0; q < 64; q += 16) gather(middle + q, 64, scratch + q, 64);
      const result = middle + 192;
      for (let r: usize = 0; r < 3; r++) gather(result + 48 * r, 16, middle + 64 * r, 16);
      let to = toWeight + (<usize>((o * channels + c) * 9) << 2);
      for (let r = 0; r < min(4, channels - c); r++) {
        for (let k = 0; k < 9; k++, to += 4) {
          const value = load<f32>(result + (<usize>k << 4) + (<usize>r << 2));
          store<f32>(to, finite(value) ? value : slope(x, g, o, c + r, k, at));
        }
      }
    }
  }
  if (toBias == 0) return;
  const begin = sums + 16 * place;
  for (let o = 4 * word(at, 14); o < end; o++) {
    let sum: f32 = 0;
    for (let p = 0; p < parts; p++) sum += load<f32>(begin + <usize>p * step + (<usize>o << 2));
    store<f32>(toBias + (<usize>o << 2), finite(sum) ? sum : slope(x, g, o, 0, -1, at));
  }
}

/** One number of the gradient from x and g themselves (k < 0: of the bias); nothing is multiplied with what lies around the image. */
function slope(x: usize, g: usize, o: i32, c: i32, k: i32, at: usize): f32 {
  const height = word(at, 6);
  const width = word(at, 7);
  const outH = word(at, 8);
  const outW = word(at, 9);
  const images = word(at, 1) / ((outH + 1) >> 1);
  let sum: f64 = 0;
  for (let n = 0; n < images; n++) {
    let from = g + (<usize>((n * word(at, 5) + o) * outH * outW) << 2);
    const plane = x + (<usize>((n * word(at, 4) + c) * height * width) << 2);
    for (let h = 0; h < outH; h++) {
      for (let w = 0; w < outW; w++, from += 4) {
        const i = h + k / 3 - word(at, 10);
        const j = w + (k % 3) - word(at, 11);
        if (k < 0) sum += <f64>load<f32>(from);
        else if (i >= 0 && i < height && j >= 0 && j < width) sum += <f64>load<f32>(from) * <f64>load<f32>(plane + (<usize>(i * width + j) << 2));
      }
    }
  }
  return <f32>sum;
}
