/** Where a step is: rows of sines and cosines, learned rows, turned pairs. */
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  Dim,
  compile,
  manualSeed,
  matmul,
  mul,
  normal,
  ones,
  rotary,
  sinusoidalPositions,
  slice,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
  type RotaryOptions,
  type Tensor,
} from "../../src/index.js";
import { compileModule, graphModule, traceEntry } from "../../src/entries/backend.js";
import { LearnedPositions, MultiHeadAttention, SinusoidalPositions } from "../../src/nn/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

const backend = reference();
beforeEach(() => {
  useBackend(backend);
  manualSeed(5);
});
afterAll(() => backend.dispose());

const numbers = (t: Tensor): number[] => Array.from(t.dataSync());

/** The formula, element by element. */
function expectedRows(steps: number, features: number, base: number): number[] {
  return Array.from({ length: steps * features }, (_, at) => {
    const [t, k] = [Math.floor(at / features), at % features];
    const angle = t / base ** ((2 * Math.floor(k / 2)) / features);
    return k % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

describe("sinusoidalPositions", () => {
  it.each([
    [1, 1, 10_000],
    [7, 6, 10_000],
    [5, 7, 100],
    [0, 4, 10_000],
    [20_000, 2, 10_000],
  ])("of %i steps and %i features, base %i", (steps, features, base) => {
    const found = sinusoidalPositions(steps, features, { base });
    expect(found.shape).toEqual([steps, features]);
    const expected = expectedRows(steps, features, base);
    let worst = 0;
    numbers(found).forEach((value, i) => (worst = Math.max(worst, Math.abs(value - expected[i]!))));
    expect(worst).toBeLessThan(1e-7);
  });

  it("of open steps gives the same rows when they are fed", () => {
    const { graph } = traceEntry("rows", (trace) => {
      const x = trace.feed("x", { shape: [Dim.symbol("T"), 4], dtype: "float32", domain: "real" });
      return [sinusoidalPositions(x.shape[0]!, 4), rotary(x)];
    });
    const program = compileModule(backend, graphModule({ rows: graph }));
    for (const steps of [3, 9]) {
      const x = normal([steps, 4]);
      const [rows, turned] = program.run("rows", { x: { shape: [steps, 4], value: Float32Array.from(numbers(x)) } });
      const read = (storage: unknown): number[] => Array.from(backend.readSync!(storage as never));
      read(rows).forEach((value, i) => expect(value).toBeCloseTo(expectedRows(steps, 4, 10_000)[i]!, 6));
      read(turned).forEach((value, i) => expect(value).toBeCloseTo(numbers(rotary(x))[i]!, 5));
    }
    program.dispose();
  });

  it("refuses sizes and a base that are none", () => {
    expect(() => sinusoidalPositions(-1, 4)).toThrow("steps is a whole number ≥ 0, got -1");
    expect(() => sinusoidalPositions(2, 0)).toThrow("features is a whole number ≥ 1, got 0");
    expect(() => sinusoidalPositions(2, "4" as never)).toThrow("sinusoidalPositions(steps, features");
    expect(() => sinusoidalPositions(2, 4, { base: 1 })).toThrow("base is a number > 1");
    expect(() => sinusoidalPositions(2, 4, { bas: 3 } as never)).toThrow('no option "bas"');
    expect(() => new SinusoidalPositions(4, { base: 0 })).toThrow("base");
  });
});

describe("rotary", () => {
  const all: RotaryOptions[] = [{}, { pairs: "halves" }, { base: 500 }];
  it.each(all)("turns each pair by its angle: %j", (options) => {
    const { base = 10_000, pairs = "adjacent" } = options;
    const [steps, size] = [5, 6];
    const x = normal([2, 3, steps, size]);
    const given = numbers(x);
    const found = numbers(rotary(x, options));
    const place = (pair: number, second: 0 | 1): number =>
      pairs === "adjacent" ? 2 * pair + second : pair + second * (size / 2);
    for (let row = 0; row < 2 * 3 * steps; row++) {
      for (let pair = 0; pair < size / 2; pair++) {
        const angle = (row % steps) / base ** ((2 * pair) / size);
        const [a, b] = [given[row * size + place(pair, 0)]!, given[row * size + place(pair, 1)]!];
        expect(found[row * size + place(pair, 0)]).toBeCloseTo(a * Math.cos(angle) - b * Math.sin(angle), 6);
        expect(found[row * size + place(pair, 1)]).toBeCloseTo(b * Math.cos(angle) + a * Math.sin(angle), 6);
      }
    }
  });

  it.each(all)("products depend on how far apart steps are, lengths stay, and the gradient is the slope: %j", (options) => {
    const [q, k] = [normal([1, 8]), normal([1, 8])];
    const same = (t: Tensor): Tensor => mul(t, ones([12, 1]));
    const scores = matmul(rotary(same(q), options), rotary(same(k), options), { transposeB: true }).toArray() as number[][];
    for (let i = 0; i < 10; i++) expect(scores[i]![i + 2]).toBeCloseTo(scores[0]![2]!, 5);
    expect(scores[0]![2]).not.toBeCloseTo(scores[2]![0]!, 3);
    checkGradients((x: Tensor) => sum(mul(rotary(x, options), tensor([[1], [2], [3]]))), [normal([3, 4])]);
  });

  it("refuses what it cannot turn", () => {
    expect(() => rotary(zeros([4]))).toThrow("rotary takes (…, T, d)");
    expect(() => rotary(zeros([4, 3]))).toThrow("even number of features");
    expect(() => rotary(zeros([4, 2]), { pairs: "half" as never })).toThrow('pairs is "adjacent" or "halves", got "half"');
    expect(() => rotary(zeros([4, 2]), { base: NaN })).toThrow("base");
  });
});

describe("layers", () => {
  it("add rows to sequences of any length up to their own", () => {
    const x = normal([2, 3, 4]);
    const added = (layer: SinusoidalPositions | LearnedPositions, rows: Tensor): void => {
      const found = numbers(layer.forward(x));
      numbers(x).forEach((value, i) => expect(found[i]).toBeCloseTo(value + numbers(rows)[i % 12]!, 6));
      expect(layer.forward(slice(x, [0, 0, 0], [1, 2, 4])).shape).toEqual([1, 2, 4]);
      expect(() => layer.forward(zeros([2, 3, 5]))).toThrow("[2, 3, 5]");
      expect(() => layer.forward(zeros([4]))).toThrow("(T, 4)");
    };
    const [sines, learned] = [new SinusoidalPositions(4), new LearnedPositions(5, 4)];
    added(sines, sinusoidalPositions(3, 4));
    added(learned, slice(learned.weight.value, [0, 0], [3, 4]));
    expect(sines.parameters()).toHaveLength(0);
    const { grads } = valueAndGrad(() => sum(learned.forward(x)), learned.weight);
    expect(numbers(grads)).toEqual([...Array.from({ length: 12 }, () => 2), ...Array.from({ length: 8 }, () => 0)]);
    expect(() => learned.forward(zeros([1, 6, 4]))).toThrow("5 steps");
  });

  it("attention with rotary is attention over turned queries and keys, and moves with the sequence", async () => {
    const [x, layer] = [normal([2, 5, 8]), new MultiHeadAttention(8, 2, { rotary: { pairs: "halves" }, causal: true })];
    const plain = new MultiHeadAttention(8, 2, { causal: true });
    plain.loadStateDict(await layer.stateDict());
    expect(numbers(layer.forward(x))).not.toEqual(numbers(plain.forward(x)));
    const run = compile((given: Tensor) => layer.forward(given));
    run(x)
      .dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(numbers(layer.forward(x))[i]!, 10));
    run.dispose();
    // The weights of what a query sees depend on distances alone: the same vector at each step gives the same weights from 2 steps back.
    const constant = mul(tensor(Array.from({ length: 5 }, () => [1])), normal([1, 8]));
    const open = new MultiHeadAttention(8, 2, { rotary: true });
    const { weights } = open.run(constant, constant, constant, { averageAttnWeights: false });
    const rows = (weights.toArray() as number[][][])[0]!;
    expect(rows[2]![0]! / rows[2]![2]!).toBeCloseTo(rows[4]![2]! / rows[4]![4]!, 6);
    expect(() => new MultiHeadAttention(6, 2, { rotary: true })).toThrow("odd number");
    expect(() => new MultiHeadAttention(8, 2, { rotary: true, addZeroAttn: true })).toThrow("addZeroAttn");
    expect(() => new MultiHeadAttention(8, 2, { rotary: { pair: "halves" } as never })).toThrow('no option "pair"');
  });
});
