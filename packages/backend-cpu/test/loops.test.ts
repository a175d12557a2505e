/** Loops are one instruction: their words, and what a step takes of memory and allocates, do not depend on the number of steps. */
import { describe, expect, it } from "vitest";
import {
  add,
  at,
  compile,
  indexSelect,
  linear,
  matmul,
  mean,
  mul,
  normal,
  Parameter,
  reshape,
  scan,
  sin,
  slice,
  stack,
  sub,
  sum,
  tanh,
  tensor,
  valueAndGrad,
  Variable,
  zeros,
  type Tensor,
} from "@ermine/core";
import { LSTM } from "@ermine/core/nn";
import { cpu } from "../src/index.js";
import { backend, expectExact, numbers, useCpu } from "./exact.js";

useCpu();

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

describe("a program of a loop is the steps written out, bit for bit", () => {
  type Product = (h: Tensor, w: Tensor, b: Tensor) => Tensor;
  const products: Readonly<Record<string, readonly [Product, transposed: boolean]>> = {
    "linear with a bias": [(h, w, b) => linear(h, w, b), true],
    "a product": [(h, w) => matmul(h, w), false],
    "a product with what is transposed": [(h, w) => matmul(h, w, { transposeB: true }), true],
    "rows in a batch": [(h, w) => reshape(matmul(reshape(h, [h.shape[0] as number, 1, -1]), w), [h.shape[0]!, -1]), false],
  };
  for (const [name, [product, transposed]] of Object.entries(products)) {
    it.each([
      [1, 12],
      [3, 12],
      [4, 12],
      [9, 7],
      [40, 65],
      [33, 300],
    ])(`${name}, %i rows of %i`, (rows, size) => {
      const wide = size + 3;
      const [x, w, b] = [drawn(4, rows, size), transposed ? drawn(wide, size) : drawn(size, wide), drawn(wide)];
      const step = (h: Tensor, each: Tensor, weight: Tensor): Tensor =>
        tanh(add(mul(slice(product(h, weight, b), [0, 2], [rows, size]), 0.2), each));
      // A weight that is fed, and one that is part of the program.
      for (const given of [[x, w], [x]]) {
        const loop = compile(
          (xs: Tensor, weight: Tensor = w) =>
            scan((h: Tensor, each: Tensor): [Tensor, Tensor] => [step(h, each, weight), h], zeros([rows, size]), xs),
          { backend },
        );
        const out = compile(
          (xs: Tensor, weight: Tensor = w) => {
            const states = [zeros([rows, size])];
            for (let t = 0; t < 4; t++) states.push(step(states[t]!, at(xs, t), weight));
            return [states[4]!, stack(states.slice(0, 4))];
          },
          { backend },
        );
        expect(numbers(loop(...(given as [Tensor, Tensor])))).toEqual(numbers(out(...(given as [Tensor, Tensor]))));
        [loop, out].forEach((each) => each.dispose());
      }
    });
  }
});

describe("what goes from step to step and is stacked", () => {
  type States = readonly [p: Tensor, q: Tensor];
  const step = ([p, q]: States, x: Tensor): States => [tanh(add(mul(q, x), p)), sub(sin(p), mul(x, q))];
  const stacks: Readonly<Record<string, (before: States, after: States) => readonly Tensor[]>> = {
    "before each step": (before) => before,
    "after each step": (_, after) => after,
    "before and after": (before, after) => [after[1], before[0], after[0], before[1]],
    "twice, and one of two": (before, [p]) => [p, before[1], p],
  };
  for (const [name, stacked] of Object.entries(stacks)) {
    it.each([
      [0, 4],
      [1, 4],
      [5, 4],
      [5, 3],
      [17, 64],
    ])(`${name}: %i steps of %i elements, both ways`, (length, size) => {
      for (const reverse of [false, true]) {
        const fn = (x: Tensor, start: Tensor): readonly Tensor[] => {
          const [last, ys] = scan(
            (before: States, each: Tensor): [States, readonly Tensor[]] => {
              const after = step(before, each);
              return [after, stacked(before, after)];
            },
            [start, sin(start)],
            x,
            { reverse },
          );
          return [...last, ...ys, ...ys.map((y) => mul(y, 2))];
        };
        expectExact(fn, [drawn(length, 2, size), drawn(2, size)]);
      }
    });
  }

  it("is in its place where the state of a loop is what a loop in it stacks", () => {
    for (const reverse of [false, true]) {
      const fn = (x: Tensor, start: Tensor): readonly Tensor[] => {
        const [last, ys] = scan(
          (rows: Tensor, each: Tensor): [Tensor, readonly [Tensor, Tensor]] => {
            const [, [before, after]] = scan(
              (h: Tensor, row: Tensor): [Tensor, readonly [Tensor, Tensor]] => {
                const next = tanh(add(mul(h, row), each));
                return [next, [h, next]];
              },
              each,
              rows,
              { reverse },
            );
            return [after, [before, rows]];
          },
          start,
          x,
          { reverse },
        );
        return [last, ...ys];
      };
      expectExact(fn, [drawn(3, 4), drawn(6, 4)]);
    }
  });

  it("becomes variables' new values, and writes nothing next to them", () => {
    const variables = [0, 1, 2].map(() => new Variable(zeros([4, 2, 4]), { trainable: false }));
    const starts = variables.map((_, i) => add(zeros([2, 4]), i + 1));
    const run = (x: Tensor): readonly Tensor[] =>
      scan(
        (states: readonly Tensor[], each: Tensor): [Tensor[], readonly Tensor[]] => [
          states.map((h) => tanh(add(h, each))),
          states,
        ],
        starts,
        x,
      )[1];
    const fn = compile(
      (x: Tensor) => {
        run(x).forEach((all, i) => (variables[i]!.value = all));
        return sum(x);
      },
      { backend },
    );
    const x = drawn(4, 2, 4);
    fn(x);
    expect(variables.map(({ value }) => value.toArray())).toEqual(run(x).map((all) => all.toArray()));
    fn.dispose();
  });
});

it("an LSTM's steps keep what their gradient reads, once", () => {
  const size = 32;
  const bytesAt = (length: number): number => {
    const layer = new LSTM(size, size);
    const before = backend.memory().bytes;
    const step = compile((x: Tensor) => valueAndGrad(() => mean(layer.forward(x)), layer.parameters()), { backend });
    const x = zeros([4, length, size]);
    step(x);
    const bytes = backend.memory().bytes - before;
    step.dispose();
    return bytes;
  };
  // In units of one state: the gates' inputs and their gradients, four each, three gates, what they let in, c, tanh c and h, and x and its gradients.
  expect((bytesAt(2000) - bytesAt(1000)) / (1000 * 4 * size * 4)).toBeLessThan(21);
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
