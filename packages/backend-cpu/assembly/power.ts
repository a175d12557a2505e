// xʸ in double precision for results in single: e to the y · log x by series, without the tables of the standard library's, which are a sixth of all that is transferred.
const ln2: f64 = 0.6931471805599453;

/** log x of a positive number that is normal: 2 · artanh((m − 1) / (m + 1)) of its mantissa, and what its exponent adds. */
function logarithm(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let sum = square * (1.0 / 21.0) + 1.0 / 19.0;
  sum = sum * square + 1.0 / 17.0;
  sum = sum * square + 1.0 / 15.0;
  sum = sum * square + 1.0 / 13.0;
  sum = sum * square + 1.0 / 11.0;
  sum = sum * square + 1.0 / 9.0;
  sum = sum * square + 1.0 / 7.0;
  sum = sum * square + 1.0 / 5.0;
  sum = sum * square + 1.0 / 3.0;
  sum = sum * square + 1.0;
  return <f64>exponent * ln2 + 2 * s * sum;
}

/** eᵗ for |t| ≤ 300: 2ⁿ times the series of what is left. */
function exponential(t: f64): f64 {
  const n = nearest(t / ln2);
  const rest = t - n * ln2;
  let sum = rest * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
  sum = sum * rest + 1.0 / 39916800.0;
  sum = sum * rest + 1.0 / 3628800.0;
  sum = sum * rest + 1.0 / 362880.0;
  sum = sum * rest + 1.0 / 40320.0;
  sum = sum * rest + 1.0 / 5040.0;
  sum = sum * rest + 1.0 / 720.0;
  sum = sum * rest + 1.0 / 120.0;
  sum = sum * rest + 1.0 / 24.0;
  sum = sum * rest + 1.0 / 6.0;
  sum = sum * rest + 1.0 / 2.0;
  sum = sum * rest + 1.0;
  sum = sum * rest + 1.0;
  return sum * reinterpret<f64>((<i64>n + 1023) << 52);
}

/** As C has it: 1 to any power, NaN's too, is 1, and −1 to that of ±∞. */
export function power(base: f32, exponent: f32): f32 {
  const x = <f64>base;
  const y = <f64>exponent;
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return NaN;
  const size = abs(x);
  if (size == 1 && abs(y) == Infinity) return 1;
  const whole = floor(y) == y;
  if (x < 0 && !whole && size != Infinity) return NaN;
  const negative = reinterpret<i32>(base) < 0 && whole && floor(y * 0.5) != y * 0.5;
  // 0 and ∞ go to 0 or ∞ as numbers far out do.
  const t = size == 0 ? -y * Infinity : size == Infinity ? y * Infinity : y * logarithm(size);
  const result = exponential(max<f64>(-300, min<f64>(300, t)));
  return <f32>(negative ? -result : result);
}
