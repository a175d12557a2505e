/** Difference between two backends' values, beyond float32's rounding. */
import type { TypedArray } from "@ermine/core";

/** Half the distance of neighbouring float32 numbers at 1, some times over: what rounding may cost. */
const rounding = 4 * 2 ** -24;

export function largest(data: ArrayLike<number>): number {
  let result = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (size > result && size < Infinity) result = size;
  }
  return result;
}

/**
 * The largest |a − b| over the largest |a|, where that is more than rounding explains; Infinity where one is finite and the other not;
 * else 0.
 *
 * @param scale the largest number that went into a and b: rounding is relative to it
 */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>, scale: number): number {
  let largestDifference = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const gap = Math.abs(x - y);
    if (!Number.isFinite(gap)) return Infinity;
    if (gap > largestDifference) largestDifference = gap;
  }
  return largestDifference <= rounding * scale ? 0 : largestDifference / Math.max(largest(a), Number.MIN_VALUE);
}

/** As `difference`, of what a step changed: `before` is what both began with. */
export function changeDifference(before: TypedArray, a: TypedArray, b: TypedArray): number {
  const change = (after: TypedArray): Float64Array => Float64Array.from(after, (value, i) => value - before[i]!);
  return difference(change(a), change(b), Math.max(largest(before), largest(a)));
}
