import { beforeAll, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { drawUniform } from "../../src/entries/define.js";
import type { Key, Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";
import { boxMuller } from "../../src/random/normal.js";

beforeAll(() => e.useBackend(reference()));

describe("Philox4x32-10", () => {
  it.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ] as const)("gives Random123's known answer for counter %j, key %j", (counter, key, expected) => {
    const out = new Uint32Array(4);
    const [c0, c1, c2, c3] = counter;
    e.philox(out, c0, c1, c2, c3, key);
    expect(Array.from(out, (word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
  });

  it("draws any part of a sequence without the rest", () => {
    const place = { step: 3, microBatch: 1, first: 0 };
    const whole = e.randomBits(20, [1, 2], place);
    expect(e.randomBits(7, [1, 2], { ...place, first: 6 })).toEqual(whole.slice(6, 13));
  });
});

describe("draws", () => {
  it("repeat with their seed, and differ from call to call", () => {
    e.manualSeed(5);
    const [a, b] = [e.uniform([4]).toArray(), e.uniform([4]).toArray()];
    e.manualSeed(5);
    expect(e.uniform([4]).toArray()).toEqual(a);
    expect(a).not.toEqual(b);
    e.manualSeed(6);
    expect(e.uniform([4]).toArray()).not.toEqual(a);
  });

  it("do not disturb each other: another purpose, another stream", () => {
    e.manualSeed(1);
    const alone = e.normal([3]).toArray();
    e.manualSeed(1);
    e.uniform([100]);
    e.permutation(9);
    expect(e.normal([3]).toArray()).toEqual(alone);
  });

  it("have the moments they should", () => {
    e.manualSeed(0);
    const u = e.uniform([20_000], -1, 3);
    expect(e.mean(u).item()).toBeCloseTo(1, 1);
    expect(e.variance(u).item()).toBeCloseTo(16 / 12, 1);
    const z = e.normal([20_000], 2, 3);
    expect(e.mean(z).item()).toBeCloseTo(2, 0.7);
    expect(Math.abs(e.std(z).item() - 3)).toBeLessThan(0.06);
    const third = e.div(e.sub(z, 2), 3);
    expect(Math.abs(e.mean(e.pow(third, 4)).item() - 3)).toBeLessThan(0.2);
    expect(Math.abs(e.mean(e.cast(e.bernoulli(e.full([20_000], 0.3)), "float32")).item() - 0.3)).toBeLessThan(0.02);
  });

  it("are the Box–Muller transform of the uniform ones", () => {
    const uniform = Array.from({ length: 400 }, (_, i) => ((i * 7919) % 16384) / 16384);
    boxMuller(uniform).forEach((z, i) => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform[i - (i % 2)]!));
      const angle = 2 * Math.PI * uniform[i - (i % 2) + 1]!;
      expect(z).toBeCloseTo(radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle)), 13);
    });
  });

  it("whole numbers and permutations cover their range", () => {
    e.manualSeed(3);
    const numbers = e.randint([500], -2, 3).toArray() as number[];
    expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    expect((e.permutation(50).toArray() as number[]).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(() => e.randint([1], 3, 3)).toThrow(/low < high/);
    expect(() => e.manualSeed(0.5)).toThrow(/whole number/);
  });

  it("pin their bits: these are the same on every engine", () => {
    e.manualSeed(42);
    expect(Array.from(e.randomBits(3, e.hashKey(42, "a", 1), { step: 0, microBatch: 0, first: 0 }))).toMatchInlineSnapshot(`
      [
        2382952059,
        3279261637,
        538558964,
      ]
    `);
    expect(Array.from(e.normal([3]).dataSync())).toMatchInlineSnapshot(`
      [
        1.7135615348815918,
        -0.05366385728120804,
        -0.6764011383056641,
      ]
    `);
  });
});

