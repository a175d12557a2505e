/** Sequences that are padded: what is after their ends counts for nothing, in values and in gradients. */
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  Dim,
  compile,
  concat,
  expandDims,
  logicalNot,
  manualSeed,
  mul,
  normal,
  reshape,
  sequenceLast,
  sequenceMask,
  sequenceMax,
  sequenceMean,
  slice,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  where,
  zeros,
  type Tensor,
} from "../../src/index.js";
import { traceEntry } from "../../src/entries/backend.js";
import { MultiHeadAttention } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

const backend = reference();
beforeEach(() => {
  useBackend(backend);
  manualSeed(4);
});
afterAll(() => backend.dispose());

const int32 = (values: readonly number[] | readonly number[][]): Tensor => tensor(values as number[], { dtype: "int32" });
const [n, steps] = [4, 5];
const lengths = [3, 5, 0, 1];
const numbers = (t: Tensor): number[] => Array.from(t.dataSync());

describe("pooling over the steps of sequences", () => {
  type Pool = (x: Tensor, lengths: Tensor) => Tensor;
  /** Of one sequence's own steps, value by value. */
  const pools: Readonly<Record<string, readonly [Pool, (steps: readonly number[]) => number]>> = {
    sequenceMean: [sequenceMean, (own) => own.reduce((a, b) => a + b) / own.length],
    sequenceMax: [sequenceMax, (own) => Math.max(...own)],
    sequenceLast: [sequenceLast, (own) => own.at(-1)!],
  };
  for (const [name, [pool, expected]] of Object.entries(pools)) {
    it.each([[[]], [[2]], [[2, 3]]])(
      `${name} of x (N, T, …%j), eagerly and compiled, with gradients; NaN in the padding is not read`,
      (features) => {
        const size = features.reduce((a, b) => a * b, 1);
        const clean = normal([n, steps, ...features]);
        const inside = reshape(sequenceMask(int32(lengths), steps), [n, steps, ...features.map(() => 1)]);
        const x = where(inside, clean, NaN);
        const weights = normal([n, ...features]);
        const run = (given: Tensor, counts: Tensor): readonly Tensor[] => {
          const { value, grads } = valueAndGrad(() => {
            const pooled = pool(given, counts);
            return [sum(mul(pooled, weights)), pooled] as const;
          }, given);
          return [value[1], grads];
        };
        const compiled = compile(run);
        const data = numbers(clean);
        for (const [value, gradient] of [run(x, int32(lengths)), compiled(x, int32(lengths))]) {
          const found = numbers(value!);
          const slopes = numbers(gradient!);
          expect(slopes.every(Number.isFinite)).toBe(true);
          for (let i = 0; i < n; i++) {
            for (let k = 0; k < size; k++) {
              const own = Array.from({ length: lengths[i]! }, (_, t) => data[(i * steps + t) * size + k]!);
              expect(found[i * size + k]).toBeCloseTo(own.length === 0 ? 0 : expected(own), 10);
              const each = Array.from({ length: steps }, (_, t) => slopes[(i * steps + t) * size + k]!);
              expect(each.slice(own.length).every((slope) => slope === 0)).toBe(true);
              expect(each.reduce((a, b) => a + b)).toBeCloseTo(own.length === 0 ? 0 : numbers(weights)[i * size + k]!, 10);
            }
          }
        }
        compiled.dispose();
      },
    );

    it(`${name} refuses what does not fit, by name`, () => {
      const x = zeros([2, 3, 4]);
      for (const wrong of [
        () => pool(zeros([3]), int32([1])),
        () => pool(x, int32([1])),
        () => pool(x, int32([1, 4])),
        () => pool(x, int32([1, -1])),
        () => pool(x, tensor([1, 2])),
        () => pool(int32([[1], [2]]), int32([1, 1])),
        () => pool([1] as unknown as Tensor, int32([1])),
        () => (pool as (...given: unknown[]) => Tensor)(x, int32([1, 2]), 3),
      ]) {
        expect(wrong).toThrow(name);
      }
    });
  }

  it("takes sizes that are open", () => {
    const { graph } = traceEntry("open", (trace) => {
      const [N, T] = [Dim.symbol("N"), Dim.symbol("T")];
      const x = trace.feed("x", { shape: [N, T, 3], dtype: "float32", domain: "real" });
      const counts = trace.feed("lengths", { shape: [N], dtype: "int32", domain: "real" });
      return [sequenceMean(x, counts), sequenceMax(x, counts), sequenceLast(x, counts)];
    });
    for (const { type } of graph.outputs) expect(String(type.shape)).toBe("N,3");
  });
});

describe("sequenceMask", () => {
  it("is true within each length, and refuses what is no length", () => {
    expect(sequenceMask(int32([0, 2]), 2).toArray()).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(sequenceMask(int32([0]), 0).shape).toEqual([1, 0]);
    expect(() => sequenceMask(int32([3]), 2)).toThrow("the length 3 is not in 0 … 2");
    expect(() => sequenceMask(int32([[3]]), 3)).toThrow("sequenceMask");
    expect(() => sequenceMask(tensor([3]), 3)).toThrow('cast(lengths, "int32")');
    expect(() => sequenceMask(int32([3]), 2.5)).toThrow("steps is a whole number");
    expect(() => sequenceMask(int32([3]), "3" as never)).toThrow("steps is a whole number");
  });

  it("as lengths of attention is attention to each sequence alone", async () => {
    const layer = new MultiHeadAttention(6, 2);
    const counts = [3, 5, 2, 1];
    const x = normal([n, steps, 6]);
    const padded = where(expandDims(sequenceMask(int32(counts), steps), 2), x, 1e3);
    const { output, weights } = layer.run(padded, padded, padded, { lengths: int32(counts) });
    const same = layer.forward(padded, padded, padded, { keyPaddingMask: logicalNot(sequenceMask(int32(counts), steps)) });
    expect(numbers(output)).toEqual(numbers(same));
    counts.forEach((count, i) => {
      const own = slice(x, [i, 0, 0], [1, count, 6]);
      const alone = numbers(layer.forward(own));
      const found = numbers(slice(output, [i, 0, 0], [1, count, 6]));
      alone.forEach((value, k) => expect(found[k]).toBeCloseTo(value, 10));
      expect(numbers(slice(weights, [i, 0, count], [1, steps, steps - count])).every((weight) => weight === 0)).toBe(true);
    });
    const turned = new MultiHeadAttention(6, 2, { batchFirst: false });
    turned.loadStateDict(await layer.stateDict());
    const columns = concat(
      counts.map((_, i) => reshape(slice(padded, [i, 0, 0], [1, steps, 6]), [steps, 1, 6])),
      1,
    );
    const other = turned.forward(columns, columns, columns, { lengths: int32(counts) });
    expect(numbers(slice(other, [0, 1, 0], [steps, 1, 6]))).toEqual(numbers(slice(output, [1, 0, 0], [1, steps, 6])));
    expect(() => layer.forward(x, x, x, { lengths: int32([1, 2]) })).toThrow("one length for each of the 4 sequences");
    expect(() => layer.forward(x, x, x, { lengths: int32(counts), keyPaddingMask: zeros([n, steps]) })).toThrow(
      "lengths or a keyPaddingMask",
    );
    expect(() => layer.forward(zeros([5, 6]), undefined, undefined, { lengths: int32([5]) })).toThrow("without a batch");
  });
});
