// Matrix product: both sides packed into panels that the 4 × 8 micro-kernel reads in order, eight accumulators in registers.
import { MICRO_COLUMNS as NR, MICRO_ROWS as MR, PRODUCT_DEPTH as KC, PRODUCT_ROWS as MC } from "./generated/sizes";
import { madd, splat } from "./simd";
import { wide } from "./vectors";
import { columnsAtOnce, edge, packSixes, wideBlocks } from "./wideProduct";
import { wideDirect } from "./wideTile";

/** Panels of 4 rows of A: for each k the four rows' numbers; rows beyond the end are 0. */
function packA(to: usize, a: usize, rows: i32, depth: i32, rowStep: usize, depthStep: usize): void {
  const whole = rowStep == 4 && depthStep != 4 ? rows & ~(MR - 1) : 0;
  packColumns(to, a, whole, depth, depthStep);
  to += <usize>whole * (<usize>depth << 2);
  for (let i = whole; i < rows; i += MR) {
    const r0 = a + <usize>i * rowStep;
    const r1 = i + 1 < rows ? r0 + rowStep : 0;
    const r2 = i + 2 < rows ? r0 + 2 * rowStep : 0;
    const r3 = i + 3 < rows ? r0 + 3 * rowStep : 0;
    let k = 0;
    if (depthStep == 4 && r3 != 0) {
      for (; k + 4 <= depth; k += 4, to += 64) {
        const at = <usize>k << 2;
        const x = v128.load(r0 + at);
        const y = v128.load(r1 + at);
        const z = v128.load(r2 + at);
        const w = v128.load(r3 + at);
        const xy0 = v128.shuffle<i32>(x, y, 0, 4, 1, 5);
        const xy1 = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
        const zw0 = v128.shuffle<i32>(z, w, 0, 4, 1, 5);
        const zw1 = v128.shuffle<i32>(z, w, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<i32>(xy0, zw0, 0, 1, 4, 5));
        v128.store(to, v128.shuffle<i32>(xy0, zw0, 2, 3, 6, 7), 16);
        v128.store(to, v128.shuffle<i32>(xy1, zw1, 0, 1, 4, 5), 32);
        v128.store(to, v128.shuffle<i32>(xy1, zw1, 2, 3, 6, 7), 48);
      }
    }
    for (; k < depth; k++, to += 16) {
      const at = <usize>k * depthStep;
      store<f32>(to, load<f32>(r0 + at));
      store<f32>(to, r1 != 0 ? load<f32>(r1 + at) : 0, 4);
      store<f32>(to, r2 != 0 ? load<f32>(r2 + at) : 0, 8);
      store<f32>(to, r3 != 0 ? load<f32>(r3 + at) : 0, 12);
    }
  }
}

/** Whole panels of an A whose columns stand side by side: of some columns all panels, and of the next ones. */
function packColumns(to: usize, a: usize, rows: i32, depth: i32, depthStep: usize): void {
  const panel = <usize>depth << 4;
  for (let k0 = 0; k0 < depth; k0 += columnsAtOnce, a += columnsAtOnce * depthStep, to += columnsAtOnce * 16) {
    const bytes = <usize>min(columnsAtOnce, depth - k0) << 4;
    let first = to;
    let from = a;
    for (let i = 0; i < rows; i += MR, first += panel, from += 16) {
      const end = first + bytes;
      let at = from;
      for (let t = first; t < end; t += 16, at += depthStep) v128.store(t, v128.load(at));
    }
  }
}

/** Panels of 8 columns of B: for each k the eight columns' numbers; columns beyond the end are 0. */
export function packB(to: usize, b: usize, columns: i32, depth: i32, depthStep: usize, columnStep: usize): void {
  const whole = columnStep == 4 ? columns & ~(NR - 1) : 0;
  packRows(to, b, whole, depth, depthStep);
  to += <usize>whole * (<usize>depth << 2);
  for (let j = whole; j < columns; j += NR) {
    const c = b + <usize>j * columnStep;
    const width = min(columns - j, NR);
    let k = 0;
    if (depthStep == 4) {
      for (; k + 4 <= depth; k += 4, to += 128) {
        const at = c + (<usize>k << 2);
        if (width == NR) {
          transpose4(to, at, columnStep);
          transpose4(to + 16, at + 4 * columnStep, columnStep);
        } else {
          transposeSome(to, at, columnStep, width);
          transposeSome(to + 16, at + 4 * columnStep, columnStep, width - 4);
        }
      }
    }
    for (; k < depth; k++, to += 32) {
      const at = c + <usize>k * depthStep;
      for (let n = 0; n < NR; n++) store<f32>(to + (<usize>n << 2), n < width ? load<f32>(at + <usize>n * columnStep) : 0);
    }
  }
}

