/**
 * Normally distributed values from uniform ones by the Box–Muller transform, with logarithm, sine and cosine implemented here: only +, −, ×, ÷ and √,
 * which IEEE 754 rounds alike everywhere, so the same bits come on every engine.
 */
import { portableMath } from "../types/portableMath.js";

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

/** Standard normal values from as many uniform ones in [0, 1), in pairs: an even count. */
export function boxMuller(uniform: ArrayLike<number>): Float64Array {
  const normal = new Float64Array(uniform.length);
  for (let i = 0; i + 1 < uniform.length; i += 2) {
    // 1 − u is in (0, 1]: its logarithm exists.
    const radius = Math.sqrt(-2 * portableMath.log(1 - uniform[i]!));
    const [x, y] = turn(uniform[i + 1]!);
    normal[i] = radius * x;
    normal[i + 1] = radius * y;
  }
  return normal;
}
