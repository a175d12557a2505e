import { describe, it } from "vitest";
import * as activations from "../../src/activations/index.js";
import { mul, sum, valueAndGrad, withBackend, type Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";
import { expectGolden, fromGolden, goldenCases, type GoldenCase, type GoldenTensor } from "../golden.js";

interface Case extends GoldenCase {
  input: GoldenTensor;
  weight?: GoldenTensor;
  gradOutput: GoldenTensor;
  expected: { output: GoldenTensor; gradInput: GoldenTensor; gradWeight?: GoldenTensor };
}

type Call = (x: Tensor, ...rest: unknown[]) => Tensor;
const byName = (name: string): Call => {
  const found = Object.values(activations).find((a) => "activationName" in a && a.activationName === name);
  return (found ?? (activations as Record<string, unknown>)[name]) as Call;
};

describe.each(["float64", "float32"] as const)("activations in %s give PyTorch's values and gradients", (precision) => {
  const backend = reference({ precision });
  it.each(goldenCases<Case>("activations").map((c) => [c.id, c] as const))("%s", (_, c) => {
    withBackend(backend, () => {
      const x = fromGolden(c.input);
      const rest = c.weight === undefined ? [] : [fromGolden(c.weight)];
      const sources = [x, ...rest];
      let output!: Tensor;
      const { value, grads } = valueAndGrad(() => {
        output = byName(c.name)(x, ...rest, c.options);
        return [sum(mul(output, fromGolden(c.gradOutput))), output] as const;
      }, sources);
      expectGolden(value[1], c.expected.output);
      expectGolden(grads[0]!, c.expected.gradInput);
      if (c.expected.gradWeight !== undefined) expectGolden(grads[1]!, c.expected.gradWeight);
    });
  });
});
