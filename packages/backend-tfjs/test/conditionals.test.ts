/** Conditionals in TensorFlow's graphs: Switch and Merge, so that the branch that is not taken is not computed. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  add,
  compile,
  cond,
  div,
  greater,
  indexSelect,
  matmul,
  mul,
  sin,
  sum,
  tanh,
  tensor,
  useBackend,
  valueAndGrad,
  Variable,
  withBackend,
  zeros,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { backend as shared } from "./agreement.js";
import { describeNative } from "./native.js";

const exact = reference();
let backend: Backend;

const bool = (value: boolean): Tensor => tensor(value, { dtype: "bool" });
const at = (i: number): Tensor => tensor([i], { dtype: "int32" });
const numbers = (results: readonly Tensor[]): number[] => results.flatMap((t) => Array.from(t.dataSync()));
const copyOf = (t: Tensor): Tensor => tensor(t.dataSync(), { shape: t.shape as number[], dtype: t.dtype });

/** One program, called with each of these, is what the reference says of each. */
function expectExact(fn: (...given: Tensor[]) => readonly Tensor[], calls: readonly (readonly Tensor[])[]): void {
  const compiled = compile(fn, { backend });
  for (const given of calls) {
    const copies = given.map(copyOf);
    const expected = withBackend(exact, () => numbers(fn(...copies)));
    for (const run of [compiled, compiled, fn]) {
      const computed = numbers(run(...given.map(copyOf)));
      expect(computed).toHaveLength(expected.length);
      computed.forEach((value, i) =>
        expect(Math.abs(value - expected[i]!), `${value} for ${expected[i]}`).toBeLessThan(5e-5 * (1 + Math.abs(expected[i]!))),
      );
    }
  }
  compiled.dispose();
}

describeNative("conditionals", () => {
  beforeAll(async () => useBackend((backend = await shared())));
  afterAll(() => exact.dispose());

  it("are the branch that is taken, with gradients, nested, and with constants alone", () => {
    const constant = tensor([0.5, 2]);
    const fn = (p: Tensor, x: Tensor): readonly Tensor[] => {
      const { value, grads } = valueAndGrad(() => {
        const [a, b, c] = cond(
          p,
          () => [
            matmul(x, x),
            cond(
              greater(sum(x), 0),
              () => mul(constant, constant),
              () => tanh(mul(constant, sum(x))),
            ),
            x,
          ],
          () => [sin(x), mul(constant, sum(x)), div(x, 0.1)],
        ) as [Tensor, Tensor, Tensor];
        return [add(sum(mul(a, a)), add(sum(mul(b, b)), sum(c))), a, b, c] as const;
      }, x);
      return [...value, grads];
    };
    const x = tensor([
      [0.3, -0.2],
      [0.4, 0.1],
    ]);
    expectExact(
      fn,
      [true, false, true].flatMap((which) => [
        [bool(which), x],
        [bool(which), mul(x, -1)],
      ]),
    );
  });

  it("what comes out is its own memory: a tensor that goes through is not what is fed next", () => {
    const compiled = compile(
      (p: Tensor, x: Tensor) =>
        cond(
          p,
          () => x,
          () => mul(x, 2),
        ),
      { backend },
    );
    const first = compiled(bool(true), tensor([1, 2]));
    compiled(bool(true), tensor([5, 6]));
    expect(numbers([first])).toEqual([1, 2]);
    compiled.dispose();
  });

  it("look up only in the branch that is taken, and no variable is written where that was outside of its table", () => {
    const total = new Variable(zeros([2]), { name: "total" });
    const other = new Variable(zeros([1]), { name: "other" });
    const table = tensor([
      [1, 2],
      [3, 4],
    ]);
    const step = compile(
      (p: Tensor, i: Tensor) => {
        const increment = cond(
          p,
          () =>
            cond(
              greater(sum(i), -5),
              () => sum(indexSelect(table, 0, i), { axis: 0 }),
              () => zeros([2]),
            ),
          () => div(total.value, 2),
        );
        total.value = add(total.value, increment);
        other.value = add(other.value, 1);
        return [total.value, other.value];
      },
      { backend },
    );
    expect(numbers(step(bool(true), at(1)))).toEqual([3, 4, 1]);
    expect(() => step(bool(true), at(2))).toThrow(/index/);
    expect(numbers([total.value, other.value])).toEqual([3, 4, 1]);
    expect(numbers(step(bool(false), at(2)))).toEqual([4.5, 6, 2]);
    expect(numbers(step(bool(true), at(-7)))).toEqual([4.5, 6, 3]);
    step.dispose();
  });

  it("with constants in gradients of gradients, from which the graph optimizer makes other constants", () => {
    const fn = (x: Tensor, y: Tensor): readonly Tensor[] => {
      const gradients = (): readonly [Tensor, Tensor] =>
        valueAndGrad(() => {
          const [a, b] = cond(
            greater(sum(mul(y, y)), 0),
            () => [mul(x, 2), tanh(y)],
            () => [mul(x, y), sin(mul(y, y))],
          ) as [Tensor, Tensor];
          return add(sum(mul(a, a)), sum(b));
        }, [x, y]).grads as [Tensor, Tensor];
      const { value, grads } = valueAndGrad(() => {
        const [ofX, ofY] = gradients();
        return add(sum(mul(ofX, ofX)), sum(ofY));
      }, [x, y]);
      return [value, ...grads];
    };
    expectExact(fn, [
      [
        tensor([
          [1, 2],
          [3, -4],
        ]),
        tensor([0.2, -0.5]),
      ],
    ]);
  });

  it("with branches without elements", () => {
    const compiled = compile(
      (p: Tensor, x: Tensor) =>
        cond(
          p,
          () => sum(zeros([0])),
          () => sum(x),
        ),
      { backend },
    );
    expect(numbers([compiled(bool(true), tensor([1, 2])), compiled(bool(false), tensor([1, 2]))])).toEqual([0, 3]);
    compiled.dispose();
  });
});
