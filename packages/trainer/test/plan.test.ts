import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { crossEntropy, manualSeed, registerBackend, type Backend, type BackendPlugin, type Tensor } from "@ermine/core";
import { interpret } from "@ermine/core/backend";
import { BatchNorm1d, Dropout, GELU, Linear, Module, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, sgd, Trainer, type BackendRequest, type TrainerOptions } from "../src/index.js";

/** A clock that only the backends move. */
let clock = 0;
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
});
afterEach(() => vi.restoreAllMocks());

const opened: string[] = [];
const closed: string[] = [];

/** A backend whose steps take so many milliseconds. */
function timed(name: string, step: number): Backend {
  const backend = reference();
  return {
    ...backend,
    name,
    details: { threads: 1 },
    compile(module, places) {
      const executable = interpret(backend, module, places);
      return {
        ...executable,
        run(entry, feeds) {
          clock += step;
          return executable.run(entry, feeds);
        },
      };
    },
    dispose: () => void closed.push(name),
  };
}

function plugin(name: string, priority: number, step: number, reason?: string): BackendPlugin {
  return {
    name,
    contract: 1,
    priority,
    probe: async () =>
      reason === undefined ? { available: true, engine: `takes ${step} ms` } : { available: false, reason, remedy: "Buy one." },
    async create() {
      opened.push(name);
      return timed(name, step);
    },
  };
}

/** The registry is one for the process: each test says anew what its three plugins are. */
function register(first: number, second: number): void {
  opened.length = 0;
  closed.length = 0;
  registerBackend(plugin("absent", 90, 1, "There is no such card."));
  registerBackend(plugin("first", 60, first));
  registerBackend(plugin("second", 50, second));
}

const samples = dataset({
  inputs: { data: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)), shape: [40, 2] },
  targets: { data: Int32Array.from({ length: 40 }, (_, i) => i % 2), shape: [40] },
});

function make(backend: Backend | BackendRequest, options: Partial<TrainerOptions> = {}) {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 8), new GELU(), new BatchNorm1d(8), new Dropout(0.2), new Linear(8, 2));
  return new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }), backend, ...options });
}

const state = async (trainer: Trainer<string>): Promise<number[][]> =>
  Object.values(await trainer.model.stateDict()).map(({ data }) => Array.from(data));

describe('"auto"', () => {
  it("is the available backend of the highest priority; no other is opened, nothing is timed", async () => {
    register(30, 1);
    const trainer = make("auto");
    expect(() => trainer.backend).toThrow(/not chosen its backend yet/);
    await trainer.fit(samples, { epochs: 1 });
    expect(trainer.backend.name).toBe("first");
    expect(opened).toEqual(["first"]);
    expect(trainer.configuration.backend).toMatchObject({ asked: "auto", name: "first", why: /highest priority/ as never });
  });
});

