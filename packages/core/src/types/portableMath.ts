/**
 * Elementary functions with the same bits on every engine. ECMAScript leaves the last digits of `Math.sin`, `Math.exp`, `Math.log` and of `**` to the engine; these
 * are made of +, −, ×, ÷ alone, which IEEE 754 rounds alike everywhere. What the host computes for a training (rates, corrections, data sets) goes through them, so that a run
 * is the same bits in every browser.
 */

/** π/2 in three parts, the first two short enough that a small whole number times them is exact. */
const [halfPi1, halfPi2, halfPi3] = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21];

/** ln 2 in two parts, alike. */
const [ln2High, ln2Low] = [0.6931471803691238, 1.9082149292705877e-10];

/** [cos r, sin r] for |r| ≤ π/4 by Taylor series: their 10th terms are below 2⁻⁵³. */
function circle(r: number): readonly [number, number] {
  const square = r * r;
  let [cosine, sine] = [0, 0];
  for (let k = 18; k >= 2; k -= 2) {
    cosine = ((1 + cosine) * -square) / (k * (k - 1));
    sine = ((1 + sine) * -square) / (k * (k + 1));
  }
  return [1 + cosine, r * (1 + sine)];
}

/** [cos x, sin x]. */
function cosineAndSine(x: number): readonly [number, number] {
  if (!Number.isFinite(x)) return [Number.NaN, Number.NaN];
  const quarter = Math.round(x / halfPi1);
  const [c, s] = circle(x - quarter * halfPi1 - quarter * halfPi2 - quarter * halfPi3);
  switch (((quarter % 4) + 4) % 4) {
    case 0:
      return [c, s];
    case 1:
      return [-s, c];
    case 2:
      return [-c, -s];
    default:
      return [s, -c];
  }
}

const bits = new DataView(new ArrayBuffer(8));

/** 2ᵏ for a normal exponent. */
function powerOfTwo(k: number): number {
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

function exponential(x: number): number {
  if (Number.isNaN(x) || x > 709.782712893384) return x + Infinity;
  if (x < -745.2) return 0;
  const k = Math.round(x / (ln2High + ln2Low));
  const r = x - k * ln2High - k * ln2Low;
  let sum = 0;
  for (let n = 15; n >= 1; n--) sum = ((1 + sum) * r) / n;
  // In two factors, as 2ᵏ itself may be too large or too small for a float64.
  const half = Math.trunc(k / 2);
  return (1 + sum) * powerOfTwo(half) * powerOfTwo(k - half);
}

/** ln x: x = m · 2ᵉ with m in [√½, √2), ln m = 2 artanh((m − 1) / (m + 1)). */
function logarithm(x: number): number {
  if (x === 0) return -Infinity;
  if (!(x > 0) || x === Infinity) return x > 0 ? x : Number.NaN;
  let exponent = x < 2.3e-308 ? -54 : 0;
  // A subnormal number has its exponent after scaling.
  bits.setFloat64(0, exponent === 0 ? x : x * 2 ** 54);
  const high = bits.getUint32(0);
  exponent += (high >>> 20) - 1023;
  bits.setUint32(0, (high & 0xfffff) | (1023 << 20));
  let mantissa = bits.getFloat64(0);
  if (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  // |ratio| ≤ 0.172: the 12th term is below 2⁻⁵³ of the first.
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return 2 * ratio * sum + exponent * Math.LN2;
}

/** x to a whole power, by squaring. Each step of a training asks for some: exponents that are int32 are halved as such. */
function wholePower(x: number, exponent: number): number {
  let [product, square, rest] = [1, x, exponent];
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) product *= square;
    square *= square;
  }
  for (let bits = rest | 0; bits > 0; bits >>= 1) {
    if ((bits & 1) === 1) product *= square;
    square *= square;
  }
  return product;
}

function power(x: number, exponent: number): number {
  if (Number.isSafeInteger(exponent)) return exponent < 0 ? 1 / wholePower(x, -exponent) : wholePower(x, exponent);
  if (x === 0) return exponent > 0 ? 0 : exponent < 0 ? Infinity : Number.NaN;
  return exponential(exponent * logarithm(x));
}

/**
 * sin, cos, exp, log and powers whose bits do not depend on the engine. Within 4 ulp for sin and cos of |x| ≤ 10⁶, exp and log; a whole power n by squaring, within n ulp; any other is
 * exp(y · log x), NaN for x below 0.
 *
 * @example
 * portableMath.cos(Math.PI); // => -1
 * portableMath.pow(0.9, 2); // => 0.81
 */
export const portableMath = {
  /** sin x, in radians. */
  sin: (x: number): number => cosineAndSine(x)[1],
  /** cos x, in radians. */
  cos: (x: number): number => cosineAndSine(x)[0],
  /** eˣ. */
  exp: exponential,
  /** The natural logarithm. */
  log: logarithm,
  /** xʸ. */
  pow: power,
} as const;
