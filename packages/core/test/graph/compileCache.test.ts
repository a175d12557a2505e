import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import { asProbabilities, type Backend, type Tensor } from "../../src/index.js";
import type { Executable, GraphModule, VariableStorage } from "../../src/entries/backend.js";
import { interpret } from "../../src/graph/interpret.js";
import { Dropout } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeEach(() => e.useBackend(reference()));

/** Are two arguments the same down to `Object.is`, with their keys in the same order? */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (![Object.prototype, Array.prototype].includes(prototype as never) && !ArrayBuffer.isView(a)) return false;
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return (
    keys.length === others.length &&
    keys.every((key, i) => key === others[i] && same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}

/** How many of these calls trace anew. */
function traces(...calls: (readonly unknown[])[]): number {
  let count = 0;
  const f = e.compile((...args: unknown[]) => {
    count++;
    return args.length;
  });
  for (const call of calls) f(...call);
  f.dispose();
  return count / 2;
}

class Config {
  rate = 0.1;
}
const functions = [
  (x: number) => x,
  (x: number) => x,
  new Map([[1, 2]]),
  new Map([[1, 2]]),
  new Set(),
  new Set(),
  new Config(),
  new Config(),
];
const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1, 1e21, 0.1, null, undefined, true, "1", "NaN", "[1]", "", "a,b", 1n, 0n),
    fc.constantFrom(...functions),
    fc.double(),
    fc.string({ maxLength: 3 }),
    fc.date({ noInvalidDate: false }),
    fc.constantFrom(
      Float32Array.of(0, NaN),
      Float32Array.of(-0, NaN),
      Float64Array.of(0, NaN),
      new Float32Array(),
      new Int32Array(2),
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "0", "__proto__"), tie("value"), { maxKeys: 3, noNullPrototype: true }),
    fc.constantFrom(Object.assign([], { length: 1 }), [undefined], { a: undefined }, {}),
  ),
})).value;

describe("compile's cache", () => {
  it("two lists of arguments share a program only where Object.is finds no difference anywhere", () => {
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 3 }), fc.array(plain, { maxLength: 3 }), fc.boolean(), (a, b, copied) => {
        const other = copied ? structure(a) : b;
        expect(traces(a, other)).toBe(same(a, other) ? 1 : 2);
      }),
      { numRuns: 1000 },
    );
  });

  it("does not replay one special value for another", () => {
    const f = e.compile((x: Tensor, by: number) => e.mul(x, by));
    const at = (by: number) => f(e.tensor([1]), by).item();
    expect([Infinity, -Infinity, NaN, 0, -0, 1].map(at)).toEqual([Infinity, -Infinity, NaN, 0, -0, 1]);
    const g = e.compile((x: Tensor, fn: (t: Tensor) => Tensor) => fn(x));
    expect([(t: Tensor) => e.add(t, 1), (t: Tensor) => e.mul(t, 5)].map((fn) => g(e.tensor([2]), fn).item())).toEqual([3, 10]);
    const h = e.compile((x: Tensor, m: Map<string, number>) => e.add(x, m.get("a")!));
    const map = new Map([["a", 1]]);
    expect(h(e.tensor([2]), map).item()).toBe(3);
    expect(h(e.tensor([2]), new Map([["a", 2]])).item()).toBe(4);
    map.set("a", 7);
    expect(h(e.tensor([2]), map).item()).toBe(9);
  });

  it("sees a field of an object, a module's mode, the elements of a typed array", () => {
    const config = new Config();
    const f = e.compile((x: Tensor, by: Config) => e.mul(x, by.rate));
    expect(f(e.tensor([10]), config).item()).toBeCloseTo(1, 6);
    config.rate = 0.5;
    expect(f(e.tensor([10]), config).item()).toBe(5);
    const layer = new Dropout(0.999999);
    const g = e.compile((x: Tensor, module: Dropout) => (module.training ? e.mul(x, 0) : module.forward(x)));
    expect(g(e.tensor([1]), layer).item()).toBe(0);
    expect(g(e.tensor([1]), layer.eval()).item()).toBe(1);
    const weights = Float32Array.of(1, 2);
    const h = e.compile((x: Tensor, w: Float32Array) => e.mul(x, e.tensor(w)));
    expect(h(e.tensor([1, 1]), weights).toArray()).toEqual([1, 2]);
    weights[0] = 9;
    expect(h(e.tensor([1, 1]), weights).toArray()).toEqual([9, 2]);
  });

  it("tells tensors apart by dtype, shape, domain and by which are the same, not by their elements", () => {
    const [x, y] = [e.tensor([1, 2]), e.tensor([3, 4])];
    expect(traces([x, y], [y, x], [e.tensor([5, 6]), x])).toBe(1);
    expect(traces([x, y], [x, x])).toBe(2);
    expect(traces([x], [e.tensor([[1, 2]])], [asProbabilities(e.tensor([0, 1]))], [e.tensor([1, 2], { dtype: "int32" })])).toBe(
      4,
    );
    expect(traces([x, "float32[2]real"], ["float32[2]real", x])).toBe(2);
  });

  it("refuses what it cannot tell apart, and says where", () => {
    const f = e.compile((..._: unknown[]) => 1);
    const circular: unknown[] = [1];
    circular.push({ inner: circular });
    expect(() => f(1, circular)).toThrow(/argument 1\[1\]\.inner contains itself/);
    expect(() => f({ a: Symbol("s") })).toThrow(/argument 0\.a is a symbol/);
    expect(() => f({ [Symbol("s")]: 1 })).toThrow(/argument 0 has a symbol for a key/);
    const shared = [1];
    expect(f(shared, shared)).toBe(1);
  });
});

