/** The reference as programs meet it, and comparison of results. Each test file of control flow starts with `useReference()`. */
import { afterAll, beforeEach, expect } from "vitest";
import { manualSeed, tensor, useBackend, type Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";
import { leaves } from "../../src/types/tree.js";

export const backend = reference();
/** Answers only later. */
export const late = reference({ late: true });
/** Float32 alone, without random bits. */
export const poor = reference({ dtypes: ["float32"], without: ["randomUniform"] });

/** Before each test the reference is in use, and random numbers start anew. */
export function useReference(): void {
  beforeEach(() => {
    useBackend(backend);
    manualSeed(3);
  });
  afterAll(() => [backend, late, poor].forEach((each) => each.dispose()));
}

export const bool = (value: boolean): Tensor => tensor(value, { dtype: "bool" });

/** The values of the tensors in a tree. */
export const numbers = (tree: unknown): number[][] => (leaves(tree) as Tensor[]).map((t) => Array.from(t.dataSync()));

export function expectSame(computed: unknown, expected: unknown, digits = 11): void {
  const [a, b] = [numbers(computed), numbers(expected)];
  expect(a.map((each) => each.length)).toEqual(b.map((each) => each.length));
  a.forEach((values, i) => values.forEach((value, k) => expect(value).toBeCloseTo(b[i]![k]!, digits)));
}
