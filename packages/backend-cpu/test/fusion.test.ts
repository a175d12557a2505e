import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as e from "@ermine/core";
import { add, compile, mean, mul, scope, tensor, valueAndGrad, withBackend, type Tensor } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { cpu } from "../src/index.js";

/** Operations of one and of two tensors: cheap and costly, whole numbers and conditions among them. */
const one: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  neg: e.neg,
  abs: e.abs,
  tanh: e.tanh,
  sigmoid: (x) => e.sigmoid(x),
  softplus: (x) => e.softplus(x),
  hardSwish: (x) => e.hardSwish(x),
  elu: (x) => e.elu(x, { alpha: 0.7 }),
  relu: (x) => e.relu(x),
  mish: (x) => e.mish(x),
  clamp: (x) => e.clamp(x, -0.5, 2),
  scaled: (x) => e.add(e.mul(x, 0.75), -0.25),
  masked: (x) => e.where(e.greater(x, 0.1), x, e.mul(x, 0.5)),
  stepped: (x) => e.cast(e.cast(e.mul(x, 4), "int32"), "float32"),
  flags: (x) => e.cast(e.logicalNot(e.lessEqual(x, 0.3)), "float32"),
  reshaped: (x) => e.reshape(e.reshape(x, [-1]), x.shape),
  divided: (x) => e.div(1, e.add(e.mul(x, x), 1)),
};
const two: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  add: e.add,
  sub: e.sub,
  mul: e.mul,
  maximum: e.maximum,
  minimum: e.minimum,
  chosen: (a, b) => e.where(e.less(a, b), a, e.mul(b, 0.5)),
  gated: (a, b) => e.mul(a, e.sigmoid(b)),
};

/** The tolerance of a rounding. */
const jumps = ["stepped", "flags", "masked", "chosen"];

type Step = { readonly op: string; readonly from: number; readonly other: number };

/** Follows the steps over the inputs; the last results are summed up to one that has the largest shape. */
function follow(steps: readonly Step[], inputs: readonly Tensor[]): Tensor[] {
  const values = [...inputs];
  for (const { op, from, other } of steps) {
    const a = values[from % values.length]!;
    const unary = one[op];
    values.push(unary === undefined ? two[op]!(a, values[other % values.length]!) : unary(a));
  }
  return values.slice(-3);
}

const steps = fc.array(
  fc.record({
    op: fc.constantFrom(...Object.keys(one), ...Object.keys(two)),
    from: fc.nat(40),
    other: fc.nat(40),
  }),
  { minLength: 2, maxLength: 14 },
);
/** [rows, columns] of awkward sizes, and of some that threads share. */
const sizes = fc.constantFrom(
  [1, 1],
  [1, 3],
  [2, 2],
  [5, 1],
  [31, 1],
  [4, 16],
  [3, 341],
  [10, 100],
  [1, 1023],
  [7, 300],
  [61, 37],
);
const large = fc.constantFrom([2, 65_537], [3, 33_000], [30_011, 3], [2, 2049]);

const spread = (rows: number, columns: number, salt: number): Tensor =>
  tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.fround(Math.sin(i * 12.9898 + salt) * 3)),
    { shape: [rows, columns] },
  );

/** Whole, a row, a column and one number. */
const operands = ([rows, columns]: readonly number[]): Tensor[] => [
  spread(rows!, columns!, 1),
  spread(rows!, columns!, 2),
  spread(1, columns!, 3),
  spread(rows!, 1, 4),
  spread(1, 1, 5),
];

type Numbers = readonly ArrayLike<number>[];

const numbers = (outputs: readonly Tensor[]): Numbers => outputs.map((t) => t.dataSync());

function expectSame(got: Numbers, want: Numbers): void {
  got.forEach((list, k) => {
    for (let i = 0; i < list.length; i++)
      if (!Object.is(list[i], want[k]![i])) expect.fail(`${list[i]} for ${want[k]![i]} at ${k}, ${i}`);
  });
}

/** Compiled on the backend in use. */
function compiled(fn: (...inputs: Tensor[]) => Tensor[], inputs: readonly Tensor[]): Numbers {
  const program = compile(fn);
  const result = numbers(program(...inputs));
  program.dispose();
  return result;
}

describe.each(["fast", "portable"] as const)("%s: a compiled chain", { timeout: 60_000 }, async (numerics) => {
  const backend = await cpu({ numerics });

  it.each([
    ["small", sizes, 200],
    ["large", large, 12],
  ] as const)("gives op by op's bits, whatever the ops and shapes: %s", (_, shapes, numRuns) => {
    fc.assert(
      fc.property(steps, shapes, (list, size) =>
        withBackend(backend, () =>
          scope(() => {
            const inputs = operands(size);
            expectSame(
              compiled((...given) => follow(list, given), inputs),
              numbers(follow(list, inputs)),
            );
          }),
        ),
      ),
      { numRuns },
    );
  });

  it("gives op by op's bits of gradients", () => {
    const gradients =
      (list: readonly Step[]) =>
      (...given: Tensor[]): Tensor[] => {
        const loss = (): Tensor =>
          follow(list, given)
            .map((t) => mean(mul(t, t)))
            .reduce((a, b) => add(a, b));
        const { value, grads } = valueAndGrad(loss, given);
        return [value, ...grads];
      };
    fc.assert(
      fc.property(steps, sizes, (list, size) =>
        withBackend(backend, () =>
          scope(() => {
            const inputs = operands(size);
            expectSame(compiled(gradients(list), inputs), numbers(gradients(list)(...inputs)));
          }),
        ),
      ),
      { numRuns: 100 },
    );
  });

  it("gives the reference's numbers", () => {
    const oracle = reference();
    fc.assert(
      fc.property(steps, sizes, (list, size) => {
        const continuous = list.filter(({ op }) => !jumps.includes(op));
        const right = withBackend(oracle, () => scope(() => numbers(follow(continuous, operands(size)))));
        const got = withBackend(backend, () => scope(() => compiled((...given) => follow(continuous, given), operands(size))));
        got.forEach((list, k) => {
          for (let i = 0; i < list.length; i++) {
            const [value, want] = [list[i]!, right[k]![i]!];
            const same = Math.fround(want) === value || (Number.isNaN(want) && Number.isNaN(value));
            if (!same) expect(Math.abs(value - want)).toBeLessThanOrEqual(1e-3 * (1 + Math.abs(want)));
          }
        });
      }),
      { numRuns: 60 },
    );
  });
});
