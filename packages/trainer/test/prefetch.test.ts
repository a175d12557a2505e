import { afterEach, describe, expect, it, vi } from "vitest";
import { crossEntropy, manualSeed, type Backend } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, Trainer } from "../src/index.js";
import { Column } from "../src/data/column.js";

const samples = dataset({
  inputs: { data: Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)), shape: [40, 3] },
  targets: { data: Int32Array.from({ length: 40 }, (_, i) => i % 2), shape: [40] },
  sampleWeights: { data: Float32Array.from({ length: 40 }, (_, i) => 1 + (i % 3)), shape: [40] },
});

async function fit(backend: Backend, accumulate = 1) {
  manualSeed(0);
  const model = new Sequential(new Linear(3, 8), new ReLU(), new Linear(8, 2));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }), backend, accumulate });
  const history = await trainer.fit(samples, { epochs: 3, batchSize: 9 });
  return { history, state: Object.values(await model.stateDict()).map(({ data }) => Array.from(data)) };
}

afterEach(() => vi.restoreAllMocks());

describe("batches gathered ahead", () => {
  it.each([1, 2])("are those of a backend that answers at once (%i micro-batches), each gathered once", async (accumulate) => {
    const gather = vi.spyOn(Column.prototype, "gather");
    const once = await fit(reference(), accumulate);
    const calls = gather.mock.calls.length;
    gather.mockClear();
    const late = await fit(reference({ late: true }), accumulate);
    expect(gather.mock.calls.length).toBe(calls);
    expect(late.state).toEqual(once.state);
    expect(late.history.steps).toEqual(once.history.steps);
    // 5 batches an epoch, all but those of its first update.
    expect(late.history.loading!.batches).toBe(3 * (5 - accumulate));
    expect(once.history.loading).toBeUndefined();
  });

  it("cost nothing where the step takes longer, and are counted so", async () => {
    const backend = reference({ late: true });
    const slow: Backend = {
      ...backend,
      read: (storage) => new Promise((done) => setTimeout(() => done(backend.read(storage)), 3)),
    };
    const { loading } = (await fit(slow)).history;
    expect(loading!.milliseconds).toBeGreaterThan(0);
    expect(loading!.hidden).toBeCloseTo(loading!.milliseconds);
  });
});
