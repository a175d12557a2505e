import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  broadcastTo,
  compile,
  greater,
  matmul,
  mul,
  relu,
  reshape,
  scope,
  slice,
  sub,
  sum,
  tensor,
  Variable,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { cpu } from "../src/index.js";

const backend = await cpu({ threads: 1 });
const variable = (...numbers: number[]): Variable => withBackend(backend, () => new Variable(tensor(numbers)));
const numbersOf = async (...variables: Variable[]): Promise<number[][]> =>
  Promise.all(variables.map(async (v) => [...(await v.data())]));

describe("a compiled function reads what variables were when it began", () => {
  it("where two change places", async () => {
    const [a, b] = [variable(1, 2), variable(3, 4)];
    const swap = compile(() => ([a.value, b.value] = [b.value, a.value])[0], { backend });
    expect([...swap().dataSync()]).toEqual([3, 4]);
    expect(await numbersOf(a, b)).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  it("where the old value is the result, as it is and reshaped", async () => {
    const a = variable(1, 2);
    const next = compile(
      () => {
        const old = a.value;
        a.value = add(old, 1);
        return [old, reshape(old, [2, 1])] as const;
      },
      { backend },
    );
    next();
    expect(next().map((t) => [...t.dataSync()])).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(await numbersOf(a)).toEqual([[3, 4]]);
  });

  it("where a number is read after its place could have been written", async () => {
    const a = withBackend(backend, () => new Variable(tensor(Float32Array.from({ length: 5000 }, (_, i) => i + 1))));
    const addFirst = compile(
      (x: Tensor) => {
        a.value = add(a.value, broadcastTo(slice(a.value, [0], [1]), [5000]));
        return mul(x, 1);
      },
      { backend },
    );
    addFirst(withBackend(backend, () => tensor([1])));
    const [numbers] = await numbersOf(a);
    expect(numbers!.every((value, i) => value === i + 2)).toBe(true);
  });
});

describe("places", () => {
  type Make = (values: readonly Tensor[], i: number, j: number) => Tensor;
  const makers: Make[] = [
    (v, i, j) => add(v[i]!, v[j]!),
    (v, i, j) => sub(v[i]!, v[j]!),
    (v, i) => relu(v[i]!),
    (v, i) => reshape(reshape(v[i]!, [3, 2]), [6]),
    (v, i) => broadcastTo(slice(v[i]!, [2], [1]), [6]),
    (v, i, j) => reshape(matmul(reshape(v[i]!, [3, 2]), reshape(slice(v[j]!, [1], [4]), [2, 2])), [6]),
    (v, i) => broadcastTo(reshape(sum(v[i]!), [1]), [6]),
    (v, i) => add(slice(v[i]!, [0], [6], [1]), 0.5),
  ];
  const program = fc.record({
    ops: fc.array(fc.tuple(fc.nat(makers.length - 1), fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 14 }),
    updates: fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30)),
    outputs: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
    accepted: fc.boolean(),
  });

  it("give any program the numbers that it has op by op", async () => {
    await fc.assert(
      fc.asyncProperty(program, async ({ ops, updates, outputs, accepted }) => {
        const start = [
          [0.5, -1, 2, 0.25, -3, 1],
          [1, 1.5, -0.5, 2, 0, -1],
          [-2, 0.125, 1, 1, 0.75, 3],
        ];
        const feed = [0.5, 0.25, -1, 1, 2, -0.5];
        const body = (variables: readonly Variable[], x: Tensor): { results: Tensor[]; next: Tensor[] } => {
          const values = [...variables.map((v) => v.value), x];
          for (const [op, i, j] of ops) values.push(makers[op]!(values, i % values.length, j % values.length));
          const at = (i: number): Tensor => values[values.length - 1 - (i % values.length)]!;
          return { results: outputs.map(at), next: updates.map(at) };
        };
        const expected = withBackend(backend, () =>
          scope(() => {
            const variables = start.map((numbers) => variable(...numbers));
            const { results, next } = body(variables, tensor(feed));
            return { results: results.map((t) => [...t.dataSync()]), next: next.map((t) => [...t.dataSync()]) };
          }),
        );
        const variables = start.map((numbers) => variable(...numbers));
        const { graph } = traceEntry("f", (trace) => {
          const x = trace.feed("x", { shape: [6], dtype: "float32", domain: "real" });
          const ok = trace.feed("ok", { shape: [], dtype: "float32", domain: "real" });
          const { results, next } = body(variables, x);
          variables.forEach((v, i) => (v.value = next[i]!));
          trace.commitIf(greater(ok, 0));
          return results;
        });
        const compiled = compileModule(backend, graphModule({ f: graph }));
        const feeds = {
          x: { shape: [6], value: Float32Array.from(feed) },
          ok: { shape: [], value: Float32Array.of(accepted ? 1 : 0) },
        };
        const got = compiled.runSync!("f", feeds).map((view) => [...view]);
        expect(got).toEqual(expected.results);
        expect(await numbersOf(...variables)).toEqual(accepted ? expected.next : start);
        compiled.dispose();
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it("are taken over where an op works number by number: a long chain of products needs two", async () => {
    const { bytes: before } = backend.memory();
    const chained = compile(
      (x: Tensor) => {
        let y = x;
        for (let i = 0; i < 20; i++) y = relu(reshape(matmul(y, y), [100, 100]));
        return y;
      },
      { backend },
    );
    chained(withBackend(backend, () => tensor(new Float32Array(10_000), { shape: [100, 100] }))).dispose();
    expect(backend.memory().bytes - before).toBeLessThan(8 * 40_000);
    chained.dispose();
  });
});
