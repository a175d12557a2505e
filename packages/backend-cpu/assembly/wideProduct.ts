// A block of a product in vectors of 256 bits: panels of A are six rows high, then four. What is less than a tile at the right or at the bottom is
// made whole in scratch, and copied from there.
import { PRODUCT_EDGE } from "./generated/sizes";
import { copyRow } from "./stage";
import { wideFour, wideSix } from "./wideTile";

/** Bytes of scratch before the panels of A: a tile that is not whole, and the bias below it. */
export const edge: usize = 4 * PRODUCT_EDGE;

/** Panels of six of so many rows: those after them are then whole fours if it can be. */
export function sixes(rows: i32): i32 {
  // Where multiplying and adding are two instructions, twelve accumulators leave no register for the product.
  if (!ASC_FEATURE_RELAXED_SIMD) return 0;
  const most = rows / 6;
  return most > 0 && rows - 6 * most == 2 ? most - 1 : most;
}

/** Six rows of A: for each number of their depth those of all six. */
function packSix(to: usize, a: usize, depth: i32, rowStep: usize, depthStep: usize): void {
  let k = 0;
  if (depthStep == 4) {
    for (; k + 4 <= depth; k += 4, to += 96) {
      const at = a + (<usize>k << 2);
      const x = v128.load(at);
      const y = v128.load(at + rowStep);
      const z = v128.load(at + 2 * rowStep);
      const w = v128.load(at + 3 * rowStep);
      const u = v128.load(at + 4 * rowStep);
      const v = v128.load(at + 5 * rowStep);
      const xy0 = v128.shuffle<i32>(x, y, 0, 4, 1, 5);
      const xy1 = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
      const zw0 = v128.shuffle<i32>(z, w, 0, 4, 1, 5);
      const zw1 = v128.shuffle<i32>(z, w, 2, 6, 3, 7);
      const uv0 = v128.shuffle<i32>(u, v, 0, 4, 1, 5);
      const uv1 = v128.shuffle<i32>(u, v, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i32>(xy0, zw0, 0, 1, 4, 5));
      v128.store(to, v128.shuffle<i32>(uv0, xy0, 0, 1, 6, 7), 16);
      v128.store(to, v128.shuffle<i32>(zw0, uv0, 2, 3, 6, 7), 32);
      v128.store(to, v128.shuffle<i32>(xy1, zw1, 0, 1, 4, 5), 48);
      v128.store(to, v128.shuffle<i32>(uv1, xy1, 0, 1, 6, 7), 64);
      v128.store(to, v128.shuffle<i32>(zw1, uv1, 2, 3, 6, 7), 80);
    }
  }
  for (; k < depth; k++, to += 24) {
    let at = a + <usize>k * depthStep;
    for (let i: usize = 0; i < 24; i += 4, at += rowStep) store<f32>(to + i, load<f32>(at));
  }
}

/** Columns of A that a walk over all panels touches: where they are a power of two apart, the cache has few places for more. */
export const columnsAtOnce = 8;

/** The panels of an A whose columns stand side by side: of some columns all panels, and of the next ones. */
function packColumns(to: usize, a: usize, panels: i32, depth: i32, depthStep: usize): void {
  const panel = <usize>depth * 24;
  for (let k0 = 0; k0 < depth; k0 += columnsAtOnce, a += columnsAtOnce * depthStep, to += columnsAtOnce * 24) {
    const bytes = <usize>min(columnsAtOnce, depth - k0) * 24;
    let first = to;
    let from = a;
    for (let i = 0; i < panels; i++, first += panel, from += 24) {
      const end = first + bytes;
      let at = from;
      for (let t = first; t < end; t += 24, at += depthStep) {
        v128.store(t, v128.load(at));
        store<i64>(t, load<i64>(at, 16), 16);
      }
    }
  }
}

/** The panels of six; gives the rows in them. Those below are packed as for narrow vectors. */
export function packSixes(to: usize, a: usize, rows: i32, depth: i32, rowStep: usize, depthStep: usize): i32 {
  const high = 6 * sixes(rows);
  const panel = <usize>depth * 24;
  if (rowStep == 4 && depthStep != 4) {
    packColumns(to, a, high / 6, depth, depthStep);
    return high;
  }
  for (let i = 0; i < high; i += 6, to += panel, a += 6 * rowStep) packSix(to, a, depth, rowStep, depthStep);
  return high;
}

/** A tile in scratch, and what of it belongs to c. */
function part(
  c: usize, step: usize, a: usize, b: usize, second: usize, depth: i32, bias: usize, add: bool, height: i32, rows: i32, width: i32, scratch: usize,
): void {
  if (bias != 0) {
    copyRow(scratch + 384, bias, width);
    bias = scratch + 384;
  }
  if (height == 6) wideSix(scratch, 64, a, b, second, depth, bias, false);
  else wideFour(scratch, 64, a, b, second, depth, bias, false);
  for (let i = 0; i < rows; i++, c += step, scratch += 64) {
    if (!add) {
      copyRow(c, scratch, width);
      continue;
    }
    const end = <usize>width << 2;
    for (let j: usize = 0; j < end; j += 4) store<f32>(c + j, load<f32>(scratch + j) + load<f32>(c + j));
  }
}

/** c (rows × n) = panels of A · panels of B, which are `panel` bytes apart, `depth` deep (+ bias) (+ c). */
export function wideBlocks(
  c: usize, step: usize, a: usize, b: usize, panel: usize, rows: i32, n: i32, depth: i32, bias: usize, add: bool, scratch: usize,
): void {
  const high = 6 * sixes(rows);
  for (let j = 0; j < n; j += 16, b += 2 * panel, c += 64) {
    const width = min(16, n - j);
    const second = width > 8 ? b + panel : b;
    const start = bias == 0 ? 0 : bias + (<usize>j << 2);
    let at = c;
    let from = a;
    for (let i = 0; i < rows; ) {
      const height = i < high ? 6 : 4;
      if (width < 16 || i + height > rows) part(at, step, from, b, second, depth, start, add, height, min(height, rows - i), width, scratch);
      else if (height == 6) wideSix(at, step, from, b, second, depth, start, add);
      else wideFour(at, step, from, b, second, depth, start, add);
      i += height;
      at += <usize>height * step;
      from += <usize>(height * depth) << 2;
    }
  }
}
