/** The laws of cond: it is the branch that is taken, in value and gradient, nested, in loops, eager and compiled. */
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  add,
  at,
  bernoulli,
  cast,
  compile,
  cond,
  div,
  grad,
  greater,
  indexSelect,
  less,
  linear,
  log,
  logicalNot,
  manualSeed,
  matmul,
  mul,
  noGrad,
  normal,
  notEqual,
  ones,
  Parameter,
  scalar,
  scan,
  sin,
  softmax,
  stack,
  stopGradient,
  sub,
  sum,
  tanh,
  tensor,
  useBackend,
  valueAndGrad,
  Variable,
  withRandom,
  zeros,
  type Tensor,
} from "../../src/index.js";
import {
  conditionalOf,
  eliminateDead,
  isConditional,
  observeOps,
  specialize,
  traceEntry,
  type ConditionalNode,
  type Graph,
} from "../../src/entries/backend.js";
import { leaves } from "../../src/types/tree.js";
import { checkGradients, reference } from "../../src/reference/index.js";

const backend = reference();
const late = reference({ late: true });
const poor = reference({ dtypes: ["float32"], without: ["randomUniform"] });

beforeEach(() => {
  useBackend(backend);
  manualSeed(3);
});
afterAll(() => [backend, late, poor].forEach((each) => each.dispose()));

const numbers = (tree: unknown): number[][] => (leaves(tree) as Tensor[]).map((t) => Array.from(t.dataSync()));

function expectSame(computed: unknown, expected: unknown, digits = 11): void {
  const [a, b] = [numbers(computed), numbers(expected)];
  expect(a.map((each) => each.length)).toEqual(b.map((each) => each.length));
  a.forEach((values, i) => values.forEach((value, k) => expect(value).toBeCloseTo(b[i]![k]!, digits)));
}

/** What cond means where the condition's value is there. */
const chosen: typeof cond = (condition, whenTrue, whenFalse) => (condition.item() === 0 ? whenFalse() : whenTrue());

const bool = (value: boolean): Tensor => tensor(value, { dtype: "bool" });
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

describe("cond is the branch that is taken", () => {
  it.each([true, false])("in values: %s", (which) => {
    const given = draw();
    expectSame(lossOf(cond, bool(which))(given), lossOf(chosen, bool(which))(given));
  });

  it.each([true, false])("in gradients of weights and tensors, zero for what the other branch alone reads: %s", (which) => {
    const given = draw();
    const gradients = (choose: typeof cond) => valueAndGrad(() => lossOf(choose, bool(which))(given), [weight, bias, given]);
    expectSame(gradients(cond), gradients(chosen));
  });

  it.each([true, false])("in gradients of gradients: %s", (which) => {
    const given = draw();
    const sources = [weight, bias, given];
    const second = (choose: typeof cond) =>
      valueAndGrad(() => {
        const { grads } = valueAndGrad(() => lossOf(choose, bool(which))(given), sources);
        return (leaves(grads) as Tensor[]).map((g) => sum(mul(g, g))).reduce((a, b) => add(a, b));
      }, sources);
    expectSame(second(cond), second(chosen), 9);
  });

  it.each([true, false])("in third gradients: %s", (which) => {
    const f = (choose: typeof cond) => (x: Tensor) =>
      choose(
        bool(which),
        () => mul(sin(x), mul(x, x)),
        () => tanh(mul(x, x)),
      );
    const third = (choose: typeof cond) => {
      const g = (x: Tensor) => grad(f(choose))(x);
      const gg = (x: Tensor) => grad(g)(x);
      return grad(gg)(scalar(0.4));
    };
    expectSame(third(cond), third(chosen));
  });

  it.each([
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ])("nested, and on what it has put out: %i, %i", (p, q) => {
    const run = (choose: typeof cond) => (x: Tensor, y: Tensor) =>
      valueAndGrad(() => {
        const a = choose(
          greater(x, 0),
          () =>
            choose(
              greater(y, 0),
              () => mul(x, y),
              () => sin(mul(x, y)),
            ),
          () =>
            mul(
              x,
              choose(
                less(y, 0),
                () => mul(y, y),
                () => scalar(2),
              ),
            ),
        );
        return choose(
          greater(a, 0.2),
          () => mul(a, x),
          () => mul(tanh(a), y),
        );
      }, [x, y]);
    const given = [scalar(p), scalar(q)] as const;
    expectSame(run(cond)(...given), run(chosen)(...given));
    const compiled = compile((x: Tensor, y: Tensor) => {
      const { value, grads } = run(cond)(x, y);
      return [value, ...grads];
    });
    expectSame(compiled(...given), run(chosen)(...given), 10);
    compiled.dispose();
  });

  it("the gradient is the slope", () => {
    const x = tensor([0.3, -0.6]);
    for (const which of [true, false])
      checkGradients(
        (t: Tensor) =>
          cond(
            bool(which),
            () => sin(mul(t, t)),
            () => mul(t, sum(t)),
          ),
        [x],
      );
  });

  it("what the other branch would divide by zero, or look up outside of its table, leaves no trace", () => {
    const table = tensor([1, 2]);
    const run = (x: Tensor, i: Tensor): readonly Tensor[] => {
      const { value, grads } = valueAndGrad(
        () =>
          sum(
            cond(
              less(sum(i), 2),
              () => add(indexSelect(table, 0, i), div(1, x)),
              () => mul(stack([x]), 3),
            ),
          ),
        x,
      );
      return [value, grads];
    };
    const outside = tensor([7], { dtype: "int32" });
    expect(numbers(run(scalar(0), outside))).toEqual([[0], [3]]);
    const compiled = compile(run);
    expect(numbers(compiled(scalar(0), outside))).toEqual([[0], [3]]);
    expect(numbers(compiled(scalar(2), tensor([1], { dtype: "int32" })))).toEqual([[2.5], [-0.25]]);
    expect(() => compiled(scalar(2), tensor([-1], { dtype: "int32" }))).toThrow(/-1/);
    compiled.dispose();
  });
});

