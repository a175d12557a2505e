import { describe, expect, it } from "vitest";
import { scope, tensor, withBackend, type Tensor } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { optimizers, schedules } from "../src/catalog.js";
import {
  adamw,
  chain,
  addDecayedWeights,
  clipGradNorm,
  clipGradValue,
  scaleByAdam,
  scaleByLearningRate,
  sgd,
  trace,
  type Optimizer,
} from "../src/index.js";
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

/** The parameters after each step. */
function steps(optimizer: Optimizer, initial: readonly Tensor[], gradients: readonly (readonly Tensor[])[]): number[][][] {
  let parameters = initial.map((p) => tensor(p.dataSync(), { shape: p.shape as number[] }));
  let slots = parameters.map((p) =>
    Object.values(optimizer.slots).map((start) =>
      tensor(
        Float64Array.from({ length: p.size }, () => start as number),
        { shape: p.shape as number[] },
      ),
    ),
  );
  return gradients.map((list, step) => {
    const scalars = tensor(Float32Array.from(optimizer.scalars({ step, epoch: 0 })));
    const next = scope(() => optimizer.update({ parameters, slots }, list, scalars));
    parameters = [...next.parameters];
    slots = next.slots.map((s) => [...s]);
    return parameters.map((p) => Array.from(p.dataSync()));
  });
}

describe.each(["float64", "float32"] as const)("optimizers in %s take PyTorch's steps", (precision) => {
  const cases = all.filter((c): c is OptimizerCase => "initialParameters" in c && c.name in optimizers);
  it.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    withBackend(reference({ precision }), () => {
      const got = steps(
        optimizers[c.name]!(c.options),
        c.initialParameters.map(fromGolden),
        c.gradients.map((list) => list.map(fromGolden)),
      );
      got.forEach((parameters, step) =>
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

describe("a chain spelled out takes the steps of the optimizer that it spells", () => {
  const parameter = tensor([0.5, -1, 2]);
  const gradients = [[tensor([0.1, -2, 0.3])], [tensor([-1, 0.5, 0])], [tensor([3, 0.25, -0.125])]];
  const same = (a: Optimizer, b: Optimizer): void =>
    withBackend(reference(), () => {
      const [x, y] = [a, b].map((o) => steps(o, [parameter], gradients).flat(2));
      expect(differences(x!, y!, 1e-7, 1e-6)).toEqual([]);
    });
  it("adamw", () =>
    same(
      adamw({ learningRate: 0.01, weightDecay: 0.1 }),
      chain(scaleByAdam(), addDecayedWeights(0.1), scaleByLearningRate(0.01)),
    ));
  it("sgd with momentum and L2", () =>
    same(
      sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }),
      chain(addDecayedWeights(0.1), trace(0.9), scaleByLearningRate(0.1)),
    ));
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
    const got = c.expected.map((_value, k) => {
      if (k > 0 && c.metrics !== undefined) schedule.observe!(c.metrics[k - 1]!);
      return schedule.at(k);
    });
    expect(differences(got, c.expected, 1e-9, 1e-7)).toEqual([]);
  });
});
