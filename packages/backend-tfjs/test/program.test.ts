import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@ermine/core";
import { apply1 } from "@ermine/core/define";
import {
  Trace as coreTrace,
  traceEntry,
  graphModule,
  compileModule,
  randomUniformOp,
  type Graph,
  type Feed,
  type Feeds,
  type GraphModule,
  type Storage,
} from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import type { Backend, Tensor } from "@ermine/core";
import { expect, it, onTestFinished, vi } from "vitest";
import { loadNative } from "../src/native/load.js";
import { backend, numbers } from "./agreement.js";
import { describeNative } from "./native.js";

const N = core.Dim.symbol("N");
const feed = (trace: coreTrace, name: string, shape: core.Shape, dtype: core.DType = "float32"): Tensor =>
  trace.feed(name, { shape, dtype, domain: "real" });
const fed = ({ shape, data }: { shape: readonly number[]; data: readonly number[] }): Feed => ({
  shape,
  value: Float32Array.from(data),
});
const entry = (fn: (trace: coreTrace) => unknown): Graph => traceEntry("test", fn).graph;

interface Network {
  readonly parameters: readonly core.Parameter[];
  readonly variables: readonly core.Variable[];
  readonly module: GraphModule;
}

/** Two layers with Adam: "step" (taken only where the loss is finite) and "predict". */
function network(): Network {
  const parameter = (shape: readonly number[], seed: number) =>
    new core.Parameter(core.tensor(numbers(shape, seed, -0.5, 0.5).data, { shape }));
  const parameters = [parameter([8, 6], 1), parameter([8], 2), parameter([3, 8], 3), parameter([3], 4)];
  const moments = parameters.map(
    (p) => [new core.Variable(core.zeros(p.shape)), new core.Variable(core.zeros(p.shape))] as const,
  );
  const forward = (x: Tensor): Tensor => {
    const [w1, b1, w2, b2] = parameters.map((p) => p.value);
    return core.linear(core.maximum(core.linear(x, w1!, b1), 0), w2!, b2);
  };
  const step = entry((trace) => {
    const [x, y, scalars] = [feed(trace, "x", [N, 6]), feed(trace, "y", [N, 3]), feed(trace, "scalars", [3])];
    const { value, grads } = core.valueAndGrad(() => core.mean(core.squaredDifference(forward(x), y)), parameters);
    const [rate, correction1, correction2] = [core.at(scalars, 0), core.at(scalars, 1), core.at(scalars, 2)];
    parameters.forEach((p, i) => {
      const g = grads[i]!;
      const [m, v] = moments[i]!;
      m.value = core.add(core.mul(m.value, 0.9), core.mul(g, 0.1));
      v.value = core.add(core.mul(v.value, 0.999), core.mul(core.mul(g, g), 0.001));
      const denominator = core.add(core.sqrt(core.div(v.value, correction2)), 1e-8);
      p.value = core.sub(p.value, core.mul(rate, core.div(core.div(m.value, correction1), denominator)));
    });
    trace.commitIf(core.isFinite(value));
    return value;
  });
  const predict = entry((trace) => forward(feed(trace, "x", [N, 6])));
  return { parameters, variables: [...parameters, ...moments.flat()], module: graphModule({ step, predict }) };
}

const scalars = (t: number): Feed => ({ shape: [3], value: Float32Array.of(0.01, 1 - 0.9 ** t, 1 - 0.999 ** t) });
const batch = (size: number, seed: number): Feeds => ({
  x: fed(numbers([size, 6], seed)),
  y: fed(numbers([size, 3], seed + 100)),
  scalars: scalars(seed),
});

async function numberOf(on: Backend, storages: readonly Storage[]): Promise<number> {
  const [value] = await on.read(storages[0]!);
  for (const storage of storages) on.release(storage);
  return value!;
}

