/** Functions of a file that are core's definitions run as these, where their bodies are what saveModel writes; every other one runs its body. */
import { beforeAll, describe, expect, test } from "vitest";
import { compile, gelu, manualSeed, mul, normal, sum, tensor, useBackend, valueAndGrad, type Tensor } from "@ermine/core";
import { Trace } from "@ermine/core/backend";
import { defineActivation } from "@ermine/core/define";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { callsOf, draw, ownDefinitions } from "@ermine/conformance";
import { loadModel, saveModel } from "../src/index.js";
import { decode, encode } from "../src/proto/codec.js";
import type { FunctionProto, ModelProto } from "../src/proto/messages.js";

beforeAll(async () => {
  useBackend(await reference());
  manualSeed(5);
});

/** The names of the ops that the module applies to a tensor of this shape. */
function opsOf(module: nn.Module, ...shapes: readonly (readonly number[])[]): readonly string[] {
  const trace = new Trace();
  trace.run(() => {
    const feeds = shapes.map((shape, i) => trace.feed(`${i}`, { shape, dtype: "float32", domain: "real" }));
    (module.forward as (...given: readonly Tensor[]) => unknown)(...feeds);
  });
  return trace.nodes.flatMap((node) => (node.kind === "op" ? [node.op.name] : []));
}

type Change = (proto: FunctionProto) => FunctionProto;

/** The file with its functions changed. */
function changed(bytes: Uint8Array, change: Change): Uint8Array {
  const model: ModelProto = decode("ModelProto", bytes);
  return encode("ModelProto", { ...model, functions: model.functions!.map(change) });
}

/** The note with something else in the place of what it says. */
const noted =
  (change: (note: { attributes: Record<string, unknown>; calls: { inputs: unknown[]; used: boolean[] }[] }) => unknown): Change =>
  (proto) => ({ ...proto, docString: JSON.stringify(change(JSON.parse(proto.docString!))) });

const saved = async (model: nn.Module, shape: readonly number[] = [2, 6]): Promise<Uint8Array> =>
  saveModel(model, { sample: normal(shape) });

describe("a function runs as core's definition:", () => {
  const layers: readonly (readonly [string, () => nn.Module, readonly number[], readonly number[]])[] = [
    ["gelu", () => new nn.GELU(), [2, 6], [5, 6]],
    ["gelu", () => new nn.GELU({ approximate: "tanh" }), [2, 6], [5, 6]],
    ["hardTanh", () => new nn.Hardtanh({ minValue: -0.25, maxValue: 0.5 }), [2, 6], [1, 6]],
    [
      "silu",
      () => new nn.Sequential(new nn.Linear(6, 3), new nn.SiLU(), new nn.Unflatten(1, [3, 1]), new nn.SiLU()),
      [2, 6],
      [7, 6],
    ],
    ["groupNorm", () => new nn.GroupNorm(2, 4), [2, 4, 3], [4, 4, 3]],
    ["scaledDotProductAttention", () => new nn.MultiHeadAttention(8, 2, { causal: true }), [2, 3, 8], [5, 3, 8]],
  ];
  for (const [i, [name, make, sample, other]] of layers.entries()) {
    test(`${name}, layer ${i}`, async () => {
      const model = make();
      const loaded = loadModel(await saved(model, sample)).eval();
      const ofModel = opsOf(model.eval(), other).filter((op) => op === name);
      expect(opsOf(loaded, other).filter((op) => op === name)).toEqual(ofModel);
      const x = normal(other);
      const forward = model.forward as (x: Tensor) => Tensor;
      expect((loaded.forward(x) as Tensor).toArray()).toEqual(forward.call(model, x).toArray());
      const program = compile((input: Tensor) => loaded.forward(input) as Tensor);
      expect(program(x).toArray()).toEqual((loaded.forward(x) as Tensor).toArray());
      program.dispose();
    });
  }
});

