/** The error function and its complement in double precision, which Math lacks. */

/**
 * The error function 2/√π ∫₀ˣ e^(−t²) dt.
 *
 * @example
 * erf(tensor([0, 1])); // => [0, 0.8427]
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 2)) {
    if (Number.isNaN(x)) return Number.NaN;
    return Math.sign(x) * (1 - complementTail(size));
  }
  // erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): all terms are positive, nothing cancels.
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17 && n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc x with its digits in the tail: 1 − erf below 1, where that cancels no more than a few bits, and the continued fraction above. */
export function erfc(x: number): number {
  return x >= 1 ? complementTail(x) : 1 - erf(x);
}

/** erfc x for x ≥ 1: e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))). */
function complementTail(x: number): number {
  if (x > 27.3) return 0;
  let fraction = x;
  for (let n = x < 2 ? 320 : 80; n >= 1; n--) fraction = x + n / 2 / fraction;
  return exponentialOfSquare(x) / Math.sqrt(Math.PI) / fraction;
}

/** e^(−x²): the square of the upper bits is exact, so that its rounding is not magnified by x². */
function exponentialOfSquare(x: number): number {
  const high = Math.round(x * 1024) / 1024;
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}
