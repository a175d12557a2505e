import { describe, expect, it } from "vitest";
import { rowsByFold, rowsByPart } from "../src/training/memberRows.js";
import { minimize } from "../src/training/minimize.js";

describe("rows of members", () => {
  it("leave out another part for each, by which it is judged", () => {
    const { training, validation } = rowsByFold(20, 4, { seed: 1, stratify: (row) => row % 2 });
    const judged = [0, 0, 0, 0];
    for (let row = 0; row < 20; row++) {
      const [seen, held] = [training.subarray(4 * row, 4 * row + 4), validation.subarray(4 * row, 4 * row + 4)];
      expect(held.reduce((a, b) => a + b)).toBe(1);
      expect(seen.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      held.forEach((weight, member) => {
        expect(weight === 1).toBe(seen[member] === 0);
        judged[member]! += weight;
      });
    }
    expect(judged).toEqual([5, 5, 5, 5]);
  });

  it("are the same for all where a part is held out", () => {
    const { training, validation } = rowsByPart(4, 2, (row) => row === 3);
    expect(Array.from(training)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0]);
    expect(Array.from(validation)).toEqual([0, 0, 0, 0, 0, 0, 0.5, 0.5]);
  });
});

describe("minimize", () => {
  it("finds the minimum of Rosenbrock's valley", async () => {
    const valley = async (x: Float64Array) => {
      const [a, b] = [x[0]!, x[1]!];
      const gap = b - a * a;
      return { value: (1 - a) ** 2 + 100 * gap ** 2, gradient: Float64Array.of(-2 * (1 - a) - 400 * a * gap, 200 * gap) };
    };
    const [a, b] = await minimize(valley, Float64Array.of(-1.2, 1), { tolerance: 1e-8 });
    expect(a).toBeCloseTo(1, 3);
    expect(b).toBeCloseTo(1, 3);
  });
});
