import * as core from "@ermine/core";
import { traceEntry, graphModule, compileModule, lowerModule, type Graph, type GraphModule } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { adam, adamw, sgd, type Optimizer } from "@ermine/trainer";
import { describe, expect, it } from "vitest";
import { translate } from "../src/compiled/translate.js";
import { dtypes, loweredOps, supports } from "../src/lowering/index.js";
import { backend, numbers } from "./agreement.js";
import { describeNative } from "./native.js";

/** A weight and a bias: of a few numbers, and of so many that TensorFlow's kernel for Adam would wake threads. */
const sizes = { small: [4, 3], middling: [70, 30] } as const;
type SizeName = keyof typeof sizes;

/** A linear layer with a step of this optimizer; what it kept besides the parameters comes after them. */
function training(optimizer: Optimizer, size: SizeName = "small"): { variables: core.Variable[]; module: GraphModule } {
  const [outputs, inputs] = sizes[size];
  const parameters = [[outputs, inputs], [outputs]].map(
    (shape, i) => new core.Parameter(core.tensor(numbers(shape, i + 1).data, { shape })),
  );
  const slots = parameters.map((p) =>
    Object.values(optimizer.slots(p.shape)).map(({ shape }) => new core.Variable(core.zeros(shape))),
  );
  const step = traceEntry("step", (trace) => {
    const x = trace.feed("x", { shape: [core.Dim.symbol("N"), inputs], dtype: "float32", domain: "real" });
    const scalars = trace.feed("scalars", { shape: [optimizer.scalarCount], dtype: "float32", domain: "real" });
    const { value, grads } = core.valueAndGrad(
      () => core.mean(core.square(core.linear(x, parameters[0]!.value, parameters[1]!.value))),
      parameters,
    );
    const state = { parameters: parameters.map((p) => p.value), slots: slots.map((list) => list.map((slot) => slot.value)) };
    const next = optimizer.update(state, grads, scalars);
    parameters.forEach((p, i) => {
      p.value = next.parameters[i]!;
      slots[i]!.forEach((slot, k) => (slot.value = next.slots[i]![k]!));
    });
    trace.commitIf(core.isFinite(value));
    return value;
  }).graph;
  return { variables: [...parameters, ...slots.flat()], module: graphModule({ step }) };
}

async function train(on: core.Backend, optimizer: Optimizer, of: SizeName): Promise<number[][]> {
  const { variables, module } = training(optimizer, of);
  const inputs = sizes[of][1];
  const program = compileModule(on, module);
  for (let step = 0; step < 6; step++) {
    const size = step % 2 === 0 ? 5 : 2;
    const shape = [size, inputs];
    const data = step === 3 ? new Float32Array(size * inputs).fill(Number.NaN) : Float32Array.from(numbers(shape, step + 9).data);
    const scalars = { shape: [optimizer.scalarCount], value: Float32Array.from(optimizer.scalars({ step, epoch: 0 })) };
    for (const storage of program.run("step", { x: { shape, value: data }, scalars })) on.release(storage);
  }
  const state = await Promise.all(variables.map(async (v) => [...(await v.data())]));
  program.dispose();
  return state;
}

const cases = {
  adam: { optimizer: () => adam({ learningRate: 0.05 }), kernel: "ResourceApplyAdam" },
  "adam, climbing, with L2": {
    optimizer: () => adam({ learningRate: 0.05, maximize: true, weightDecay: 0.1 }),
    kernel: "ResourceApplyAdam",
  },
  adamw: { optimizer: () => adamw({ learningRate: 0.05, weightDecay: 0.1, eps: 1e-3 }), kernel: "ResourceApplyAdam" },
  "adam, decoupled": {
    optimizer: () => adam({ learningRate: 0.05, weightDecay: 0.1, decoupledWeightDecay: true }),
    kernel: "ResourceApplyAdam",
  },
  "adam with amsgrad": { optimizer: () => adam({ learningRate: 0.05, amsgrad: true }), kernel: undefined },
  sgd: { optimizer: () => sgd({ learningRate: 0.1, weightDecay: 0.1 }), kernel: "ResourceApplyGradientDescent" },
  "sgd with momentum": {
    optimizer: () => sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }),
    kernel: "ResourceApplyMomentum",
  },
  "sgd with nesterov": {
    optimizer: () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
    kernel: "ResourceApplyMomentum",
  },
  "sgd with dampening": { optimizer: () => sgd({ learningRate: 0.1, momentum: 0.9, dampening: 0.5 }), kernel: undefined },
} as const;
const names = Object.keys(cases) as (keyof typeof cases)[];

