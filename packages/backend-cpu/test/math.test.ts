import { describe, expect, it } from "vitest";
import {
  asinh,
  cos,
  erf,
  exp,
  expm1,
  log,
  log1p,
  logSigmoid,
  pow,
  sigmoid,
  sin,
  softplus,
  tanh,
  tensor,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { cpu } from "../src/index.js";

const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);

/** Every 65,537th float32, both signs, the subnormals among them, and the places where polynomials meet. */
function samples(): Float32Array {
  const points: number[] = [0, -0, 1, -1, 0.625, -0.625, 88, -88, 100, -100, 1e4, -1e4, 3e30, -3e30, Infinity, -Infinity, NaN];
  for (let pattern = 0; pattern < 2 ** 32; pattern += 65537) {
    bits[0] = pattern;
    points.push(asFloat[0]!);
  }
  for (let x = -20; x < 20; x += 0.000917) points.push(x);
  return Float32Array.from(points);
}

/** Distance in units in the last place of the right answer (of the smallest normal, below it). */
function ulp(got: number, want: number): number {
  const rounded = Math.fround(want);
  if (Object.is(got, rounded) || got === rounded || (Number.isNaN(got) && Number.isNaN(want))) return 0;
  if (!Number.isFinite(rounded) || !Number.isFinite(got)) return Infinity;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.max(Math.abs(want), 2 ** -126))));
  return Math.abs(got - want) / 2 ** (exponent - 23);
}

// Abramowitz and Stegun 7.1.5 and 7.1.14 in float64, for comparison only.
function erf64(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let [term, sum] = [a, a];
    for (let n = 1; n < 200; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 120; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const bounds: [name: string, fn: (x: Tensor) => Tensor, truth: (x: number) => number, bound: number][] = [
  ["exp", exp, Math.exp, 2],
  ["log", log, Math.log, 2],
  ["log1p", log1p, Math.log1p, 2],
  ["expm1", expm1, Math.expm1, 3],
  ["tanh", tanh, Math.tanh, 1],
  ["sigmoid", sigmoid, (x) => 1 / (1 + Math.exp(-x)), 2.5],
  ["softplus", softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 3],
  ["logSigmoid", logSigmoid, (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))), 3],
  ["erf", erf, erf64, 4],
  ["asinh", asinh, Math.asinh, 3],
  ["sin", sin, Math.sin, 1],
  ["cos", cos, Math.cos, 1],
];

describe.each(["fast", "portable"] as const)("%s: functions stay within their bound of float64's answer", async (numerics) => {
  const backend = await cpu({ numerics });
  const x = samples();
  it.each(bounds)("%s", (name, fn, truth, bound) => {
    const y = withBackend(backend, () => fn(tensor(x)).dataSync());
    let worst = { error: 0, x: 0, y: 0 };
    x.forEach((value, i) => {
      // Beyond 1e5 the reduction of sin and cos is the host's own.
      if ((name === "sin" || name === "cos") && !(Math.abs(value) < 1e5)) return;
      const error = ulp(y[i]!, truth(value));
      if (error > worst.error) worst = { error, x: value, y: y[i]! };
    });
    expect(worst.error, `at ${worst.x}: ${worst.y}`).toBeLessThanOrEqual(bound);
  });
});

/** As C has it: 1 to any power and −1 to ±∞ are 1, where JavaScript has NaN. */
const power = (base: number, exponent: number): number =>
  base === 1 || (base === -1 && Math.abs(exponent) === Infinity) ? 1 : base ** exponent;

it.each(["fast", "portable"] as const)("%s: powers are C's, rounded once more at most", async (numerics) => {
  const backend = await cpu({ numerics, threads: 1 });
  const some = [
    0,
    -0,
    1,
    -1,
    0.5,
    2,
    -2,
    3,
    -3,
    1 / 3,
    7.5,
    -7.5,
    1e-42,
    3e38,
    -3e38,
    127,
    -149,
    2 ** 24 + 2,
    Infinity,
    -Infinity,
    NaN,
  ];
  const x = Float32Array.from([...some, ...Array.from({ length: 2000 }, (_, i) => (i % 7 === 0 ? -1 : 1) * 1.047 ** (i - 1000))]);
  const y = Float32Array.from([...some, ...Array.from({ length: 300 }, (_, i) => (i - 150) * 0.21), 23, -22, 1.5]);
  const got = withBackend(backend, () => pow(tensor(x, { shape: [x.length, 1] }), tensor(y)).dataSync());
  let worst = 0;
  x.forEach((base, i) =>
    y.forEach((exponent, k) => {
      const [value, want] = [got[i * y.length + k]!, Math.fround(power(base, exponent))];
      if (Object.is(value, want)) return;
      expect([base, exponent, value]).toSatisfy(() => Number.isFinite(value) && Math.sign(value) === Math.sign(want));
      worst = Math.max(worst, ulp(value, want));
    }),
  );
  expect(worst).toBeLessThanOrEqual(1);
});
