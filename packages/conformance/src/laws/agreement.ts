/** Two sets of results that should be the same numbers. */
import type { Numbers } from "./call.js";

export interface AgreementOptions {
  /** |got − expected| ≤ tolerance · |expected| + absolute. Default 1e-5: float32's. */
  readonly tolerance?: number;
  /** Default 0.1 · tolerance · max(1, |largest expected|): a sum's rounding is that of its largest terms. */
  readonly absolute?: number;
  /** Every digit of an int32 counts: not on a backend that holds them as float32. Default false: as float32's. */
  readonly exactInt32?: boolean;
}

/** The largest difference, as a sentence; undefined where all agrees. NaN and ±∞ must be met exactly, −0 equals 0. */
export function disagreement(
  got: readonly Numbers[],
  expected: readonly Numbers[],
  options: AgreementOptions = {},
): string | undefined {
  if (got.length !== expected.length) return `${got.length} results where there should be ${expected.length}`;
  for (let k = 0; k < got.length; k++) {
    const [a, b] = [got[k]!, expected[k]!];
    if (a.shape.join() !== b.shape.join()) return `${b.what} is [${a.shape.join(", ")}] and should be [${b.shape.join(", ")}]`;
    const worstElement = worst(a, b, options);
    if (worstElement !== undefined) return worstElement;
  }
  return undefined;
}

function worst(
  got: Numbers,
  expected: Numbers,
  { tolerance = 1e-5, absolute, exactInt32 = false }: AgreementOptions,
): string | undefined {
  let largest = 1;
  for (const value of expected.data) if (Number.isFinite(value) && Math.abs(value) > largest) largest = Math.abs(value);
  const floor = absolute ?? 0.1 * tolerance * largest;
  const whole = exactInt32 && got.data instanceof Int32Array;
  let place = -1;
  let excess = 1;
  for (let i = 0; i < expected.data.length; i++) {
    // Results that were computed in float64 are compared as float32.
    const [is, reference] = whole
      ? [got.data[i]!, expected.data[i]!]
      : [Math.fround(got.data[i]!), Math.fround(expected.data[i]!)];
    if (Object.is(is, reference) || is === reference) continue;
    const allowed = Number.isFinite(reference) && !whole ? tolerance * Math.abs(reference) + floor : 0;
    const by = Math.abs(is - reference) / allowed;
    if (by <= excess) continue;
    excess = Number.isNaN(by) ? Infinity : by;
    place = i;
    if (excess === Infinity) break;
  }
  return place < 0
    ? undefined
    : `${expected.what}[${place}] of ${expected.data.length} is ${got.data[place]} and should be ${expected.data[place]}`;
}
