import { describe, expect, it } from "vitest";
import { add, crossEntropy, div, manualSeed, mul, sqrt, sub, registerBackend, type Backend, type TypedArray } from "@ermine/core";
import { interpret, StoredVariable, type Kernel } from "@ermine/core/backend";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, defineOptimizer, sgd, Trainer, type ShadowOptions, type TrainerOptions } from "../src/index.js";

const samples = dataset({
  inputs: { data: Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)), shape: [40, 3] },
  targets: { data: Int32Array.from({ length: 40 }, (_, i) => i % 2), shape: [40] },
});

function make(options: Partial<TrainerOptions<never>> = {}) {
  manualSeed(0);
  const model = new Sequential(new Linear(3, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.2), new Linear(8, 2));
  return new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }), backend: reference(), ...options });
}

const state = async (trainer: Trainer): Promise<number[][]> =>
  Object.values(await trainer.model.stateDict()).map(({ data }) => Array.from(data));

async function shadowed(shadow: ShadowOptions, options: Partial<TrainerOptions<never>> = {}, epochs = 4) {
  const notices: string[] = [];
  const trainer = make(options);
  const history = await trainer.fit(samples, { epochs, batchSize: 9, shadow, notice: (text) => notices.push(text) });
  return { trainer, notices, report: history.shadow! };
}

/** The reference in float32, one kernel of which is wrong. */
function broken(op: string, kernel: (right: Backend) => Kernel): Backend {
  const backend = reference({ precision: "float32" });
  return {
    ...backend,
    capabilities: { ...backend.capabilities, ops: new Map([...backend.capabilities.ops, [op, ["float32"]]]) },
    kernels: { ...backend.kernels, [op]: kernel(backend) },
  };
}

/** The right kernel's numbers, and a hundredth more. */
const more =
  (op: string) =>
  (right: Backend): Kernel =>
  (inputs, attributes, outputs) =>
    right.kernels[op]!(inputs, attributes, outputs).map((storage, i) => {
      const data = Float32Array.from(right.readSync!(storage), (value) => value * 1.01);
      right.release(storage);
      return right.upload(data, outputs[i]!.shape, "float32");
    });