describe('"fastest"', () => {
  it.each([
    [26, 20, "second"],
    [24.2, 20, "second"],
    [23.8, 20, "first"],
    [20, 20, "first"],
    [20, 100, "first"],
  ])("steps of %f and %f ms: %s", async (first, second, winner) => {
    register(first, second);
    const trainer = make("fastest");
    const notices: string[] = [];
    await trainer.fit(samples, { epochs: 1, notice: (text) => notices.push(text) });
    expect(trainer.backend.name).toBe(winner);
    const rest = winner === "first" ? "second" : "first";
    expect(closed).toEqual([rest]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(new RegExp(`first ${first.toPrecision(3)} ms`));
    expect(notices[0]).toMatch(`The backend is ${winner}`);
    const { backend } = JSON.parse(JSON.stringify(trainer.configuration)) as typeof trainer.configuration;
    expect(backend).toMatchObject({ asked: "fastest", name: winner });
    expect(backend!.candidates.map(({ name, millisecondsPerStep }) => [name, millisecondsPerStep?.toFixed(3)])).toEqual(
      expect.arrayContaining([
        ["first", first.toFixed(3)],
        ["second", second.toFixed(3)],
        ["absent", undefined],
      ]),
    );
  });

  it("takes about a second, and changes nothing of the training", async () => {
    register(40, 20);
    const trainer = make("fastest");
    const before = await state(trainer);
    await trainer.plan(samples);
    expect(clock).toBeLessThan(1500);
    expect(trainer.step).toBe(0);
    expect(await state(trainer)).toEqual(before);
    await trainer.fit(samples, { epochs: 1 });
    const direct = make(timed("direct", 1));
    await direct.fit(samples, { epochs: 1 });
    expect(await state(trainer)).toEqual(await state(direct));
  });

  it.each(["evaluate", "predict"] as const)("chooses by what is asked first: %s", async (what) => {
    register(40, 20);
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const trainer = make("fastest");
    await (what === "evaluate" ? trainer.evaluate(samples) : trainer.predict(samples));
    expect(trainer.backend.name).toBe("second");
    expect(console.warn).toHaveBeenCalledOnce();
  });

  it("leaves out a backend that cannot run the model, and says why", async () => {
    register(40, 20);
    const broken = plugin("second", 50, 1);
    registerBackend({
      ...broken,
      create: async () => ({
        ...timed("second", 1),
        compile: () => {
          throw new Error("no such kernel here");
        },
      }),
    });
    const trainer = make("fastest");
    const plan = await trainer.plan(samples);
    expect(plan.backend.name).toBe("first");
    expect(plan.backend.candidates.find(({ name }) => name === "second")!.why).toMatch(/cannot run this: no such kernel here/);
  });
});

describe("the plan", () => {
  it("says what runs where, in how much memory, how long, and why not elsewhere", async () => {
    register(30, 30);
    const trainer = make(timed("mine", 70));
    const plan = await trainer.plan(samples, { batchSize: 16 });
    expect(plan.millisecondsPerStep).toBeCloseTo(70);
    expect(plan.memory.parameters).toBe(4 * (16 + 8 + 8 + 8 + 16 + 2));
    expect(plan.memory.optimizer).toBe(2 * plan.memory.parameters);
    expect(plan.memory.buffers).toBe(4 * (8 + 8 + 1));
    expect(plan.memory.batch).toBe(4 * (16 * 2 + 16 + 3) + 4 * trainerScalars);
    expect(plan.memory.values).toBeGreaterThan(4 * 16 * 8);
    // The same layers, under names that optimizers' slots and sums of gradients have.
    class Named extends Module {
      readonly optimizer = new Linear(2, 8);
      readonly accumulated = new BatchNorm1d(8);
      readonly out = new Linear(8, 2);
      forward(x: Tensor): Tensor {
        return this.out.forward(this.accumulated.forward(this.optimizer.forward(x)));
      }
    }
    const other = await make(timed("mine", 70), { model: new Named() }).plan(samples, { batchSize: 16 });
    expect(other.memory).toMatchObject({ parameters: 4 * 58, optimizer: 4 * 2 * 58, buffers: 4 * 17 });
    const [arrangement] = plan.arrangements;
    expect(arrangement).toMatchObject({ backend: "mine" });
    // The reference backend has the primitives only.
    const gelu = arrangement!.lacks.find(({ op }) => op === "gelu")!;
    expect(gelu).toMatchObject({ count: 1, layers: ["1"] });
    expect(gelu.into).toContain("mul");
    expect(opened).toEqual([]);
    const text = String(plan);
    for (const part of [
      /mine +yes +1 +70.0 ms/,
      /first +yes/,
      /absent +no .*no such card.*Buy one/,
      /gelu/,
      /Memory for batches of 16/,
    ]) {
      expect(text).toMatch(part);
    }
    expect(JSON.parse(JSON.stringify(plan))).toMatchObject({ batchSize: 16, backend: { name: "mine", asked: "given" } });
  });

  it("of all: times and arranges the others too, and closes them", async () => {
    register(30, 40);
    const trainer = make("auto");
    const plan = await trainer.plan(samples, { all: true });
    expect(plan.arrangements.map(({ backend }) => backend)).toEqual(["first", "second"]);
    expect(plan.backend.candidates.map(({ name, millisecondsPerStep }) => [name, millisecondsPerStep])).toEqual([
      ["first", expect.closeTo(30)],
      ["absent", null],
      ["second", expect.closeTo(40)],
    ]);
    expect(closed).toEqual(["second"]);
    await trainer.fit(samples, { epochs: 1 });
    const again = await trainer.plan(samples);
    expect(again.backend).toMatchObject({ name: "first", why: /highest priority/ as never });
    expect(trainer.backend.name).toBe("first");
  });

  it("refuses what fit would refuse, before anything is opened", async () => {
    register(1, 1);
    const wide = dataset({
      inputs: { data: new Float32Array(15), shape: [3, 5] },
      targets: { data: Int32Array.of(0, 1, 0), shape: [3] },
    });
    await expect(make("fastest").plan(wide)).rejects.toThrow(/5.*2|2.*5/);
    await expect(make("auto").plan(samples, { batchsize: 3 } as never)).rejects.toThrow(/batchSize/);
    expect(opened).toEqual([]);
  });
});

/** AdamW feeds these. */
const trainerScalars = adamw({ learningRate: 1 }).scalarCount;

it("micro-batches are planned as the whole update", async () => {
  register(40, 20);
  const trainer = make("auto", { accumulate: 3, optimizer: sgd({ learningRate: 0.1 }) });
  const plan = await trainer.plan(samples, { batchSize: 8 });
  // Three parts and what applies them.
  expect(plan.millisecondsPerStep).toBeCloseTo(160);
  expect(plan.memory.optimizer).toBeGreaterThanOrEqual(plan.memory.parameters);
});

it.each(["cpu", "auto "])("a name is no backend: %s", (name) => {
  expect(() => make(name as never)).toThrow(/"auto" or "fastest", got.*createBackend/);
});

it("without any backend it says how to have one", async () => {
  registerBackend(plugin("absent", 90, 1, "There is no such card."));
  registerBackend(plugin("first", 60, 1, "It is out."));
  registerBackend(plugin("second", 50, 1, "It is broken."));
  await expect(make("fastest").fit(samples, { epochs: 1 })).rejects.toThrow(/No backend is available[^]*It is out\. Buy one/);
});
