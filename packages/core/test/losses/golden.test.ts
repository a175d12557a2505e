import { describe, it } from "vitest";
import { sum, valueAndGrad, withBackend, type Tensor, asLogProbabilities, asProbabilities } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import { reference } from "../../src/reference/index.js";
import { expectGolden, fromGolden, goldenCases, type GoldenCase, type GoldenTensor } from "../golden.js";

interface Case extends GoldenCase {
  inputs: Record<string, GoldenTensor>;
  expected: { value: GoldenTensor; gradients: Record<string, GoldenTensor> | null };
}

const byName = new Map(
  Object.values(losses).flatMap((value) =>
    "lossName" in value ? [[value.lossName, value as unknown as losses.Loss] as const] : [],
  ),
);
const isTensor = (value: unknown): value is GoldenTensor => typeof value === "object" && value !== null && "shape" in value;
const marks = { probabilities: asProbabilities, logProbabilities: asLogProbabilities, real: (t: Tensor) => t };

describe.each(["float64", "float32"] as const)("losses in %s give PyTorch's values and gradients", (precision) => {
  const backend = reference({ precision });
  const cases = goldenCases<Case>("losses").filter((c) => byName.has(c.name));
  it.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    withBackend(backend, () => {
      const loss = byName.get(c.name)!;
      const named = Object.fromEntries(Object.entries(c.inputs).map(([name, golden]) => [name, fromGolden(golden)]));
      const given = new Set(loss.inputs.map((input) => input.name));
      const extra = Object.fromEntries(Object.entries(named).filter(([name]) => !given.has(name)));
      const options = Object.fromEntries(Object.entries(c.options).map(([k, v]) => [k, isTensor(v) ? fromGolden(v) : v]));
      const gradients = c.expected.gradients ?? {};
      const sources = Object.fromEntries(Object.keys(gradients).map((name) => [name, named[name]!]));
      const { value, grads } = valueAndGrad(() => {
        const inputs = loss.inputs.map(({ name, domain }) => marks[domain ?? "real"](named[name]!));
        const result = (loss as (...args: unknown[]) => Tensor)(...inputs, { ...options, ...extra });
        return [sum(result), result] as const;
      }, sources);
      expectGolden(value[1], c.expected.value);
      for (const [name, golden] of Object.entries(gradients)) expectGolden(grads[name]!, golden);
    });
  });
});
