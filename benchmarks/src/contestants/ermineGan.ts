/** Steps of two networks that are trained against each other: a program for each, over both networks' parameters. */
import { bceWithLogits, full, manualSeed, valueAndGrad, type Backend, type Tensor } from "@ermine/core";
import { type Feed, type Program, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { uniform } from "../numbers.js";
import type { GanTask } from "../task.js";
import { adamwOver } from "./adamwOver.js";
import type { Work } from "./player.js";

export function ganWork({ part, latent, hidden, width, batch }: GanTask, backend: Backend): Work {
  manualSeed(1);
  const generator = new Sequential(new Linear(latent, hidden), new ReLU(), new Linear(hidden, width));
  const discriminator = new Sequential(new Linear(width, hidden), new ReLU(), new Linear(hidden, 1));
  const judged = (z: Tensor): Tensor => discriminator.forward(generator.forward(z));
  const shape = [batch, latent];
  const lossFor = (label: number) => {
    const target = full([batch, 1], label);
    return (z: Tensor): Tensor => bceWithLogits(judged(z), target);
  };
  const steps = [
    ...(part === "generator" ? [] : [stepOf(backend, discriminator, shape, lossFor(0))]),
    ...(part === "discriminator" ? [] : [stepOf(backend, generator, shape, lossFor(1))]),
  ];
  const noise = uniform(batch * latent, 2);
  const feeds: Record<string, Feed> = { z: { shape, value: noise } };
  return {
    engine: backend.engine,
    step() {
      let last = 0;
      for (const step of steps) last = step(feeds);
      return last;
    },
    held: () => backend.memory().bytes,
  };
}

/** A compiled step of AdamW over one network's parameters; its loss read. */
function stepOf(
  backend: Backend,
  trained: Sequential,
  shape: readonly number[],
  lossOf: (z: Tensor) => Tensor,
): (feeds: Record<string, Feed>) => number {
  const parameters = trained.parameters();
  const { optimizer, apply } = adamwOver(parameters);
  const { graph } = traceEntry("step", (trace) => {
    const z = trace.feed("z", { shape, dtype: "float32", domain: "real" });
    const scalars = trace.feed("scalars", { shape: [optimizer.scalarCount], dtype: "float32", domain: "real" });
    const { value, grads } = valueAndGrad(() => lossOf(z), parameters);
    apply(grads as readonly Tensor[], scalars);
    return [value];
  });
  const program: Program = compileModule(backend, graphModule({ step: graph }));
  const scalars = new Float32Array(optimizer.scalarCount);
  let count = 0;
  return (feeds) => {
    feeds["scalars"] = { shape: [scalars.length], value: scalars };
    scalars.set(optimizer.scalars({ step: count++, epoch: 0 }));
    if (program.runSync !== undefined) return program.runSync("step", feeds)[0]![0]!;
    const [storage] = program.run("step", feeds);
    const value = backend.readSync!(storage!)[0]!;
    backend.release(storage!);
    return value;
  };
}
