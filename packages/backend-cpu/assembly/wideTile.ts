// The product's micro-kernel for vectors of 256 bits: 4 × 16, in eight accumulators of two vectors each. See vectors.ts.
import { madd } from "./simd";

/** What a tile without bias starts from. */
const zeros = memory.data(64);

// @ts-ignore: decorator
@inline
function storeRow(c: usize, x: v128, y: v128, z: v128, w: v128, add: bool): void {
  if (add) {
    // All loads before the first store: two stores with a load in between are not joined.
    const p = v128.load(c);
    const q = v128.load(c, 16);
    const r = v128.load(c, 32);
    const t = v128.load(c, 48);
    x = f32x4.add(x, p);
    y = f32x4.add(y, q);
    z = f32x4.add(z, r);
    w = f32x4.add(w, t);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
  v128.store(c, z, 32);
  v128.store(c, w, 48);
}

/**
 * c (4 × 16) = rows of A · two panels of 8 columns of B, plus the bias or plus what is there. A's four rows begin at `a`, …, `a3`; from one
 * number of theirs to the next are `aDepth` bytes, and from one row of a panel of B to the next `bDepth`.
 */
// @ts-ignore: decorator
@inline
function tile(
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

/** From packed panels of A and B; `second` is B's next panel. */
export function wideMicro(c: usize, step: usize, a: usize, b: usize, second: usize, depth: i32, bias: usize, add: bool): void {
  if (add) tile(c, step, a, a + 4, a + 8, a + 12, 16, b, second, 32, depth, bias, true);
  else tile(c, step, a, a + 4, a + 8, a + 12, 16, b, second, 32, depth, bias, false);
}

/** From A as it lies, and from rows of 16 numbers of B. */
export function wideDirect(
  c: usize, step: usize, a: usize, aRow: usize, aDepth: usize, b: usize, second: usize, bDepth: usize, depth: i32, bias: usize, add: bool,
): void {
  if (add) tile(c, step, a, a + aRow, a + 2 * aRow, a + 3 * aRow, aDepth, b, second, bDepth, depth, bias, true);
  else tile(c, step, a, a + aRow, a + 2 * aRow, a + 3 * aRow, aDepth, b, second, bDepth, depth, bias, false);
}