describe("withRandom", () => {
  const counters = (step: number) => e.tensor([step, 0, 0], { dtype: "int32" });
  const draw = () => [drawUniform([4], "dropout"), drawUniform([4], "dropout")];

  it("gives the same numbers eagerly and compiled, new ones each step, two streams for two calls", () => {
    const compiled = e.compile((c: Tensor) => e.withRandom({ seed: 1, counters: c }, draw));
    const at = (step: number) => compiled(counters(step)).map((t) => t.toArray());
    const eager = e.withRandom({ seed: 1, counters: counters(2) }, draw).map((t) => t.toArray());
    expect(at(2)).toEqual(eager);
    expect(at(3)).not.toEqual(eager);
    expect(eager[0]).not.toEqual(eager[1]);
  });

  it("does not touch what is drawn outside", () => {
    e.manualSeed(9);
    const first = e.bernoulli(e.full([30], 0.5)).toArray();
    e.manualSeed(9);
    e.withRandom({ seed: 1, counters: counters(0) }, draw);
    expect(e.bernoulli(e.full([30], 0.5)).toArray()).toEqual(first);
  });

  it("asks for counters inside a trace", () => {
    expect(() => e.compile((x: Tensor) => e.add(x, drawUniform([1], "dropout")))(e.tensor(1))).toThrow(/withRandom/);
  });
});

describe("initializers", () => {
  const key: Key = [1, 2];
  const shape = [60, 40];
  const spread = (numbers: Float32Array) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);

  it.each<[string, e.Initializer, number, number?]>([
    ["kaimingUniform, relu", e.kaimingUniform({ nonlinearity: "relu" }), Math.sqrt(2 / 40), Math.sqrt(6 / 40)],
    ["kaimingNormal, fanOut", e.kaimingNormal({ mode: "fanOut", nonlinearity: "relu" }), Math.sqrt(2 / 60)],
    ["xavierUniform", e.xavierUniform(), Math.sqrt(2 / 100), Math.sqrt(6 / 100)],
    ["xavierNormal", e.xavierNormal(2), 2 * Math.sqrt(2 / 100)],
    ["PyTorch's default weight", e.defaultWeight, 1 / Math.sqrt(3 * 40), 1 / Math.sqrt(40)],
    ["PyTorch's default bias", e.defaultBias(40), 1 / Math.sqrt(3 * 40), 1 / Math.sqrt(40)],
  ])("%s has its spread and bound", (_, initializer, expected, bound) => {
    const numbers = initializer(shape, key);
    expect(Math.abs(spread(numbers) / expected - 1)).toBeLessThan(0.05);
    if (bound !== undefined) expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
  });

  it("orthogonal is orthonormal, whichever side is longer", () => {
    for (const [rows, columns] of [
      [5, 8],
      [8, 5],
    ] as const) {
      const q = e.tensor(e.orthogonal(2)([rows, columns], key), { shape: [rows, columns] });
      const product = e.div(rows < columns ? e.matmul(q, e.transpose(q)) : e.matmul(e.transpose(q), q), 4);
      expect(e.allClose(product, e.eye(5), { atol: 1e-6 })).toBe(true);
    }
  });

  it("truncNormal stays within its bounds", () => {
    const numbers = e.truncNormal(0, 1, -0.5, 1)([2000], key);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(-0.5);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(1);
    expect(() => e.truncNormal(0, 1, 9, 10)([1], key)).toThrow(/next to nothing/);
  });

  it("need no backend, differ from layer to layer, and are the same after the same seed", () => {
    const weights = (seed: number) => {
      e.manualSeed(seed);
      return [0, 1].map(() => e.initialize(e.normalInit(), [3], "weight").toArray());
    };
    const [first, second] = weights(0);
    expect(first).not.toEqual(second);
    expect(weights(0)).toEqual([first, second]);
    expect(weights(1)).not.toEqual([first, second]);
    expect(() => e.kaimingUniform()([3], key)).toThrow(/at least 2 axes/);
  });
});
