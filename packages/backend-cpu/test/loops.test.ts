/** Loops are one instruction: their words, and what a step takes of memory and allocates, do not depend on the number of steps. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  add,
  at,
  compile,
  indexSelect,
  linear,
  mul,
  normal,
  Parameter,
  scan,
  sin,
  stack,
  sub,
  sum,
  tanh,
  tensor,
  useBackend,
  valueAndGrad,
  withBackend,
  zeros,
  type Tensor,
} from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { cpu, type CpuBackend } from "../src/index.js";

const exact = reference();
let backend: CpuBackend;
beforeAll(async () => {
  backend = await cpu();
  useBackend(backend);
});
afterAll(() => {
  backend.dispose();
  exact.dispose();
});

const numbers = (results: readonly Tensor[]): number[] => results.flatMap((t) => Array.from(t.dataSync()));

/** Compiled on cpu as on the reference. */
function expectExact(fn: (...given: Tensor[]) => readonly Tensor[], given: readonly Tensor[]): void {
  const copies = given.map((t) => tensor(t.dataSync(), { shape: t.shape as number[], dtype: t.dtype }));
  const expected = withBackend(exact, () => numbers(fn(...copies)));
  const compiled = compile(fn, { backend });
  for (const found of [numbers(compiled(...given)), numbers(compiled(...given))]) {
    expect(found).toHaveLength(expected.length);
    found.forEach((value, i) =>
      expect(Math.abs(value - expected[i]!), `${value} for ${expected[i]}`).toBeLessThan(5e-4 * (1 + Math.abs(expected[i]!))),
    );
  }
  compiled.dispose();
}

const drawn = (...shape: number[]): Tensor => normal(shape, 0, 0.5);

describe("a loop", () => {
  it.each([1, 2, 3, 4, 5, 8, 31, 64])("of rows of %i elements, forwards and backwards, with gradients", (size) => {
    for (const reverse of [false, true]) {
      const fn = (x: Tensor, start: Tensor, w: Tensor, b: Tensor): readonly Tensor[] => {
        const loss = (): readonly [Tensor, Tensor, Tensor] => {
          const [last, ys] = scan(
            (h: Tensor, step: Tensor): [Tensor, { y: Tensor; before: Tensor; step: Tensor }] => {
              const next = tanh(add(linear(h, w, b), mul(step, sin(h))));
              return [next, { y: next, before: h, step }];
            },
            start,
            x,
            { reverse },
          );
          return [add(sum(mul(ys.y, ys.before)), sum(add(last, ys.step))), last, ys.y];
        };
        const { value, grads } = valueAndGrad(loss, [x, start, w, b]);
        return [...value, ...grads];
      };
      expectExact(fn, [drawn(6, 3, size), drawn(3, size), drawn(size, size), drawn(size)]);
    }
  });

  it("whose state changes places", () => {
    const fn = (x: Tensor): readonly Tensor[] => {
      const [[a, b, c], ys] = scan(
        ([p, q, r]: [Tensor, Tensor, Tensor], step: Tensor): [[Tensor, Tensor, Tensor], Tensor] => [
          [q, add(r, step), p],
          stack([p, q, r]),
        ],
        [zeros([3]), add(zeros([3]), 1), add(zeros([3]), 2)],
        x,
      );
      return [a, b, c, ys];
    };
    expectExact(fn, [drawn(5, 3)]);
  });

  it("in a loop, with integers and look-ups", () => {
    const fn = (x: Tensor, table: Tensor, indices: Tensor): readonly Tensor[] => {
      const run = (): readonly [Tensor, Tensor, Tensor] => {
        const [[last, count], ys] = scan(
          ([h, n]: [Tensor, Tensor], { row, at: places }: { row: Tensor; at: Tensor }): [[Tensor, Tensor], Tensor] => {
            const [inner, all] = scan(
              (c: Tensor, each: Tensor): [Tensor, Tensor] => [tanh(add(mul(c, each), sum(indexSelect(table, 0, places)))), c],
              h,
              row,
              { reverse: true },
            );
            return [[inner, add(n, places)], all];
          },
          [zeros([2]), zeros([3], { dtype: "int32" })],
          { row: x, at: indices },
        );
        return [add(sum(last), sum(mul(ys, ys))), count, ys];
      };
      const { value, grads } = valueAndGrad(run, [x, table]);
      return [...value, ...grads];
    };
    expectExact(fn, [
      drawn(4, 3, 2),
      drawn(5, 2),
      tensor(
        [
          [0, 4, 4],
          [1, 1, 0],
          [2, 3, 4],
          [0, 0, 0],
        ],
        { dtype: "int32" },
      ),
    ]);
  });

  it("of no steps and of one", () => {
    for (const length of [0, 1]) {
      const fn = (x: Tensor, start: Tensor): readonly Tensor[] => {
        const { value, grads } = valueAndGrad(() => {
          const [last, ys] = scan((h: Tensor, step: Tensor): [Tensor, Tensor] => [mul(h, step), h], start, x);
          return [add(sum(ys), sum(last)), last, ys] as const;
        }, [x, start]);
        return [...value, ...grads];
      };
      expectExact(fn, [drawn(length, 3), drawn(3)]);
    }
  });

  it("names the op and the index of a look-up that is outside of its table, and changes no variable", () => {
    const table = new Parameter(drawn(4, 2));
    const before = table.value.toArray();
    const step = compile((indices: Tensor) => {
      const run = (): Tensor =>
        sum(
          scan(
            (h: Tensor, i: Tensor): [Tensor, undefined] => [add(h, indexSelect(table.value, 0, i)), undefined],
            zeros([1, 2]),
            indices,
          )[0],
        );
      const { value, grads } = valueAndGrad(run, table);
      table.value = sub(table.value, grads);
      return value;
    });
    const indices = (bad: number): Tensor => tensor([[1], [bad], [2]], { dtype: "int32" });
    expect(() => step(indices(9))).toThrow(/indexSelect.*9 is not in 0 … 3/s);
    expect(table.value.toArray()).toEqual(before);
    expect(step(indices(3)).shape).toEqual([]);
    expect(table.value.toArray()).not.toEqual(before);
    step.dispose();
  });
});

