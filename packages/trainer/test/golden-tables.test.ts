import { describe, expect, it } from "vitest";
import { withBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { optimizers, schedules } from "../src/catalog.js";
import { clipGradNorm, clipGradValue } from "../src/index.js";
import { steps } from "./steps.js";
import { differences, fromGolden, goldenCases, numbers, type GoldenTensor } from "./golden.js";

interface OptimizerCase {
  id: string;
  name: string;
  options: Record<string, unknown>;
  initialParameters: GoldenTensor[];
  gradients: GoldenTensor[][];
  expected: GoldenTensor[][];
}
interface ClipCase {
  id: string;
  name: string;
  options: { maxNorm?: number; normType?: number | string; clipValue?: number };
  gradients: GoldenTensor[];
  expected: { gradients: GoldenTensor[]; totalNorm?: number };
}

const all = goldenCases<OptimizerCase | ClipCase>("optimizers");

describe.each(["float64", "float32"] as const)("optimizers in %s take PyTorch's steps", (precision) => {
  const cases = all.filter((c): c is OptimizerCase => "initialParameters" in c && c.name in optimizers);
  it.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    withBackend(reference({ precision }), () => {
      const actual = steps(
        optimizers[c.name]!(c.options),
        c.initialParameters.map(fromGolden),
        c.gradients.map((list) => list.map(fromGolden)),
      );
      actual.forEach((parameters, step) =>
        parameters.forEach((p, i) =>
          expect(differences(p, numbers(c.expected[step]![i]!), 1e-6, 1e-5), `step ${step}`).toEqual([]),
        ),
      );
    });
  });
});

describe("clipping is PyTorch's", () => {
  const cases = all.filter((c): c is ClipCase => c.name.startsWith("clip"));
  it.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    withBackend(reference(), () => {
      const gradients = c.gradients.map(fromGolden);
      const clipped =
        c.options.clipValue === undefined
          ? clipGradNorm(gradients, c.options.maxNorm!, Number(c.options.normType))
          : { gradients: clipGradValue(gradients, c.options.clipValue), totalNorm: undefined };
      clipped.gradients.forEach((g, i) =>
        expect(differences(g.dataSync(), numbers(c.expected.gradients[i]!), 1e-6, 1e-5)).toEqual([]),
      );
      if (c.expected.totalNorm !== undefined) expect(clipped.totalNorm!.item()).toBeCloseTo(c.expected.totalNorm, 5);
    });
  });
});

interface ScheduleCase {
  id: string;
  name: string;
  options: Record<string, unknown>;
  baseLearningRate: number;
  metrics?: number[];
  expected: number[];
}

describe("schedules are PyTorch's", () => {
  it.each(goldenCases<ScheduleCase>("schedules").map((c) => [c.id, c] as const))("%s", (_, c) => {
    const schedule = schedules[c.name]!(c.baseLearningRate, c.options);
    let state = schedule.init?.();
    const actual = c.expected.map((_value, k) => {
      if (k > 0 && c.metrics !== undefined) state = schedule.observe!(state, c.metrics[k - 1]!);
      return schedule.at(k, state);
    });
    expect(differences(actual, c.expected, 1e-9, 1e-7)).toEqual([]);
  });
});
