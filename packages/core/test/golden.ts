/** The golden cases that stand in the repository, as tensors. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { tensor, type Tensor } from "../src/index.js";

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly data: readonly (number | string)[];
}

export interface GoldenCase {
  readonly id: string;
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export function goldenCases<C extends GoldenCase>(kind: string): readonly C[] {
  const path = new URL(`../../conformance/golden/${kind}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { cases: C[] }).cases;
}

const numbers = (golden: GoldenTensor): number[] => golden.data.map(Number);

export const fromGolden = (golden: GoldenTensor): Tensor =>
  tensor(golden.dtype === "int32" ? Int32Array.from(numbers(golden)) : Float32Array.from(numbers(golden)), {
    shape: golden.shape,
    dtype: golden.dtype,
  });

/** |got − expected| ≤ absolute + relative · |expected|; NaN and ±∞ to the letter. */
export function expectGolden(got: Tensor, expected: GoldenTensor, absolute = 1e-6, relative = 1e-5): void {
  expect(got.shape).toEqual(expected.shape);
  const actual = got.dataSync();
  const wanted = numbers(expected);
  const wrong = wanted.flatMap((want, i) => {
    const is = actual[i]!;
    const fits = Number.isFinite(want) ? Math.abs(is - want) <= absolute + relative * Math.abs(want) : Object.is(is, want);
    return fits ? [] : [`[${i}] expected ${want}, got ${is}`];
  });
  expect(wrong).toEqual([]);
}
