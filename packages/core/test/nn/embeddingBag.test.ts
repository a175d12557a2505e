import { beforeAll, describe, expect, it } from "vitest";
import {
  compile,
  mul,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  valueAndRowGrads,
  isRowGradient,
  denseGradient,
  type Tensor,
} from "../../src/index.js";
import { EmbeddingBag, type EmbeddingBagOptions } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => useBackend(reference()));

const [rows, width] = [6, 3];
const table = Array.from({ length: rows }, (_, r) => Array.from({ length: width }, (_unused, k) => Math.sin(3 * r + 5 * k)));
const words = [4, 0, 0, 5, 2, 2, 1];
const offsets = [0, 3, 3, 5];
const weights = [0.5, -1, 2, 0.25, 3, -0.5, 1];
const coefficients = (bag: number, k: number): number => 1 + bag - 0.5 * k;

/** The bags, and the gradients of Σ coefficient · value, by their definition. */
function expected(
  mode: "sum" | "mean" | "max",
  bags: readonly (readonly number[])[],
  padding: number,
  factor: (i: number) => number,
) {
  const gradient = table.map((row) => row.map(() => 0));
  const ofWeights: number[] = [];
  let first = 0;
  const values = bags.map((bag, b) => {
    const places = bag.map((word, i) => ({ word, at: first + i })).filter(({ word }) => word !== padding);
    bag.forEach((word) =>
      ofWeights.push(word === padding ? 0 : table[word]!.reduce((total, value, k) => total + value * coefficients(b, k), 0)),
    );
    first += bag.length;
    return Array.from({ length: width }, (_, k) => {
      if (places.length === 0) return 0;
      if (mode === "max") {
        const best = places.reduce((a, c) => (table[c.word]![k]! > table[a.word]![k]! ? c : a));
        gradient[best.word]![k]! += coefficients(b, k);
        return table[best.word]![k]!;
      }
      const share = (at: number): number => (mode === "mean" ? 1 / places.length : factor(at));
      for (const { word, at } of places) gradient[word]![k]! += coefficients(b, k) * share(at);
      return places.reduce((total, { word, at }) => total + table[word]![k]! * share(at), 0);
    });
  });
  return { values, gradient, ofWeights };
}

const ofOffsets = offsets.map((from, b) => words.slice(from, offsets[b + 1] ?? words.length));
const ofLength = [words.slice(0, 3), words.slice(3, 6)];
const close = (actual: unknown, wanted: readonly (readonly number[])[]): void =>
  (actual as number[][]).forEach((row, r) => row.forEach((value, k) => expect(value).toBeCloseTo(wanted[r]![k]!, 6)));

const int32 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(Int32Array.from(values), { shape });

