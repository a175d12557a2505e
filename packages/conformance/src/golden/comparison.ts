/** Numbers against expected numbers. */
import type { GoldenTensor, Tolerance } from "./schema.js";

/** One result of a case beside what it should be. */
export interface Comparison {
  /** "output", "gradients.prediction", "step 3". */
  readonly what: string;
  readonly got: ArrayLike<number>;
  readonly gotShape?: readonly number[];
  readonly expected: GoldenTensor | readonly number[];
}

/** The worst number of a case. */
export interface Difference {
  /** Which output or gradient, and the element. */
  readonly what: string;
  /** Absent where the shapes differ. */
  readonly index?: number;
  /** The golden value. */
  readonly expected: number | string;
  /** The actual value. */
  readonly got: number | string;
  /** |got − expected|; Infinity where one is not finite. */
  readonly error: number;
}

/** How far outside of the tolerance the worst number is; undefined where all fit. */
export function worstDifference(comparisons: readonly Comparison[], tolerance: Tolerance): Difference | undefined {
  let worst: Difference | undefined;
  let worstExcess = 0;
  for (const { what, got, gotShape, expected } of comparisons) {
    const data: readonly (number | string)[] = "data" in expected ? expected.data : expected;
    const shapes = shapesDiffer(gotShape, expected);
    if (shapes !== undefined) return { what, ...shapes, error: Infinity };
    if (got.length !== data.length) {
      return { what, expected: `${data.length} numbers`, got: `${got.length} numbers`, error: Infinity };
    }
    data.forEach((value, index) => {
      const [is, wanted] = [got[index]!, Number(value)];
      if (is === wanted || Object.is(is, wanted)) return;
      const error = Math.abs(is - wanted);
      const finite = Number.isFinite(is) && Number.isFinite(wanted);
      const allowed = finite ? tolerance.absolute + tolerance.relative * Math.abs(wanted) : 0;
      const excess = finite ? error / allowed : Infinity;
      if (excess <= 1 || excess <= worstExcess) return;
      worstExcess = excess;
      worst = { what, index, expected: wanted, got: is, error: finite ? error : Infinity };
    });
  }
  return worst;
}

function shapesDiffer(
  got: readonly number[] | undefined,
  expected: Comparison["expected"],
): { expected: string; got: string } | undefined {
  if (got === undefined || !("shape" in expected)) return undefined;
  if (got.length === expected.shape.length && got.every((size, i) => size === expected.shape[i])) return undefined;
  return { expected: `shape [${expected.shape.join(", ")}]`, got: `shape [${got.join(", ")}]` };
}