/** A copy of arrays and plain objects, everything else as it is. */
function structure<T>(value: T): T {
  if (Array.isArray(value)) return value.map(structure) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, structure(v)])) as T;
}

describe("compile's programs", () => {
  /** The reference with a compiler that counts what it compiles and what lives. */
  function counting() {
    const backend = reference();
    const count = { entries: 0, alive: 0 };
    const compiler: Backend = Object.assign(Object.create(backend) as Backend, {
      compile(module: GraphModule, places: readonly VariableStorage[]): Executable {
        count.entries += Object.keys(module.entries).length;
        count.alive++;
        const executable = interpret(compiler, module, places);
        return { ...executable, dispose: () => (count.alive--, executable.dispose()) };
      },
    });
    return { backend: compiler, count };
  }

  it("are compiled one by one where they have no variables", () => {
    const { backend, count } = counting();
    const f = e.compile((x: Tensor) => e.mul(x, 2), { backend });
    for (let round = 0; round < 2; round++) for (let k = 1; k <= 20; k++) f(e.ones([k]));
    expect(count).toEqual({ entries: 20, alive: 20 });
    f.dispose();
    expect(count.alive).toBe(0);
  });

  it("are at most 32, those that were used last, and the others are freed", () => {
    const { backend, count } = counting();
    let calls = 0;
    const f = e.compile(
      (x: Tensor) => {
        calls++;
        return e.mul(x, 2);
      },
      { backend },
    );
    const [one, others] = [e.ones([1]), Array.from({ length: 50 }, (_, k) => e.ones([k + 2]))];
    for (const x of others) {
      f(one);
      f(x);
    }
    expect(count.alive).toBe(32);
    expect(calls).toBe(2 * 51);
    f(one);
    f(others.at(-31)!);
    expect(calls).toBe(2 * 51);
    f(others.at(-32)!);
    expect(calls).toBe(2 * 52);
    f.dispose();
    expect(count.alive).toBe(0);
  });

  it("are at most as many as cacheSize says: k shapes are k compilations, and as many disposals but for those that are kept", () => {
    for (const cacheSize of [1, 2, 5]) {
      const { backend, count } = counting();
      const f = e.compile((x: Tensor) => e.mul(x, 2), { backend, cacheSize });
      for (let k = 1; k <= 7; k++) expect(f(e.ones([k])).toArray()).toEqual(Array(k).fill(2));
      expect(count).toEqual({ entries: 7, alive: cacheSize });
      // Entries that were used last are not compiled again, those that were dropped are.
      for (let k = 7; k > 7 - cacheSize; k--) f(e.ones([k]));
      expect(count).toEqual({ entries: 7, alive: cacheSize });
      expect(f(e.ones([1])).toArray()).toEqual([2]);
      expect(count).toEqual({ entries: 8, alive: cacheSize });
      f.dispose();
      f.dispose();
      expect(count.alive).toBe(0);
    }
  });

  it("refuse a cacheSize that is no count, before anything is traced", () => {
    let calls = 0;
    const f = (x: Tensor) => (calls++, x);
    for (const cacheSize of [0, -1, 1.5, NaN, Infinity, "2" as unknown as number])
      expect(() => e.compile(f, { cacheSize }), String(cacheSize)).toThrow(/compile: cacheSize is a/);
    expect(calls).toBe(0);
  });

  it("share their variables, are bounded, and give them back", () => {
    const { backend, count } = counting();
    const v = new e.Variable(e.tensor(0), { name: "v" });
    const f = e.compile(
      (x: Tensor) => {
        v.value = e.add(v.value, e.sum(x));
        return v.value;
      },
      { backend },
    );
    let total = 0;
    for (let k = 1; k <= 40; k++) expect(f(e.ones([k])).item()).toBe((total += k));
    expect(f(e.ones([40])).item()).toBe((total += 40));
    expect(f(e.ones([1])).item()).toBe((total += 1));
    // One program each, and one more for the first, which had made room.
    expect(count).toEqual({ entries: 41, alive: 32 });
    f.dispose();
    expect(count.alive).toBe(0);
    expect(v.value.item()).toBe(total);
  });

  it("a call that is refused leaves nothing: not by its trace, its compiler or its tensors", () => {
    const { backend } = counting();
    const v = new e.Variable(e.tensor(1), { name: "v" });
    const taken = new e.Variable(e.tensor(1), { name: "taken" });
    const owner = e.compile(() => taken.value, { backend: reference({ late: true }) });
    owner();
    const f = e.compile(
      (x: Tensor, what: string) => {
        if (what === "throw") throw new Error("no");
        return what === "taken" ? e.mul(x, taken.value) : e.mul(x, v.value);
      },
      { backend },
    );
    const good = () => f(e.tensor([3]), "good").item();
    expect(good()).toBe(3);
    for (const what of ["throw", "taken"]) {
      expect(() => f(e.tensor([3]), what)).toThrow();
      expect(good()).toBe(3);
    }
    const gone = e.tensor([1, 2]);
    gone.dispose();
    expect(() => f(gone, "good")).toThrow(/released/);
    expect(good()).toBe(3);
    f.dispose();
    owner.dispose();
  });

  it("follow the backend of their arguments, as eager operations do", () => {
    const [one, two] = [reference(), reference()];
    const f = e.compile((x: Tensor) => e.mul(x, 2));
    const on = (backend: Backend) => e.withBackend(backend, () => f(e.add(e.tensor([1]), 1)));
    for (const backend of [one, two, one]) {
      const result = on(backend);
      expect(result.item()).toBe(4);
      expect((result.state as unknown as { backend: Backend }).backend).toBe(backend);
    }
    f.dispose();
  });
});

