/** Optimizers' steps: the kernels that the build makes of the definitions have the definitions' bits. */
import { describe, expect, it } from "vitest";
import { full, scope, tensor, withBackend, type Tensor, type TypedArray } from "@ermine/core";
import { type Op, apply, defineOp } from "@ermine/core/define";
import { traceEntry } from "@ermine/core/backend";
import * as t from "@ermine/trainer";
import type { Optimizer } from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import { updateKernels, updateOps } from "../src/generated/updates.js";
import { cpu } from "../src/index.js";

const decay = { weightDecay: 0.1 };
const momentum = { momentum: 0.9 };

/** Every form with a kernel. */
const withKernels: Readonly<Record<string, Optimizer>> = {
  sgd: t.sgd(),
  "sgd, decay": t.sgd(decay),
  "sgd, momentum": t.sgd(momentum),
  "sgd, scheduled momentum": t.sgd({ momentum: t.schedules.linear(0.9, { totalSteps: 5 }) }),
  "sgd, momentum, decay": t.sgd({ ...momentum, ...decay }),
  "sgd, nesterov": t.sgd({ ...momentum, nesterov: true }),
  "sgd, nesterov, decay": t.sgd({ ...momentum, ...decay, nesterov: true }),
  adam: t.adam({ beta1: 0.8, eps: 1e-3 }),
  "adam, decay": t.adam(decay),
  "adam, decoupled": t.adam({ ...decay, decoupledWeightDecay: true }),
  adamw: t.adamw(),
  "adamw, scheduled": t.adamw({ learningRate: t.schedules.cosine(0.1, { totalSteps: 9 }), ...decay }),
  sparseAdam: t.sparseAdam(),
  rmsprop: t.rmsprop(),
  "rmsprop, decay": t.rmsprop(decay),
  "rmsprop, momentum": t.rmsprop(momentum),
  adagrad: t.adagrad({ learningRateDecay: 0.1 }),
  adadelta: t.adadelta(),
  adamax: t.adamax(),
  nadam: t.nadam(),
  "nadam, decoupled": t.nadam({ ...decay, decoupledWeightDecay: true }),
  radam: t.radam(),
  "radam, decoupled": t.radam({ ...decay, decoupledWeightDecay: true }),
  lion: t.lion(),
  "lion, decay": t.lion(decay),
  asgd: t.asgd(),
  rprop: t.rprop(),
};

/** Forms that run as interpreted chains. */
const withoutKernels: Readonly<Record<string, Optimizer>> = {
  "sgd, climbing": t.sgd({ maximize: true }),
  "sgd, dampening": t.sgd({ ...momentum, dampening: 0.5 }),
  "adam, amsgrad": t.adam({ amsgrad: true }),
  "rmsprop, centered": t.rmsprop({ centered: true }),
  "adagrad, decay": t.adagrad(decay),
};

/** The op of an optimizer's step and its attributes. */
function opOf(optimizer: Optimizer): { op: Op; attributes: Readonly<Record<string, unknown>> } {
  const { graph } = traceEntry("update", (trace) => {
    const real = (shape: number[]) => ({ shape, dtype: "float32", domain: "real" }) as const;
    const [p, g] = [trace.feed("p", real([4])), trace.feed("g", real([4]))];
    const slots = Object.keys(optimizer.slots([4])).map((name) => trace.feed(name, real([4])));
    const scalars = trace.feed("scalars", real([optimizer.scalarCount]));
    const next = optimizer.update({ parameters: [p], slots: [slots] }, [g], scalars);
    return [...next.parameters, ...next.slots[0]!];
  });
  const node = graph.nodes.find(({ kind }) => kind === "op")!;
  return node as never;
}

const special = [NaN, Infinity, -Infinity, 0, -0, 1e-30, -1e-30, 1e30, -1e30];

/** Three steps over elements that are drawn, with values at the ends of float32's range among them where `odd`. */
function steps(optimizer: Optimizer, op: Op, count: number, odd: boolean): TypedArray[] {
  const { attributes } = opOf(optimizer);
  const draw = (salt: number): Tensor =>
    tensor(
      Float32Array.from({ length: count }, (_, i) =>
        odd && (i + salt) % 3 === 0 ? special[(i + salt) % 9]! : Math.sin(i * 12.9 + salt),
      ),
    );
  const names = Object.values(optimizer.slots([count]));
  let state = [draw(0), ...names.map(({ start }) => (start === "parameter" ? draw(0) : full([count], start)))];
  const results: TypedArray[] = [];
  for (let step = 0; step < 3; step++) {
    const scalars = tensor(Float32Array.from(optimizer.scalars({ step, epoch: 0 })));
    const [p, ...slots] = state;
    state = apply(op, [p!, draw(step + 1), ...slots, scalars], attributes);
    for (const value of state) results.push(value.dataSync().slice());
  }
  return results;
}

describe.each(["fast", "portable"] as const)("%s", async (numerics) => {
  const backend = await cpu({ numerics, threads: 2 });

  it.each(Object.keys(withKernels))("%s: the kernel has the bits of the chain", (name) => {
    const optimizer = withKernels[name]!;
    const { op, attributes } = opOf(optimizer);
    expect(updateKernels).toHaveProperty([attributes["form"] as string]);
    // A definition of its own, which no kernel belongs to.
    const meaning = defineOp({ ...op });
    for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 31, 40_001]) {
      for (const odd of [false, true]) {
        const [got, want] = [op, meaning].map((each) =>
          withBackend(backend, () => scope(() => steps(optimizer, each, count, odd) as never)),
        ) as unknown as TypedArray[][];
        got!.forEach((values, k) => {
          const at = values.findIndex((value, i) => !Object.is(value, want![k]![i]));
          if (at >= 0) expect.fail(`${values[at]} for ${want![k]![at]} at ${k}, ${at} of ${count}`);
        });
      }
    }
  });

  it.each(Object.keys({ ...withKernels, ...withoutKernels }))(
    "%s: one call where there is a kernel, more where there is none",
    (name) => {
      const optimizer = { ...withKernels, ...withoutKernels }[name]!;
      const { op, attributes } = opOf(optimizer);
      withBackend(backend, () =>
        scope(() => {
          const values = ["p", "g", ...Object.keys(optimizer.slots([8]))].map(() => tensor(new Float32Array(8)));
          const scalars = tensor(Float32Array.from(optimizer.scalars({ step: 0, epoch: 0 })));
          const before = backend.statistics().wasmCalls;
          apply(op, [...values, scalars], attributes);
          const calls = backend.statistics().wasmCalls - before;
          if (name in withKernels) expect(calls).toBe(1);
          else expect(calls).toBeGreaterThan(1);
        }),
      );
    },
  );
});

it("every optimizer that works element by element has a kernel for its defaults", () => {
  const others = ["lamb", "adafactor", "muon"];
  for (const [name, make] of Object.entries(optimizers)) {
    const shape = [4];
    if (others.includes(name)) continue;
    const { op, attributes } = opOf(make());
    expect(updateOps, name).toContain(op.name);
    expect(updateKernels, name).toHaveProperty([attributes["form"] as string]);
    expect(updateKernels[attributes["form"] as string]!.slots, name).toBe(Object.keys(make().slots(shape)).length);
  }
});

it("every kernel is some optimizer's", () => {
  const forms = Object.values(withKernels).map((optimizer) => opOf(optimizer).attributes["form"]);
  expect(new Set(forms)).toEqual(new Set(Object.keys(updateKernels)));
});