describe("in a loop", () => {
  const run =
    (choose: typeof cond, loop: boolean) =>
    (x: Tensor, start: Tensor): readonly Tensor[] => {
      const step = (c: Tensor, each: Tensor): [Tensor, Tensor] => {
        const next = choose(
          greater(each, 0),
          () => mul(c, sin(each)),
          () => sub(c, mul(each, tanh(c))),
        );
        return [next, mul(next, each)];
      };
      const { value, grads } = valueAndGrad(() => {
        if (loop) {
          const [last, ys] = scan(step, start, x);
          return add(last, sum(ys));
        }
        let state = start;
        let total = scalar(0);
        for (let i = 0; i < 5; i++) {
          const [next, y] = step(state, at(x, i));
          [state, total] = [next, add(total, y)];
        }
        return add(state, total);
      }, [x, start]);
      return [value, ...grads];
    };
  const given = [tensor([0.3, -0.5, 0.2, -0.1, 0.7]), scalar(0.8)] as const;

  it("each step takes its own branch, eager and compiled", () => {
    const expected = run(chosen, false)(...given);
    expectSame(run(cond, true)(...given), expected);
    const compiled = compile(run(cond, true));
    expectSame(compiled(...given), expected, 10);
    compiled.dispose();
  });

  it("and a loop is in a branch", () => {
    const sums = (choose: typeof cond) => (x: Tensor, p: Tensor) => {
      const { value, grads } = valueAndGrad(
        () =>
          choose(
            p,
            () => scan((c: Tensor, each: Tensor) => [mul(add(c, each), each), c], scalar(1), x)[0],
            () => sum(x),
          ),
        x,
      );
      return [value, grads];
    };
    const compiled = compile(sums(cond));
    for (const which of [true, false]) {
      expectSame(sums(cond)(given[0], bool(which)), sums(chosen)(given[0], bool(which)));
      expectSame(compiled(given[0], bool(which)), sums(chosen)(given[0], bool(which)), 10);
    }
    compiled.dispose();
  });
});

