// The micro-kernels of a convolution: rows of its weight at positions that lie in one run of staged planes. One goes through all channels and taps, and reads at
// each the positions at an offset that a table has: there is no matrix of columns. As those of a product (wideTile.ts) they keep all sums in registers.
import { madd, storeFour } from "./simd";

/** 4 rows at 8 positions: c = bias + Σ a[k] · x[table[k]]. */
export function tapsNarrow(c: usize, step: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize): void {
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

/** 4 rows at 16 positions, in vectors of 256 bits. */
export function tapsFour(c: usize, step: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize): void {
  let x0 = v128.load32_splat(bias);
  let x1 = v128.load32_splat(bias, 4);
  let x2 = v128.load32_splat(bias, 8);
  let x3 = v128.load32_splat(bias, 12);
  let y0 = x0;
  let z0 = x0;
  let w0 = x0;
  let y1 = x1;
  let z1 = x1;
  let w1 = x1;
  let y2 = x2;
  let z2 = x2;
  let w2 = x2;
  let y3 = x3;
  let z3 = x3;
  let w3 = x3;
  const end = table + (<usize>depth << 2);
  for (; table < end; table += 4, a += 16) {
    const b = x + <usize>load<i32>(table);
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const r = v128.load(b, 32);
    const t = v128.load(b, 48);
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
  }
  storeFour(c, x0, y0, z0, w0);
  storeFour(c + step, x1, y1, z1, w1);
  storeFour(c + 2 * step, x2, y2, z2, w2);
  storeFour(c + 3 * step, x3, y3, z3, w3);
}

/** 6 rows at 16 positions. */
export function tapsSix(c: usize, step: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize): void {
  let x0 = v128.load32_splat(bias);
  let x1 = v128.load32_splat(bias, 4);
  let x2 = v128.load32_splat(bias, 8);
  let x3 = v128.load32_splat(bias, 12);
  let x4 = v128.load32_splat(bias, 16);
  let x5 = v128.load32_splat(bias, 20);
  let y0 = x0;
  let z0 = x0;
  let w0 = x0;
  let y1 = x1;
  let z1 = x1;
  let w1 = x1;
  let y2 = x2;
  let z2 = x2;
  let w2 = x2;
  let y3 = x3;
  let z3 = x3;
  let w3 = x3;
  let y4 = x4;
  let z4 = x4;
  let w4 = x4;
  let y5 = x5;
  let z5 = x5;
  let w5 = x5;
  const end = table + (<usize>depth << 2);
  for (; table < end; table += 4, a += 24) {
    const b = x + <usize>load<i32>(table);
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const r = v128.load(b, 32);
    const t = v128.load(b, 48);
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
  storeFour(c, x0, y0, z0, w0);
  storeFour(c + step, x1, y1, z1, w1);
  storeFour(c + 2 * step, x2, y2, z2, w2);
  storeFour(c + 3 * step, x3, y3, z3, w3);
  storeFour(c + 4 * step, x4, y4, z4, w4);
  storeFour(c + 5 * step, x5, y5, z5, w5);
}

/** One row at 32 positions: where a group has one channel. */
export function tapsOfRow(c: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize): void {
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
  storeFour(c, r0, r1, r2, r3);
  storeFour(c + 64, r4, r5, r6, r7);
}
