// A few rows times a matrix: what one sample's prediction is. B is read once where it lies, since packing it would cost more than the product.
import { lanes, madd, splat } from "./simd";

/** c[j] = Σₖ a[k] · b[j][k] for columns whose numbers stand side by side. */
function dots(c: usize, a: usize, b: usize, bias: usize, n: i32, k: i32, column: usize, accumulate: bool): void {
  const even = k & ~3;
  for (let j = 0; j < n; j += 4) {
    // Beyond the last column the last one again: its sums are not stored.
    const b0 = b + <usize>j * column;
    const b1 = j + 1 < n ? b0 + column : b0;
    const b2 = j + 2 < n ? b1 + column : b1;
    const b3 = j + 3 < n ? b2 + column : b2;
    let s0 = splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let i = 0;
    for (; i < even; i += 4) {
      const at = <usize>i << 2;
      const x = v128.load(a + at);
      s0 = madd(x, v128.load(b0 + at), s0);
      s1 = madd(x, v128.load(b1 + at), s1);
      s2 = madd(x, v128.load(b2 + at), s2);
      s3 = madd(x, v128.load(b3 + at), s3);
    }
    let t0 = lanes(s0);
    let t1 = lanes(s1);
    let t2 = lanes(s2);
    let t3 = lanes(s3);
    for (; i < k; i++) {
      const at = <usize>i << 2;
      const x = load<f32>(a + at);
      t0 += x * load<f32>(b0 + at);
      t1 += x * load<f32>(b1 + at);
      t2 += x * load<f32>(b2 + at);
      t3 += x * load<f32>(b3 + at);
    }
    finish(c, t0, bias, j, accumulate);
    if (j + 1 < n) finish(c, t1, bias, j + 1, accumulate);
    if (j + 2 < n) finish(c, t2, bias, j + 2, accumulate);
    if (j + 3 < n) finish(c, t3, bias, j + 3, accumulate);
  }
}

// @ts-ignore: decorator
@inline
function finish(c: usize, sum: f32, bias: usize, j: i32, accumulate: bool): void {
  const at = <usize>j << 2;
  if (bias != 0) sum += load<f32>(bias + at);
  if (accumulate) sum += load<f32>(c + at);
  store<f32>(c + at, sum);
}

/** The same for rows of B that stand side by side: c gathers four rows at a time. */
function gathered(c: usize, a: usize, b: usize, bias: usize, n: i32, k: i32, row: usize, accumulate: bool): void {
  const width = <usize>n << 2;
  if (bias != 0) memory.copy(c, bias, width);
  else if (!accumulate) memory.fill(c, 0, width);
  const whole = <usize>(n & ~3) << 2;
  let i = 0;
  for (; i + 4 <= k; i += 4, a += 16, b += 4 * row) {
    const x = v128.load32_splat(a);
    const y = v128.load32_splat(a, 4);
    const z = v128.load32_splat(a, 8);
    const w = v128.load32_splat(a, 12);
    const b1 = b + row;
    const b2 = b1 + row;
    const b3 = b2 + row;
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const left = madd(y, v128.load(b1 + at), madd(x, v128.load(b + at), v128.load(c + at)));
      v128.store(c + at, madd(w, v128.load(b3 + at), madd(z, v128.load(b2 + at), left)));
    }
    for (; at < width; at += 4) {
      const sum = load<f32>(c + at) + load<f32>(a) * load<f32>(b + at) + load<f32>(a, 4) * load<f32>(b1 + at);
      store<f32>(c + at, sum + load<f32>(a, 8) * load<f32>(b2 + at) + load<f32>(a, 12) * load<f32>(b3 + at));
    }
  }
  for (; i < k; i++, a += 4, b += row) {
    const x = v128.load32_splat(a);
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(c + at, madd(x, v128.load(b + at), v128.load(c + at)));
    for (; at < width; at += 4) store<f32>(c + at, load<f32>(c + at) + load<f32>(a) * load<f32>(b + at));
  }
}

/** c (m × n, rows `step` apart) = a · b (+ bias) (+ c); a's rows have their numbers side by side, and b its rows or its columns. */
export function rowsTimes(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, step: usize, aRow: usize, bDepth: usize, bColumn: usize, accumulate: bool,
): void {
  for (let i = 0; i < m; i++, c += step, a += aRow) {
    if (bDepth == 4) dots(c, a, b, bias, n, k, bColumn, accumulate);
    else gathered(c, a, b, bias, n, k, bDepth, accumulate);
  }
}
