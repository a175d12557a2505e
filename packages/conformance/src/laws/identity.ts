/**
 * The law of identity: one tensor in several places is one tensor, and a variable reads as what was written last; eagerly and compiled,
 * with gradients as PyTorch has them.
 */
import {
  add,
  clamp,
  compile,
  keep,
  mul,
  noGrad,
  scope,
  stopGradient,
  sum,
  tensor,
  valueAndGrad,
  Variable,
  withBackend,
  type Backend,
  type Tensor,
  asProbabilities,
} from "@ermine/core";
import { Embedding } from "@ermine/core/nn";
import type { Law } from "./law.js";

type Run = <A extends readonly unknown[], R>(fn: (...args: A) => R) => (...args: A) => R;

interface Case {
  readonly name: string;
  /** The computation; `run` is `compile`, or returns the function itself. */
  readonly of: (run: Run) => readonly Tensor[];
  readonly is: readonly (readonly number[])[];
}

const at = (...values: number[]): Tensor => keep(tensor(values));
const variable = (...values: number[]): Variable => new Variable(tensor(values));
const product = (a: Tensor, b: Tensor): readonly Tensor[] => valueAndGrad(() => sum(mul(a, b)), [a, b]).grads;

const tensors: readonly Case[] = [
  {
    name: "a tensor as two arguments",
    of(run) {
      const x = at(3);
      return run(product)(x, x);
    },
    is: [[6], [6]],
  },
  {
    name: "two tensors, then one as both",
    of(run) {
      const f = run(product);
      const [x, y] = [at(3), at(5)];
      return [...f(x, y), ...f(x, x), ...f(y, x)];
    },
    is: [[5], [3], [6], [6], [3], [5]],
  },
  {
    name: "a tensor in several places of trees",
    of(run) {
      const x = at(3);
      return run((p: { a: Tensor; b: Tensor[] }, q: Tensor) =>
        valueAndGrad(() => sum(mul(mul(p.a, p.b[1]!), q)), [p.a, p.b, q]).grads.flat(),
      )({ a: x, b: [at(1), x] }, x);
    },
    is: [[27], [0], [27], [27]],
  },
  {
    name: "a tensor under two domains",
    of(run) {
      const x = at(0.5);
      return run(product)(x, asProbabilities(x));
    },
    is: [[1], [1]],
  },
  {
    name: "a tensor and its stopGradient",
    of(run) {
      const x = at(3);
      return run(product)(x, stopGradient(x));
    },
    is: [[3], [3]],
  },
  {
    name: "an argument that a closure has, too",
    of(run) {
      const x = at(3);
      const f = run((a: Tensor) => valueAndGrad(() => sum(mul(a, x)), a).grads);
      return [f(x), f(at(5)), f(x)];
    },
    is: [[6], [3], [6]],
  },
  {
    name: "an argument that is a variable's value",
    of(run) {
      const v = variable(3);
      return run((a: Tensor) => valueAndGrad(() => sum(mul(a, v.value)), [a, v]).grads)(v.value);
    },
    is: [[6], [6]],
  },
  {
    name: "results that are one tensor",
    of(run) {
      const [a, b] = run((x: Tensor) => {
        const y = mul(x, 2);
        return [y, y] as const;
      })(at(3));
      return product(a, b);
    },
    is: [[12], [12]],
  },
  {
    name: "a result that is an argument",
    of(run) {
      const x = at(3);
      return product(run((y: Tensor) => ({ y }))(x).y, x);
    },
    is: [[6], [6]],
  },
];