it("compile refuses what is no function, and options that it has not", () => {
  expect(() => e.compile(e.ones([2]) as never)).toThrow(/compile takes a function/);
  expect(() => e.compile(() => 1, reference() as never)).toThrow(
    /compile has no option .* It has: backend, symbolicBatch, cacheSize, name/,
  );
});

describe("a variable", () => {
  it("written by write() inside of valueAndGrad reads as written; in a trace write() is refused", () => {
    const v = new e.Variable(e.tensor([5]), { name: "v" });
    const { value, grads } = e.valueAndGrad(() => {
      v.write(Float32Array.of(2));
      return e.sum(e.mul(v.value, v.value));
    }, v);
    expect([value.item(), grads.item(), v.value.item()]).toEqual([4, 4, 2]);
    const f = e.compile(() => {
      v.write(Float32Array.of(1));
      return v.value;
    });
    expect(() => f()).toThrow(/v\.write\(\) .* is being traced/);
    expect(v.value.item()).toBe(2);
  });

  it("that a compiled function reads under noGrad is no constant of its program", () => {
    const v = new e.Variable(e.tensor([5]));
    const f = e.compile((x: Tensor) => e.mul(x, v.value));
    const x = e.tensor([1]);
    const inside = () =>
      e
        .valueAndGrad(
          () =>
            e.sum(
              e.mul(
                v.value,
                e.noGrad(() => f(x)),
              ),
            ),
          v,
        )
        .grads.item();
    expect(inside()).toBe(5);
    v.value = e.tensor([7]);
    expect(inside()).toBe(7);
    expect(f(x).item()).toBe(7);
    f.dispose();
  });
});
