/** Programs over the same variables address the same memory: counted, not timed. */
import { add, compile, mul, slice, sum, tensor, Variable, withBackend, zeros, type Backend, type Tensor } from "@ermine/core";
import { describe, expect, it } from "vitest";
import { adversaries } from "../../conformance/test/shared/adversaries.js";
import { cpu } from "../src/index.js";

/** The backend, and how often elements of a variable were copied in or out. */
function counted(backend: Backend) {
  const copies = { snapshot: 0, read: 0, write: 0, take: 0 };
  const view: Backend = {
    ...backend,
    createVariable(type, initial) {
      const place = backend.createVariable!(type, initial);
      for (const name of ["snapshot", "read", "write", "take"] as const) {
        const original = place[name].bind(place) as (...args: never[]) => never;
        place[name] = (...args: never[]) => (copies[name]++, original(...args));
      }
      return place;
    },
  };
  return { backend: view, copies };
}

it.each([1, 2])("10,000 alternating steps copy nothing, leak nothing and are 10,000 calls (%i threads)", async (threads) => {
  const engine = await cpu({ threads });
  const { backend, copies } = counted(engine);
  const { discriminate, generate } = adversaries(backend);
  const feeds = { z: { shape: [3, 2], value: Float32Array.of(1, 2, 3, 4, 5, 6) } };
  for (let i = 0; i < 10; i++) for (const program of [discriminate, generate]) program.runSync!("step", feeds);
  const start = { ...copies };
  const [before, memory] = [engine.statistics(), engine.memory()];
  let loss = Number.NaN;
  for (let i = 0; i < 5_000; i++) for (const program of [discriminate, generate]) loss = program.runSync!("step", feeds)[0]![0]!;
  const after = engine.statistics();
  expect(loss).toBeGreaterThan(0);
  expect(copies).toEqual(start);
  expect(after.wasmCalls - before.wasmCalls).toBe(10_000);
  expect({ ...after, runs: 0, wasmCalls: 0 }).toEqual({ ...before, runs: 0, wasmCalls: 0 });
  expect(engine.memory()).toEqual(memory);
  discriminate.dispose();
  const [last] = generate.runSync!("step", feeds)[0]!;
  expect(last).toBeGreaterThan(0);
  generate.dispose();
  engine.dispose();
});

describe("memory", () => {
  it("that grows while programs share variables is seen by all of them", async () => {
    const backend = await cpu({ threads: 1 });
    const v = withBackend(backend, () => new Variable(add(tensor([1, 2]), 0)));
    const double = compile(() => (v.value = mul(v.value, 2)), { backend });
    const first = double();
    const { pages } = backend.statistics();
    // A program with an arena larger than all memory so far.
    const large = compile((x: Tensor) => (v.value = add(v.value, sum(mul(add(x, 1), x)))), { backend });
    large(withBackend(backend, () => zeros([1 << 22])));
    expect(backend.statistics().pages).toBeGreaterThan(pages);
    const second = double();
    expect([...first.dataSync()]).toEqual([2, 4]);
    expect([...second.dataSync()]).toEqual([4, 8]);
    expect([...(await v.data())]).toEqual([4, 8]);
    large.dispose();
    expect([...double().dataSync()]).toEqual([8, 16]);
    double.dispose();
    expect([...v.value.dataSync()]).toEqual([8, 16]);
    backend.dispose();
  });

  it("of a variable is that of one block for k programs, and is given back with the last", async () => {
    const backend = await cpu({ threads: 1 });
    const length = 1 << 16;
    const v = withBackend(backend, () => new Variable(zeros([length])));
    const programs = Array.from({ length: 8 }, (_, k) => compile(() => slice(v.value, [k], [1]), { backend }));
    const { bytes } = backend.memory();
    for (const program of programs) program().dispose();
    expect(backend.memory().bytes - bytes).toBeLessThan(2 * 4 * length);
    for (const program of programs) program.dispose();
    expect(v.placedOn).toBeUndefined();
    v.value.dispose();
    expect(backend.memory().tensors).toBe(0);
    backend.dispose();
  });
});
