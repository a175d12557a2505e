/** Derivatives where a formula as it is written has none left: 0 · ∞, digits that cancel. */
import { describe, expect, it } from "vitest";
import {
  compile,
  crossEntropy,
  focal,
  grad,
  logSoftmax,
  nll,
  square,
  sum,
  tensor,
  withBackend,
  type Tensor,
} from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

const indices = (...values: number[]): Tensor => tensor(Int32Array.from(values));
const digits = (got: Tensor, expected: readonly number[]): void => {
  const data = got.dataSync();
  expect(data.length).toBe(expected.length);
  expected.forEach((value, i) => expect(Math.abs(data[i]! - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value)));
};

describe.each(["float64", "float32"] as const)("in %s", (precision) => {
  const on = (check: () => void): void => void withBackend(reference({ precision }), check);
  const twice = (loss: (z: Tensor) => Tensor) => grad((z: Tensor) => sum(square(grad(loss)(z))));

  it.each([
    ["crossEntropy", (z: Tensor) => crossEntropy(z, indices(1, -100))],
    ["nll", (z: Tensor) => nll(logSoftmax(z), indices(1, -100))],
  ] as const)("%s: the second derivative at an ignored target is 0", (_, loss) => {
    on(() => {
      const z = tensor([
        [1, 0],
        [2, 3],
      ]);
      const expected = [0.5749393618288605, -0.5749393618288605, 0, 0];
      digits(twice(loss)(z), expected);
      digits(compile(twice(loss))(z), expected);
    });
  });

  // ∂/∂z of (1 − p)^γ · −log p, p = σ(z): with m = 1 − p tiny, −(1 + γ) m^(1 + γ), then (1 + γ)² m^(1 + γ).
  it.each([0.5, 1, 2, 3])("focal of a confident right answer with γ = %d", (gamma) => {
    on(() => {
      const m = 1 / (1 + Math.exp(20));
      const [first, second] = [(1 + gamma) * m ** (1 + gamma), (1 + gamma) ** 2 * m ** (1 + gamma)];
      const options = { gamma, alpha: -1, reduction: "sum" } as const;
      const labels = (z: Tensor): Tensor => focal(z, tensor([1, 0]), options);
      digits(grad(labels)(tensor([20, -20])), [-first, first]);
      digits(grad((z: Tensor) => sum(grad(labels)(z)))(tensor([20, -20])), [second, second]);
      const classes = (z: Tensor): Tensor => focal(z, indices(0), { gamma, reduction: "sum" });
      digits(grad(classes)(tensor([[20, 0]])), [-first, first]);
      digits(compile(grad(classes))(tensor([[20, 0]])), [-first, first]);
    });
  });

  it.each([0.25, 1, 2])("focal far out is 0 or its limit, and never NaN: γ = %d", (gamma) => {
    on(() => {
      const far = [200, -200, 3e30, -3e30];
      const labels = (z: Tensor): Tensor => focal(z, tensor([1, 1, 0, 0]), { gamma, alpha: -1, reduction: "sum" });
      const slope = grad(labels)(tensor(far)).dataSync();
      expect(Array.from(slope, (value) => Math.round(value) + 0)).toEqual([0, -1, 1, 0]);
      expect(
        Array.from(grad((z: Tensor) => sum(grad(labels)(z)))(tensor(far)).dataSync()).every((v) => Math.abs(v) < 1e-30),
      ).toBe(true);
    });
  });

  it("focal of one class, and where a class is left out by −∞", () => {
    on(() => {
      expect(focal(tensor([[3]]), indices(0)).item()).toBe(0);
      expect(grad((z: Tensor) => focal(z, indices(0)))(tensor([[3]])).item()).toBeCloseTo(0, 20);
      const masked = grad((z: Tensor) => focal(z, indices(0), { gamma: 0 }))(tensor([[1, 0, -Infinity]])).dataSync();
      expect(masked[0]).toBeCloseTo(-0.26894142, 6);
      expect(masked[2]).toBeCloseTo(0, 20);
    });
  });
});

it("focal and multiMargin have no target that counts for nothing", async () => {
  const { multiMargin } = await import("../../src/index.js");
  for (const loss of [focal, multiMargin]) {
    expect(() => loss(tensor([[1, 2]]), indices(-100))).toThrow(/target 0 is -100.*give it the sampleWeight 0/);
  }
});