/** Rows that a walk over all panels touches: each may be a page, and a panel takes half a cache line of it. */
const rowsAtOnce = 32;

/** Whole panels of a B whose rows stand side by side. */
function packRows(to: usize, b: usize, columns: i32, depth: i32, depthStep: usize): void {
  const panel = <usize>depth << 5;
  for (let k0 = 0; k0 < depth; k0 += rowsAtOnce) {
    const rows = min(rowsAtOnce, depth - k0);
    const from = b + <usize>k0 * depthStep;
    let target = to + (<usize>k0 << 5);
    for (let j = 0; j < columns; j += NR, target += panel) {
      let at = from + (<usize>j << 2);
      const end = target + (<usize>rows << 5);
      for (let t = target; t < end; t += 32, at += depthStep) {
        v128.store(t, v128.load(at));
        v128.store(t, v128.load(at, 16), 16);
      }
    }
  }
}

/** Four rows `step` apart, as four columns 32 bytes apart. */
// @ts-ignore: decorator
@inline
function transpose4(to: usize, at: usize, step: usize): void {
  columns4(to, v128.load(at), v128.load(at + step), v128.load(at + 2 * step), v128.load(at + 3 * step));
}

/** The same of the first `count` rows; those behind them are 0. */
function transposeSome(to: usize, at: usize, step: usize, count: i32): void {
  const x = count > 0 ? v128.load(at) : splat(0);
  const y = count > 1 ? v128.load(at + step) : splat(0);
  const z = count > 2 ? v128.load(at + 2 * step) : splat(0);
  columns4(to, x, y, z, count > 3 ? v128.load(at + 3 * step) : splat(0));
}

