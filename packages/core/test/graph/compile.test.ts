import { beforeEach, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import {
  traceEntry,
  currentTrace,
  specialize,
  eliminateDead,
  lowerModule,
  graphModule,
  type Graph,
  type OpNode,
} from "../../src/entries/backend.js";
import { defineActivation } from "../../src/entries/define.js";
import type { Backend, Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

let backend: Backend;
beforeEach(() => e.useBackend((backend = reference())));
const opsOf = (graph: Graph) => graph.nodes.filter((node): node is OpNode => node.kind === "op").map((node) => node.op.name);
const traced = (fn: (x: Tensor) => unknown, shape: e.Shape = [e.Dim.symbol("N"), 3]) =>
  traceEntry("test", (trace) => fn(trace.feed("x", { shape, dtype: "float32", domain: "real" }))).graph;

describe("compile", () => {
  it("gives what the function gives, and traces it once for a shape", () => {
    let calls = 0;
    const f = e.compile((x: Tensor, options: { by: number }) => {
      calls++;
      return { y: e.mul(e.add(x, options.by), x), name: "result" };
    });
    expect(f(e.tensor([1, 2]), { by: 3 })).toMatchObject({ name: "result" });
    expect(f(e.tensor([1, 2]), { by: 3 }).y.toArray()).toEqual([4, 10]);
    expect(calls).toBe(2);
    expect(f(e.tensor([1, 2]), { by: 4 }).y.toArray()).toEqual([5, 12]);
    expect(f(e.ones([3]), { by: 1 }).y.toArray()).toEqual([2, 2, 2]);
    f.dispose();
  });

  it("serves every batch size with one trace, remainders of 1 and 0 too", () => {
    let calls = 0;
    const f = e.compile(
      (x: Tensor) => {
        calls++;
        return e.mean(e.reshape(e.mul(x, 2), [-1]));
      },
      { symbolicBatch: true },
    );
    for (const n of [64, 7, 1]) expect(f(e.ones([n, 3])).item()).toBe(2);
    expect(f(e.ones([0, 3])).item()).toBeNaN();
    expect(calls).toBe(2);
    f.dispose();
  });

  it("trains: gradients and updates of variables in one program", () => {
    const w = new e.Parameter(e.tensor([0, 0]), { name: "w" });
    const step = e.compile((x: Tensor, y: Tensor) => {
      const { value, grads } = e.valueAndGrad(() => e.mean(e.squaredDifference(e.matmul(x, w.value), y)), w);
      w.value = e.sub(w.value, e.mul(grads, 0.1));
      return value;
    });
    const eager = new e.Parameter(e.tensor([0, 0]));
    const [x, y] = [
      e.tensor([
        [1, 2],
        [3, -1],
        [0.5, 1],
      ]),
      e.tensor([3, 2, 1.5]),
    ];
    for (let i = 0; i < 20; i++) {
      const loss = step(x, y).item();
      const { value, grads } = e.valueAndGrad(() => e.mean(e.squaredDifference(e.matmul(x, eager.value), y)), eager);
      expect(loss).toBeCloseTo(value.item(), 12);
      eager.value = e.sub(eager.value, e.mul(grads, 0.1));
    }
    expect(w.placedOn).toBeDefined();
    expect(e.allClose(w.value, eager.value, { rtol: 1e-12 })).toBe(true);
    w.write(new Float32Array([7, 8]));
    expect(w.value.toArray()).toEqual([7, 8]);
    step.dispose();
    expect(w.placedOn).toBeUndefined();
    expect(w.value.toArray()).toEqual([7, 8]);
  });

  it("takes new values only where the commit condition holds", () => {
    const v = new e.Variable(e.tensor(1), { name: "v" });
    const f = e.compile((x: Tensor) => {
      v.value = e.add(v.value, x);
      currentTrace()!.commitIf(e.isFinite(x));
      return v.value;
    });
    expect(f(e.tensor(2)).item()).toBe(3);
    expect(f(e.tensor(Number.NaN)).item()).toBeNaN();
    expect(v.value.item()).toBe(3);
    f.dispose();
  });

  it("refuses what is read from the host and changes", () => {
    let count = 0;
    expect(() => e.compile((x: Tensor) => e.mul(x, count++))(e.tensor(1))).toThrow(
      /something else each time.*a number from outside/s,
    );
    const noise = e.compile(function noisy(x: Tensor) {
      return e.mul(x, Math.random());
    });
    expect(() => noise(e.tensor(1))).toThrow(/noisy/);
    expect(() => e.compile((x: Tensor) => e.add(x, e.uniform([1])))(e.tensor(1))).toThrow(/same numbers in every call/);
  });

  describe("refuses what its function does by turns", () => {
    const turns = (fn: (x: Tensor, odd: boolean) => unknown) => {
      let calls = 0;
      return () => e.compile((x: Tensor) => fn(x, calls++ % 2 === 1))(e.tensor([1, 2]));
    };
    const snake = (slope: number) => defineActivation({ name: "snake", decompose: (x) => e.mul(x, slope) });
    const [one, other] = [snake(1), snake(2)];
    const [a, b] = ["a", "b"].map((name) => new e.Variable(e.tensor([0, 0]), { name })) as [e.Variable, e.Variable];
    const running = (x: Tensor, reverse: boolean) =>
      e.scan((sum: Tensor, y: Tensor) => [e.add(sum, y), sum], e.tensor(0), x, { reverse });
    it.each<[string, (x: Tensor, odd: boolean) => unknown, RegExp]>([
      ["two ops of one name", (x, odd) => (odd ? one(x) : other(x)), /two definitions of snake.*outside/],
      ["an op that it defines itself", (x) => snake(3)(x), /two definitions of snake.*outside/],
      ["the direction of a loop", (x, odd) => running(x, odd), /the direction of scan/],
      [
        "the body of a loop",
        (x, odd) => e.scan((s: Tensor, y: Tensor) => [odd ? e.add(s, y) : e.sub(s, y), s], e.tensor(0), x),
        /in the body of scan/,
      ],
      ["which variable it writes", (x, odd) => void ((odd ? a : b).value = x), /b against a/],
      ["which of its values is the result", (x, odd) => [e.neg(x), e.exp(x)][odd ? 1 : 0], /other results/],
      ["which value it writes", (x, odd) => void (a.value = [e.neg(x), e.exp(x)][odd ? 1 : 0]!), /other values of variables/],
      ["a plain value of its result", (x, odd) => ({ x, label: odd ? "odd" : "even" }), /returns "even", then "odd"/],
      ["how many results it has", (x, odd) => (odd ? [x, 1] : [x]), /another result/],
    ])("%s", (_, fn, message) => {
      expect(turns(fn)).toThrow(message);
    });

    it("which argument it returns", () => {
      let calls = 0;
      const pick = e.compile((x: Tensor, y: Tensor) => (calls++ % 2 === 1 ? x : y));
      expect(() => pick(e.tensor(1), e.tensor(2))).toThrow(/returns "argument 1", then "argument 0"/);
    });
  });

  it("refuses to look at numbers while it traces", () => {
    expect(() => e.compile((x: Tensor) => (x.item() > 0 ? x : e.neg(x)))(e.tensor(1))).toThrow(/where\(\) instead of if/);
    expect(() => e.compile((x: Tensor) => e.at(x, e.greater(x, 0)))(e.tensor([1]))).toThrow(/Use where/);
  });

  it("is the function itself inside another trace and where gradients are asked", () => {
    const f = e.compile((x: Tensor) => e.sum(e.mul(x, x)));
    expect(
      e
        .grad(f)(e.tensor([3]))
        .toArray(),
    ).toEqual([6]);
    const outer = e.compile((x: Tensor) => e.add(f(x), 1));
    expect(outer(e.tensor([2])).item()).toBe(5);
  });

  it("keeps tensors from outside as constants, alive after their scope", () => {
    const f = e.scope(() => {
      const c = e.neg(e.tensor([1, 2]));
      const inner = e.compile((x: Tensor) => e.mul(x, c));
      inner(e.tensor([1, 1]));
      return inner;
    });
    expect(f(e.tensor([2, 2])).toArray()).toEqual([-2, -4]);
  });

  it("shares a variable with other functions, until the last of them is disposed of", async () => {
    const v = new e.Variable(e.tensor([1, 2]), { name: "v" });
    const double = e.compile(() => (v.value = e.mul(v.value, 2)));
    const add = e.compile((x: Tensor) => {
      v.value = e.add(v.value, x);
    });
    expect(double().toArray()).toEqual([2, 4]);
    add(e.tensor([1, 1]));
    expect(double().toArray()).toEqual([6, 10]);
    v.write([1, 1]);
    expect(double().toArray()).toEqual([2, 2]);
    double.dispose();
    double.dispose();
    expect(v.placedOn).toBe(backend);
    add(e.tensor([1, 0]));
    expect([...(await v.data())]).toEqual([3, 2]);
    add.dispose();
    expect(v.placedOn).toBeUndefined();
    expect(v.value.toArray()).toEqual([3, 2]);
  });

  it("runs where its variables are, and takes turns with programs of other backends", async () => {
    const v = new e.Variable(e.tensor([1, 2]), { name: "v" });
    const other = reference();
    const f = e.compile(() => (v.value = e.mul(v.value, 2)), { backend: other });
    f();
    const g = e.compile(() => e.add(v.value, 1));
    expect((g().state as { backend: unknown }).backend).toBe(other);
    const h = e.compile((x: Tensor) => (v.value = e.add(v.value, x)), { backend });
    expect(h(e.tensor([1, 1])).toArray()).toEqual([3, 5]);
    expect(v.value.toArray()).toEqual([3, 5]);
    expect(f().toArray()).toEqual([6, 10]);
    v.write([1, 1]);
    expect(h(e.tensor([0, 1])).toArray()).toEqual([1, 2]);
    expect(g().toArray()).toEqual([2, 3]);
    h(e.tensor([1, 0]));
    h.dispose();
    expect([...(await v.data())]).toEqual([2, 2]);
    expect(v.placedOn).toBe(other);
    f.dispose();
    g.dispose();
    expect(v.placedOn).toBeUndefined();
    expect(v.value.toArray()).toEqual([2, 2]);
  });

  it("copies between backends only what was written, and nothing while one of them runs alone", () => {
    const other = reference();
    let copies = 0;
    const counted = { ...other, readSync: (storage: object) => (copies++, other.readSync!(storage)) };
    const v = new e.Variable(e.tensor([1, 2]));
    const step = e.compile(() => void (v.value = e.add(v.value, 1)), { backend: counted });
    const look = e.compile(() => e.sum(v.value), { backend });
    for (let i = 0; i < 5; i++) step();
    expect(copies).toBe(0);
    for (let i = 0; i < 5; i++) look().dispose();
    expect(copies).toBe(1);
    for (let i = 0; i < 5; i++) step();
    expect(copies).toBe(1);
    expect(look().item()).toBe(23);
    expect(copies).toBe(2);
    step.dispose();
    look.dispose();
  });

  it("says what to do where a variable would have to be on a backend that answers later too", () => {
    const v = new e.Variable(e.tensor(1), { name: "shared" });
    const f = e.compile(() => v.value, { backend });
    f();
    const late = e.compile(() => v.value, { backend: reference({ late: true }) });
    expect(() => late()).toThrow(
      /shared is in use by a program of another instance of "reference".*answers later.*trainer\.dispose\(\)/,
    );
    f.dispose();
  });

  it("leaves nothing on the backend, on an error neither", () => {
    const f = e.compile((x: Tensor, i: Tensor) => e.indexSelect(e.mul(x, x), 0, i));
    const one = e.tensor([1, 0], { dtype: "int32" });
    const bad = e.tensor(new Int32Array([7]), { shape: [1] });
    const x = e.tensor([1, 2]);
    f(x, one).dispose();
    const before = backend.memory();
    f(x, one).dispose();
    expect(backend.memory()).toEqual(before);
    const g = e.compile((y: Tensor, i: Tensor) => e.indexSelect(e.mul(y, y), 0, i));
    expect(() => g(x, bad)).toThrow(/index 7/);
    g.dispose();
    expect(backend.memory()).toEqual(before);
    f.dispose();
    expect(backend.memory().tensors).toBe(0);
  });
});

describe("passes", () => {
  it("compute common subexpressions once", () => {
    const graph = traced((x) => e.add(e.exp(e.mul(x, 2)), e.exp(e.mul(x, 2))));
    expect(opsOf(graph)).toEqual(["mul", "exp", "mul", "exp", "add"]);
    expect(opsOf(specialize(graph, { N: 4 }))).toEqual(["mul", "exp", "add"]);
  });

  it("do not take attributes for equal that JSON would", () => {
    const graph = traced((x) =>
      e.add(
        e.pad(
          x,
          [
            [0, 1],
            [0, 0],
          ],
          Infinity,
        ),
        e.pad(
          x,
          [
            [0, 1],
            [0, 0],
          ],
          -Infinity,
        ),
      ),
    );
    expect(opsOf(specialize(graph, { N: 1 }))).toEqual(["pad", "pad", "add"]);
  });

  it("drop what nobody reads", () => {
    const graph = traced((x) => {
      e.exp(x);
      return e.neg(x);
    });
    expect(opsOf(eliminateDead(graph))).toEqual(["neg"]);
  });

  it("bind the batch in shapes and attributes", () => {
    const graph = specialize(
      traced((x) => e.sum(e.broadcastTo(e.sum(x, { axis: 1, keepDims: true }), x.shape))),
      { N: 5 },
    );
    const node = graph.nodes.find((n): n is OpNode => n.kind === "op" && n.op.name === "broadcastTo")!;
    expect(node.attributes).toEqual({ shape: [5, 3] });
    expect(node.outputs[0]!.type.shape).toEqual([5, 3]);
  });

  it("lower to what the backend has", () => {
    const graph = traced((x) => e.clamp(x, 0, 1));
    expect(opsOf(graph)).toEqual(["clamp"]);
    expect(opsOf(lowerModule(graphModule({ graph }), backend).entries["graph"]!)).toEqual(["maximum", "minimum"]);
  });

  it("every op with a symbolic batch gives what it gives eagerly", () => {
    const fn = (x: Tensor) => {
      const parts = [
        e.variance(x),
        e.norm(x, { axis: 0 }),
        e.logSumExp(x, { axis: 1 }),
        e.flip(x, 0),
        e.concat([x, x]),
        e.tile(x, [2, 1]),
        e.at(x, { start: 1 }),
        e.at(x, -1),
        e.at(x, { step: -1 }),
        e.flatten(x),
        e.matmul(x, e.transpose(x)),
        e.cumsum(x, 0),
        e.sort(x, { axis: 0 }).values,
        e.linear(x, e.ones([2, 3])),
        e.einsum("ni,mi->nm", x, x),
        e.argMax(x, { axis: 1 }),
        e.oneHot(e.argMax(x, { axis: 1 }), 3),
        e.std(x, { axis: 0 }),
        e.stack([x, x], 1),
        e.pad(x, [
          [1, 1],
          [0, 0],
        ]),
        e.expandDims(x, 0),
        e.mean(x, { axis: 0 }),
        e.maxPool(e.expandDims(x, 1), 2, { stride: 1 }),
        e.convolution(e.expandDims(x, 1), e.ones([2, 1, 2])),
      ];
      const scalar = e.add(
        e.sum(e.square(e.variance(x))),
        parts.reduce<Tensor>((sum, t) => e.add(sum, e.mean(e.cast(t, "float32"))), e.scalar(0)),
      );
      return {
        parts,
        gradient: e.grad((y: Tensor) => e.sum(e.square(e.concat([e.flip(y, 0), e.at(y, { start: 1 }), e.cumsum(y, 0)]))))(x),
        scalar,
      };
    };
    const f = e.compile(fn, { symbolicBatch: true });
    for (const n of [4, 2]) {
      const x = e.reshape(e.linspace(-1, 2, n * 3), [n, 3]);
      const [compiled, eager] = [f(x), fn(x)];
      compiled.parts.forEach((t, i) => {
        expect(t.shape).toEqual(eager.parts[i]!.shape);
        expect(e.allClose(t, eager.parts[i]!, { rtol: 1e-12 })).toBe(true);
      });
      expect(compiled.gradient.toArray()).toEqual(eager.gradient.toArray());
      expect(compiled.scalar.item()).toBeCloseTo(eager.scalar.item(), 12);
    }
  });
});
