import { describe, expect, it } from "vitest";
import { crossEntropy, manualSeed, type Backend } from "@ermine/core";
import { interpret } from "@ermine/core/backend";
import { Conv2d, Dropout, Flatten, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, Trainer, type TrainerOptions } from "../src/index.js";

const images = dataset({
  inputs: { data: Float32Array.from({ length: 12 * 36 }, (_, i) => Math.sin(i)), shape: [12, 1, 6, 6] },
  targets: { data: Int32Array.from({ length: 12 }, (_, i) => i % 2), shape: [12] },
});

function make(backend: Backend, options: Partial<TrainerOptions<never>> = {}) {
  manualSeed(0);
  const model = new Sequential(new Conv2d(1, 4, 3), new ReLU(), new Dropout(0.1), new Flatten(), new Linear(64, 2));
  return new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }), backend, ...options });
}

describe("the profile", () => {
  it("says what each op of each layer takes, how much it computes and moves", async () => {
    const trainer = make(reference());
    const before = JSON.stringify(await trainer.model.stateDict());
    const profile = await trainer.profile(images, { batchSize: 8, steps: 3 });
    expect(profile).toMatchObject({ backend: "reference", batchSize: 8, steps: 3, of: "eager kernels" });
    expect(profile.ops.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(profile.layers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    for (const name of ["0", "1", "4", ""]) expect(profile.layers.map(({ layer }) => layer)).toContain(name);
    // The linear layer forward is 2 · 8 · 64 · 2, and backward as much for its input and for its weight.
    const products = profile.ops.filter(({ op, layer }) => op === "matmul" && layer === "4");
    expect(products.reduce((sum, { flops }) => sum + flops, 0)).toBe(3 * 2 * 8 * 64 * 2);
    expect(products.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(products.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(3 * 4 * (8 * 64 + 64 * 2 + 8 * 2));
    expect(profile.ops.map(({ milliseconds }) => milliseconds)).toEqual(
      profile.ops.map(({ milliseconds }) => milliseconds).toSorted((a, b) => b - a),
    );
    expect(trainer.step).toBe(0);
    expect(JSON.stringify(await trainer.model.stateDict())).toBe(before);
    expect(JSON.parse(JSON.stringify(profile)).ops).toHaveLength(profile.ops.length);
    for (const part of [/GFLOP\/s/, /matmul +4 /, /the step/, /over 3 steps \(eager kernels\)/])
      expect(String(profile)).toMatch(part);
  });

  it("is a Chrome trace: steps one behind the other, their ops inside", async () => {
    const profile = await make(reference()).profile(images, { steps: 2 });
    const { traceEvents } = JSON.parse(profile.chromeTrace()) as { traceEvents: Record<string, never>[] };
    const steps = traceEvents.filter(({ tid, ph }) => tid === 1 && ph === "X") as unknown as { ts: number; dur: number }[];
    const ops = traceEvents.filter(({ tid, ph }) => tid === 2 && ph === "X") as unknown as {
      ts: number;
      dur: number;
      name: string;
    }[];
    expect(steps).toHaveLength(2);
    expect(steps[1]!.ts).toBeCloseTo(steps[0]!.ts + steps[0]!.dur, 6);
    expect(ops.length).toBe(2 * profile.ops.reduce((sum, { count }) => sum + count, 0));
    const inside = ({ ts, dur }: { ts: number; dur: number }): boolean =>
      steps.some((step) => ts >= step.ts - 1e-6 && ts + dur <= step.ts + step.dur + 1e-6);
    expect(ops.every(inside)).toBe(true);
  });

  it("is kernel by kernel on a backend whose programs cannot be timed, and of all micro-batches", async () => {
    const backend = reference();
    const compile: Backend["compile"] = (module, places) => {
      const executable = { ...interpret(backend, module, places) };
      delete executable.profile;
      return executable;
    };
    const once = await make({ ...backend, compile }).profile(images, { batchSize: 4, steps: 1 });
    const parts = await make({ ...backend, compile }, { accumulate: 3 }).profile(images, { batchSize: 4, steps: 1 });
    expect(once.of).toBe("eager kernels");
    const flops = (profile: typeof once): number => profile.ops.find(({ op, layer }) => op === "matmul" && layer === "4")!.flops;
    expect(flops(parts)).toBe(3 * flops(once));
    expect(backend.memory().tensors).toBe(0);
  });

  it("refuses options that are none", async () => {
    await expect(make(reference()).profile(images, { steps: 0 })).rejects.toThrow(/steps is a whole number ≥ 1, got 0/);
    await expect(make(reference()).profile(images, { step: 3 } as never)).rejects.toThrow(/steps/);
  });
});
