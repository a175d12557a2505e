import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addSizes,
  bind,
  broadcastShapes,
  Dim,
  divSizes,
  formatShape,
  mulSizes,
  sameSize,
  subSizes,
  type Size,
} from "../../src/types/dim.js";

const size: fc.Arbitrary<Size> = fc
  .array(fc.tuple(fc.constantFrom("", "N", "M"), fc.integer({ min: -3, max: 5 })), { maxLength: 3 })
  .map((terms) =>
    terms.reduce<Size>((sum, [symbol, k]) => addSizes(sum, mulSizes(symbol === "" ? 1 : Dim.symbol(symbol), k)), 0),
  );
const bindings = fc.record({ N: fc.integer({ min: 0, max: 9 }), M: fc.integer({ min: 0, max: 9 }) });

describe("symbolic sizes", () => {
  it("add, subtract and multiply as their numbers do", () => {
    fc.assert(
      fc.property(size, size, bindings, (a, b, values) => {
        const [x, y] = [bind(a, values) as number, bind(b, values) as number];
        expect(bind(addSizes(a, b), values)).toBe(x + y);
        expect(bind(subSizes(a, b), values)).toBe(x - y);
        expect((bind(mulSizes(a, b), values) as number) + 0).toBe(x * y + 0);
      }),
    );
  });

  it("a product divides by its factors", () => {
    fc.assert(
      fc.property(size, fc.constantFrom<Size>(3, Dim.symbol("N"), mulSizes(Dim.symbol("N"), 2)), (a, b) => {
        const quotient = divSizes(mulSizes(a, b), b);
        expect(quotient !== undefined && sameSize(quotient, a)).toBe(true);
      }),
    );
    expect(divSizes(Dim.symbol("N"), 2)).toBeUndefined();
  });

  it("broadcast against 1 and themselves only", () => {
    const n = Dim.symbol("N");
    expect(formatShape(broadcastShapes("add", [n, 1], [3]))).toBe("[N, 3]");
    expect(() => broadcastShapes("add", [n], [3])).toThrow(/do not broadcast/);
  });
});
