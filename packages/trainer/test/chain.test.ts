import { describe, expect, it } from "vitest";
import { add, normal, tensor, withBackend, type Tensor } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { optimizers } from "../src/catalog.js";
import * as o from "../src/index.js";
import type { GradientTransformation, Optimizer } from "../src/index.js";
import { differences } from "./golden.js";
import { steps } from "./steps.js";

const shapes = [[3, 4], [5], [2, 3, 2]] as const;
const draw = (all: readonly (readonly number[])[] = shapes): Tensor[] => all.map((shape) => normal([...shape]));
const series = (all?: readonly (readonly number[])[]): { initial: Tensor[]; gradients: Tensor[][] } => ({
  initial: draw(all),
  gradients: Array.from({ length: 8 }, () => draw(all)),
});
const flat = (optimizer: Optimizer, { initial, gradients }: ReturnType<typeof series>): number[] =>
  withBackend(reference(), () => steps(optimizer, initial, gradients).flat(2));

const rate = o.scaleByLearningRate(0.05);
const l2 = o.addDecayedWeights(0.1);
const common = { learningRate: 0.05, weightDecay: 0.1 };

/** Each ready optimizer, and the chain that it is. */
const spelled: readonly (readonly [string, Optimizer, readonly GradientTransformation[]])[] = [
  ["sgd", o.sgd({ learningRate: 0.05 }), [rate]],
  ["sgd, momentum and L2", o.sgd({ ...common, momentum: 0.9 }), [l2, o.applyMomentum(0.9), rate]],
  [
    "sgd, nesterov",
    o.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
    [o.applyMomentum(0.9, { nesterov: true }), rate],
  ],
  ["sgd, climbing", o.sgd({ learningRate: 0.05, maximize: true }), [o.scale(-1), rate]],
  ["adam", o.adam(common), [l2, o.scaleByAdam(), rate]],
  [
    "adam, amsgrad",
    o.adam({ learningRate: 0.05, amsgrad: true, beta2: 0.5 }),
    [o.scaleByAdam({ amsgrad: true, beta2: 0.5 }), rate],
  ],
  ["adamw", o.adamw(common), [o.scaleByAdam(), l2, rate]],
  ["rmsprop", o.rmsprop(common), [l2, o.scaleByRms(), rate]],
  [
    "rmsprop, centered, momentum",
    o.rmsprop({ learningRate: 0.05, centered: true, momentum: 0.5 }),
    [o.scaleByRms({ centered: true }), o.applyMomentum(0.5), rate],
  ],
  ["adagrad", o.adagrad({ ...common, initialAccumulatorValue: 0.1 }), [l2, o.scaleByRss({ initialAccumulatorValue: 0.1 }), rate]],
  ["adadelta", o.adadelta(common), [l2, o.scaleByAdadelta(), rate]],
  ["adamax", o.adamax(common), [l2, o.scaleByAdamax(), rate]],
  ["nadam", o.nadam({ ...common, decoupledWeightDecay: true }), [o.scaleByNadam(), l2, rate]],
  ["radam", o.radam(common), [l2, o.scaleByRadam(), rate]],
  ["lion", o.lion(common), [o.scaleByLion(), l2, rate]],
  [
    "asgd, after whose step the weights are averaged",
    o.asgd({ learningRate: 0.05, lambda: 0, t0: 2 }),
    [rate, o.averageWeights(({ step }) => (step === 0 ? 1 : 1 / Math.max(1, step - 2)))],
  ],
  ["rprop", o.rprop({ learningRate: 0.05 }), [o.scaleByRprop({ learningRate: 0.05 }), o.scale(-1)]],
  [
    "sgd, dampened",
    o.sgd({ learningRate: 0.05, momentum: 0.9, dampening: 0.3 }),
    [o.applyMomentum(0.9, { dampening: 0.3 }), rate],
  ],
  ["lamb", o.lamb(common), [o.scaleByAdam({ eps: 1e-6 }), l2, o.scaleByTrustRatio(), rate]],
  [
    "adafactor",
    o.adafactor({ learningRate: 0.05, d: 1.5 }),
    [o.scaleByFactoredRms(), o.clipByBlockRms(1.5), o.scaleByParameterRms(), rate],
  ],
];

