/** The laws of cond: it is the branch that is taken, in value and gradient, nested, in loops, eager and compiled. */
import { describe, expect, it } from "vitest";
import {
  add,
  at,
  compile,
  cond,
  div,
  grad,
  greater,
  indexSelect,
  less,
  mul,
  scalar,
  scan,
  sin,
  stack,
  sub,
  sum,
  tanh,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../../src/index.js";
import { leaves } from "../../src/types/tree.js";
import { checkGradients } from "../../src/reference/index.js";
import { bias, chosen, draw, lossOf, weight } from "./conditionals.js";
import { backend, bool, expectSame, late, numbers, poor, useReference } from "./reference.js";

useReference();

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
