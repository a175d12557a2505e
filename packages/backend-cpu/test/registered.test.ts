/** Ops of another package with lowerings of their own, written with what `@ermine/core` and `@ermine/backend-cpu` export and nothing else. */
import { describe, expect, it } from "vitest";
import {
  abs,
  add,
  compile,
  concat,
  Dim,
  manualSeed,
  maximum,
  mse,
  mul,
  neg,
  scope,
  slice,
  sum,
  tensor,
  valueAndGrad,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { type Op, apply1, defineFusedOp, defineOp } from "@ermine/core/define";
import { addOp, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adamw, dataset, Trainer } from "@ermine/trainer";
import { contiguous, cpu, kinds, registerLowering, sizeOf, splitRange, type Operand } from "@ermine/backend-cpu";

// max(x, slope · x): element by element, the kernel of leakyRelu.
type Slope = { readonly slope: number };
const defineLeaky = (): Op<Slope> & { readonly gradientOp: Op<Slope> } =>
  defineFusedOp<Slope>({
    name: "leaky",
    inputs: [{ name: "x", dtype: "float32" }],
    infer: ([x]) => [{ ...x!, domain: "real" }],
    decompose: ([x], { slope }) => [maximum(x!, mul(x!, slope))],
    gradient: ([g], [x], _, { slope }) => [mul(g!, maximum(mul(add(abs(x!), x!), 1e30), slope))],
  });
const leakyOp = defineLeaky();
const leaky = (x: Tensor, slope = 0.25): Tensor => apply1(leakyOp, [x], { slope });
registerLowering(leakyOp, {
  dtypes: ["float32"],
  step: (_, { slope }) => ({ family: "activation", kind: kinds.activation.leakyRelu, reads: [0], p: slope as number }),
});

// [−x₂, x₁] of the last axis's halves x₁, x₂, in instructions, with a decomposition for other backends.
const rotateOp = defineOp<Record<never, never>>({
  name: "rotateHalf",
  inputs: [{ name: "x", dtype: "float32" }],
  infer: ([x]) => [{ ...x!, domain: "real" }],
  decompose([x]) {
    const [rows, width] = x!.shape as readonly [number, number];
    const half = width / 2;
    return [concat([neg(slice(x!, [0, half], [rows, half])), slice(x!, [0, 0], [rows, half])], 1)];
  },
  gradient: ([g]) => [neg(rotateHalf(g!))],
});
const rotateHalf = (x: Tensor): Tensor => apply1(rotateOp, [x], {});
registerLowering(rotateOp, {
  dtypes: ["float32"],
  emit(e, inputs, outputs) {
    const [x, y] = [inputs[0] as Operand, outputs[0]!];
    const [rows, width] = x.shape as readonly [number, number];
    const half = width / 2;
    const [row] = contiguous(x.shape) as [number, number];
    splitRange(e, rows, width, 1, (from, count) => {
      const at = (t: Operand, column: number): number => t.address + 4 * (from * row + column);
      e.emit("copy", at(y, half), at(x, 0), 2, count, half, row, 1, row, 1);
      // Kernels write whole vectors: into scratch, so that no part writes into another's rows.
      for (let i = 0; i < count; i++) {
        e.emit("unary", kinds.unary.neg, e.scratch(half), at(x, i * row + half), half);
        e.emit("move", at(y, i * row), e.scratch(half), half);
      }
    });
  },
});

const backend = await cpu({ threads: 2, numerics: "portable" });
const numbers = (t: Tensor): number[] => [...t.dataSync()];
const points = (rows: number, width: number): Float32Array =>
  Float32Array.from({ length: rows * width }, (_, i) => Math.fround(Math.sin(i * 1.7) * 3));

/** Calls into WebAssembly that `run` makes. */
function callsOf(run: () => Tensor): number {
  return withBackend(backend, () =>
    scope(() => {
      const before = backend.statistics().wasmCalls;
      run();
      return backend.statistics().wasmCalls - before;
    }),
  );
}

describe("an op of another package with a lowering", () => {
  it.each([
    [4, 6],
    [1, 2],
    [0, 2],
    [300, 258],
  ])("gives what it means, eagerly and compiled: %i × %i", (rows, width) => {
    const data = points(rows, width);
    const make = (): Tensor => tensor(data, { shape: [rows, width] });
    for (const fn of [(x: Tensor) => leaky(x), rotateHalf, (x: Tensor) => mul(leaky(rotateHalf(add(x, 1)), 0.5), 2)]) {
      const want = withBackend(reference(), () => numbers(fn(make()))).map(Math.fround);
      expect(withBackend(backend, () => numbers(fn(make())))).toEqual(want);
      const program = compile(fn, { backend });
      expect(withBackend(backend, () => numbers(program(make())))).toEqual(want);
      program.dispose();
    }
  });

  it("is one kernel, and another definition of its name is still what that means", () => {
    const other = defineLeaky();
    const x = tensor([1, -2]);
    expect(callsOf(() => leaky(x))).toBe(1);
    expect(callsOf(() => rotateHalf(tensor([[1, 2]])))).toBe(1);
    expect(callsOf(() => apply1(other, [x], { slope: 0.25 }))).toBe(2);
    expect(withBackend(backend, () => numbers(apply1(other, [x], { slope: 0.25 })))).toEqual([1, -0.5]);
  });

  it("is known to a backend that was there before", async () => {
    const doubleOp = defineOp({
      name: "double",
      inputs: [{ name: "x", dtype: "float32" }],
      infer: ([x]) => [x!],
    });
    const double = (): Tensor => apply1(doubleOp, [tensor([3])], {});
    expect(() => withBackend(backend, double)).toThrow("no kernel for double");
    registerLowering(doubleOp, {
      dtypes: ["float32"],
      inPlace: true,
      emit: (e, [x], [y]) => e.emit("binary", kinds.binary.add, y!.address, x!.address, x!.address, 1, sizeOf(y!.shape), 1, 1),
    });
    expect(withBackend(backend, () => numbers(double()))).toEqual([6]);
    registerLowering(doubleOp, {
      dtypes: ["float32"],
      step: () => ({ family: "binary", kind: kinds.binary.sub, reads: [0, 0] }),
    });
    expect(withBackend(backend, () => numbers(double()))).toEqual([0]);
  });

  it("is a step of its neighbours' chain where it works element by element, and an instruction of its own otherwise", async () => {
    const { graph } = traceEntry("f", (trace) => {
      const x = trace.feed("x", { shape: [Dim.symbol("N"), 4], dtype: "float32", domain: "real" });
      return [add(rotateHalfOfRows(leaky(mul(x, 2))), 1)];
    });
    const program = compileModule(backend, graphModule({ f: graph }));
    const parts = await program.profile!("f", { x: { shape: [2, 4], value: points(2, 4) } });
    expect(parts.map(({ nodes }) => nodes.map(({ op }) => op.name))).toEqual([["mul", "leaky"], ["rotateRows"], ["add"]]);
    program.dispose();
  });

  it("has gradients, trains, and is named by the profile", async () => {
    class Leaky extends Module {
      forward(x: Tensor): Tensor {
        return this.second.forward(leaky(this.first.forward(x), 0.1));
      }
      readonly first = new Linear(2, 8);
      readonly second = new Linear(8, 1);
    }
    manualSeed(1);
    const model = new Leaky();
    const inputs = points(64, 2);
    const targets = Float32Array.from({ length: 64 }, (_, i) => Math.abs(inputs[2 * i]! - inputs[2 * i + 1]!));
    const data = dataset({ inputs: { data: inputs, shape: [64, 2] }, targets: { data: targets, shape: [64, 1] } });
    const trainer = new Trainer({ model, loss: mse, optimizer: adamw({ learningRate: 0.02 }), backend });
    const { epochs } = await trainer.fit(data, { epochs: 60, batchSize: 16 });
    expect(epochs.at(-1)!.loss!).toBeLessThan(0.2 * epochs[0]!.loss!);
    const profile = await trainer.profile(data, { batchSize: 16 });
    expect(JSON.stringify(profile)).toContain("leaky");
    trainer.dispose();
  });

  it("has the gradient of its definition", () => {
    const grads = withBackend(backend, () => {
      const at = tensor([[1, -2, 3, 4]]);
      return valueAndGrad(() => sum(mul(rotateHalf(at), tensor([[1, 2, 3, 4]]))), [at]).grads.map(numbers);
    });
    expect(grads).toEqual([[3, 4, -1, -2]]);
  });
});

// The same with any number of rows, as batches have.
const rotateRowsOp = defineOp<Record<never, never>>({
  name: "rotateRows",
  inputs: [{ name: "x", dtype: "float32" }],
  infer: ([x]) => [{ ...x!, domain: "real" }],
});
const rotateHalfOfRows = (x: Tensor): Tensor => apply1(rotateRowsOp, [x], {});
registerLowering(rotateRowsOp, {
  dtypes: ["float32"],
  emit: (e, [x], [y]) => e.emit("move", y!.address, x!.address, sizeOf(y!.shape)),
});

describe("what is no lowering is refused", () => {
  const op = defineOp({ name: "mine", inputs: [{ name: "x", dtype: "float32" }], infer: ([x]) => [x!] });
  const step = () => ({ family: "unary", kind: kinds.unary.neg, reads: [0] }) as const;
  it.each([
    ["no op", () => registerLowering("mine" as never, { dtypes: ["float32"], step }), "takes an op"],
    ["nothing", () => registerLowering(op, undefined as never), "either step or emit"],
    ["neither", () => registerLowering(op, { dtypes: ["float32"] } as never), "either step or emit"],
    ["both", () => registerLowering(op, { dtypes: ["float32"], step, emit: () => {} } as never), "either step or emit"],
    ["no dtypes", () => registerLowering(op, { dtypes: [], step }), "dtypes"],
    ["another dtype", () => registerLowering(op, { dtypes: ["float64"] as never, step }), "dtypes"],
    ["an op of ermine's", () => registerLowering(addOp, { dtypes: ["float32"], step }), "add is an op of ermine's"],
  ])("%s", (_, register, message) => {
    expect(register).toThrow(message);
    expect(() => withBackend(backend, () => apply1(op, [tensor([1])], {}))).toThrow("no kernel for mine");
  });

  it.each([
    ["an unknown family", { family: "ternary", kind: 0, reads: [0] }],
    ["a kind that the family lacks", { family: "unary", kind: 99, reads: [0] }],
    ["too few inputs", { family: "binary", kind: 0, reads: [0] }],
  ])("a step of %s, before it runs", (_, wrong) => {
    const broken = defineOp({ name: "broken", inputs: [{ name: "x", dtype: "float32" }], infer: ([x]) => [x!] });
    registerLowering(broken, { dtypes: ["float32"], step: () => wrong as never });
    const before = backend.memory();
    expect(() => withBackend(backend, () => scope(() => void apply1(broken, [tensor([1])], {})))).toThrow(
      "The lowering of broken",
    );
    expect(() =>
      withBackend(backend, () => scope(() => void compile((x: Tensor) => apply1(broken, [x], {}))(tensor([1])))),
    ).toThrow("The lowering of broken");
    expect(backend.memory()).toEqual(before);
  });
});
