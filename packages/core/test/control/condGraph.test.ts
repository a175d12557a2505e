/** The node of a conditional in a graph: what it keeps, and what of it stays when nobody reads it. */
import { describe, expect, it } from "vitest";
import {
  add,
  cond,
  greater,
  linear,
  matmul,
  mul,
  normal,
  ones,
  Parameter,
  sin,
  sum,
  tanh,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import {
  conditionalOf,
  eliminateDead,
  isConditional,
  specialize,
  traceEntry,
  type ConditionalNode,
  type Graph,
} from "../../src/entries/backend.js";
import { useReference } from "./reference.js";

useReference();

const size = 3;
const weight = new Parameter(zeros([size, size]), { name: "weight" });
const bias = new Parameter(zeros([size]), { name: "bias" });

const draw = () => {
  weight.value = normal([size, size], 0, 0.5);
  bias.value = normal([size]);
  return { x: normal([2, size]), y: normal([2, size]), unread: normal([2]) };
};

/** Branches that read variables and tensors of both, of one alone, and of none; that compute different things; and put out what they were given. */
const lossOf =
  (choose: typeof cond, condition: Tensor) =>
  ({ x, y }: ReturnType<typeof draw>): Tensor => {
    const { a, b, c } = choose(
      condition,
      () => ({ a: tanh(linear(x, weight.value, bias.value)), b: sin(mul(x, x)), c: x }),
      () => ({ a: mul(matmul(y, weight.value), x), b: ones([2, size]), c: tanh(y) }),
    );
    return add(sum(mul(a, a)), add(sum(mul(b, y)), sum(mul(c, mul(c, c)))));
  };

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