// @ts-ignore: decorator
@inline
function columns4(to: usize, x: v128, y: v128, z: v128, w: v128): void {
  const xy0 = v128.shuffle<i32>(x, y, 0, 4, 1, 5);
  const xy1 = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
  const zw0 = v128.shuffle<i32>(z, w, 0, 4, 1, 5);
  const zw1 = v128.shuffle<i32>(z, w, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i32>(xy0, zw0, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<i32>(xy0, zw0, 2, 3, 6, 7), 32);
  v128.store(to, v128.shuffle<i32>(xy1, zw1, 0, 1, 4, 5), 64);
  v128.store(to, v128.shuffle<i32>(xy1, zw1, 2, 3, 6, 7), 96);
}

/** The first `width` numbers of a vector. */
// @ts-ignore: decorator
@inline
function put(c: usize, x: v128, width: i32): void {
  if (width >= 4) v128.store(c, x);
  else if (width > 0) {
    store<f32>(c, f32x4.extract_lane(x, 0));
    if (width > 1) store<f32>(c, f32x4.extract_lane(x, 1), 4);
    if (width > 2) store<f32>(c, f32x4.extract_lane(x, 2), 8);
  }
}

// @ts-ignore: decorator
@inline
function finishRow(c: usize, x: v128, y: v128, width: i32, add: bool): void {
  if (add) {
    x = f32x4.add(x, v128.load(c));
    if (width > 4) y = f32x4.add(y, v128.load(c, 16));
  }
  if (width == NR) {
    v128.store(c, x);
    v128.store(c, y, 16);
  } else {
    put(c, x, width);
    put(c + 16, y, width - 4);
  }
}

/** c (4 × 8, or what is left of it) = a-panel · b-panel, plus the bias or plus what is there. */
export function micro(c: usize, step: usize, a: usize, b: usize, depth: i32, rows: i32, width: i32, bias: usize, add: bool): void {
  let x0 = splat(0);
  let y0 = splat(0);
  if (bias != 0) {
    x0 = v128.load(bias);
    y0 = width > 4 ? v128.load(bias, 16) : splat(0);
  }
  let x1 = x0;
  let y1 = y0;
  let x2 = x0;
  let y2 = y0;
  let x3 = x0;
  let y3 = y0;
  const end = a + (<usize>depth << 4);
  for (; a < end; a += 16, b += 32) {
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
  finishRow(c, x0, y0, width, add);
  if (rows > 1) finishRow(c + step, x1, y1, width, add);
  if (rows > 2) finishRow(c + 2 * step, x2, y2, width, add);
  if (rows > 3) finishRow(c + 3 * step, x3, y3, width, add);
}

/** c (rows × n) = A · panels of B, which are `panel` bytes apart (+ bias) (+ c). `scratch`: a tile, then A's panels. */
function blocks(
  c: usize, step: usize, a: usize, aRow: usize, aDepth: usize, b: usize, panel: usize, rows: i32, n: i32, depth: i32, bias: usize, add: bool, scratch: usize,
): void {
  const panels = scratch + edge;
  if (wide) {
    const high = packSixes(panels, a, rows, depth, aRow, aDepth);
    if (high < rows) packA(panels + (<usize>(high * depth) << 2), a + <usize>high * aRow, rows - high, depth, aRow, aDepth);
    wideBlocks(c, step, panels, b, panel, rows, n, depth, bias, add, scratch);
    return;
  }
  packA(panels, a, rows, depth, aRow, aDepth);
  const aPanel = <usize>depth << 4;
  for (let j = 0; j < n; j += NR, b += panel, c += 32) {
    const start = bias == 0 ? 0 : bias + (<usize>j << 2);
    let at = c;
    let from = panels;
    for (let i = 0; i < rows; i += MR, at += 4 * step, from += aPanel) micro(at, step, from, b, depth, rows - i, min(NR, n - j), start, add);
  }
}

/** A part of a product whose B is packed whole: c (m × n, rows `step` apart) = a · b (+ bias over the rows) (+ c). `panels` are k deep. */
export function gemmTile(
  c: usize, a: usize, panels: usize, bias: usize, m: i32, n: i32, k: i32, step: usize, aRow: usize, aDepth: usize, accumulate: bool, scratch: usize,
): void {
  for (let k0 = 0; k0 < k; k0 += KC) {
    const depth = min(KC, k - k0);
    const first = k0 == 0;
    for (let i0 = 0; i0 < m; i0 += MC) {
      const rows = min(MC, m - i0);
      const from = a + <usize>i0 * aRow + <usize>k0 * aDepth;
      const start = first ? bias : 0;
      blocks(c + <usize>i0 * step, step, from, aRow, aDepth, panels + (<usize>k0 << 5), <usize>k << 5, rows, n, depth, start, !first || accumulate, scratch);
    }
  }
}

/** Products of fewer multiplications than this read A where it lies, and B too where its rows' numbers stand side by side. */
const SMALL = 65536;

/** As micro, from A itself and from rows of 8 numbers of B that are `bDepth` apart. The sums are the same, number by number. */
function direct(
  c: usize, step: usize, a: usize, aRow: usize, aDepth: usize, b: usize, bDepth: usize, depth: i32, rows: i32, width: i32, bias: usize, add: bool,
): void {
  // Rows beyond the end are the first again, and are not stored.
  let r1 = rows > 1 ? a + aRow : a;
  let r2 = rows > 2 ? a + 2 * aRow : a;
  let r3 = rows > 3 ? a + 3 * aRow : a;
  let x0 = bias == 0 ? splat(0) : v128.load(bias);
  let x1 = x0;
  let x2 = x0;
  let x3 = x0;
  let y0 = splat(0);
  if (width <= 4) {
    // The second half of a row may lie beyond the memory's end.
    for (let k = 0; k < depth; k++, b += bDepth) {
      const p = v128.load(b);
      x0 = madd(v128.load32_splat(a), p, x0);
      x1 = madd(v128.load32_splat(r1), p, x1);
      x2 = madd(v128.load32_splat(r2), p, x2);
      x3 = madd(v128.load32_splat(r3), p, x3);
      a += aDepth;
      r1 += aDepth;
      r2 += aDepth;
      r3 += aDepth;
    }
    finishRow(c, x0, y0, width, add);
    if (rows > 1) finishRow(c + step, x1, y0, width, add);
    if (rows > 2) finishRow(c + 2 * step, x2, y0, width, add);
    if (rows > 3) finishRow(c + 3 * step, x3, y0, width, add);
    return;
  }
  if (bias != 0) y0 = v128.load(bias, 16);
  let y1 = y0;
  let y2 = y0;
  let y3 = y0;
  for (let k = 0; k < depth; k++, b += bDepth) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    let s = v128.load32_splat(a);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    s = v128.load32_splat(r1);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    s = v128.load32_splat(r2);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    s = v128.load32_splat(r3);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
    a += aDepth;
    r1 += aDepth;
    r2 += aDepth;
    r3 += aDepth;
  }
  finishRow(c, x0, y0, width, add);
  if (rows > 1) finishRow(c + step, x1, y1, width, add);
  if (rows > 2) finishRow(c + 2 * step, x2, y2, width, add);
  if (rows > 3) finishRow(c + 3 * step, x3, y3, width, add);
}

function small(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32,
  aRow: usize, aDepth: usize, bDepth: usize, bColumn: usize, accumulate: bool, scratch: usize,
): void {
  const step = <usize>n << 2;
  const lies = bColumn == 4;
  let j = 0;
  if (wide) {
    const even = m & ~(MR - 1);
    for (; j + 2 * NR <= n; j += 2 * NR) {
      const columns = b + <usize>j * bColumn;
      if (!lies) packB(scratch, columns, 2 * NR, k, bDepth, bColumn);
      const from = lies ? columns : scratch;
      const second = lies ? columns + 32 : scratch + (<usize>k << 5);
      const row: usize = lies ? bDepth : 32;
      const start = bias == 0 ? 0 : bias + (<usize>j << 2);
      const to = c + (<usize>j << 2);
      for (let i = 0; i < even; i += MR) {
        wideDirect(to + <usize>i * step, step, a + <usize>i * aRow, aRow, aDepth, from, second, row, k, start, accumulate);
      }
      if (even < m) {
        const at = to + <usize>even * step;
        const rest = a + <usize>even * aRow;
        direct(at, step, rest, aRow, aDepth, from, row, k, m - even, NR, start, accumulate);
        direct(at + 32, step, rest, aRow, aDepth, second, row, k, m - even, NR, bias == 0 ? 0 : start + 32, accumulate);
      }
    }
  }
  for (; j < n; j += NR) {
    const width = min(NR, n - j);
    const columns = b + <usize>j * bColumn;
    if (!lies) packB(scratch, columns, width, k, bDepth, bColumn);
    for (let i = 0; i < m; i += MR) {
      direct(
        c + <usize>i * step + (<usize>j << 2), step, a + <usize>i * aRow, aRow, aDepth,
        lies ? columns : scratch, lies ? bDepth : 32, k, m - i, width, bias == 0 ? 0 : bias + (<usize>j << 2), accumulate,
      );
    }
  }
}

/** c (m × n, rows side by side) = a · b (+ bias over the rows) (+ c). Steps are in bytes. */
export function gemm(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32,
  aRow: usize, aDepth: usize, bDepth: usize, bColumn: usize, accumulate: bool, scratch: usize,
): void {
  const step = <usize>n << 2;
  if (k == 0) {
    if (!accumulate) {
      for (let i = 0; i < m; i++, c += step) {
        if (bias != 0) memory.copy(c, bias, step);
        else memory.fill(c, 0, step);
      }
    }
    return;
  }
  if (k <= KC && m <= SMALL && n <= SMALL && m * n <= SMALL && m * n * k <= SMALL) {
    small(c, a, b, bias, m, n, k, aRow, aDepth, bDepth, bColumn, accumulate, scratch);
    return;
  }
  const panelsB = scratch + edge + (<usize>(min(k, KC) * MC) << 2);
  for (let k0 = 0; k0 < k; k0 += KC) {
    const depth = min(KC, k - k0);
    packB(panelsB, b + <usize>k0 * bDepth, n, depth, bDepth, bColumn);
    const first = k0 == 0;
    for (let i0 = 0; i0 < m; i0 += MC) {
      const rows = min(MC, m - i0);
      const from = a + <usize>i0 * aRow + <usize>k0 * aDepth;
      const start = first ? bias : 0;
      blocks(c + <usize>i0 * step, step, from, aRow, aDepth, panelsB, <usize>depth << 5, rows, n, depth, start, !first || accumulate, scratch);
    }
  }
}

/** Several products of one shape; the matrices are `stepC`, `stepA` and `stepB` bytes from each other. */
export function gemmBatch(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, aRow: usize, aDepth: usize, bDepth: usize, bColumn: usize, accumulate: bool,
  scratch: usize, count: i32, stepC: usize, stepA: usize, stepB: usize,
): void {
  for (let i = 0; i < count; i++, c += stepC, a += stepA, b += stepB) gemm(c, a, b, bias, m, n, k, aRow, aDepth, bDepth, bColumn, accumulate, scratch);
}