describeNative("a compiled program", () => {
  it("trains as the reference does, with remainders of 3 and 1", async () => {
    const runs = await Promise.all(
      [reference(), await backend()].map(async (on) => {
        const { parameters, module } = network();
        const program = compileModule(on, module);
        const losses: number[] = [];
        for (const [i, size] of [8, 8, 3, 8, 1, 8, 8, 3].entries())
          losses.push(await numberOf(on, program.run("step", batch(size, i + 1))));
        const state = await Promise.all(parameters.map((p) => p.data()));
        program.dispose();
        return { losses, state };
      }),
    );
    const [expected, native] = runs as [(typeof runs)[0], (typeof runs)[0]];
    native.losses.forEach((loss, i) => expect(loss).toBeCloseTo(expected.losses[i]!, 5));
    native.state.forEach((p, i) => p.forEach((number, k) => expect(number).toBeCloseTo(expected.state[i]![k]!, 5)));
  });

  it("takes nothing of a step that is not finite, and goes on from where it was", async () => {
    const tf = await backend();
    const { variables, module } = network();
    const program = compileModule(tf, module);
    await numberOf(tf, program.run("step", batch(4, 1)));
    const before = await Promise.all(variables.map((v) => v.data()));
    const bad = { ...batch(4, 2), x: { shape: [4, 6], value: new Float32Array(24).fill(Number.NaN) } };
    expect(await numberOf(tf, program.run("step", bad))).toBeNaN();
    expect(await Promise.all(variables.map((v) => v.data()))).toEqual(before);
    expect(await numberOf(tf, program.run("step", batch(4, 2)))).toBeGreaterThan(0);
    expect(await variables[0]!.data()).not.toEqual(before[0]);
    program.dispose();
  });

  it("shares its variables between entries, and gives them back at the end", async () => {
    const tf = await backend();
    const { parameters, module } = network();
    const program = compileModule(tf, module);
    const predict = async (): Promise<number> => numberOf(tf, program.run("predict", { x: fed(numbers([2, 6], 9)) }));
    const before = await predict();
    await numberOf(tf, program.run("step", batch(8, 1)));
    expect(await predict()).not.toBe(before);
    const bias = await parameters[3]!.data();
    program.dispose();
    expect(await parameters[3]!.data()).toEqual(bias);
    expect(() => program.run("predict", { x: fed(numbers([2, 6], 9)) })).toThrow(/disposed/);
  });

  it("takes what is written between steps, and its snapshots are copies", async () => {
    const tf = await backend();
    const v = new core.Variable(core.tensor([1, 2]), { name: "v" });
    const module = graphModule({
      double: entry(() => {
        v.value = core.mul(v.value, 2);
        return v.value;
      }),
    });
    const program = compileModule(tf, module);
    const early = program.snapshot(0);
    await numberOf(tf, program.run("double", {}));
    expect([...(await program.read(0))]).toEqual([2, 4]);
    v.write(Float32Array.of(5, 6));
    v.write(Float32Array.of(7, 8));
    program.write(0, early);
    expect([...(await program.read(0))]).toEqual([1, 2]);
    v.write(Float32Array.of(7, 8));
    const late = program.snapshot(0);
    expect(await numberOf(tf, program.run("double", {}))).toBe(14);
    expect([...(await tf.read(early)), ...(await tf.read(late))]).toEqual([1, 2, 7, 8]);
    tf.release(early);
    tf.release(late);
    program.dispose();
  });

  it("gives outputs and variables memory of their own, whatever is fed next", async () => {
    const tf = await backend();
    const v = new core.Variable(core.zeros([2, 512]), { name: "v" });
    const module = graphModule({
      pass: entry((trace) => {
        const x = feed(trace, "x", [2, 512]);
        v.value = core.reshape(core.reshape(x, [-1]), [2, 512]);
        return [x, core.reshape(x, [-1]), core.slice(x, [0, 0], [1, 512])];
      }),
    });
    const program = compileModule(tf, module);
    const first = program.run("pass", { x: { shape: [2, 512], value: new Float32Array(1024).fill(1) } });
    const saved = await program.read(0);
    const second = program.run("pass", { x: { shape: [2, 512], value: { copyInto: (target) => target.fill(2) } } });
    for (const storage of first) expect(new Set(await tf.read(storage))).toEqual(new Set([1]));
    expect(new Set(saved)).toEqual(new Set([1]));
    expect(new Set(await program.read(0))).toEqual(new Set([2]));
    for (const storage of [...first, ...second]) tf.release(storage);
    program.dispose();
  });

  it("is fed the random bits of every backend", async () => {
    const draw = (): GraphModule =>
      graphModule({
        draw: entry((trace) => apply1(randomUniformOp, [feed(trace, "counters", [3], "int32")], { shape: [5, 3], key: [7, 9] })),
      });
    const numbersOn = async (on: Backend): Promise<number[]> => {
      const program = compileModule(on, draw());
      const [storage] = program.run("draw", { counters: { shape: [3], value: Int32Array.of(4, 1, 6) } });
      const data = [...(await on.read(storage!))];
      on.release(storage!);
      program.dispose();
      return data;
    };
    expect(await numbersOn(await backend())).toEqual(await numbersOn(reference()));
  });

  it("says which feed is missing or does not fit, and which entries there are", async () => {
    const { module } = network();
    const program = compileModule(await backend(), module);
    expect(() => program.run("predict", {})).toThrow(/"x" is not fed/);
    expect(() => program.run("predict", { x: fed(numbers([2, 5])) })).toThrow(/"x" has the shape \[N, 6\], fed was \[2, 5\]/);
    expect(() => program.run("predict", { x: { shape: [2, 6], value: new Float32Array(3) } })).toThrow(
      /"x" is fed 3 numbers for the shape \[2, 6\]/,
    );
    expect(() => program.run("train", {})).toThrow(/no entry "train".*step, predict/);
    program.dispose();
  });

  it("leaves no tensor, no model and no file behind", async () => {
    const tf = await backend();
    const { binding } = loadNative();
    // Other processes make such folders too.
    const emptyFolder = mkdtempSync(join(tmpdir(), "leaves-"));
    vi.stubEnv("TMPDIR", emptyFolder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(emptyFolder, { recursive: true });
    });
    const folders = (): string[] => readdirSync(emptyFolder).filter((name) => name.startsWith("ermine-tfjs-"));
    const before = {
      memory: tf.memory(),
      tensors: binding.getNumOfTensors(),
      models: binding.getNumOfSavedModels(),
      folders: folders(),
    };
    const { variables, module } = network();
    const program = compileModule(tf, module);
    expect(tf.memory().tensors).toBe(before.memory.tensors + 12);
    await numberOf(tf, program.run("step", batch(8, 1)));
    expect(folders()).toEqual(before.folders);
    let flat: number | undefined;
    for (let i = 1; i <= 50; i++) {
      await numberOf(tf, program.run("step", batch(i % 2 === 0 ? 8 : 3, i)));
      flat ??= binding.getNumOfTensors();
      expect(binding.getNumOfTensors()).toBe(flat);
    }
    program.dispose();
    for (const variable of variables) variable.value.dispose();
    expect(binding.getNumOfSavedModels()).toBe(before.models);
    expect(tf.memory()).toEqual(before.memory);
  });
});
