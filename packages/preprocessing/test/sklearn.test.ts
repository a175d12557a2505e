import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { impute, minMax, oneHot, ordinal, robust, standardize, type Cell, type ImputeOptions, type Step } from "../src/index.js";

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly strategy?: ImputeOptions["strategy"] & string;
  readonly fit: readonly Cell[];
  readonly new: readonly Cell[];
  readonly expected: readonly number[];
}
const { cases } = JSON.parse(readFileSync(new URL("../golden/sklearn.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};

const steps: Readonly<Record<string, (one: Case) => Step>> = {
  standardize: () => standardize(),
  minMax: () => minMax(),
  minMaxTo: () => minMax({ low: -1, high: 3 }),
  robust: () => robust(),
  impute: ({ strategy }) => impute({ strategy: strategy! }),
  oneHot: () => oneHot(),
  ordinal: () => ordinal({ unknown: -1 }),
};

describe("scikit-learn's values", () => {
  it("are there for every kind", () => {
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(Object.keys(steps)));
  });

  it.each(
    cases.map((one) => [`${one.kind} of ${one.name}${one.strategy === undefined ? "" : ` (${one.strategy})`}`, one] as const),
  )("%s", (_, one) => {
    const fitted = steps[one.kind]!(one).fit(one.fit);
    const { values } = fitted.apply(one.new);
    expect(values).toHaveLength(one.expected.length);
    one.expected.forEach((expected, i) => {
      // float64 on both sides: sums in another order.
      expect(Math.abs((values[i] as number) - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
    });
  });
});