describe("a chain spelled out takes the steps of the optimizer that it spells", () => {
  it.each(spelled)("%s", (_, ready, links) => {
    const data = series();
    expect(differences(flat(o.chain(...links), data), flat(ready, data), 1e-7, 1e-6)).toEqual([]);
  });

  it("muon, whose momentum is an average, with Nesterov's step and without", () => {
    const data = series([
      [4, 2],
      [2, 3],
    ]);
    for (const nesterov of [false, true]) {
      const links = [o.ema(0.95, { debias: false, nesterov }), o.orthogonalize(), o.addDecayedWeights(0.1), rate];
      const ready = o.muon({ learningRate: 0.05, nesterov });
      expect(differences(flat(o.chain(...links), data), flat(ready, data), 1e-7, 1e-6)).toEqual([]);
    }
  });
});

describe("an optimizer that is defined as links", () => {
  const defined = (links: () => readonly GradientTransformation[]) =>
    o.defineOptimizer({ name: "of links", defaults: { learningRate: 0.05, weightDecay: 0, maximize: false }, links })();
  const counted = (name: string, start: number): GradientTransformation =>
    o.perParameter({
      name,
      slots: { b: start, 1: start + 1 },
      update: (u, { slots: [first, second] }) => [u, add(first!, 10), add(second!, 20)],
    });

  it("keeps the slots of each link, also where two have the same names for theirs", () => {
    const links = [o.applyMomentum(0.9), o.applyMomentum(0.5, { nesterov: true }), o.scaleByAdam(), o.ema(0.8), o.ema(0.3), rate];
    const data = series();
    expect(
      differences(
        flat(
          defined(() => links),
          data,
        ),
        flat(o.chain(...links), data),
        1e-7,
        1e-6,
      ),
    ).toEqual([]);
    expect(Object.keys(defined(() => links).slots([2]))).toEqual(["momentum", "1.momentum", "m", "v", "average", "4.average"]);
  });

  it("keeps slots in their order whose names are whole numbers", () => {
    const optimizer = defined(() => [counted("first", 0), counted("second", 5)]);
    const slots = withBackend(reference(), () => steps(optimizer, [tensor([1])], [[tensor([1])]], (_, [all]) => all!));
    // Each link's plan lists the whole number first, as objects do.
    expect(slots.flat(2)).toEqual([11, 20, 16, 25]);
  });
});

describe("values are looked at before they are written", () => {
  const checked = (optimizer: Optimizer): boolean => optimizer.keepsFinite !== true;

  it.each(Object.entries(optimizers))("not with %s as it comes: finite gradients give finite values", (_, make) => {
    expect(checked(make())).toBe(false);
  });

  it("where an optimizer, or a link of it, does not say that it keeps them finite", () => {
    const customLink = o.perParameter({ name: "own", update: (u) => [u] });
    expect(checked(o.chain(customLink, rate))).toBe(true);
    expect(checked(o.chain({ ...customLink, keepsFinite: true }, rate))).toBe(false);
    expect(checked(o.lookahead(o.chain(customLink, rate)))).toBe(true);
    for (const optimizer of [
      o.adam({ eps: 0 }),
      o.adamw({ eps: 1e-60 }),
      o.rmsprop({ centered: true }),
      o.chain(o.scaleByBelief({ eps: 0 })),
    ])
      expect(checked(optimizer)).toBe(true);
  });
});

