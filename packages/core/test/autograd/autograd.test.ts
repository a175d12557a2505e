import { beforeEach, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { defineOp, apply1 } from "../../src/entries/define.js";
import type { NoAttributes } from "../../src/entries/backend.js";
import type { Backend, Tensor } from "../../src/index.js";
import { checkGradients, reference } from "../../src/reference/index.js";

let backend: Backend;
beforeEach(() => e.useBackend((backend = reference())));
const square = (x: Tensor) => e.sum(e.mul(x, x));

describe("valueAndGrad", () => {
  it("gives gradients as the tree of its sources", () => {
    const parameters = { w: new e.Parameter(e.tensor([1, 2])), b: [new e.Parameter(e.tensor(3))] };
    const { value, grads } = e.valueAndGrad(
      () => e.add(square(parameters.w.value), e.mul(parameters.b[0]!.value, 5)),
      parameters,
    );
    expect(value.item()).toBe(20);
    expect(grads.w.toArray()).toEqual([2, 4]);
    expect(grads.b[0]!.item()).toBe(5);
  });

  it("gives zeros where nothing flows", () => {
    const [x, y] = [e.tensor([1, 2]), e.tensor([3])];
    expect(e.valueAndGrad(() => e.sum(x), [x, y]).grads[1]!.toArray()).toEqual([0]);
  });

  it("adds up over several uses", () => {
    const x = e.tensor(3);
    expect(
      e
        .grad((t: Tensor) => e.add(e.mul(t, t), e.mul(t, 4)))(x)
        .item(),
    ).toBe(10);
  });

  it("passes an auxiliary result through", () => {
    const x = e.tensor([1, 2]);
    const { value, grads } = e.valueAndGrad(() => [square(x), e.mul(x, 10)] as const, x);
    expect(value[1].toArray()).toEqual([10, 20]);
    expect(grads.toArray()).toEqual([2, 4]);
  });

  it("says what to do about a result that is not a scalar, an async function, a wrong source, int32", () => {
    const x = e.tensor([1, 2]);
    expect(() => e.valueAndGrad(() => e.mul(x, x), x)).toThrow(/needs a function that returns a scalar, got \[2\].*jacobian/);
    expect(() => e.valueAndGrad((async () => e.sum(x)) as never, x)).toThrow(/cannot be async/);
    expect(() => e.valueAndGrad(() => e.sum(x), "x")).toThrow(/model\.parameters\(\)/);
    expect(() => e.grad(square)(e.tensor([1], { dtype: "int32" }))).toThrow(/Only float32 has gradients/);
  });

  it("stopGradient and noGrad make constants", () => {
    const x = e.tensor(3);
    expect(
      e
        .grad((t: Tensor) => e.mul(t, e.stopGradient(t)))(x)
        .item(),
    ).toBe(3);
    expect(
      e
        .grad((t: Tensor) =>
          e.mul(
            t,
            e.noGrad(() => e.mul(t, t)),
          ),
        )(x)
        .item(),
    ).toBe(9);
  });

  it("works inside noGrad, and is a constant outside of it", () => {
    const x = e.tensor(3);
    const outer = e.grad((t: Tensor) =>
      e.mul(
        t,
        e.noGrad(() => e.grad((s: Tensor) => e.mul(s, s))(t)),
      ),
    );
    expect(outer(x).item()).toBe(6);
  });
});

describe("tensors of the same elements", () => {
  const bothWays = (fn: (x: Tensor) => Tensor, x: Tensor) => {
    const compiled = e.compile(fn);
    try {
      return [fn(x).toArray(), compiled(x).toArray()];
    } finally {
      compiled.dispose();
    }
  };

  it("an op that gives back what it was given counts once", () => {
    const whole = defineOp<NoAttributes>({
      name: "whole",
      inputs: [{ name: "x" }],
      infer: ([x]) => [x!],
      decompose: ([x]) => [x!],
      gradient: ([g]) => [e.mul(g!, 3)],
    });
    const x = e.tensor([[1, 2]]);
    const slope = (fn: (x: Tensor) => Tensor) => bothWays((t) => e.grad((u: Tensor) => e.sum(fn(u)))(t), x);
    expect(slope((u) => e.split(u, [0, 1], 0)[1]!)).toEqual([[[1, 1]], [[1, 1]]]);
    expect(slope((u) => apply1(whole, [u], {}))).toEqual([[[3, 3]], [[3, 3]]]);
    expect(slope((u) => apply1(whole, [apply1(whole, [e.mul(u, 2)], {})], {}))).toEqual([[[18, 18]], [[18, 18]]]);
  });

  it("a variable is not the tensor that it was made of, or that was written to it", () => {
    const slopes = (v: e.Variable) => (x: Tensor) => {
      const { grads } = e.valueAndGrad(() => e.sum(e.mul(x, e.add(v.value, 1))), [x, v]);
      return e.concat(grads);
    };
    const x = e.tensor([3]);
    expect(bothWays(slopes(new e.Variable(x)), x)).toEqual([
      [4, 3],
      [4, 3],
    ]);
    const written = (v: e.Variable) => (t: Tensor) => {
      v.value = t;
      return slopes(v)(t);
    };
    expect(bothWays(written(new e.Variable(e.tensor([0]))), x)).toEqual([
      [4, 3],
      [4, 3],
    ]);
  });
});

describe("higher orders", () => {
  it("x³ has the derivatives 3x², 6x, 6, 0", () => {
    let fn = (x: Tensor): Tensor => e.mul(x, e.mul(x, x));
    for (const expected of [12, 12, 6, 0]) {
      fn = e.grad(fn) as (x: Tensor) => Tensor;
      expect(fn(e.tensor(2)).item()).toBe(expected);
    }
  });

  it("of a penalty on gradients, with an inner scope, with respect to parameters", () => {
    const w = new e.Parameter(e.tensor([0.5, -1.5]));
    const penalty = (values: Tensor) => {
      const x = e.tensor([1, 2]);
      return e.scope(() => square(e.grad((t: Tensor) => e.sum(e.tanh(e.mul(t, values))))(x)));
    };
    expect(checkGradients(penalty, [w.value])).toBeLessThan(1e-6);
  });

  it("leaves nothing behind, also after an error", () => {
    const x = e.tensor([1, 2]);
    const run = () =>
      e.scope(() =>
        e
          .grad((t: Tensor) => e.sum(e.grad((s: Tensor) => e.sum(e.exp(e.mul(s, s))))(t)))(x)
          .toArray(),
      );
    run();
    const before = backend.memory();
    run();
    expect(() =>
      e.valueAndGrad(() => {
        e.exp(x);
        throw new Error("in the middle");
      }, x),
    ).toThrow("in the middle");
    expect(backend.memory()).toEqual(before);
  });
});

describe("jacobian", () => {
  it("of x² is diagonal, and keeps shapes", () => {
    expect(e.jacobian((x) => e.mul(x, x), e.tensor([1, 2])).toArray()).toEqual([
      [2, 0],
      [0, 4],
    ]);
    expect(e.jacobian((x) => e.sum(x, { axis: 0 }), e.ones([2, 3])).shape).toEqual([3, 2, 3]);
  });

  it("of a linear map is its matrix", () => {
    const a = e.tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(e.jacobian((x) => e.matmul(a, x), e.ones([3])).toArray()).toEqual(a.toArray());
  });

  it("of a gradient is the Hessian", () => {
    const hessian = e.jacobian((x) => e.grad((y: Tensor) => e.prod(y))(x), e.tensor([2, 3, 4]));
    expect(
      e.allClose(
        hessian,
        e.tensor([
          [0, 4, 3],
          [4, 0, 2],
          [3, 2, 0],
        ]),
      ),
    ).toBe(true);
  });
});

describe("checkGradients", () => {
  it("finds a gradient that is wrong, and names the element", () => {
    const wrong = defineOp<Record<never, never>>({
      name: "wrongSquare",
      inputs: [{ name: "x" }],
      infer: ([x]) => [x!],
      decompose: ([x]) => [e.mul(x!, x!)],
      gradient: ([g], [x]) => [e.mul(g!, x!)],
    });
    expect(() => checkGradients((x) => apply1(wrong, [x], {}), [e.tensor([0, 2])])).toThrow(/input 0 \[2\], element 1/);
  });

  it("differentiates a decomposition where there is no rule", () => {
    const cubed = defineOp<Record<never, never>>({
      name: "cubed",
      inputs: [{ name: "x" }],
      infer: ([x]) => [x!],
      decompose: ([x]) => [e.mul(x!, e.mul(x!, x!))],
    });
    expect(checkGradients((x) => apply1(cubed, [x], {}), [e.tensor([0.3, -2])])).toBeLessThan(1e-6);
  });
});

function messageOf(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("functions of other frameworks", () => {
  it("each says ermine's way", () => {
    const x = e.tensor(1);
    expect(() => x.backward()).toThrow(/valueAndGrad/);
    expect(() => x.zeroGrad()).toThrow(/nothing accumulates/);
    expect(() => x.grad).toThrow(/valueAndGrad/);
    expect(() => x.detach()).toThrow(/stopGradient/);
    expect(() => x.arraySync()).toThrow(/toArray/);
    expect(() => e.tidy(() => x)).toThrow(/scope/);
    expect(() => e.dispose([x])).toThrow(/scope/);
    expect(() => e.backward(x)).toThrow(/valueAndGrad/);
  });

  it("leave nothing else on tensors that a fluent import could not add, and nothing that is enumerable", () => {
    const x = e.tensor(1);
    const names = ["backward", "zeroGrad", "detach", "grad", "arraySync"];
    for (const name of names) expect(Object.getOwnPropertyDescriptor(e.Tensor.prototype, name)?.enumerable, name).toBe(false);
    const throwing = Object.getOwnPropertyNames(e.Tensor.prototype).filter((name) =>
      /gradient|accumulates|stopGradient|toArray\(\)/.test(
        messageOf(() => (x as unknown as Record<string, () => unknown>)[name]?.()),
      ),
    );
    expect(throwing.sort()).toEqual([...names].sort());
    // @ts-expect-error Operations are functions: mul(x, x).
    expect(x.mul).toBeUndefined();
  });
});
