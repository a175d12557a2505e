/** Steps of recurrent cells as kernels: their decompositions, bit for bit. */
import { describe, expect, it } from "vitest";
import { compile, mul, normal, sum, tensor, valueAndGrad, zeros, type Tensor } from "@ermine/core";
import { apply, type Op } from "@ermine/core/define";
import { gruCellOp, lstmCellOp, isLoop, nodesWithin, traceEntry } from "@ermine/core/backend";
import { GRU, LSTM } from "@ermine/core/nn";
import { cpu } from "../src/index.js";
import { backend, numbers, useCpu } from "./exact.js";

useCpu();

type Cell = Op<Record<string, never>>;
const cells: Readonly<Record<string, readonly [op: Cell, gates: number]>> = {
  lstmCell: [lstmCellOp, 4],
  gruCell: [gruCellOp, 3],
};
const special = [NaN, Infinity, -Infinity, -0, 1e30, -1e30, 1e-40, 90, -90];

/** The state after the step, weighed, so that every element has a gradient of its own; with the gates or without. */
const outputsOf = (op: Cell, decomposed: boolean, inputs: readonly Tensor[]): readonly Tensor[] =>
  decomposed ? op.decompose!(inputs, {}) : apply(op, inputs, {});

/** The same bits. By the first that differs: a comparison of thousands would be printed for minutes. */
function expectSame(computed: readonly number[], expected: readonly number[]): void {
  expect(computed).toHaveLength(expected.length);
  const at = computed.findIndex((value, i) => !Object.is(value, expected[i]));
  expect(at, `${computed[at]} for ${expected[at]} at ${at}`).toBe(-1);
}

describe.each(Object.entries(cells))("%s", (_, [op, gates]) => {
  const drawn = (rows: number, size: number): readonly Tensor[] => [
    normal([rows, gates * size], 0, 2),
    normal([rows, gates * size], 0, 2),
    normal([rows, size]),
  ];

  it.each([
    [1, 1],
    [3, 2],
    [2, 3],
    [5, 4],
    [3, 5],
    [4, 7],
    [2, 8],
    [7, 9],
    [3, 31],
    [33, 64],
    [200, 65],
  ])("%i rows of %i elements, compiled and eager", (rows, size) => {
    const inputs = drawn(rows, size);
    const expected = numbers(outputsOf(op, true, inputs));
    expectSame(numbers(outputsOf(op, false, inputs)), expected);
    const compiled = compile((...given: Tensor[]) => outputsOf(op, false, given), { backend });
    expectSame(numbers(compiled(...inputs)), expected);
    // Without the gates, which are then nowhere but in scratch.
    const alone = compile((...given: Tensor[]) => [outputsOf(op, false, given)[0]!], { backend });
    expectSame(numbers(alone(...inputs)), expected.slice(0, rows * size));
    [compiled, alone].forEach((each) => each.dispose());
  });

  it.each([
    [3, 2],
    [5, 4],
    [3, 5],
    [7, 9],
    [33, 64],
  ])("the gradient of %i rows of %i elements", (rows, size) => {
    const inputs = drawn(rows, size);
    const weights = [normal([rows, size]), normal([rows, size])];
    const gradients = (decomposed: boolean): number[] => {
      const loss = (): Tensor => {
        const states = outputsOf(op, decomposed, inputs).filter((t) => t.shape[1] === size);
        return states.map((t, i) => sum(mul(t, weights[i]!))).reduce((a, b) => mul(a, b));
      };
      return numbers(valueAndGrad(loss, [...inputs]).grads);
    };
    const expected = gradients(true);
    gradients(false).forEach((value, i) =>
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4 * (1 + Math.abs(expected[i]!))),
    );
  });

  it("special values are what the decomposition makes of them", () => {
    const cycle = (count: number, by: number): number[] =>
      Array.from({ length: count }, (__, i) => special[(i * by) % special.length]!);
    const [rows, size] = [9, 9];
    const [input, recurrent, state] = [
      tensor(cycle(rows * gates * size, 1), { shape: [rows, gates * size] }),
      tensor(cycle(rows * gates * size, 7), { shape: [rows, gates * size] }),
      tensor(cycle(rows * size, 4), { shape: [rows, size] }),
    ];
    for (const inputs of [
      [input, zeros([rows, gates * size]), zeros([rows, size])],
      [input, recurrent, state],
    ])
      expectSame(numbers(outputsOf(op, false, inputs)), numbers(outputsOf(op, true, inputs)));
  });

  it("any number of threads gives the same bits", async () => {
    const inputs = drawn(300, 65);
    const expected = numbers(outputsOf(op, false, inputs));
    const other = await cpu({ threads: 3 });
    const compiled = compile((...given: Tensor[]) => outputsOf(op, false, given), { backend: other });
    expectSame(numbers(compiled(...inputs.map((t) => tensor(t.dataSync(), { shape: t.shape as number[] })))), expected);
    compiled.dispose();
    other.dispose();
  });

  it("no state is no work", () => {
    expectSame(numbers(outputsOf(op, false, drawn(0, 4))), []);
    expectSame(numbers(outputsOf(op, false, drawn(3, 0))), []);
  });
});

it.each([
  ["LSTM", LSTM, ["linear", "lstmCell"]],
  ["GRU", GRU, ["linear", "gruCell"]],
] as const)("a step of an %s is a product and a kernel", (_, Layer, ops) => {
  const layer = new Layer(4, 8);
  const { graph } = traceEntry("forward", (trace) => [
    layer.forward(trace.feed("x", { shape: [2, 5, 4], dtype: "float32", domain: "real" })),
  ]);
  const loop = nodesWithin(graph).find(isLoop)!;
  expect(loop.op.loop.body.nodes.flatMap((node) => (node.kind === "op" ? [node.op.name] : []))).toEqual(ops);
});

it.each([
  // In floats of the state: the sums of the gates, from the input, and their gradient; the gates and the states that a step keeps; the input, the output, and their copies and gradients.
  ["LSTM", LSTM, 4 + 4 + 4 + 2 + 6],
  ["GRU", GRU, 3 + 6 + 4 + 1 + 6],
] as const)("memory is linear in the steps of an %s, with the constant of what one step keeps", (_, Layer, most) => {
  const [rows, size] = [4, 16];
  const layer = new Layer(size, size);
  const bytesAt = (length: number): number => {
    const before = backend.memory().bytes;
    const step = compile(
      (x: Tensor) => {
        const { value, grads } = valueAndGrad(() => sum(layer.forward(x)), layer.parameters());
        return [value, ...grads];
      },
      { backend },
    );
    const x = normal([rows, length, size]);
    for (const t of [...step(x), x]) t.dispose();
    const bytes = backend.memory().bytes - before;
    step.dispose();
    return bytes;
  };
  bytesAt(10);
  for (const [fewer, more] of [
    [1000, 3000],
    [3000, 9000],
  ] as const)
    expect((bytesAt(more) - bytesAt(fewer)) / (more - fewer) / (4 * rows * size)).toBeLessThanOrEqual(most);
});
