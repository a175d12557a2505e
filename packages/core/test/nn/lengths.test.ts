/** Recurrent layers over padded sequences: as each sequence by itself, whatever stands in the padding. */
import { beforeEach, expect, it } from "vitest";
import {
  add,
  cast,
  compile,
  manualSeed,
  normal,
  slice,
  square,
  sum,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import { isLoop, traceEntry } from "../../src/entries/backend.js";
import { GRU, LSTM, RNN, type RecurrentState } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeEach(() => {
  useBackend(reference());
  manualSeed(1);
});

const [batch, steps, size] = [4, 6, 3];
const lengths = [4, 6, 0, 1];
const int32 = (values: readonly number[]): Tensor => tensor(values, { dtype: "int32" });
const numbers = (t: Tensor): number[] => Array.from(t.dataSync());

const layers = {
  RNN: () => new RNN(size, 2, { bidirectional: true, numLayers: 2 }),
  GRU: () => new GRU(size, 2, { bidirectional: true, numLayers: 2 }),
  LSTM: () => new LSTM(size, 4, { bidirectional: true, numLayers: 2, projSize: 2 }),
  "LSTM, steps first": () => new LSTM(size, 2, { batchFirst: false }),
};

/** x with `value` after each sequence's end. */
const padded = (x: Tensor, value: number): Tensor => {
  const data = x.dataSync();
  return tensor(
    data.map((element, i) => (Math.floor(i / size) % steps < lengths[Math.floor(i / (steps * size))]! ? element : value)),
    { shape: [batch, steps, size] },
  );
};

it.each(Object.entries(layers))("%s gives what it gives each sequence by itself, and gradients as well", (name, make) => {
  const layer = make();
  const parameters = layer.parameters();
  const isFirst = !name.includes("steps first");
  const turned = (x: Tensor): Tensor => (isFirst ? x : tensor(x.toArray() as number[][][], { shape: [batch, steps, size] }));
  const x = padded(normal([batch, steps, size]), 0);
  const alone = lengths.flatMap((length, i) => (length === 0 ? [] : [{ i, x: slice(x, [i, 0, 0], [1, length, size]) }]));
  const lossOf = (output: Tensor, state: RecurrentState): Tensor =>
    state.map((t) => sum(square(t))).reduce((a, b) => add(a, b), sum(square(output)));
  const swap = (t: Tensor): Tensor => (isFirst ? t : permuted(t));
  const whole = valueAndGrad(() => {
    const { output, state } = layer.run(swap(turned(padded(x, NaN))), { lengths: int32(lengths) });
    return [lossOf(output, state), output, state] as const;
  }, parameters);
  const each = valueAndGrad(() => {
    const results = alone.map((one) => layer.run(swap(one.x)));
    return [results.map(({ output, state }) => lossOf(output, state)).reduce((a, b) => add(a, b)), results] as const;
  }, parameters);
  const [, output, state] = whole.value;
  const width = output.shape.at(-1) as number;
  const all = numbers(swap(output));
  alone.forEach(({ i }, k) => {
    const own = numbers(swap(each.value[1][k]!.output));
    const row = all.slice(i * steps * width, (i + 1) * steps * width);
    row.forEach((value, at) => expect(value).toBeCloseTo(own[at] ?? 0, 12));
    state.forEach((t, s) => {
      const last = numbers(each.value[1][k]!.state[s]!);
      const wide = t.shape[2] as number;
      const found = numbers(t).filter((_, at) => Math.floor(at / wide) % batch === i);
      found.forEach((value, at) => expect(value).toBeCloseTo(last[at]!, 12));
    });
  });
  whole.grads.forEach((g, p) => numbers(g).forEach((value, at) => expect(value).toBeCloseTo(numbers(each.grads[p]!)[at]!, 11)));
});

const permuted = (t: Tensor): Tensor => {
  const [a, b, c] = t.shape as [number, number, number];
  const data = t.dataSync();
  return tensor(
    Float64Array.from(
      { length: data.length },
      (_, i) => data[((Math.floor(i / c) % a) * b + Math.floor(i / (a * c))) * c + (i % c)]!,
    ),
    { shape: [b, a, c] },
  );
};

it("the state of a sequence of no steps is the one that it began with", () => {
  const layer = new GRU(size, 2);
  const start = normal([1, batch, 2]);
  const { output, state } = layer.run(normal([batch, steps, size]), { state: [start], lengths: int32([0, 0, 0, 0]) });
  expect(numbers(state[0]!)).toEqual(numbers(start));
  expect(numbers(output).every((value) => value === 0)).toBe(true);
});

it("lengths that are all steps change nothing", () => {
  const layer = new LSTM(size, 2, { bidirectional: true });
  const x = normal([batch, steps, size]);
  expect(numbers(layer.forward(x, { lengths: int32([steps, steps, steps, steps]) }))).toEqual(numbers(layer.forward(x)));
});

it("lengths may be fed to a program, as one trace for all", () => {
  const layer = new GRU(size, 2, { bidirectional: true });
  const compiled = compile((x: Tensor, each: Tensor) => layer.forward(x, { lengths: each }), { symbolicBatch: true });
  const x = normal([batch, steps, size]);
  for (const given of [lengths, [1, 2, 3, 4]])
    expect(numbers(compiled(x, int32(given)))).toEqual(numbers(layer.forward(x, { lengths: int32(given) })));
  const two = slice(x, [0, 0, 0], [2, steps, size]);
  expect(numbers(compiled(two, int32([3, 2])))).toEqual(numbers(layer.forward(two, { lengths: int32([3, 2]) })));
  compiled.dispose();
});

it("a layer is one loop in a graph for each direction, at any number of steps", () => {
  const layer = new LSTM(size, 2, { numLayers: 2, bidirectional: true });
  const count = (length: number): number[] => {
    const { graph } = traceEntry("lstm", () => layer.forward(zeros([1, length, size])));
    return [graph.nodes.length, graph.nodes.filter(isLoop).length];
  };
  expect(count(1000)).toEqual(count(3));
  expect(count(3)[1]).toBe(4);
});

it.each<[string, (layer: LSTM, x: Tensor) => unknown, RegExp]>([
  ["a length beyond the steps", (layer, x) => layer.forward(x, { lengths: int32([1, 7, 2, 3]) }), /the length 7 is not in 0 … 6/],
  ["a negative length", (layer, x) => layer.forward(x, { lengths: int32([1, -1, 2, 3]) }), /the length -1 is not in 0 … 6/],
  [
    "another number of lengths",
    (layer, x) => layer.forward(x, { lengths: int32([1, 2]) }),
    /one length for each of the 4 sequences, \[4\], got \[2\]/,
  ],
  [
    "lengths that are no whole numbers",
    (layer, x) => layer.forward(x, { lengths: cast(int32([1, 2, 3, 4]), "float32") }),
    /lengths are int32, got float32\[4\]/,
  ],
  ["lengths that are no tensor", (layer, x) => layer.forward(x, { lengths: [1, 2, 3, 4] as never }), /lengths/],
  [
    "lengths of one sequence",
    (layer, x) => layer.forward(zeros([steps, x.shape[2]!]), { lengths: int32([3]) }),
    /one sequence without a batch/,
  ],
  ["an unknown option", (layer, x) => layer.forward(x, { length: int32([1]) } as never), /length/],
  ["a state that is a tensor", (layer, x) => layer.forward(x, zeros([1, 4, 2]) as never), /\[h, c\]/],
])("%s is refused", (_, run, message) => {
  expect(() => run(new LSTM(size, 2), normal([batch, steps, size]))).toThrow(
    expect.objectContaining({ name: "ErmineError", message: expect.stringMatching(message) as string }),
  );
});
