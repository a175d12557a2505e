/**
 * Normal numbers from uniform ones by the Box–Muller transform, with logarithm, sine and cosine of our own: only +, −, ×, ÷ and √,
 * which IEEE 754 rounds alike everywhere, so the same bits come on every engine.
 */

/** ln x for x in (0, 1]: x = m · 2ᵉ with m in [√½, √2), ln m = 2 artanh((m − 1) / (m + 1)). */
function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  // |ratio| ≤ 0.172: the 12th term is below 2⁻⁵³ of the first.
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return 2 * ratio * sum + exponent * Math.LN2;
}

/** [cos 2πt, sin 2πt] for t in [0, 1), by Taylor series in an eighth of the circle. */
function turn(t: number): readonly [number, number] {
  const eighth = Math.floor(t * 8);
  const odd = (eighth & 1) === 1;
  const rest = t * 8 - eighth;
  const angle = ((odd ? 1 - rest : rest) * Math.PI) / 4;
  const square = angle * angle;
  let sine = 0;
  let cosine = 0;
  for (let k = 16; k >= 2; k -= 2) {
    cosine = ((1 + cosine) * -square) / (k * (k - 1));
    sine = ((1 + sine) * -square) / (k * (k + 1));
  }
  const [c, s] = [1 + cosine, angle * (1 + sine)];
  const [x, y] = odd ? [s, c] : [c, s];
  switch (eighth >> 1) {
    case 0:
      return [x, y];
    case 1:
      return [-y, x];
    case 2:
      return [-x, -y];
    default:
      return [y, -x];
  }
}

/** As many standard normal numbers as there are uniform ones in [0, 1), in pairs: an even count. */
export function boxMuller(uniform: ArrayLike<number>): Float64Array {
  const normal = new Float64Array(uniform.length);
  for (let i = 0; i + 1 < uniform.length; i += 2) {
    // 1 − u is in (0, 1]: its logarithm exists.
    const radius = Math.sqrt(-2 * naturalLog(1 - uniform[i]!));
    const [x, y] = turn(uniform[i + 1]!);
    normal[i] = radius * x;
    normal[i + 1] = radius * y;
  }
  return normal;
}