describeNative("optimizers take the reference's steps, and none where the loss is not finite", () => {
  it.each(names.flatMap((name) => (["small", "middling"] as const).map((size) => [name, size] as const)))(
    "%s, %s",
    async (name, size) => {
      const expected = await train(reference(), cases[name].optimizer(), size);
      const trained = await train(await backend(), cases[name].optimizer(), size);
      trained.forEach((list, i) =>
        list.forEach((value, k) => expect(Math.abs(value - expected[i]![k]!)).toBeLessThan(2e-6 * Math.max(1, Math.abs(value)))),
      );
    },
  );

  it.each(names)("%s, eagerly", async (name) => {
    const run = (on: core.Backend): number[] =>
      core.withBackend(on, () =>
        core.scope(() => {
          const optimizer = cases[name].optimizer();
          const make = (seed: number) => core.tensor(numbers([4, 3], seed, 0.1, 1).data, { shape: [4, 3] });
          const slots = Object.keys(optimizer.slots([4, 3])).map((_, i) => make(i + 5));
          const scalars = core.tensor([...optimizer.scalars({ step: 2, epoch: 0 })]);
          const next = optimizer.update({ parameters: [make(1)], slots: [slots] }, [make(2)], scalars);
          return [...next.parameters, ...next.slots[0]!].flatMap((t) => [...t.dataSync()]);
        }),
      );
    const expected = run(reference());
    run(await backend()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });
});

describe("what is written in place", () => {
  const lowered = (module: GraphModule): GraphModule =>
    lowerModule(module, { ...reference(), supports, capabilities: { ops: loweredOps, dtypes, deterministic: true } });
  const namesOf = ({ variables }: GraphModule) => ({ prefix: "", variables: variables.map((_, i) => `v${i}`) });
  const opsOf = (module: GraphModule, threads = 2): string[] =>
    translate(lowered(module), namesOf(module), { read: () => new Float32Array(), threads }).nodes.map(({ op }) => op);

  it.each(names)("%s", (name) => {
    core.useBackend(reference());
    const { kernel, optimizer } = cases[name];
    const kernels = opsOf(training(optimizer()).module).filter((op) => op.startsWith("ResourceApply"));
    expect(kernels).toEqual(kernel === undefined ? [] : [kernel, kernel]);
  });

  it("Adam's in passes, where its kernel would hand a few thousand numbers to other threads", () => {
    core.useBackend(reference());
    const { module } = training(adamw(), "middling");
    const kernels = (threads: number): string[] => opsOf(module, threads).filter((op) => op.startsWith("ResourceApply"));
    const passes = ["ResourceApplyGradientDescent", "ResourceApplyGradientDescent", "ResourceApplyAdagradV2"];
    expect(kernels(2)).toEqual([...passes, ...passes]);
    expect(kernels(1)).toEqual(["ResourceApplyAdam", "ResourceApplyAdam"]);
  });

  it("not where something else wants the new value too", () => {
    core.useBackend(reference());
    const { module } = training(adam());
    const { step } = module.entries as { step: Graph };
    const watched = { ...step, outputs: [...step.outputs, step.updates[0]!.value] };
    expect(opsOf({ ...module, entries: { step: watched } }).filter((op) => op === "ResourceApplyAdam")).toHaveLength(1);
  });
});
