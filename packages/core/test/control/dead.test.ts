/** Loops stack what is read after them, and are given what their steps read. */
import { beforeEach, expect, it } from "vitest";
import { add, compile, mul, normal, scan, sin, sub, sum, tensor, useBackend, zeros, type Tensor } from "../../src/index.js";
import { eliminateDead, isLoop, specialize, traceEntry, type Graph, type LoopNode } from "../../src/entries/backend.js";
import { reference } from "../../src/reference/index.js";

beforeEach(() => {
  useBackend(reference());
});

const loopsOf = (graph: Graph): LoopNode[] => graph.nodes.filter(isLoop);

type Ys = { both: Tensor; fromA: Tensor; again: Tensor; scaled: Tensor };

/** A loop of two sequences and a tensor from outside that stacks four things. */
const run = (a: Tensor, b: Tensor, scale: Tensor): readonly [Tensor, Ys] =>
  scan(
    (carry: Tensor, [x, y]: readonly [Tensor, Tensor]): [Tensor, Ys] => {
      const next = add(carry, x);
      return [next, { both: mul(x, y), fromA: sin(x), again: sin(x), scaled: mul(x, scale) }];
    },
    zeros([2]),
    [a, b] as const,
  );

const traced = (results: (carry: Tensor, ys: Ys) => readonly Tensor[]): Graph =>
  traceEntry("loop", (trace) => {
    const feed = (name: string, shape: readonly number[]): Tensor =>
      trace.feed(name, { shape, dtype: "float32", domain: "real" });
    const [carry, ys] = run(feed("a", [3, 2]), feed("b", [3, 2]), feed("scale", [2]));
    return results(carry, ys);
  }).graph;

it("what nobody reads is neither stacked nor given", () => {
  const [loop] = loopsOf(eliminateDead(traced((_, { fromA }) => [fromA])));
  expect(loop!.outputs).toHaveLength(2);
  expect(loop!.inputs).toHaveLength(2);
  expect(loop!.op.loop).toMatchObject({ carried: 1, sequences: 1 });
  expect(loop!.op.loop.body.feeds).toHaveLength(2);
  const [whole] = loopsOf(eliminateDead(traced((carry, { both, fromA, again, scaled }) => [carry, both, fromA, again, scaled])));
  expect([whole!.outputs.length, whole!.inputs.length, whole!.op.loop.sequences]).toEqual([5, 4, 2]);
});

it("through loops that read what others stack", () => {
  const graph = traced((_, { both, scaled }) => {
    const [total] = scan((carry: Tensor, [x]: readonly [Tensor, Tensor]): [Tensor, Tensor] => [add(carry, x), x], zeros([2]), [
      both,
      scaled,
    ] as const);
    return [total];
  });
  const [first, second] = loopsOf(eliminateDead(graph));
  expect([second!.outputs.length, second!.inputs.length]).toEqual([1, 2]);
  // The carry and `both`, of both sequences, without the scale.
  expect([first!.outputs.length, first!.inputs.length]).toEqual([2, 3]);
});

it("a loop in a loop stacks what the outer one's step reads", () => {
  const graph = traceEntry("loop", (trace) => {
    const x = trace.feed("x", { shape: [3, 4, 2], dtype: "float32", domain: "real" });
    const [, ys] = scan(
      (carry: Tensor, rows: Tensor): [Tensor, Tensor] => {
        const [last, [, kept]] = scan(
          (h: Tensor, row: Tensor): [Tensor, readonly [Tensor, Tensor]] => [add(h, row), [mul(h, row), sub(h, row)]],
          carry,
          rows,
        );
        return [last, sum(kept)];
      },
      zeros([2]),
      x,
    );
    return [ys];
  }).graph;
  const [outer] = loopsOf(eliminateDead(graph));
  const [inner] = loopsOf(outer!.op.loop.body);
  expect(inner!.outputs).toHaveLength(2);
});

it("what is stacked twice is one stack where sizes are numbers", () => {
  const graph = eliminateDead(
    specialize(
      traced((_, { fromA, again }) => [fromA, again]),
      {},
    ),
  );
  const [loop] = loopsOf(graph);
  expect(loop!.outputs).toHaveLength(2);
  expect(graph.outputs[0]).toBe(graph.outputs[1]);
});

it("results stay those of all of it", () => {
  const given = [normal([3, 2]), normal([3, 2]), tensor([2, 3])] as const;
  const [carry, ys] = run(...given);
  for (const [key, expected] of Object.entries({ carry, ...ys })) {
    const one = compile((a: Tensor, b: Tensor, scale: Tensor) => {
      const [last, all] = run(a, b, scale);
      return ({ carry: last, ...all } as Record<string, Tensor>)[key]!;
    });
    expect(one(...given).toArray()).toEqual(expected.toArray());
    one.dispose();
  }
});
