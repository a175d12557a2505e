/** Programs over the same variables are one session from their first common use on: counted, not timed. */
import { add, compile, mul, sum, tensor, Variable } from "@ermine/core";
import { type Program, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { expect, it } from "vitest";
import { adversaries } from "../../conformance/test/shared/adversaries.js";
import { tfjs } from "../src/index.js";
import type { Binding } from "../src/native/binding.js";
import { loadNative } from "../src/native/load.js";
import { describeNative } from "./native.js";

/** A backend, and how often it has called TensorFlow. */
async function counted() {
  const native = loadNative();
  const { binding } = native;
  const calls = { loadSavedModel: 0, runSavedModel: 0, deleteSavedModel: 0 };
  const counting = new Proxy({} as Binding, {
    get(_, name: keyof Binding) {
      const member = binding[name];
      if (typeof member !== "function") return member;
      return (...args: never[]): unknown => {
        if (name in calls) calls[name as keyof typeof calls]++;
        return Reflect.apply(member, binding, args);
      };
    },
  });
  Object.assign(native, { binding: counting });
  try {
    const backend = await tfjs();
    const models = binding.getNumOfSavedModels();
    return { backend, calls, tensors: () => binding.getNumOfTensors(), models: () => binding.getNumOfSavedModels() - models };
  } finally {
    Object.assign(native, { binding });
  }
}

describeNative("programs that share variables", () => {
  it("take 10,000 alternating steps in 10,000 calls, in one session, and leak nothing", async () => {
    const { backend, calls, tensors, models } = await counted();
    const { discriminate, generate } = adversaries(backend);
    const feeds = { z: { shape: [3, 2], value: Float32Array.of(1, 2, 3, 4, 5, 6) } };
    const step = (program: Program): number => {
      const [storage] = program.run("step", feeds);
      const [loss] = backend.readSync!(storage!);
      backend.release(storage!);
      return loss!;
    };
    step(discriminate);
    expect(calls).toEqual({ loadSavedModel: 1, runSavedModel: 2, deleteSavedModel: 0 });
    step(generate);
    // The first session's variables are read, and written into the one of both.
    expect(calls).toEqual({ loadSavedModel: 2, runSavedModel: 5, deleteSavedModel: 1 });
    expect(models()).toBe(1);
    step(discriminate);
    const [flat, memory] = [tensors(), backend.memory()];
    let loss = Number.NaN;
    for (let i = 0; i < 5_000; i++) for (const program of [discriminate, generate]) loss = step(program);
    expect(loss).toBeGreaterThan(0);
    expect(calls).toEqual({ loadSavedModel: 2, runSavedModel: 10_006, deleteSavedModel: 1 });
    expect(tensors()).toBe(flat);
    expect(backend.memory()).toEqual(memory);
    discriminate.dispose();
    expect(step(generate)).toBeGreaterThan(0);
    generate.dispose();
    expect(models()).toBe(0);
    backend.dispose();
  }, 60_000);

  it("free what only one of them had when it ends, while the other runs on", async () => {
    const { backend, calls, models } = await counted();
    const [shared, unshared] = [new Variable(tensor([1, 2])), new Variable(tensor([3, 4]))];
    const double = compile(() => (shared.value = mul(shared.value, 2)), { backend });
    const addOwn = compile(() => (shared.value = add(shared.value, unshared.value)), { backend });
    expect([...double().dataSync()]).toEqual([2, 4]);
    expect([...addOwn().dataSync()]).toEqual([5, 8]);
    const { runSavedModel } = calls;
    addOwn.dispose();
    expect(unshared.placedOn).toBeUndefined();
    await Promise.resolve();
    // One run reads the variables, one frees what has left.
    expect(calls.runSavedModel - runSavedModel).toBe(2);
    expect([...double().dataSync()]).toEqual([10, 16]);
    expect([...unshared.value.dataSync()]).toEqual([3, 4]);
    double.dispose();
    expect([...shared.value.dataSync()]).toEqual([10, 16]);
    expect(models()).toBe(0);
    backend.dispose();
  });

  it("that are compiled and never run load nothing", async () => {
    const { backend, calls } = await counted();
    const v = new Variable(tensor([1, 2]));
    const run = compile(() => (v.value = add(v.value, 1)), { backend });
    run().dispose();
    const idle = compileModule(backend, graphModule({ f: traceEntry("f", () => sum(v.value)).graph }));
    for (let i = 0; i < 5; i++) run().dispose();
    idle.dispose();
    expect(calls.loadSavedModel).toBe(1);
    run.dispose();
    expect([...v.value.dataSync()]).toEqual([7, 8]);
    backend.dispose();
  });
});