describe("compiled", () => {
  const step =
    (choose: typeof cond) =>
    (x: Tensor, y: Tensor, p: Tensor): readonly Tensor[] => {
      const given = { x, y, unread: zeros([2]) };
      const { value, grads } = valueAndGrad(() => lossOf(choose, p)(given), [weight, bias, x, y]);
      return [value, ...grads];
    };

  it.each([
    ["reference", backend],
    ["float32 alone, without random bits", poor],
  ])("is eager: %s", (_, on) => {
    useBackend(on);
    const { x, y } = draw();
    const compiled = compile(step(cond), { backend: on });
    for (const which of [true, false, true]) expectSame(compiled(x, y, bool(which)), step(chosen)(x, y, bool(which)), 10);
    compiled.dispose();
  });

  it("selects where the backend answers later, eager and compiled", async () => {
    useBackend(late);
    const run = (x: Tensor, p: Tensor) =>
      cond(
        p,
        () => ({ a: mul(x, 2), b: x }),
        () => ({ a: div(x, 0), b: add(x, 1) }),
      );
    const compiled = compile(run, { backend: late });
    for (const fn of [run, compiled]) {
      const { a, b } = fn(tensor([1, 2]), greater(tensor(1), 0));
      expect([...(await a.data()), ...(await b.data())]).toEqual([2, 4, 1, 2]);
    }
    const { a, b } = compiled(tensor([1, 2]), bool(false));
    expect([...(await a.data()), ...(await b.data())]).toEqual([Infinity, Infinity, 2, 3]);
    compiled.dispose();
  });

  it("leaves nothing behind", () => {
    const { x, y } = draw();
    const compiled = compile(step(cond));
    compiled(x, y, bool(true)).forEach((t) => t.dispose());
    const before = backend.memory().tensors;
    for (const which of [true, false]) compiled(x, y, bool(which)).forEach((t) => t.dispose());
    expect(backend.memory().tensors).toBe(before);
    compiled.dispose();
  });

  it("takes open sizes", () => {
    const run = (x: Tensor) => {
      const { value, grads } = valueAndGrad(
        () =>
          cond(
            greater(sum(x), 0),
            () => sum(sin(x)),
            () => sum(mul(x, x)),
          ),
        x,
      );
      return [value, grads];
    };
    const compiled = compile(run, { symbolicBatch: true });
    for (const x of [tensor([1, 2]), tensor([-1, -2, 1, 0]), zeros([0])]) expectSame(compiled(x), run(x));
    compiled.dispose();
  });

  it("notices a branch that does something else each time", () => {
    let count = 0;
    const compiled = compile((x: Tensor) =>
      cond(
        greater(x, 0),
        () => (++count % 2 === 0 ? sin(x) : tanh(x)),
        () => x,
      ),
    );
    expect(() => compiled(scalar(2))).toThrow(/each time that it is traced.*in a branch of cond/s);
  });
});

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

describe("what the branches may do", () => {
  it("stop gradients", () => {
    const { x, y } = draw();
    const both = (choose: typeof cond) =>
      valueAndGrad(
        () =>
          sum(
            choose(
              greater(sum(x), -100),
              () =>
                mul(
                  stopGradient(tanh(x)),
                  add(
                    y,
                    noGrad(() => sin(y)),
                  ),
                ),
              () => x,
            ),
          ),
        [x, y],
      );
    expectSame(both(cond), both(chosen));
  });

  it("differentiate inside", () => {
    const x = scalar(0.5);
    const energy = (q: Tensor): Tensor => mul(x, mul(q, mul(q, q)));
    const run = (choose: typeof cond) =>
      valueAndGrad(
        () =>
          choose(
            greater(x, 0),
            () => grad(energy)(sin(x)),
            () => x,
          ),
        x,
      );
    expectSame(run(cond), run(chosen));
  });

  it("draw random numbers: the same for a seed, and what comes after has the same ones whichever branch is taken", () => {
    const noise = (): Tensor => cast(bernoulli(mul(ones([32]), 0.5)), "float32");
    const run = (which: boolean) => {
      manualSeed(5);
      return [cond(bool(which), noise, () => mul(noise(), 2)), noise()] as const;
    };
    const [a, after] = run(true);
    expect(numbers(run(true))).toEqual(numbers([a, after]));
    const [b, afterB] = run(false);
    expect(numbers(afterB)).toEqual(numbers(after));
    expect(Math.max(...numbers(b)[0]!)).toBe(2);
    expect(numbers(b)).not.toEqual(numbers(mul(a, 2)));
  });

  it.each([
    ["reference", backend],
    ["fed with random numbers", poor],
  ])("draw from counters in a program: %s", (_, on) => {
    useBackend(on);
    const run = (counters: Tensor, p: Tensor) =>
      withRandom({ seed: 1, counters }, () =>
        cond(
          p,
          () => cast(bernoulli(mul(ones([16]), 0.5)), "float32"),
          () => zeros([16]),
        ),
      );
    const compiled = compile(run, { backend: on });
    const at = (step: number) => tensor([step, 0, 0], { dtype: "int32" });
    expect(numbers(compiled(at(1), bool(true)))).toEqual(numbers(compiled(at(1), bool(true))));
    expect(numbers(compiled(at(1), bool(true)))).not.toEqual(numbers(compiled(at(2), bool(true))));
    expect(numbers(compiled(at(1), bool(false)))).toEqual([Array.from({ length: 16 }, () => 0)]);
    compiled.dispose();
  });

  it("put out what they are given, which outlives what comes out", () => {
    const x = mul(tensor([1, 2]), 1);
    const fixed = tensor([3]);
    const { a, b, c } = cond(
      bool(true),
      () => ({ a: x, b: x, c: fixed }),
      () => ({ a: mul(x, 2), b: x, c: sin(fixed) }),
    );
    a.dispose();
    expect(numbers([x, b, c])).toEqual([[1, 2], [1, 2], [3]]);
    b.dispose();
    c.dispose();
    expect(numbers([x, fixed])).toEqual([[1, 2], [3]]);
  });

  it("give probabilities where both do", () => {
    const { x, y } = draw();
    const p = bool(true);
    expect(
      cond(
        p,
        () => softmax(x),
        () => softmax(y),
      ).domain,
    ).toBe("probabilities");
    expect(
      cond<Tensor>(
        p,
        () => softmax(x),
        () => y,
      ).domain,
    ).toBe("real");
    expect(() =>
      log(
        cond<Tensor>(
          p,
          () => softmax(x),
          () => y,
        ),
      ),
    ).not.toThrow();
  });

  it("give nothing, integers, or bools", () => {
    const p = bool(false);
    expect(
      cond<undefined>(
        p,
        () => undefined,
        () => undefined,
      ),
    ).toBeUndefined();
    const i = tensor([1, 2], { dtype: "int32" });
    const { isOne, next } = cond(
      p,
      () => ({ isOne: notEqual(i, 1), next: i }),
      () => ({ isOne: notEqual(i, 2), next: add(i, 1) }),
    );
    expect([isOne.dtype, next.dtype]).toEqual(["bool", "int32"]);
    expect(numbers([isOne, next])).toEqual([
      [1, 0],
      [2, 3],
    ]);
  });

  it("write no variable", () => {
    const count = new Variable(scalar(0), { name: "count" });
    const run = () =>
      cond(
        bool(true),
        () => {
          count.value = add(count.value, 1);
          return scalar(1);
        },
        () => scalar(2),
      );
    expect(run).toThrow(/A branch of cond writes count, .* write the variable after cond/s);
    expect(count.value.item()).toBe(0);
    expect(() => compile(run)()).toThrow(/writes count/);
  });

  it("are watched op by op, the one that is taken alone", () => {
    const seen: string[] = [];
    const x = scalar(2);
    observeOps(
      (op) => seen.push(op.name),
      () =>
        cond(
          bool(false),
          () => div(x, 0),
          () => mul(x, x),
        ),
    );
    expect(seen).toEqual(["mul"]);
  });
});