describe("a shadow", { timeout: 60_000 }, () => {
  it("of a backend that is right reports nothing, and the training is the same as without", async () => {
    const { trainer, notices, report } = await shadowed({ backend: reference({ precision: "float32" }), every: 3 });
    expect(report).toEqual({ backend: "reference", checked: 6, findings: [] });
    expect(notices).toEqual([]);
    const alone = make();
    await alone.fit(samples, { epochs: 4, batchSize: 9 });
    expect(await state(trainer)).toEqual(await state(alone));
  });

  it.each<readonly [string, string, Partial<TrainerOptions<never>>, string, string]>([
    ["a primitive under an op", "exp", {}, "crossEntropyElements", ""],
    ["a product", "matmul", {}, "linear", "0"],
    ["the optimizer's", "sqrt", { model: new Sequential(new Linear(3, 2)) }, "adamwUpdate", ""],
  ])("names the first op and its layer: %s", async (_, kernel, options, op, layer) => {
    const { report, notices } = await shadowed({ backend: broken(kernel, more(kernel)), every: 5 }, options);
    expect(report.checked).toBe(4);
    expect(report.findings[0]).toMatchObject({ step: 5, layer });
    expect(report.findings[0]!.op).toMatch(op);
    expect(report.findings[0]!.error).toBeGreaterThan(0.001);
    expect(notices[0]).toMatch(/Update 5: .* gives other numbers on reference/);
    // One notice for each op and layer; the report has them all.
    expect(new Set(notices).size).toBe(notices.length);
    expect(report.findings.length).toBeGreaterThanOrEqual(notices.length);
  });

  it("looks at what an optimizer's op changes, whatever the op is called", async () => {
    const signed = defineOptimizer({
      name: "signed",
      op: "signedStep",
      defaults: { learningRate: 0.01, weightDecay: 0, maximize: false },
      slots: () => ({}),
      scalars: (_, { learningRate }) => ({ learningRate }),
      step: ({ p, g, s }) => [sub(p, mul(div(g, add(sqrt(mul(g, g)), 1e-8)), s.learningRate))],
    });
    const options = { model: new Sequential(new Linear(3, 2)), optimizer: signed() };
    const { report } = await shadowed({ backend: broken("sqrt", more("sqrt")), every: 5 }, options);
    expect(report.findings[0]).toMatchObject({ step: 5, op: "signedStep" });
  });

  it("names a gradient with the layer that it is of", async () => {
    const wrong: Kernel = ([g], _, outputs) => {
      const backend = wrongGradient;
      return [backend.upload(backend.readSync!(g!.storage), outputs[0]!.shape, "float32")];
    };
    const wrongGradient = broken("reluGradient", () => wrong);
    const { report } = await shadowed({ backend: wrongGradient, every: 5 });
    expect(report.findings[0]).toMatchObject({ op: "reluGradient", layer: "2" });
  });

  it("sees a compiled step that differs from its own ops", async () => {
    const backend = reference({ precision: "float32" });
    class Wrong extends StoredVariable {
      override async read(): Promise<TypedArray> {
        return (await super.read()).map((value: number) => value * 1.01) as TypedArray;
      }
    }
    const wrong: Backend = {
      ...backend,
      name: "wrong",
      compile: (module, places) => interpret(backend, module, places),
      createVariable: (type, initial) => new Wrong(backend, type, initial),
    };
    const { report, notices } = await shadowed({ backend: wrong, every: 5 });
    expect(report.findings[0]).toMatchObject({ op: undefined, step: 5 });
    expect(notices[0]).toMatch(/compiled step of wrong gives other numbers than its own ops/);
  });

  it("follows micro-batches, an eager training, and a backend that answers late in float32 only", async () => {
    const poor = reference({ precision: "float32", dtypes: ["float32"], late: true, without: ["randomUniform"] });
    const optimizer = sgd({ learningRate: 0.1 });
    const parts = await shadowed({ backend: poor, every: 2 }, { accumulate: 2, optimizer });
    expect(parts.report).toMatchObject({ checked: 6, findings: [] });
    expect(poor.memory().tensors).toBe(0);
    const eager = await shadowed({ backend: poor, every: 2 }, { compile: false }, 2);
    expect(eager.report).toMatchObject({ checked: 5, findings: [] });
    // Scalars of core's own are left, as of any eager ops; no more come.
    const { tensors } = poor.memory();
    await shadowed({ backend: poor, every: 2 }, { compile: false }, 2);
    expect(poor.memory().tensors).toBe(tensors);
    const wrong = await shadowed({ backend: broken("matmul", more("matmul")), every: 2 }, { accumulate: 2, optimizer });
    expect(wrong.report.findings[0]).toMatchObject({ step: 2, op: "linear", layer: "0" });
  });

  it("can be named; then it is created for this and disposed after", async () => {
    let disposed = 0;
    const create = async (): Promise<Backend> => ({ ...reference(), name: "beside", dispose: () => void disposed++ });
    registerBackend({ name: "beside", contract: 1, priority: 1, probe: async () => ({ available: true, engine: "" }), create });
    const { report } = await shadowed({ backend: "beside", every: 10 });
    expect(report).toMatchObject({ backend: "beside", checked: 2 });
    expect(disposed).toBe(1);
  });

  it.each<readonly [string, unknown, RegExp]>([
    ["an option", { backend: reference(), each: 3 }, /shadow has no option "each"/],
    ["no backend", { every: 3 }, /needs a backend/],
    ["every", { backend: reference(), every: 0 }, /every is a whole number of updates ≥ 1, got 0/],
    ["a tolerance", { backend: reference(), tolerance: 2 }, /tolerance is between 0 and 1/],
    ["a name", { backend: "nowhere" }, /There is no backend "nowhere"/],
  ])("refuses %s that is wrong", async (_, shadow, message) => {
    await expect(shadowed(shadow as ShadowOptions)).rejects.toThrow(message);
  });

  it("refuses the training's own backend", async () => {
    const backend = reference();
    await expect(shadowed({ backend }, { backend })).rejects.toThrow(/training's own/);
  });
});
