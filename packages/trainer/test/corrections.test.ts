import { portableMath } from "@ermine/core/define";
import fc from "fast-check";
import { expect, test } from "vitest";
import { momentumAt, momentumProducts, powersOf, powersOfRate } from "../src/optimizers/corrections.js";
import * as schedules from "../src/schedules/index.js";

/** 1 ulp of a float64, relative. */
const ulp = 2 ** -52;

test("powers are within 2n ulp", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 10_000 }), (beta, t) => {
      const [value, expected] = [powersOf(beta)(t), beta ** t];
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(Math.max(2, t) * 2 * ulp * expected + Number.MIN_VALUE * t);
    }),
  );
  expect(powersOf(0.9)(2)).toBe(portableMath.pow(0.9, 2));
  expect(powersOf(0)(0)).toBe(1);
  expect(powersOf(0)(100)).toBe(0);
});

test("a power's bits do not depend on what was asked before", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 }), (ts) => {
      const power = powersOf(0.999);
      for (const t of ts) expect(power(t)).toBe(powersOf(0.999)(t));
    }),
  );
});

test("a schedule's value is raised as it is now", () => {
  const power = powersOfRate(schedules.exponential(0.9, { gamma: 0.5 }));
  expect(power(0.9, 3)).toBe(portableMath.pow(0.9, 3));
  expect(power(0.5, 3)).toBe(0.125);
  expect(powersOfRate(0.5)(0.5, 3)).toBe(0.125);
});

test("NAdam's product starts anew where an earlier update is asked for", () => {
  const products = momentumProducts(0.9, 0.004);
  const third = products(3);
  expect(third).toBe(momentumAt(0.9, 0.004, 1) * momentumAt(0.9, 0.004, 2) * momentumAt(0.9, 0.004, 3));
  products(10);
  expect(products(3)).toBe(third);
});
