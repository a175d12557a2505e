/** The golden cases that stand in the repository. */
import { readFileSync } from "node:fs";
import { tensor, type Tensor } from "@ermine/core";

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly data: readonly (number | string)[];
}

/** Golden files call `epsilon` what ermine calls `eps`. */
function renamed(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("epsilon" in value)) return value;
  const { epsilon: eps, ...options } = value;
  return { ...options, eps };
}

export function goldenCases<C>(kind: string): readonly C[] {
  const file = readFileSync(new URL(`../../conformance/golden/${kind}.json`, import.meta.url), "utf8");
  return (JSON.parse(file, renamed) as { cases: C[] }).cases;
}

export const numbers = (golden: GoldenTensor): number[] => golden.data.map(Number);

export const fromGolden = (golden: GoldenTensor): Tensor =>
  tensor(golden.dtype === "int32" ? Int32Array.from(numbers(golden)) : Float32Array.from(numbers(golden)), {
    shape: golden.shape,
    dtype: golden.dtype,
  });

/** Values that differ by more than absolute + relative · |expected|. */
export function differences(
  actual: ArrayLike<number>,
  expected: readonly number[],
  absolute: number,
  relative: number,
): string[] {
  return expected.flatMap((want, i) => {
    const is = actual[i]!;
    const fits = Number.isFinite(want) ? Math.abs(is - want) <= absolute + relative * Math.abs(want) : Object.is(is, want);
    return fits ? [] : [`[${i}] expected ${want}, got ${is}`];
  });
}
