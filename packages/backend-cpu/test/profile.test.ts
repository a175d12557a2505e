import { expect, it } from "vitest";
import { compileDetached } from "@ermine/core/backend";
import { cpu, type CpuBackend } from "../src/index.js";
import { rings, ringsTrainer } from "./trained.js";

/** Two programs of one trainer's entries, and the entries: one will run part by part, beside one that runs whole. */
async function twins(backend: CpuBackend) {
  const modules: Parameters<NonNullable<CpuBackend["compile"]>>[0][] = [];
  const spying = ringsTrainer({
    ...backend,
    compile: (module, places) => (modules.push(module), backend.compile!(module, places)),
  });
  await spying.fit(rings(16), { epochs: 1, batchSize: 16 });
  spying.dispose();
  const module = modules[0]!;
  return [compileDetached(backend, module), compileDetached(backend, module), module] as const;
}

it.each([1, 2])("a profiled step is the step, part by part, with %i threads", async (threads) => {
  const backend = await cpu({ threads });
  const [whole, parts, module] = await twins(backend);
  const numbers = module.variables.map(({ shape, name }, i) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) =>
      name.startsWith("optimizer") ? 0 : Math.sin(i + k) / 4,
    ),
  );
  const { inputs, targets } = rings(16) as unknown as Record<string, { data: Float32Array; shape: number[] }>;
  const scalarCount = module.entries["step"]!.feeds.find(({ name }) => name === "scalars")!.outputs[0]!.type.shape[0] as number;
  const feeds = (rate: number) => ({
    inputs: { shape: inputs!.shape, value: inputs!.data },
    targets: { shape: targets!.shape, value: targets!.data },
    counters: { shape: [3], value: Int32Array.of(4, 0, 0) },
    scalars: { shape: [scalarCount], value: new Float32Array(scalarCount).fill(rate) },
  });
  for (const program of [whole, parts]) numbers.forEach((data, i) => program.write(i, data));
  for (const storage of whole.run("step", feeds(0.5))) backend.release(storage);
  const times = await parts.profile!("step", feeds(0.5));
  for (const [i] of numbers.entries()) expect(await parts.read(i)).toEqual(await whole.read(i));
  const names = times.flatMap(({ nodes }) => nodes.map(({ op }) => op.name));
  for (const name of ["linear", "crossEntropyElements", "adamwUpdate"]) expect(names).toContain(name);
  expect(times.some(({ nodes }) => nodes.length > 1)).toBe(true);
  for (const { seconds } of times) expect(seconds).toBeGreaterThanOrEqual(0);
  // A step that is not finite is not taken, and its updates have no time.
  parts.write(
    0,
    numbers[0]!.map(() => NaN),
  );
  const refused = await parts.profile!("step", feeds(0.5));
  expect(refused.length).toBeLessThan(times.length);
  expect(refused.flatMap(({ nodes }) => nodes.map(({ op }) => op.name))).not.toContain("adamwUpdate");
  for (const [i] of numbers.entries()) if (i > 0) expect(await parts.read(i)).toEqual(await whole.read(i));
  whole.dispose();
  parts.dispose();
  backend.dispose();
});