describe("a link", () => {
  const one = (link: GradientTransformation, gradient: Tensor, parameter: Tensor, names?: string[]): number[] =>
    withBackend(reference(), () => {
      const chained = o.chain(link);
      const scalars = tensor([...chained.scalars({ step: 0, epoch: 0 }), 0]);
      const state = { parameters: [parameter], slots: [[]], ...(names === undefined ? {} : { names }) };
      return Array.from(chained.update(state, [gradient], scalars).parameters[0]!.dataSync());
    });
  const none = tensor([
    [0, 0],
    [0, 0],
  ]);

  it("centralize takes the mean of each row away, and leaves vectors (Yong et al. 2020)", () => {
    const g = tensor([
      [1, 3],
      [-2, 4],
    ]);
    expect(one(o.centralize(), g, none)).toEqual([-1, 1, -3, 3]);
    expect(one(o.centralize(), tensor([1, 3]), tensor([0, 0]))).toEqual([1, 3]);
  });

  it("adaptiveClip holds each row's norm within a share of its weights' (Brock et al. 2021)", () => {
    const p = tensor([
      [3, 4],
      [0, 0],
    ]);
    const g = tensor([
      [6, 8],
      [0, 0.00005],
    ]);
    const moved = one(o.adaptiveClip(0.1), g, p);
    // Row 1: 10 → 0.5. Row 2: the weights' norm counts as 1e-3, the limit is 1e-4: nothing to clip.
    [3.3, 4.4, 0, 0.00005].forEach((value, i) => expect(moved[i]).toBeCloseTo(value, 6));
  });

  it("normalizeByGlobalNorm, scaleBySign, clipByValue", () => {
    expect(one(o.normalizeByGlobalNorm(), tensor([3, -4]), tensor([0, 0])).map((x) => Math.fround(x))).toEqual(
      [0.6, -0.8].map(Math.fround),
    );
    expect(one(o.scaleBySign(), tensor([3, -4]), tensor([0, 0]))).toEqual([1, -1]);
    expect(one(o.clipByValue(3.5), tensor([3, -4]), tensor([0, 0]))).toEqual([3, -3.5]);
  });

  it("scaleByBelief makes small steps where gradients surprise (Zhuang et al. 2020, algorithm 1)", () => {
    const gradients = [0.5, -0.25, 1];
    const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
    let [m, s, theta] = [0, 0, 1];
    const expected = gradients.map((g, i) => {
      m = beta1 * m + (1 - beta1) * g;
      s = beta2 * s + (1 - beta2) * (g - m) ** 2 + eps;
      theta -= (0.1 * (m / (1 - beta1 ** (i + 1)))) / (Math.sqrt(s / (1 - beta2 ** (i + 1))) + eps);
      return theta;
    });
    const chained = o.chain(o.scaleByBelief({ eps }), o.scaleByLearningRate(0.1));
    const actual = flat(chained, { initial: [tensor([1])], gradients: gradients.map((g) => [tensor([g])]) });
    actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });

  it("decays and masks by the parameter's name and shape", () => {
    const decay = o.addDecayedWeights(0.5, { mask: (name) => !name.endsWith("bias") });
    expect(one(decay, tensor([1, 1]), tensor([2, 4]), ["0.weight"])).toEqual([4, 7]);
    expect(one(decay, tensor([1, 1]), tensor([2, 4]), ["0.bias"])).toEqual([3, 5]);
    const signs = o.masked(o.scaleBySign(), (_, shape) => shape.length > 1);
    expect(one(signs, tensor([3, -4]), tensor([0, 0]))).toEqual([3, -4]);
    expect(one(signs, tensor([[3, -4]]), tensor([[0, 0]]))).toEqual([1, -1]);
  });

  it("masked keeps the slots of those that it leaves out", () => {
    const masked = o.chain(
      o.masked(o.applyMomentum(0.5), (name) => name === "1"),
      o.scaleByLearningRate(1),
    );
    const data = { initial: [tensor([0]), tensor([0])], gradients: [1, 1, 1].map((g) => [tensor([g]), tensor([g])]) };
    const actual = withBackend(reference(), () => steps(masked, data.initial, data.gradients));
    expect(actual.map(([plain, traced]) => [plain![0], traced![0]])).toEqual([
      [-1, -1],
      [-2, -2.5],
      [-3, -4.25],
    ]);
  });

  it("addNoise adds normal numbers of the variance eta / (1 + t)^gamma (Neelakantan et al. 2015)", () => {
    withBackend(reference(), () => {
      const chained = o.chain(o.addNoise(4, 1));
      const zero = tensor(new Float32Array(20_000));
      for (const [step, variance] of [
        [0, 4],
        [3, 1],
      ] as const) {
        const scalars = tensor([...chained.scalars({ step, epoch: 0 })]);
        const noise = Array.from(chained.update({ parameters: [zero], slots: [[]] }, [zero], scalars).parameters[0]!.dataSync());
        const mean = noise.reduce((a, b) => a + b, 0) / noise.length;
        const square = noise.reduce((a, b) => a + b * b, 0) / noise.length;
        const fourth = noise.reduce((a, b) => a + b ** 4, 0) / noise.length;
        expect(Math.abs(mean)).toBeLessThan(0.05 * Math.sqrt(variance));
        expect(square / variance).toBeCloseTo(1, 1);
        // The fourth moment tells a normal from a uniform distribution (1.8) or two values (1).
        expect(fourth / square ** 2).toBeGreaterThan(2.7);
      }
    });
  });

  it("a schedule of a chain is fed, by step", () => {
    const chained = o.chain(o.scaleBySchedule(o.schedules.linear(1, { startFactor: 0.5, totalSteps: 1 })), o.scale(-1));
    const actual = flat(chained, { initial: [tensor([0])], gradients: [[tensor([1])], [tensor([1])]] });
    expect(actual).toEqual([-0.5, -1.5]);
  });
});
