/** Programs on cpu next to the float64 reference. Each test file that compares them starts with `useCpu()`. */
import { afterAll, beforeAll, expect } from "vitest";
import { compile, tensor, useBackend, withBackend, type Tensor } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { cpu, type CpuBackend } from "../src/index.js";

const exact = reference();
export let backend: CpuBackend;

/** The cpu backend is in use, and `backend`. */
export function useCpu(): void {
  beforeAll(async () => {
    backend = await cpu();
    useBackend(backend);
  });
  afterAll(() => {
    backend.dispose();
    exact.dispose();
  });
}

export const numbers = (results: readonly Tensor[]): number[] => results.flatMap((t) => Array.from(t.dataSync()));

const copyOf = (t: Tensor): Tensor => tensor(t.dataSync(), { shape: t.shape as number[], dtype: t.dtype });

/** One program, called with each of these, is what the reference says of each; eagerly as well. */
export function expectExact(fn: (...given: Tensor[]) => readonly Tensor[], ...calls: readonly (readonly Tensor[])[]): void {
  const compiled = compile(fn, { backend });
  for (const given of calls) {
    const copies = given.map(copyOf);
    const expected = withBackend(exact, () => numbers(fn(...copies)));
    for (const run of [compiled, compiled, fn]) {
      const computed = numbers(run(...given.map(copyOf)));
      expect(computed).toHaveLength(expected.length);
      computed.forEach((value, i) =>
        expect(Math.abs(value - expected[i]!), `${value} for ${expected[i]}`).toBeLessThan(5e-4 * (1 + Math.abs(expected[i]!))),
      );
    }
  }
  compiled.dispose();
}