test("in every call of the laws functions run as their definitions, but those of windows", async () => {
  class Called extends nn.Module {
    readonly #run: (...inputs: readonly Tensor[]) => Tensor | readonly Tensor[];
    constructor(run: (...inputs: readonly Tensor[]) => Tensor | readonly Tensor[]) {
      super();
      this.#run = run;
    }
    forward(...inputs: readonly Tensor[]): Tensor | readonly Tensor[] {
      return this.#run(...inputs);
    }
  }
  const asBodies = new Set<string>();
  let functions = 0;
  for (const call of callsOf(ownDefinitions())) {
    const sample = call.inputs(3, draw(1));
    const bytes = await saveModel(new Called(call.run), { sample, batchAxis: null }).catch(() => undefined);
    if (bytes === undefined) continue;
    const names = (decode("ModelProto", bytes).functions ?? []).map(({ name }) => name!.split("_")[0]!);
    if (names.length === 0) continue;
    functions += names.length;
    const loaded = loadModel(bytes);
    const trace = new Trace();
    trace.run(() =>
      loaded.forward(...sample.map((t, i) => trace.feed(`${i}`, { shape: t.shape, dtype: t.dtype, domain: "real" }))),
    );
    // The last function is what the call is; those before it are parts of its body.
    const ops = new Set(trace.nodes.flatMap((node) => (node.kind === "op" ? [node.op.name] : [])));
    if (!ops.has(names.at(-1)!)) asBodies.add(names.at(-1)!);
  }
  expect(functions).toBeGreaterThan(150);
  expect([...asBodies].sort()).toEqual(["fold", "unfold"]);
});

test("its gradient is the definition's, at the kinks too", async () => {
  const model = new nn.Sequential(new nn.Linear(3, 3), new nn.Hardtanh(), new nn.ReLU6());
  const [weight, bias] = model.parameters();
  weight!.value = tensor([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  bias!.value = tensor([0, 0, 0]);
  const loaded = loadModel(await saved(model, [2, 3]));
  const x = tensor([
    [-1, 0, 1],
    [0.5, 6, -3],
  ]);
  const gradients = (of: nn.Module): readonly unknown[] => {
    const forward = of.forward as (x: Tensor) => Tensor;
    const { grads } = valueAndGrad(() => sum(mul(forward.call(of, x), x)), of.parameters());
    return (grads as readonly Tensor[]).map((t) => t.toArray());
  };
  expect(gradients(loaded)).toEqual(gradients(model));
});

describe("a function runs its body", () => {
  const zero: Change = (proto) => ({
    ...proto,
    node: [{ input: [proto.input![0]!, proto.input![0]!], output: proto.output!, opType: "Sub", name: "zero" }],
  });
  const x = [[0.5, -1, 2]];

  const expectBody = async (change: Change, expected: unknown = gelu(tensor(x)).toArray()): Promise<void> => {
    const bytes = await saved(new nn.GELU(), [1, 3]);
    expect(opsOf(loadModel(bytes), [1, 3])).toContain("gelu");
    const loaded = loadModel(changed(bytes, change));
    expect(opsOf(loaded, [1, 3])).not.toContain("gelu");
    const y = (loaded.forward(tensor(x)) as Tensor).toArray() as number[][];
    y[0]!.forEach((value, i) => expect(value).toBeCloseTo((expected as number[][])[0]![i]!, 5));
  };

  test("where that says something else", () => expectBody(zero, [[0, 0, 0]]));
  test("where an operator of it is another", () =>
    expectBody(
      (proto) => {
        const last = proto.node!.at(-1)!;
        return {
          ...proto,
          node: [...proto.node!.slice(0, -1), { ...last, opType: "Sub", input: [last.input![0]!, last.input![0]!] }],
        };
      },
      [[0, 0, 0]],
    ));
  test("where it is written for other options", () =>
    expectBody(noted((note) => ({ ...note, attributes: { approximate: "tanh" } }))));
  test("without a note", () => expectBody(({ docString, ...proto }) => proto));
  test("with a note that is none", () => expectBody((proto) => ({ ...proto, docString: "[[[" })));
  test("with options that no call has", () =>
    expectBody(noted((note) => ({ ...note, attributes: { __proto__: null, approximate: [1e9] } }))));
  test("with inputs of sizes that no model has", () =>
    expectBody(noted((note) => ({ ...note, calls: [{ inputs: [["float32", [2 ** 40]]], used: [true] }] }))));
  test("with more inputs than the definition", () =>
    expectBody(noted((note) => ({ ...note, calls: [{ inputs: [null, null, ["float32", [1, 3]]], used: [true] }] }))));
});

test("a definition of somebody else's with the name of core's runs its own body", async () => {
  const twice = defineActivation({ name: "gelu", decompose: (x) => mul(x, 2) });
  class Twice extends nn.Module {
    forward(x: Tensor): Tensor {
      return twice(x);
    }
  }
  const loaded = loadModel(await saved(new Twice()));
  expect(opsOf(loaded, [2, 6])).not.toContain("gelu");
  expect((loaded.forward(tensor([[1, -2, 3, 4, 5, 6]])) as Tensor).toArray()).toEqual([[2, -4, 6, 8, 10, 12]]);
});
