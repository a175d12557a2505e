import { describe, expect, it } from "vitest";
import { crossEntropy, Dim, manualSeed, mul, type Backend } from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { adamw, dataset, Trainer } from "@ermine/trainer";
import { cpu } from "../src/index.js";

const width = 48;
const data = dataset({
  inputs: { data: Float32Array.from({ length: 75 * width }, (_, i) => Math.sin(i * i)), shape: [75, width] },
  targets: { data: Int32Array.from({ length: 75 }, (_, i) => i % 3), shape: [75] },
});

/** The backend, and how often rows were asked for instead of written. */
function watched(backend: Backend, supportsRowGather: boolean) {
  const counts = { gathered: 0, written: 0 };
  const view: Backend = {
    ...backend,
    compile(module, places) {
      const executable = backend.compile!(module, places);
      const runSync: typeof executable.runSync = (entry, feeds) => {
        // An entry without inputs applies what was accumulated.
        const { inputs } = feeds;
        if (inputs?.rows !== undefined) counts.gathered++;
        else if (inputs !== undefined) counts.written++;
        return executable.runSync!(entry, feeds);
      };
      const run: typeof executable.run = (entry, feeds) => {
        if (feeds["inputs"]?.rows !== undefined) counts.gathered++;
        return executable.run(entry, feeds);
      };
      return { ...executable, supportsRowGather, runSync, run };
    },
  };
  return { backend: view, counts };
}

async function train(supportsRowGather: boolean, epochs: number, accumulate = 1) {
  const unwatched = await cpu({ threads: 2 });
  const { backend, counts } = watched(unwatched, supportsRowGather);
  manualSeed(0);
  const model = new Sequential(new Linear(width, 8), new ReLU(), new Linear(8, 3));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw(), backend, accumulate });
  const history = await trainer.fit(data, { epochs, batchSize: 16 });
  const held = unwatched.memory().tensors;
  await trainer.fit(data, { epochs, batchSize: 16 });
  const leaked = unwatched.memory().tensors - held;
  const state = Object.values(await model.stateDict()).map((p) => Array.from(p.data));
  trainer.dispose();
  unwatched.dispose();
  return { steps: history.steps, state, counts, leaked };
}

describe("a data set in the backend's memory", () => {
  it.each([1, 2])("gives the bits of batches that are written (%i micro-batches), and is gone after fit", async (accumulate) => {
    const resident = await train(true, 3, accumulate);
    const fed = await train(false, 3, accumulate);
    expect(resident.counts.gathered).toBe(2 * 3 * 5);
    expect(fed.counts.gathered).toBe(0);
    expect(resident.steps).toEqual(fed.steps);
    expect(resident.state).toEqual(fed.state);
    expect(resident.leaked).toBe(0);
  });

  it("is not copied there for one epoch", async () => {
    expect((await train(true, 1)).counts).toEqual({ gathered: 0, written: 10 });
  });

  it("says of a step that is refused what went wrong in it", async () => {
    const backend = await cpu();
    const model = new Sequential(new Linear(width, 8), new Linear(8, 3));
    const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 3e37 }), backend });
    await expect(trainer.fit(data, { epochs: 9, batchSize: 16 })).rejects.toThrow("first in linear of the layer 0");
    trainer.dispose();
  });

  it("takes as many rows as the shape has, of a storage", async () => {
    const backend = await cpu({ threads: 1 });
    const { graph } = traceEntry("f", (trace) => [
      mul(trace.feed("x", { shape: [Dim.symbol("N"), 4], dtype: "float32", domain: "real" }), 2),
    ]);
    const program = compileModule(backend, graphModule({ f: graph }));
    const storage = backend.upload(new Float32Array(40), [10, 4], "float32");
    const rows = Int32Array.of(1, 2);
    expect(() => program.runSync!("f", { x: { shape: [3, 4], value: storage, rows } })).toThrow('"x" is fed 2 rows');
    expect(() => program.runSync!("f", { x: { shape: [2, 4], value: new Float32Array(8), rows } })).toThrow('"x" is fed 2 rows');
    expect([...program.runSync!("f", { x: { shape: [2, 4], value: storage, rows } })[0]!]).toEqual(
      Array.from({ length: 8 }, () => 0),
    );
  });
});
