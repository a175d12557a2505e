import { describe, expect, it } from "vitest";
import { linear, matmul, scope, tensor, withBackend, type Tensor } from "@ermine/core";
import { cpu } from "../src/index.js";

const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (((i + seed) * 0.7548776662 + 0.1) % 1) - 0.5);

/** Σ a·b in float64, rows of a by rows of b. */
function products(a: Float32Array, b: Float32Array, m: number, n: number, k: number, start?: Float32Array): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = start === undefined ? 0 : start[j]!;
      for (let d = 0; d < k; d++) sum += a[i * k + d]! * b[j * k + d]!;
      c[i * n + j] = sum;
    }
  }
  return c;
}

const flipped = (data: Float32Array, rows: number, columns: number): Float32Array =>
  data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);

function worst(got: ArrayLike<number>, want: Float64Array): number {
  expect(got).toHaveLength(want.length);
  return want.reduce((most, value, i) => Math.max(most, Math.abs(got[i]! - value)), 0);
}

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 17, 33];
// Small, packed, in several depths, and cut into tiles.
const shapes = [
  ...sizes.flatMap((m) => sizes.flatMap((n) => sizes.map((k) => [m, n, k] as const))),
  ...[255, 256, 257, 513].flatMap((k) => [1, 3, 4, 9].map((m) => [m, 11, k] as const)),
  [41, 40, 40],
  [64, 33, 31],
  [97, 101, 300],
  [200, 150, 100],
  [8, 701, 400],
] as const;

describe.each(["fast", "portable"] as const)("products of every size and layout are Σ a·b, %s", async (numerics) => {
  const backend = await cpu({ numerics });
  it.each([
    ["a · b", false, false],
    ["a · bᵀ", false, true],
    ["aᵀ · b", true, false],
    ["aᵀ · bᵀ", true, true],
  ])("%s", (_, transposeA, transposeB) => {
    for (const [m, n, k] of shapes) {
      const [a, b] = [noise(m * k, 1), noise(n * k, 5)];
      const x = (): Tensor => (transposeA ? tensor(flipped(a, m, k), { shape: [k, m] }) : tensor(a, { shape: [m, k] }));
      const y = (): Tensor => (transposeB ? tensor(b, { shape: [n, k] }) : tensor(flipped(b, n, k), { shape: [k, n] }));
      const got = withBackend(backend, () => scope(() => matmul(x(), y(), { transposeA, transposeB }).dataSync()));
      expect(worst(got, products(a, b, m, n, k)), `${m} × ${n} × ${k}`).toBeLessThan(1e-6 * Math.max(4, k));
    }
  });

  it("and start from the bias of a linear layer", () => {
    for (const [m, n, k] of shapes) {
      const [x, w, bias] = [noise(m * k, 1), noise(n * k, 5), noise(n, 9)];
      const got = withBackend(backend, () =>
        scope(() => linear(tensor(x, { shape: [m, k] }), tensor(w, { shape: [n, k] }), tensor(bias)).dataSync()),
      );
      expect(worst(got, products(x, w, m, n, k, bias)), `${m} × ${n} × ${k}`).toBeLessThan(1e-6 * Math.max(4, k));
    }
  });
});
