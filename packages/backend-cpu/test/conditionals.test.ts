/** Conditionals are a skip over the words of the branch that is not taken: what they compute, where, and what is left alone. */
import { describe, expect, it } from "vitest";
import {
  add,
  cast,
  compile,
  cond,
  div,
  greater,
  indexSelect,
  less,
  matmul,
  mul,
  normal,
  reshape,
  scan,
  sin,
  sub,
  sum,
  tanh,
  tensor,
  valueAndGrad,
  Variable,
  zeros,
  type Tensor,
} from "@ermine/core";
import { isConditional, lowerModule, specialize, traceEntry } from "@ermine/core/backend";
import { plan } from "../src/compiled/plan.js";
import { backend, expectExact, numbers, useCpu } from "./exact.js";

useCpu();

const bool = (value: boolean): Tensor => tensor(value, { dtype: "bool" });
const drawn = (...shape: number[]): Tensor => normal(shape, 0, 0.5);
const bothWays = (...given: Tensor[]): Tensor[][] => [true, false, true].map((which) => [bool(which), ...given]);

describe("a conditional", () => {
  it.each([1, 3, 4, 31, 64, 1000])("of %i elements, with gradients", (size) => {
    const fn = (p: Tensor, x: Tensor, y: Tensor): readonly Tensor[] => {
      const { value, grads } = valueAndGrad(() => {
        const [a, b, c] = cond(
          p,
          () => [mul(sin(x), y), x, zeros([size])],
          () => [tanh(y), mul(x, 3), x],
        ) as [Tensor, Tensor, Tensor];
        return [add(sum(mul(a, b)), sum(mul(c, a))), a, b, c] as const;
      }, [x, y]);
      return [...value, ...grads];
    };
    expectExact(fn, ...bothWays(drawn(size), drawn(size)));
  });

  it("with products, that puts out one tensor twice, what it was given, a view of it, and a constant", () => {
    const constant = tensor([1, 2, 3]);
    expectExact(
      (p, x, w) => {
        const { value, grads } = valueAndGrad(() => {
          const out = cond(
            p,
            () => {
              const y = matmul(w, x);
              return [y, y, reshape(x, [6]), constant];
            },
            () => [x, sin(x), reshape(mul(x, x), [6]), mul(constant, sum(w))],
          );
          return [out.map((t) => sum(mul(t, sin(t)))).reduce((a, b) => add(a, b)), ...out] as const;
        }, [x, w]);
        return [...value, ...grads];
      },
      ...bothWays(drawn(2, 3), drawn(2, 2)),
    );
  });

  it("nested, in a loop, and with a loop in it", () => {
    const fn = (x: Tensor, start: Tensor): readonly Tensor[] => {
      const { value, grads } = valueAndGrad(() => {
        const [last, ys] = scan(
          (c: Tensor, each: Tensor): [Tensor, Tensor] => {
            const size = sum(each);
            const next = cond(
              greater(size, 0),
              () =>
                cond(
                  less(size, 1),
                  () => mul(c, sin(each)),
                  () => scan((s: Tensor, e: Tensor) => [mul(s, e), s], c, each)[0],
                ),
              () => sub(c, mul(tanh(each), 0.1)),
            );
            return [next, mul(next, size)];
          },
          start,
          x,
        );
        return add(sum(last), sum(ys));
      }, [x, start]);
      return [value, ...grads];
    };
    const x = tensor([
      [0.3, 0.3, 0.2],
      [0.5, 0.6, 0.7],
      [-1, 0.2, 0.1],
      [0.2, 0.2, 0.1],
      [0.1, -3, 0.2],
    ]);
    expectExact(fn, [x, drawn(3)], [mul(x, -1), drawn(3)]);
  });

  it("computes only the branch that is taken: an index that is outside of its table there is none", () => {
    const table = tensor([
      [1, 2],
      [3, 4],
    ]);
    const fn = (p: Tensor, i: Tensor): Tensor =>
      cond(
        p,
        () => indexSelect(table, 0, i),
        () => zeros([1, 2]),
      );
    const compiled = compile(fn, { backend });
    const outside = tensor([5], { dtype: "int32" });
    expect(numbers([compiled(bool(false), outside), fn(bool(false), outside)])).toEqual([0, 0, 0, 0]);
    for (const run of [compiled, fn]) expect(() => run(bool(true), outside).dataSync()).toThrow(/index 5/);
    expect(numbers([compiled(bool(true), tensor([1], { dtype: "int32" }))])).toEqual([3, 4]);
    compiled.dispose();
  });

  it("an update that it computes is dropped where an index was outside", () => {
    const total = new Variable(zeros([2]), { name: "total" });
    const table = tensor([
      [1, 2],
      [3, 4],
    ]);
    const step = compile(
      (p: Tensor, i: Tensor) => {
        total.value = add(
          total.value,
          cond(
            p,
            () => sum(indexSelect(table, 0, i), { axis: 0 }),
            () => div(total.value, 2),
          ),
        );
        return total.value;
      },
      { backend },
    );
    const at = (i: number): Tensor => tensor([i], { dtype: "int32" });
    expect(numbers([step(bool(true), at(1))])).toEqual([3, 4]);
    expect(() => step(bool(true), at(2))).toThrow(/index 2/);
    expect(numbers([step(bool(false), at(2))])).toEqual([4.5, 6]);
    step.dispose();
  });

  it("of conditions that are computed, in floats and integers", () => {
    expectExact(
      (x) => [
        cond(
          greater(sum(x), 0),
          () => cast(x, "int32"),
          () => cast(mul(x, 10), "int32"),
        ),
      ],
      [tensor([1.5, 2.5])],
      [tensor([-1.5, 0.2])],
    );
  });

  it("both branches have the same memory", () => {
    const bytesOf = (second: (x: Tensor) => Tensor): number => {
      const { graph } = traceEntry("memory", (trace) => {
        const x = trace.feed("x", { shape: [1000], dtype: "float32", domain: "real" });
        return cond(
          greater(sum(x), 0),
          () => sin(matmul(reshape(sin(x), [10, 100]), reshape(tanh(x), [100, 10]))),
          () => second(x),
        );
      });
      const { entries } = lowerModule({ variables: [], entries: { graph: specialize(graph, {}) } }, backend);
      expect(entries["graph"]!.nodes.filter(isConditional)).toHaveLength(1);
      return plan(entries["graph"]!).bytes;
    };
    const heavy = (x: Tensor): Tensor => tanh(matmul(reshape(tanh(x), [10, 100]), reshape(sin(x), [100, 10])));
    expect(bytesOf(heavy)).toBe(bytesOf(() => zeros([10, 10])));
  });
});