describe("refusals", () => {
  const x = tensor([1, 2]);
  const p = bool(true);
  it.each<[string, () => unknown, RegExp]>([
    [
      "a condition for each element",
      () =>
        cond(
          tensor([true, false]),
          () => x,
          () => x,
        ),
      /a scalar, and it is \[2\].*where/,
    ],
    [
      "a condition that is a number",
      () =>
        cond(
          scalar(1),
          () => x,
          () => x,
        ),
      /is bool, and it is float32.*notEqual/,
    ],
    [
      "a condition that the host knows",
      () =>
        cond(
          true as never,
          () => x,
          () => x,
        ),
      /the host knows: use if/,
    ],
    [
      "a condition that is no tensor",
      () =>
        cond(
          "yes" as never,
          () => x,
          () => x,
        ),
      /cond/,
    ],
    ["no function", () => cond(p, x as never, () => x), /cond\(condition, \(\) => a/],
    ["no second function", () => (cond as (...given: unknown[]) => unknown)(p, () => x), /cond\(condition, \(\) => a/],
    [
      "operands",
      () =>
        (cond as (...given: unknown[]) => unknown)(
          p,
          () => x,
          () => x,
          x,
        ),
      /cond/,
    ],
    [
      "another shape",
      () =>
        cond(
          p,
          () => ({ y: x }),
          () => ({ y: scalar(1) }),
        ),
      /the result's y is \[2\] in the first branch and \[\] in the second/,
    ],
    [
      "another dtype",
      () =>
        cond(
          p,
          () => x,
          () => cast(x, "int32"),
        ),
      /float32 in the first branch and int32 in the second.*cast/,
    ],
    [
      "another form",
      () =>
        cond<unknown>(
          p,
          () => [x, x],
          () => x,
        ),
      /the first branch gives 0, 1, the second one tensor/,
    ],
    [
      "no tensors",
      () =>
        cond<unknown>(
          p,
          () => x,
          () => 1,
        ),
      /the result of the second branch is a tree of tensors .* is 1/,
    ],
    [
      "an async branch",
      () =>
        cond<unknown>(
          p,
          async () => x,
          () => x,
        ),
      /the first branch cannot be async/,
    ],
  ])("%s", (_, run, message) => {
    expect(run).toThrow(expect.objectContaining({ name: "ErmineError", message: expect.stringMatching(message) as string }));
    expect(
      numbers(
        cond(
          logicalNot(p),
          () => x,
          () => mul(x, 2),
        ),
      ),
    ).toEqual([[2, 4]]);
  });
});
