// The product's micro-kernels for vectors of 256 bits: 6 × 16, and 4 × 16 for what is left of the rows, in accumulators of two vectors each, on
// two panels of 8 columns of B. See vectors.ts.
import { addFour, madd, storeFour } from "./simd";

/** Initial values of a tile without bias. */
const zeros = memory.data(64);

// @ts-ignore: decorator
@inline
function storeRow(c: usize, x: v128, y: v128, z: v128, w: v128, add: bool): void {
  if (add) addFour(c, x, y, z, w);
  else storeFour(c, x, y, z, w);
}

/** From a panel of six rows of A, number by number of their depth. */
// @ts-ignore: decorator
@inline
function six(c: usize, step: usize, a: usize, b: usize, second: usize, depth: i32, start: usize, add: bool): void {
  let x0 = v128.load(start);
  let y0 = v128.load(start, 16);
  let z0 = v128.load(start, 32);
  let w0 = v128.load(start, 48);
  let x1 = x0;
  let y1 = y0;
  let z1 = z0;
  let w1 = w0;
  let x2 = x0;
  let y2 = y0;
  let z2 = z0;
  let w2 = w0;
  let x3 = x0;
  let y3 = y0;
  let z3 = z0;
  let w3 = w0;
  let x4 = x0;
  let y4 = y0;
  let z4 = z0;
  let w4 = w0;
  let x5 = x0;
  let y5 = y0;
  let z5 = z0;
  let w5 = w0;
  const end = a + <usize>depth * 24;
  for (; a < end; a += 24, b += 32, second += 32) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const r = v128.load(second);
    const t = v128.load(second, 16);
    let s = v128.load32_splat(a);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    z0 = madd(s, r, z0);
    w0 = madd(s, t, w0);
    s = v128.load32_splat(a, 4);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    z1 = madd(s, r, z1);
    w1 = madd(s, t, w1);
    s = v128.load32_splat(a, 8);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    z2 = madd(s, r, z2);
    w2 = madd(s, t, w2);
    s = v128.load32_splat(a, 12);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
    z3 = madd(s, r, z3);
    w3 = madd(s, t, w3);
    s = v128.load32_splat(a, 16);
    x4 = madd(s, p, x4);
    y4 = madd(s, q, y4);
    z4 = madd(s, r, z4);
    w4 = madd(s, t, w4);
    s = v128.load32_splat(a, 20);
    x5 = madd(s, p, x5);
    y5 = madd(s, q, y5);
    z5 = madd(s, r, z5);
    w5 = madd(s, t, w5);
  }
  storeRow(c, x0, y0, z0, w0, add);
  storeRow(c + step, x1, y1, z1, w1, add);
  storeRow(c + 2 * step, x2, y2, z2, w2, add);
  storeRow(c + 3 * step, x3, y3, z3, w3, add);
  storeRow(c + 4 * step, x4, y4, z4, w4, add);
  storeRow(c + 5 * step, x5, y5, z5, w5, add);
}

/**
 * c (4 × 16) from A as it lies: its four rows begin at `a`, …, `a3`; from one number of theirs to the next are `aDepth` bytes, and from one
 * row of B to the next `bDepth`.
 */
// @ts-ignore: decorator
@inline
function rowsTile(
  c: usize, step: usize, a: usize, a1: usize, a2: usize, a3: usize, aDepth: usize, b: usize, second: usize, bDepth: usize, depth: i32, bias: usize, add: bool,
): void {
  const start = bias == 0 ? zeros : bias;
  let x0 = v128.load(start);
  let y0 = v128.load(start, 16);
  let z0 = v128.load(start, 32);
  let w0 = v128.load(start, 48);
  let x1 = x0;
  let y1 = y0;
  let z1 = z0;
  let w1 = w0;
  let x2 = x0;
  let y2 = y0;
  let z2 = z0;
  let w2 = w0;
  let x3 = x0;
  let y3 = y0;
  let z3 = z0;
  let w3 = w0;
  for (let k = 0; k < depth; k++) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const r = v128.load(second);
    const t = v128.load(second, 16);
    let s = v128.load32_splat(a);
    x0 = madd(s, p, x0);
    y0 = madd(s, q, y0);
    z0 = madd(s, r, z0);
    w0 = madd(s, t, w0);
    s = v128.load32_splat(a1);
    x1 = madd(s, p, x1);
    y1 = madd(s, q, y1);
    z1 = madd(s, r, z1);
    w1 = madd(s, t, w1);
    s = v128.load32_splat(a2);
    x2 = madd(s, p, x2);
    y2 = madd(s, q, y2);
    z2 = madd(s, r, z2);
    w2 = madd(s, t, w2);
    s = v128.load32_splat(a3);
    x3 = madd(s, p, x3);
    y3 = madd(s, q, y3);
    z3 = madd(s, r, z3);
    w3 = madd(s, t, w3);
    a += aDepth;
    a1 += aDepth;
    a2 += aDepth;
    a3 += aDepth;
    b += bDepth;
    second += bDepth;
  }
  storeRow(c, x0, y0, z0, w0, add);
  storeRow(c + step, x1, y1, z1, w1, add);
  storeRow(c + 2 * step, x2, y2, z2, w2, add);
  storeRow(c + 3 * step, x3, y3, z3, w3, add);
}

/** c (6 × 16) = a panel of 6 rows of A · two panels of B (+ bias) (+ c). */
export function wideSix(c: usize, step: usize, a: usize, b: usize, second: usize, depth: i32, bias: usize, add: bool): void {
  const start = bias == 0 ? zeros : bias;
  if (add) six(c, step, a, b, second, depth, start, true);
  else six(c, step, a, b, second, depth, start, false);
}

/** c (4 × 16) = 4 rows of A as they lie · rows of 16 numbers of B (+ bias) (+ c). */
export function wideDirect(
  c: usize, step: usize, a: usize, aRow: usize, aDepth: usize, b: usize, second: usize, bDepth: usize, depth: i32, bias: usize, add: bool,
): void {
  if (add) rowsTile(c, step, a, a + aRow, a + 2 * aRow, a + 3 * aRow, aDepth, b, second, bDepth, depth, bias, true);
  else rowsTile(c, step, a, a + aRow, a + 2 * aRow, a + 3 * aRow, aDepth, b, second, bDepth, depth, bias, false);
}

/** c (4 × 16) = a panel of 4 rows of A · two panels of B (+ bias) (+ c). */
export function wideFour(c: usize, step: usize, a: usize, b: usize, second: usize, depth: i32, bias: usize, add: bool): void {
  wideDirect(c, step, a, 4, 16, b, second, 32, depth, bias, add);
}
