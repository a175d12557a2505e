/** What branches of a conditional may do, and what is refused. */
import { describe, expect, it } from "vitest";
import {
  add,
  bernoulli,
  cast,
  compile,
  cond,
  div,
  grad,
  greater,
  log,
  logicalNot,
  manualSeed,
  mul,
  noGrad,
  notEqual,
  ones,
  scalar,
  sin,
  softmax,
  stopGradient,
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
import { observeOps } from "../../src/entries/backend.js";
import { chosen, draw } from "./conditionals.js";
import { backend, bool, expectSame, numbers, poor, useReference } from "./reference.js";

useReference();

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