const variables: readonly Case[] = [
  ...[5, 0.5].map((start) => ({
    name: `a variable of ${start}, clamped to [0, 1] and read`,
    of: (run: Run) => {
      const v = variable(start);
      const step = () => {
        const { value, grads } = valueAndGrad(() => {
          v.value = clamp(v.value, 0, 1);
          return sum(v.value);
        }, v);
        return [value, grads];
      };
      return [...run(step)(), v.value];
    },
    is: start > 1 ? [[1], [0], [1]] : [[0.5], [1], [0.5]],
  })),
  {
    name: "a variable read before and after a write",
    of(run) {
      const v = variable(3);
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            const before = v.value;
            v.value = mul(v.value, 2);
            return sum(add(before, mul(v.value, v.value)));
          }, v);
          return [value, grads];
        })(),
        v.value,
      ];
    },
    is: [[39], [25], [6]],
  },
  {
    name: "a variable written twice",
    of(run) {
      const v = variable(3);
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            v.value = mul(v.value, 2);
            v.value = add(v.value, 1);
            return sum(mul(v.value, v.value));
          }, v);
          return [value, grads];
        })(),
        v.value,
      ];
    },
    is: [[49], [28], [7]],
  },
  {
    name: "a variable that takes another's value",
    of(run) {
      const [v, w] = [variable(3), variable(4)];
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            v.value = w.value;
            return sum(mul(v.value, 2));
          }, [v, w]);
          return [value, ...grads];
        })(),
        v.value,
        w.value,
      ];
    },
    is: [[8], [0], [2], [4], [4]],
  },
  {
    name: "a variable that is no source",
    of(run) {
      const [v, w] = [variable(3), variable(4)];
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            v.value = w.value;
            v.value = mul(v.value, v.value);
            return sum(v.value);
          }, w);
          return [value, grads];
        })(),
        v.value,
      ];
    },
    is: [[16], [8], [16]],
  },
  {
    name: "a write under noGrad",
    of(run) {
      const v = variable(3);
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            noGrad(() => (v.value = mul(v.value, 2)));
            return sum(mul(v.value, v.value));
          }, v);
          return [value, grads];
        })(),
        v.value,
      ];
    },
    is: [[36], [12], [6]],
  },
  {
    name: "a write of a constant",
    of(run) {
      const v = variable(3);
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            const before = v.value;
            v.value = tensor([7]);
            return sum(mul(v.value, before));
          }, v);
          return [value, grads];
        })(),
        v.value,
      ];
    },
    is: [[21], [7], [7]],
  },
  {
    name: "a write in an inner valueAndGrad and scope",
    of(run) {
      const v = variable(3);
      return [
        ...run(() => {
          const { value, grads } = valueAndGrad(() => {
            const inner = valueAndGrad(() => {
              v.value = mul(v.value, v.value);
              return sum(mul(v.value, v.value));
            }, v).grads;
            return sum(add(v.value, inner));
          }, v);
          return [value, grads];
        })(),
        v.value,
      ];
    },
    // v² + 4v³, 2v + 12v²
    is: [[117], [114], [9]],
  },
];

const shrunk = (indices: readonly (readonly number[])[], training: boolean, expected: Case["is"], name: string): Case => ({
  name,
  of(run) {
    const table = Embedding.fromPretrained(
      tensor([
        [3, 4],
        [6, 8],
        [0, 0.5],
      ]),
      { maxNorm: 1, freeze: false },
    ).train(training);
    const rows = indices.map((row) => keep(tensor(Int32Array.from(row))));
    return [
      ...run(() => {
        const { value, grads } = valueAndGrad(() => {
          const lookups = rows.map((row) => sum(table.forward(row), { axis: 0 }));
          return [sum(lookups.reduce((a, b) => add(a, b))), ...lookups] as const;
        }, table.weight);
        return [...value.slice(1), grads] as Tensor[];
      })(),
      table.weight.value,
    ];
  },
  is: expected,
});

const tables: readonly Case[] = [
  shrunk(
    [[0], [1]],
    true,
    [
      [0.6, 0.8],
      [0.6, 0.8],
      [1, 1, 1, 1, 0, 0],
      [0.6, 0.8, 0.6, 0.8, 0, 0.5],
    ],
    "two rows of an Embedding with maxNorm, apart",
  ),
  shrunk(
    [[0], [0, 2]],
    true,
    [
      [0.6, 0.8],
      [0.6, 1.3],
      [2, 2, 0, 0, 1, 1],
      [0.6, 0.8, 6, 8, 0, 0.5],
    ],
    "a row of an Embedding with maxNorm, twice",
  ),
  shrunk(
    [[1, 1, 1], [0]],
    false,
    [
      [1.8, 2.4],
      [0.6, 0.8],
      [1, 1, 3, 3, 0, 0],
      [0.6, 0.8, 0.6, 0.8, 0, 0.5],
    ],
    "an Embedding with maxNorm in evaluation",
  ),
];

async function check(backend: Backend, { of, is }: Case, compiled: boolean): Promise<void> {
  const programs: { dispose(): void }[] = [];
  const run: Run = (fn) => {
    if (!compiled) return fn;
    const program = compile(fn, { backend });
    programs.push(program);
    return program;
  };
  const results = withBackend(backend, () => scope(() => of(run)));
  const values = await Promise.all(results.map(async (t) => Array.from(await t.data())));
  for (const program of programs) program.dispose();
  is.forEach((expected, i) => {
    const same = values[i]!.length === expected.length && expected.every((value, k) => Math.abs(value - values[i]![k]!) < 1e-5);
    if (!same)
      throw new Error(
        `${compiled ? "compiled" : "eagerly"}, result ${i} is [${values[i]!.join()}], right is [${expected.join()}]`,
      );
  });
}

export const identityHolds: Law = {
  name: "one tensor in two places is one, a variable reads as written",
  trials: () =>
    [...tensors, ...variables, ...tables].map((trial) => ({
      name: trial.name,
      async check(backend) {
        for (const compiled of [false, true]) await check(backend, trial, compiled);
      },
    })),
};
