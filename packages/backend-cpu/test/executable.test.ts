import { describe, expect, it } from "vitest";
import { add, Dim, mul, Variable, zeros, tensor, withBackend } from "@ermine/core";
import { type Feed, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { cpu } from "../src/index.js";

const N = Dim.symbol("N");

/** y = 2x + count and x > 0, where count is how often it ran. */
async function program() {
  const backend = await cpu({ threads: 1 });
  const count = withBackend(backend, () => new Variable(zeros([]), { name: "count" }));
  const { graph } = traceEntry("f", (trace) => {
    const x = trace.feed("x", { shape: [N], dtype: "float32", domain: "real" });
    count.value = add(count.value, 1);
    return [add(mul(x, 2), count.value), mul(count.value, 10)];
  });
  return { backend, program: compileModule(backend, graphModule({ f: graph })) };
}

describe("runSync", () => {
  it("gives views of what run gives as storages, and releases nothing because nothing was made", async () => {
    const { backend, program: p } = await program();
    const feeds = { x: { shape: [3], value: Float32Array.of(1, 2, 3) } };
    const storages = p.run("f", feeds);
    expect(storages.map((s) => [...backend.readSync!(s)])).toEqual([[3, 5, 7], [10]]);
    for (const s of storages) backend.release(s);
    const before = backend.memory();
    const outputs = p.runSync!("f", feeds);
    expect(outputs.map((view) => [...view])).toEqual([[4, 6, 8], [20]]);
    expect(p.runSync!("f", feeds)[1]).toBe(outputs[1]);
    expect(outputs[1]![0]).toBe(30);
    expect(backend.memory()).toEqual(before);
  });

  it("reads the same feeds anew each time, other sizes and other objects as well", async () => {
    const { program: p } = await program();
    const batch = { rows: [1, 2] };
    const feeds: Record<string, Feed> = { x: { shape: [2], value: { copyInto: (to) => to.set(batch.rows) } } };
    expect([...p.runSync!("f", feeds)[0]!]).toEqual([3, 5]);
    batch.rows = [10, 20];
    expect([...p.runSync!("f", feeds)[0]!]).toEqual([22, 42]);
    expect([...p.runSync!("f", { x: { shape: [1], value: Float32Array.of(5) } })[0]!]).toEqual([13]);
    expect([...p.runSync!("f", feeds)[0]!]).toEqual([24, 44]);
    for (let size = 3; size < 30; size++) p.runSync!("f", { x: { shape: [size], value: new Float32Array(size) } });
    expect([...p.runSync!("f", feeds)[0]!]).toEqual([20 + 32, 40 + 32]);
  });

  it("goes on when memory has moved", async () => {
    const { backend, program: p } = await program();
    const feeds = { x: { shape: [2], value: Float32Array.of(1, 2) } };
    expect([...p.runSync!("f", feeds)[0]!]).toEqual([3, 5]);
    const { pages } = backend.statistics();
    const big = withBackend(backend, () => add(tensor(new Float32Array(2_000_000)), 1));
    expect(backend.statistics().pages).toBeGreaterThan(pages);
    expect([...p.runSync!("f", feeds)[0]!]).toEqual([4, 6]);
    big.dispose();
  });

  it("names an entry that is not there, and a feed that does not fit", async () => {
    const { program: p } = await program();
    expect(() => p.runSync!("g", {})).toThrow('There is no entry "g". There are: f.');
    expect(() => p.runSync!("f", {})).toThrow('f: "x" is not fed.');
  });
});
