import { beforeEach, describe, expect, it, vi } from "vitest";
import * as e from "../../src/index.js";
import { withDomain } from "../../src/entries/define.js";
import type { Backend } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

let backend: Backend;
beforeEach(() => e.useBackend((backend = reference())));

describe("scope", () => {
  it("frees what it does not return", () => {
    const x = e.ones([4]);
    e.add(x, x);
    const before = backend.memory();
    const y = e.scope(() => e.mul(e.add(x, x), e.neg(x)));
    expect(backend.memory().tensors).toBe(before.tensors + 1);
    expect(y.toArray()).toEqual([-2, -2, -2, -2]);
    y.dispose();
    expect(backend.memory()).toEqual(before);
  });

  it("keeps what it returns anywhere in a tree, under any mark", () => {
    const { a, b } = e.scope(() => ({ a: [e.neg(e.ones([1]))], b: withDomain(e.neg(e.ones([1])), "probabilities") }));
    expect([a[0]!.item(), b.item()]).toEqual([-1, -1]);
  });

  it("hands its result to the scope around it", () => {
    const before = backend.memory();
    e.scope(() => {
      e.scope(() => e.neg(e.ones([3])));
    });
    expect(backend.memory()).toEqual(before);
  });

  it("frees on an error too", () => {
    const before = backend.memory();
    expect(() =>
      e.scope(() => {
        e.neg(e.ones([3]));
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(backend.memory()).toEqual(before);
  });

  it("spares parameters and what keep holds", () => {
    const { parameter, kept } = e.scope(() => ({ parameter: () => 0, kept: e.keep(e.neg(e.ones([1]))) }));
    expect(parameter()).toBe(0);
    e.scope(() => kept);
    expect(kept.item()).toBe(-1);
  });

  it("refuses async functions", () => {
    expect(() => e.scope(async () => 1)).toThrow(/cannot be async/);
  });

  it("stays flat over a synchronous loop of 1,000,000 operations", () => {
    const x = e.ones([]);
    e.add(x, 1);
    const before = backend.memory();
    for (let i = 0; i < 250_000; i++) e.scope(() => void e.neg(e.mul(e.add(x, 1), e.neg(x))));
    expect(backend.memory()).toEqual(before);
  }, 300_000);
});

describe("without a scope", () => {
  it("a synchronous loop warns once, and names scope", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const x = e.ones([]);
    for (let i = 0; i < 300_000; i++) e.neg(x).dispose();
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 250_000; i++) e.neg(x);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]![0])).toMatch(/live tensors.*lifetime\.test\.ts.*wrap each turn in scope/s);
    warn.mockRestore();
  }, 300_000);
});

describe("a tensor", () => {
  it("is an error after its release", () => {
    const x = e.tensor([1]);
    x.dispose();
    expect(() => e.neg(x)).toThrow(/neg: this float32\[1\] tensor was released already/);
    expect(() => x.dataSync()).toThrow(e.ErmineError);
    expect(String(x)).toBe("Tensor(released float32[1])");
    x.dispose();
  });

  it("of another backend is an error that names both", () => {
    const x = e.neg(e.tensor([1]));
    const other = reference();
    const y = e.withBackend(other, () => e.neg(e.tensor([1])));
    expect(() => e.add(x, y)).toThrow(
      /runs on the backend "reference", but this tensor lives on "reference" \(another instance\)/,
    );
  });

  it("without any backend says how to start", async () => {
    vi.resetModules();
    const fresh = await import("../../src/index.js");
    expect(() => fresh.neg(fresh.tensor([1]))).toThrow(/No backend is in use.*useBackend/s);
  });

  it("gives copies: writing to data() does not change it", async () => {
    const x = e.tensor([1, 2]);
    (await x.data())[0] = 9;
    x.dataSync()[1] = 9;
    expect(x.toArray()).toEqual([1, 2]);
  });
});

describe("a variable", () => {
  it("replaces its tensor; the scope frees the old one", () => {
    const v = new e.Variable(e.neg(e.ones([2])), { name: "v" });
    e.scope(() => void e.add(v.value, 1));
    const before = backend.memory();
    for (let i = 0; i < 3; i++) {
      e.scope(() => {
        const old = v.value;
        v.value = e.add(old, 1);
        expect(old.toArray()).toEqual([i - 1, i - 1]);
      });
    }
    expect(v.value.toArray()).toEqual([2, 2]);
    expect(backend.memory()).toEqual(before);
    v.write(new Float32Array([5, 6]));
    expect(v.value.toArray()).toEqual([5, 6]);
  });

  it("never shares its numbers with another one", () => {
    const [a, b] = [new e.Variable(e.neg(e.ones([1]))), new e.Variable(e.tensor([7]))];
    const c = new e.Variable(a.value);
    e.scope(() => void (b.value = a.value));
    e.scope(() => void (a.value = e.add(a.value, 1)));
    expect([a, b, c].map((v) => v.value.item())).toEqual([0, -1, -1]);
  });

  it("keeps shape and dtype", () => {
    const v = new e.Variable(e.ones([2]), { name: "layer.weight" });
    expect(() => (v.value = e.ones([3]))).toThrow(/layer\.weight is float32\[2\] and cannot hold float32\[3\]/);
    expect(() => v.write(new Float32Array(3))).toThrow(/has 2 numbers, got 3/);
  });
});