describe("the number of steps", () => {
  const size = 8;
  const weight = new Parameter(zeros([size, size]));
  const stepAt = (length: number) => {
    const x = zeros([length, 2, size]);
    const step = compile((given: Tensor) => {
      const loss = (): Tensor =>
        sum(
          scan(
            (h: Tensor, each: Tensor): [Tensor, Tensor] => {
              const next = tanh(add(linear(h, weight.value), each));
              return [next, next];
            },
            zeros([2, size]),
            given,
          )[1],
        );
      const { value, grads } = valueAndGrad(loss, weight);
      weight.value = sub(weight.value, grads);
      return value;
    });
    step(x).dispose();
    return { step, x };
  };

  it("adds a few times what a step makes, and nothing is allocated for a run, which is one call", () => {
    const bytesAt = (length: number): number => {
      const before = backend.memory().bytes;
      const { step, x } = stepAt(length);
      const bytes = backend.memory().bytes - before;
      const [now, { wasmCalls }] = [backend.memory().bytes, backend.statistics()];
      step(x).dispose();
      expect(backend.memory().bytes).toBe(now);
      expect(backend.statistics().wasmCalls).toBe(wasmCalls + 1);
      step.dispose();
      x.dispose();
      return bytes;
    };
    // In units of what one step makes, 2 × 8 floats: what is fed twice (the storage and its copy), the output, the state before it, and gradients.
    for (const length of [1000, 4000, 16_000]) expect(bytesAt(length) / length / (4 * 2 * size)).toBeLessThan(8);
  });
});

it("a program of a loop is the steps written out, bit for bit", () => {
  const [x, w] = [drawn(7, 2, 12), drawn(12, 12)];
  const step = (h: Tensor, each: Tensor): Tensor => tanh(add(linear(h, w), each));
  const loop = compile(
    (given: Tensor) =>
      scan((h: Tensor, each: Tensor): [Tensor, undefined] => [step(h, each), undefined], zeros([2, 12]), given)[0],
  );
  const out = compile((given: Tensor) => {
    let h: Tensor = zeros([2, 12]);
    for (let t = 0; t < 7; t++) h = step(h, at(given, t));
    return h;
  });
  expect(loop(x).toArray()).toEqual(out(x).toArray());
  [loop, out].forEach((each) => each.dispose());
});

it("steps that fork give the same bits on any number of threads", async () => {
  const [x, w] = [drawn(5, 64, 128), drawn(128, 128)];
  const results: unknown[] = [];
  for (const threads of [1, 2]) {
    const on = await cpu({ threads });
    const fn = compile(
      (given: Tensor, weight: Tensor) => {
        const { grads } = valueAndGrad(() => {
          const [, ys] = scan(
            (h: Tensor, each: Tensor): [Tensor, Tensor] => [tanh(add(linear(h, weight), each)), h],
            zeros([64, 128]),
            given,
          );
          return sum(ys);
        }, [given, weight]);
        return grads;
      },
      { backend: on },
    );
    const copies = [x, w].map((t) => tensor(t.dataSync(), { shape: t.shape as number[] }));
    for (let run = 0; run < 2; run++) results.push(fn(copies[0]!, copies[1]!).map((t) => Array.from(t.dataSync())));
    fn.dispose();
    on.dispose();
  }
  for (const result of results) expect(result).toEqual(results[0]);
});
