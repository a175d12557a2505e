/** Tests of an embedding with a norm, shared by several backends. */
import { compile, tensor, withBackend, type Backend, type Tensor } from "@ermine/core";
import { Embedding } from "@ermine/core/nn";
import { expect } from "vitest";

/** Rows that are looked up, twice and in two lookups of a step too, are scaled down to the norm: to float32's last digits, however large they were. */
export function expectRowsScaledToNorm(backend: Backend): void {
  const look = (table: Embedding, ...rows: number[]): Tensor => table.forward(tensor(Int32Array.from(rows)));
  const scaled = (compiled: boolean): number[] => {
    const weight = tensor([
      [3, 4],
      [6, 8],
      [0, 0.5],
      [30_000, 40_000],
    ]);
    const table = Embedding.fromPretrained(weight, { maxNorm: 1, freeze: false });
    const step = (): readonly Tensor[] => [look(table, 0, 0, 2), look(table, 3, 1, 3, 3)];
    (compiled ? compile(step, { backend }) : step)();
    return Array.from(table.weight.value.dataSync());
  };
  for (const compiled of [false, true]) {
    const rows = withBackend(backend, () => scaled(compiled));
    [0.6, 0.8, 0.6, 0.8, 0, 0.5, 0.6, 0.8].forEach((value, i) => expect(Math.abs(rows[i]! - value)).toBeLessThan(1.2e-7));
  }
}