describe.each(["sum", "mean", "max"] as const)("EmbeddingBag, %s", (mode) => {
  it.each([
    ["offsets", undefined],
    ["offsets", 2],
    ["length", undefined],
    ["length", 0],
  ] as const)("bags by %s, padding %s: values, and gradients as rows and whole", (by, paddingIdx) => {
    const layer = EmbeddingBag.fromPretrained(tensor(table), {
      mode,
      freeze: false,
      ...(paddingIdx === undefined ? {} : { paddingIdx }),
    });
    const isList = by === "offsets";
    const forward = (): Tensor =>
      isList ? layer.forward(int32(words), { offsets: int32(offsets) }) : layer.forward(int32(words.slice(0, 6), [2, 3]));
    const bags = isList ? ofOffsets : ofLength;
    const { values, gradient } = expected(mode, bags, paddingIdx ?? -1, () => 1);
    close(forward().toArray(), values);
    const scaled = (): Tensor => sum(mul(forward(), tensor(bags.map((_, b) => [0, 1, 2].map((k) => coefficients(b, k))))));
    close(valueAndGrad(scaled, [layer.weight]).grads[0]!.toArray(), gradient);
    const [byRows] = valueAndRowGrads(
      () => [scaled()],
      [layer.weight],
      () => true,
    ).grads;
    expect(isRowGradient(byRows!)).toBe(true);
    if (isRowGradient(byRows!)) close(denseGradient(byRows).toArray(), gradient);
  });

  it("scaled by frequency, a table that is held to a norm, compiled with another number of bags", () => {
    const options: EmbeddingBagOptions = mode === "max" ? { maxNorm: 0.5 } : { maxNorm: 0.5, scaleGradByFreq: true };
    const layer = EmbeddingBag.fromPretrained(tensor(table), { mode, ...options });
    const held = layer.forward(int32(words.slice(0, 6), [2, 3])).toArray();
    const norms = words.slice(0, 6).map((word) => Math.hypot(...(layer.weight.value.toArray() as number[][])[word]!));
    for (const norm of norms) expect(norm).toBeLessThan(0.5 + 1e-6);
    const run = compile((indices: Tensor) => layer.forward(indices));
    close(run(int32(words.slice(0, 6), [2, 3])).toArray(), held as number[][]);
    close(run(int32(words.slice(0, 3), [1, 3])).toArray(), (held as number[][]).slice(0, 1));
  });

  it("no indices, no bags, and bags of nothing", () => {
    const layer = EmbeddingBag.fromPretrained(tensor(table), { mode });
    expect(layer.forward(int32([], [0, 3])).shape).toEqual([0, width]);
    expect(layer.forward(int32([], [2, 0])).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(layer.forward(int32([]), { offsets: int32([0, 0]) }).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});

it("weights of samples scale rows, and have gradients; the padding's is 0", () => {
  const layer = EmbeddingBag.fromPretrained(tensor(table), { mode: "sum", freeze: false, paddingIdx: 0 });
  const perSampleWeights = tensor(weights);
  const { values, gradient, ofWeights } = expected("sum", ofOffsets, 0, (i) => weights[i]!);
  const forward = (): Tensor => layer.forward(int32(words), { offsets: int32(offsets), perSampleWeights });
  close(forward().toArray(), values);
  const scaled = (): Tensor => sum(mul(forward(), tensor(ofOffsets.map((_, b) => [0, 1, 2].map((k) => coefficients(b, k))))));
  const { grads } = valueAndGrad(scaled, [layer.weight, perSampleWeights]);
  close(grads[0]!.toArray(), gradient);
  close([grads[1]!.toArray()], [ofWeights]);
});

it("offsets with the number of indices at their end", () => {
  const options = { mode: "sum", includeLastOffset: true } as const;
  const layer = EmbeddingBag.fromPretrained(tensor(table), options);
  const own = layer.forward(int32(words), { offsets: int32([...offsets, words.length]) });
  close(own.toArray(), expected("sum", ofOffsets, -1, () => 1).values);
});

describe("what a bag does not take is said", () => {
  const of = (options: EmbeddingBagOptions = {}): EmbeddingBag => EmbeddingBag.fromPretrained(tensor(table), options);
  it.each([
    [() => of().forward(int32([1, 2])), /\(bags, length\), or \(n\) and \{ offsets \}, got \[2\]/],
    [() => of().forward(int32([1, 2], [1, 2]), { offsets: int32([0]) }), /needs none/],
    [() => of().forward(tensor([[1, 2]])), /int32 indices, got float32/],
    [() => of().forward(int32([1, 2]), { offsets: int32([1]) }), /begin with 0.*offset 0 is 1/],
    [() => of().forward(int32([1, 2]), { offsets: int32([0, 2, 1]) }), /offset 2 is 1/],
    [() => of().forward(int32([1, 2]), { offsets: int32([0, 3]) }), /within the 2 indices; offset 1 is 3/],
    [() => of({ includeLastOffset: true }).forward(int32([1, 2]), { offsets: int32([0, 1]) }), /end with the 2 indices/],
    [() => of().forward(int32([1, 2]), { offsets: tensor([0]) }), /offsets are an int32 list.*float32/],
    [
      () => of().forward(int32([[1, 2]].flat(), [1, 2]), { perSampleWeights: tensor([[1, 1]]) }),
      /for the mode "sum", this one's is "mean"/,
    ],
    [
      () => of({ mode: "sum" }).forward(int32([1, 2], [1, 2]), { perSampleWeights: tensor([1, 1]) }),
      /shape \[1, 2\], got float32\[2\]/,
    ],
    [() => of().forward(int32([1, 6], [1, 2])), /index 6/],
    [() => new EmbeddingBag(3, 2, { mode: "min" as "max" }), /mode is one of sum, mean, max, got "min"/],
    [() => new EmbeddingBag(3, 2, { mode: "max", scaleGradByFreq: true }), /scaleGradByFreq is for the modes/],
    [() => new EmbeddingBag(3, 2, { paddingIdx: 3 }), /EmbeddingBag: paddingIdx 3 is not one of 3 rows/],
  ])("%s", (call, message) => {
    expect(call).toThrow(message);
  });
});
