import { describe, expect, it } from "vitest";
import { normal, uniform } from "@ermine/core";
import { cpu } from "../src/index.js";
import { fingerprint, portableFingerprint, rings, ringsTrainer } from "./trained.js";

describe("the same seed gives the same bits", () => {
  it.each(["fast", "portable"] as const)("twice, %s", async (numerics) => {
    const first = await fingerprint(await cpu({ numerics }));
    expect(await fingerprint(await cpu({ numerics }))).toBe(first);
    expect(await fingerprint(await cpu({ numerics }), { seed: 1 })).not.toBe(first);
  });

  it("with evaluation interleaved, and a callback that draws random numbers", async () => {
    const plain = await fingerprint(await cpu());
    expect(await fingerprint(await cpu(), { validate: true })).toBe(plain);
    const draws = {
      name: "draws",
      onStep() {
        uniform([3]).dispose();
        normal([5]).dispose();
      },
    };
    expect(await fingerprint(await cpu(), { callbacks: [draws] })).toBe(plain);
  });

  it("in every engine, portable: 100 steps", async () => {
    expect(await fingerprint(await cpu({ numerics: "portable" }))).toBe(portableFingerprint);
  });
});

describe("a compiled step", () => {
  it("is one run and one call into WebAssembly", async () => {
    const backend = await cpu();
    const trainer = ringsTrainer(backend);
    const before: { runs: number; wasmCalls: number }[] = [];
    const onStep = (): void => void before.push({ ...backend.statistics() });
    await trainer.fit(rings(96), { epochs: 5, batchSize: 16, callbacks: [{ name: "spy", onStep }] });
    expect(before).toHaveLength(30);
    for (let i = 1; i < before.length; i++) {
      expect(before[i]!.runs - before[i - 1]!.runs).toBe(1);
      expect(before[i]!.wasmCalls - before[i - 1]!.wasmCalls).toBe(1);
    }
    trainer.dispose();
  });

  it("learns", async () => {
    const trainer = ringsTrainer(await cpu(), { dropout: 0 });
    await trainer.fit(rings(300), { epochs: 150, batchSize: 32 });
    expect((await trainer.evaluate(rings(99))).accuracy).toBeGreaterThan(0.95);
    trainer.dispose();
  });

  it("leaves the memory as it was, over 3,000 steps and after dispose", async () => {
    const backend = await cpu();
    const empty = backend.memory().tensors;
    const trainer = ringsTrainer(backend);
    await trainer.fit(rings(75), { epochs: 2, batchSize: 16 });
    const [memory, statistics] = [backend.memory(), backend.statistics()];
    await trainer.fit(rings(75), { epochs: 600, batchSize: 16 });
    expect(backend.memory()).toEqual(memory);
    expect(backend.statistics().pages).toBe(statistics.pages);
    trainer.dispose();
    for (const [, variable] of trainer.model.namedVariables()) variable.value.dispose();
    expect(backend.memory().tensors).toBe(empty);
  }, 60_000);
});
