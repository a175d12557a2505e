import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { findActivation } from "../../src/catalog.js";
import { activationModule, PReLU, RReLU } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));
afterAll(() => e.useBackend(reference()));

describe("rrelu", () => {
  const options = { lower: 0.2, upper: 0.6 };
  const draw = (): Float32Array => {
    e.manualSeed(3);
    return e.rrelu(e.full([4000], -1), { ...options, training: true }).dataSync() as Float32Array;
  };

  it("draws its slopes from U(lower, upper) in training, the same for a seed", () => {
    const slopes = Array.from(draw(), (y) => -y);
    expect(Math.min(...slopes)).toBeGreaterThanOrEqual(0.2);
    expect(Math.max(...slopes)).toBeLessThanOrEqual(0.6);
    expect(slopes.reduce((a, b) => a + b) / 4000).toBeCloseTo(0.4, 1);
    expect(new Set(slopes).size).toBeGreaterThan(3000);
    expect(Array.from(draw())).toEqual(slopes.map((s) => -s));
  });

  it("passes what is positive, and the gradient is the slope that was drawn", () => {
    e.manualSeed(3);
    const x = e.tensor([2, -1, -4, 0.5]);
    const { value, grads } = e.valueAndGrad(() => {
      const y = e.rrelu(x, { ...options, training: true });
      return [e.sum(y), y] as const;
    }, x);
    const y = value[1].dataSync();
    expect([y[0], y[3]]).toEqual([2, 0.5]);
    const slopes = grads.dataSync();
    expect(Array.from(slopes)).toEqual([1, expect.closeTo(-y[1]!, 6), expect.closeTo(-y[2]! / 4, 6), 1]);
  });

  it("takes the mean slope in evaluation", () => {
    const layer = new RReLU(options);
    expect(
      layer
        .eval()
        .forward(e.tensor([-1, 2]))
        .toArray(),
    ).toEqual([expect.closeTo(-0.4, 6), 2]);
    expect(() => new RReLU({ lowest: 1 } as object)).toThrow(/rrelu has no option "lowest"/);
    expect(() => new RReLU({ lower: 0.5, upper: 0.2 })).toThrow(/lower 0\.5 must not be above upper 0\.2/);
  });

  it("is in the catalog under PyTorch's name, and its module draws while it trains", () => {
    const { activation, prose } = findActivation("rrelu");
    expect(prose?.source).toBe("Xu et al. 2015");
    const layer = new (activationModule(activation as e.Activation))(options);
    const x = e.full([100], -1);
    expect(new Set(layer.forward(x).dataSync()).size).toBeGreaterThan(50);
    expect(new Set(layer.eval().forward(x).dataSync()).size).toBe(1);
    expect(findActivation("rreluEval").name).toBe("rrelu");
  });
});

it("PReLU learns a slope for all, or one a channel, and knows its options", () => {
  expect(new PReLU().forward(e.tensor([[-1, 2]])).toArray()).toEqual([[-0.25, 2]]);
  const layer = new PReLU({ numParameters: 2, init: 0.5 });
  expect(layer.namedParameters().map(([name, p]) => [name, p.shape])).toEqual([["weight", [2]]]);
  expect(() => new PReLU({ numParameter: 3 } as object)).toThrow(/Did you mean "numParameters"/);
});
