/** The node of a conditional in a graph: what it keeps, and what of it stays when nobody reads it. */
import { describe, expect, it } from "vitest";
import { cond, greater, mul, sin, sum, valueAndGrad } from "../../src/index.js";
import {
  conditionalOf,
  eliminateDead,
  isConditional,
  specialize,
  traceEntry,
  type ConditionalNode,
  type Graph,
} from "../../src/entries/backend.js";
import { draw, lossOf, weight } from "./conditionals.js";
import { useReference } from "./reference.js";

useReference();

describe("the graph", () => {
  const conditionals = (graph: Graph): ConditionalNode[] => graph.nodes.filter(isConditional);
  const traced = (fn: () => unknown): Graph => eliminateDead(traceEntry("conditional", fn).graph);

  it("has one node for cond, and one more for its gradient", () => {
    const given = draw();
    const graph = traced(() => valueAndGrad(() => lossOf(cond, greater(sum(given.x), 0))(given), [weight, given]));
    expect(conditionals(graph)).toHaveLength(2);
  });

  it("puts out and takes in what is read alone", () => {
    const { x, y } = draw();
    const p = greater(sum(x), 0);
    const graph = specialize(
      traced(
        () =>
          cond(
            p,
            () => [mul(x, y), sin(x)],
            () => [y, sin(y)],
          )[1],
      ),
      {},
    );
    const [node] = conditionals(graph);
    expect(node!.outputs).toHaveLength(1);
    const { branches } = conditionalOf(node!.op)!;
    expect(branches.map(({ nodes }) => nodes.filter(({ kind }) => kind === "op").length)).toEqual([1, 1]);
    expect(node!.inputs).toHaveLength(3);
  });

  it("a branch keeps only what its gradient reads", () => {
    const { x } = draw();
    const p = greater(sum(x), 0);
    const graph = traced(
      () =>
        valueAndGrad(
          () =>
            sum(
              cond(
                p,
                () => sin(mul(x, 2)),
                () => mul(x, 3),
              ),
            ),
          x,
        ).grads,
    );
    // cos's argument alone; the branches' result is for nobody.
    expect(conditionals(graph)[0]!.outputs).toHaveLength(1);
  });
});
