/** Elementary functions of our own: near to the engine's, exact where a value is exact, and with bits that no engine may change. */
import { describe, expect, it } from "vitest";
import { portableMath } from "../../src/types/portableMath.js";

const { sin, cos, exp, log, pow } = portableMath;

/** Of what the values are made: the bits of all of them, added up. */
function digest(values: readonly number[]): string {
  const words = new Uint32Array(Float64Array.from(values).buffer);
  return words.reduce((sum, word) => (Math.imul(sum, 31) + word) >>> 0, 7).toString(16);
}

const range = (from: number, to: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** The largest difference, in units of the larger of |value| and `floor`. */
const worst = (xs: readonly number[], fn: (x: number) => number, truth: (x: number) => number, floor = 1e-300): number =>
  Math.max(...xs.map((x) => Math.abs(fn(x) - truth(x)) / Math.max(Math.abs(truth(x)), floor)));

describe("portableMath", () => {
  const ulp = 2 ** -52;

  it("is near to the engine's functions", () => {
    const angles = [...range(-10, 10, 2001), ...range(-1e6, 1e6, 2001)];
    expect(worst(angles, sin, Math.sin, 0.1)).toBeLessThan(8 * ulp);
    expect(worst(angles, cos, Math.cos, 0.1)).toBeLessThan(8 * ulp);
    expect(worst(range(-700, 700, 4001), exp, Math.exp)).toBeLessThan(4 * ulp);
    const positive = range(-690, 690, 4001).map((x) => Math.exp(x));
    expect(worst(positive, log, Math.log)).toBeLessThan(4 * ulp);
    expect(worst(range(0.5, 2, 4001), log, Math.log)).toBeLessThan(4 * ulp);
    for (const n of [0, 1, 2, 7, 100, 1000, -3])
      expect(
        worst(
          range(0.5, 1.5, 101),
          (x) => pow(x, n),
          (x) => x ** n,
        ),
      ).toBeLessThan((Math.abs(n) + 2) * ulp);
    expect(
      worst(
        range(0.1, 9, 401),
        (x) => pow(x, -0.8),
        (x) => x ** -0.8,
      ),
    ).toBeLessThan(8 * ulp);
  });

  it("is exact where the value is", () => {
    expect([sin(0), cos(0), exp(0), log(1), pow(0.5, 10), pow(2, -3), pow(7, 0)]).toEqual([0, 1, 1, 0, 2 ** -10, 0.125, 1]);
    expect(cos(Math.PI)).toBe(-1);
  });

  it("has the limits of Math", () => {
    expect([exp(800), exp(-800), exp(Infinity), exp(-Infinity)]).toEqual([Infinity, 0, Infinity, 0]);
    expect([log(0), log(Infinity), log(-1), log(Number.NaN)]).toEqual([-Infinity, Infinity, Number.NaN, Number.NaN]);
    expect([sin(Infinity), cos(Number.NaN), exp(Number.NaN)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect([pow(0, 0.5), pow(0, -0.5), pow(-2, 3), pow(-2, 0.5)]).toEqual([0, Infinity, -8, Number.NaN]);
    expect(log(5e-324)).toBeCloseTo(Math.log(5e-324), 10);
    expect(exp(-740)).toBeCloseTo(Math.exp(-740), 320);
    expect(exp(709.7)).toBeLessThan(Infinity);
  });

  it("gives these bits on every engine", () => {
    expect(digest([...range(-50, 50, 999).map(sin), ...range(-50, 50, 999).map(cos)])).toBe("37801d58");
    expect(digest([...range(-50, 50, 999).map(exp), ...range(0.01, 50, 999).map(log)])).toBe("e4d7ff74");
    expect(digest(range(0.01, 50, 999).map((x, i) => pow(x, (i - 500) / 4)))).toBe("472025cc");
  });
});
